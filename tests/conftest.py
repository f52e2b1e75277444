"""Fixtures for all tests: shared real data where it is present, and nothing from outside."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from siamlab.data.collections import Collection, open_collection
from siamlab.data.synthetic import write_people

SHARED = Path(__file__).resolve().parents[2] / "shared"


def _shared(relative: str) -> Path:
    path = SHARED / relative
    if not path.exists():
        pytest.skip(f"real data is absent: shared/{relative}")
    return path


@pytest.fixture(scope="session")
def shared_lfw() -> Path:
    """The LFW archive, or a skip with a reason."""
    return _shared("data/lfw/lfw-deepfunneled.tgz")


@pytest.fixture(scope="session")
def lfw_people(shared_lfw: Path, tmp_path_factory: pytest.TempPathFactory) -> Collection:
    """LFW's people; the archive is unpacked once for all tests of a worker."""
    return open_collection(shared_lfw, cache=tmp_path_factory.mktemp("lfw_cache"))


@pytest.fixture(scope="session")
def shared_pairs() -> Path:
    """LFW's development pairs, or a skip with a reason."""
    return _shared("data/lfw/pairsDevTrain.txt")


@pytest.fixture(scope="session")
def shared_yunet() -> Path:
    """The YuNet detector's file, or a skip with a reason."""
    return _shared("models/face_detection_yunet_2026may.onnx")


@pytest.fixture(scope="session")
def shared_omniglot() -> Path:
    """The folder with Omniglot's two small background sets, or a skip with a reason."""
    return _shared("data/omniglot")


@pytest.fixture(scope="session")
def shared_utkface() -> Path:
    """UTKFace's archive, or a skip with a reason."""
    return _shared("data/utkface/utkface.zip")


@pytest.fixture(scope="session")
def drawn_lfw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten drawn people with nine images each, in LFW's layout."""
    return write_people(tmp_path_factory.mktemp("lfw"), people=10, images=9, seed=2)


@pytest.fixture(scope="session")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Collection:
    """Sixty people of one tiny file each: enough names to split."""
    root = tmp_path_factory.mktemp("crowd")
    for number in range(60):
        (root / f"p{number}").mkdir()
        (root / f"p{number}" / "a.png").write_bytes(b"never read")
    return open_collection(root)


@pytest.fixture
def any_face_is_usable(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests whose faces are even gray: no real one is, and it would be refused."""
    for module in ("faces.quality", "data.faces", "assessment.face_reading"):
        monkeypatch.setattr(f"siamlab.{module}.find_flaws", lambda chip, alignment="landmarks": ())


@pytest.fixture(scope="module")
def shallow_compact() -> Iterator[None]:
    """``compact`` with two blocks instead of seven: TensorFlow traces it in a third of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("siamlab.models.compact.LEVELS", ((32, 1), (64, 1)))
        yield

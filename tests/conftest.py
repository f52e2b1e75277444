"""Fixtures for all tests: shared real data where it is present, and nothing from outside."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from siamlab.data import faces
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


@pytest.fixture(scope="session", autouse=True)
def faces_found_once() -> Iterator[None]:
    """Who reads a folder of people asks for each face once: tests draw the same people often."""
    known: dict[tuple[object, ...], object] = {}
    locate, opened = faces._Reader._locate, faces.open_detector

    def remember(reader: faces._Reader, image: np.ndarray) -> object:
        if faces.open_detector is not opened:  # a test's own
            return locate(reader, image)
        kinds = (reader.preprocessing.alignment, reader._cache.path.name, image.shape)
        key = (*kinds, hashlib.sha256(image).digest())
        if key not in known:
            known[key] = locate(reader, image)
        return known[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(faces._Reader, "_locate", remember)
        yield


@pytest.fixture(scope="session", autouse=True)
def networks_converted_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Many tests begin in a new workspace, which keeps an exported copy of the same models."""
    from siamlab.models import export

    folder, convert = tmp_path_factory.mktemp("converted"), export._convert

    def remember(embedding: Any, path: Path, form: str, weights: str) -> None:
        if "export" in vars(embedding):  # a test's own
            convert(embedding, path, form, weights)
            return
        digest = hashlib.sha256(f"{form} {weights} {embedding.to_json()}".encode())
        for array in embedding.get_weights():
            digest.update(array.tobytes())
        known = folder / digest.hexdigest()
        if not known.is_file():
            convert(embedding, path, form, weights)
            shutil.copyfile(path, known)
        shutil.copyfile(known, path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(export, "_convert", remember)
        yield


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


@pytest.fixture(scope="module")
def eager_training() -> Iterator[None]:
    """Steps run as Python reads them: tracing takes seconds, and these tests make few steps.

    What TensorFlow traces is trained by the tests without this fixture, and by the notebooks.
    """
    from siamlab.system.backend import keras

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            keras.Model, "run_eagerly", property(lambda self: True, lambda self, to: None)
        )
        yield

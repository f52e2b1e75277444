"""Covers lie where the landmarks say, whichever five points they are."""

from __future__ import annotations

import numpy as np
import pytest

from siamlab.assessment.covers import EYES_DOWN, GLASSES, MASK, cover_eyes, cover_mouth
from siamlab.errors import InputError
from siamlab.faces.detectors import FaceBox, Landmarks
from siamlab.faces.landmarks import TEMPLATES

RNG = np.random.default_rng(0)


def placed(kind: str, turn: float = 0.0) -> FaceBox:
    """A face of 100 pixels whose aligned square begins at (50, 50), turned about (100, 100)."""
    points = 50 + 100 * TEMPLATES[kind]
    cosine, sine = np.cos(turn), np.sin(turn)
    turned = (points - 100) @ np.array([[cosine, sine], [-sine, cosine]]) + 100
    return FaceBox(50, 50, 100, landmarks=Landmarks(tuple(map(tuple, turned)), kind))


def covered(image: np.ndarray, color: tuple[int, int, int]) -> np.ndarray:
    return (image == color).all(axis=2)


WHITE = np.full((200, 200, 3), 255, np.uint8)


@pytest.mark.parametrize("kind", ["yunet", "dlib"])
def test_a_bar_of_20_percent_over_the_eyes(kind):
    """From 50 + 100 (0.308 - 0.1) = 71 to 91, over the 100 pixels from 50 to 150."""
    assert abs(EYES_DOWN - (0.3127 + 0.3040) / 2) < 1e-9
    rows, columns = np.nonzero(covered(cover_eyes(WHITE, placed(kind), 20, RNG), GLASSES))
    assert (rows.min(), rows.max()) == pytest.approx((71, 91), abs=1.5)
    assert (columns.min(), columns.max()) == pytest.approx((50, 150), abs=1.5)


def test_a_mask_rises_from_the_chin():
    """35 %: from 50 + 100 * 0.65 = 115 to the chin at 150; it covers the mouth, not the nose."""
    box = placed("yunet")
    mask = covered(cover_mouth(WHITE, box, 35, RNG), MASK)
    rows, _ = np.nonzero(mask)
    assert (rows.min(), rows.max()) == pytest.approx((115, 150), abs=1.5)
    points = np.rint(box.landmarks.points).astype(int)
    assert [bool(mask[y, x]) for x, y in points] == [False, False, False, True, True]
    more = covered(cover_mouth(WHITE, box, 60, RNG), MASK)
    assert [bool(more[y, x]) for x, y in points] == [False, False, True, True, True]


def test_a_cover_is_tilted_as_the_head_is():
    """A quarter turn: the bar over the eyes stands upright."""
    upright = covered(cover_eyes(WHITE, placed("yunet"), 20, RNG), GLASSES)
    tilted = covered(cover_eyes(WHITE, placed("yunet", np.pi / 2), 20, RNG), GLASSES)
    rows, columns = np.nonzero(tilted)
    assert np.ptp(rows) == pytest.approx(100, abs=2) and np.ptp(columns) == pytest.approx(20, abs=2)
    assert tilted.sum() == pytest.approx(upright.sum(), rel=0.05)


def test_a_cover_needs_landmarks():
    with pytest.raises(InputError, match="no landmarks"):
        cover_eyes(WHITE, FaceBox(50, 50, 100), 20, RNG)

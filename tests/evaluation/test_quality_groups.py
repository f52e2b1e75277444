"""Measures of image quality on images whose values are known, and thirds of pairs."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from siamlab.data.collections import open_collection
from siamlab.data.pairs import draw_pairs
from siamlab.errors import InputError
from siamlab.evaluation.quality_groups import (
    _group,
    brightness,
    contrast,
    quality_groups,
    sharpness,
)

BOARD = (np.indices((100, 100)).sum(axis=0) // 10 % 2 * 255).astype(np.uint8)


def rgb(gray):
    return np.repeat(np.asarray(gray, np.uint8)[..., None], 3, axis=2)


def test_an_even_image_has_its_brightness_and_nothing_else():
    even = rgb(np.full((100, 100), 80))
    assert brightness(even) == 80 and contrast(even) == 0 and sharpness(even) == 0


def test_a_board_of_black_and_white():
    assert brightness(rgb(BOARD)) == pytest.approx(127.5)
    assert contrast(rgb(BOARD)) == pytest.approx(127.5)


def test_blur_takes_sharpness_and_leaves_brightness():
    import cv2

    blurred = cv2.GaussianBlur(rgb(BOARD), (0, 0), 2)
    assert sharpness(blurred) < sharpness(rgb(BOARD)) - 1
    assert brightness(blurred) == pytest.approx(brightness(rgb(BOARD)), abs=2)


def test_only_the_face_counts():
    framed = rgb(np.full((100, 100), 80))
    framed[:25] = 255
    assert brightness(framed) == 80


@pytest.fixture
def pairs(tmp_path):
    """Nine people with two even images each; person k is brighter than person k - 1."""
    for person in range(9):
        folder = tmp_path / f"P{person}"
        folder.mkdir()
        for image in range(2):
            Image.fromarray(rgb(np.full((40, 40), 20 * person + image))).save(
                folder / f"{image}.png"
            )
    return draw_pairs(open_collection(tmp_path), 18, 0)


def test_thirds_are_sorted_by_the_worse_image(pairs):
    scores = np.asarray(pairs.labels, float)
    groups = quality_groups(pairs, scores, 0.5)
    bright = [group for group in groups if group.measure == "brightness"]
    assert [group.pairs for group in bright] == [6, 6, 6]
    assert [group.group for group in bright] == ["lowest third", "middle third", "highest third"]
    assert bright[0].below <= bright[1].below <= bright[2].below
    assert bright[2].below == 160  # the worse image of the brightest genuine pair
    assert all(group.accuracy == 1.0 and group.low < 1.0 for group in groups)


def test_mistakes_stay_in_their_third(pairs):
    worse = np.array([int(a.parent.name[1:]) for a in pairs.first])
    other = np.array([int(b.parent.name[1:]) for b in pairs.second])
    dark = np.argsort(np.minimum(worse, other), kind="stable")[:6]
    scores = np.asarray(pairs.labels, float)
    scores[dark] = 1 - scores[dark]
    bright = [g for g in quality_groups(pairs, scores, 0.5) if g.measure == "brightness"]
    assert bright[0].accuracy == 0.0 and bright[2].accuracy == 1.0


def test_too_few_pairs_or_scores(pairs):
    with pytest.raises(InputError, match="18 pairs and 3 scores"):
        quality_groups(pairs, np.zeros(3), 0.5)


@pytest.mark.parametrize(
    ("correct", "pairs", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (0, 20, 0.0, 0.1611), (20, 20, 0.8389, 1.0)],
)
def test_interval_of_the_accuracy_has_the_textbook_values(correct, pairs, low, high):
    """Newcombe 1998, table I, Wilson's interval: 81 of 263, and 0 of 20; 20 of 20 mirrors it."""
    scores = np.repeat([1.0, 0.0], [correct, pairs - correct])
    group = _group("sharpness", "lowest third", 0.0, np.ones(pairs), scores, 0.5)
    assert group.accuracy == correct / pairs and group.auc is None
    assert (group.low, group.high) == pytest.approx((low, high), abs=1e-4)
    assert group.high <= 1.0 and (group.high == 1.0) == (correct == pairs)

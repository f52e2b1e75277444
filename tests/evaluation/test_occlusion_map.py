"""Heat maps of a toy model whose answer depends on one corner of the image only."""

from __future__ import annotations

import numpy as np
import pytest

from siamlab.errors import InputError
from siamlab.evaluation import map_occlusion

SIDE, CORNER = 20, 5


class CornerModel:
    """Embeds an image as the mean of its top left corner; the score is 1 less the distance."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def embed(self, images: np.ndarray, batch: int = 64) -> np.ndarray:
        self.batches.append(batch)
        corner = images[:, :CORNER, :CORNER].mean(axis=(1, 2, 3))
        return np.stack([corner, np.zeros_like(corner)], axis=1)

    def score_pairs(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        return 1 - np.linalg.norm(first - second, axis=1)


def image(corner: float) -> np.ndarray:
    made = np.random.default_rng(0).random((SIDE, SIDE, 3)).astype(np.float32)
    made[:CORNER, :CORNER] = corner
    return made


def test_only_the_corner_is_warm():
    """Corners 1 and 0.5: the distance is 0.5, and with gray over the corner 0.

    Five patches of side 4 in a row start at 0, 4, 8, 12, 16: the first covers 16 of the 25 pixels
    of the corner, its neighbors 4 each, the one between them 1; a pixel is under one patch.
    """
    result = map_occlusion(CornerModel(), image(1.0), image(0.5), patch=0.2, steps=5)
    assert result.distance == pytest.approx(0.5)
    assert result.score == pytest.approx(0.5)
    expected = np.full((5, 5), 0.5)
    expected[:2, :2] = [[0.5 * 9 / 25, 0.5 * 21 / 25], [0.5 * 21 / 25, 0.5 * 24 / 25]]
    np.testing.assert_allclose(result.distances, expected, atol=1e-6)
    np.testing.assert_allclose(result.scores, 1 - expected, atol=1e-6)
    np.testing.assert_allclose(result.heat[:4, :4], 0.5 * 16 / 25, atol=1e-6)
    np.testing.assert_allclose(result.heat[4:8, 4:8], 0.5 / 25, atol=1e-6)
    np.testing.assert_allclose(result.heat[8:], 0, atol=1e-6)
    np.testing.assert_allclose(result.heat[:, 8:], 0, atol=1e-6)


def test_a_place_that_makes_alike_is_below_0():
    result = map_occlusion(CornerModel(), image(0.9), image(0.9), patch=0.25, steps=4)
    assert result.heat[:CORNER, :CORNER].min() == pytest.approx(-0.4)
    assert result.heat.max() == 0


def test_where_patches_overlap_the_mean_counts():
    """One row of patches over the whole image changes every pixel alike."""
    result = map_occlusion(CornerModel(), image(1.0), image(0.5), patch=1.0, steps=1)
    np.testing.assert_allclose(result.heat, np.full((SIDE, SIDE), 0.5), atol=1e-6)


def test_the_images_are_left_as_they_are_and_go_in_batches():
    model, first, second = CornerModel(), image(1.0), image(0.5)
    before = first.copy()
    map_occlusion(model, first, second, batch=7)
    np.testing.assert_array_equal(first, before)
    assert model.batches == [7]


@pytest.mark.parametrize(
    ("shape", "options", "message"),
    [
        ((SIDE, 10, 3), {}, "one shape"),
        ((SIDE, SIDE, 3), {"patch": 0.0}, r"patch is in \(0, 1\]"),
        ((SIDE, SIDE, 3), {"patch": 1.5}, r"patch is in \(0, 1\]"),
        ((SIDE, SIDE, 3), {"steps": 0}, "at least 1"),
    ],
)
def test_values_out_of_range(shape: tuple[int, ...], options: dict[str, float], message: str):
    with pytest.raises(InputError, match=message):
        map_occlusion(CornerModel(), image(1.0), np.zeros(shape, np.float32), **options)

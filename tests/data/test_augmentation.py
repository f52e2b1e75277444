"""Augmentation: the effect of each amount, and color as one matrix and one table."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from siamlab.data.augmentation import (
    Augmentation,
    _colors,
    _gamma_tables,
    _side_light,
    augment,
    augment_batch,
    source_preprocessing,
)
from siamlab.faces.crop import Preprocessing, preprocess

PREPROCESSING = Preprocessing(size=24, fraction=0.56)
STILL = Augmentation(
    flip=0, degrees=0, zoom=0, stretch=0, shift=0, gamma=0, contrast=0, brightness=0, tint=0,
    gray=0, saturation=0, blur=0, jpeg=0, side_light=0,
)  # fmt: skip


@pytest.fixture(scope="module")
def chip():
    """A smooth random image: one warp changes it little."""
    cv2 = pytest.importorskip("cv2")
    small = np.random.default_rng(0).integers(0, 255, (6, 6, 3), dtype=np.uint8)
    return cv2.resize(small, (250, 250), interpolation=cv2.INTER_CUBIC)


@pytest.fixture(scope="module")
def source(chip):
    return preprocess(chip, source_preprocessing(PREPROCESSING))


def rng(seed=0):
    return np.random.default_rng(seed)


def test_the_source_is_wider_and_finer():
    """0.56 * 1.28 = 0.7168 of the chip; 24 * 1.28 * 1.35 = 41.47 pixels, rounded up."""
    wider = source_preprocessing(PREPROCESSING)
    assert wider.fraction == pytest.approx(0.7168) and wider.size == 42
    assert source_preprocessing(Preprocessing(size=24, fraction=0.9)).fraction == 1.0


def test_no_augmentation_gives_the_models_input(chip, source):
    """The warp with all amounts at zero is the plain crop, but for interpolation."""
    view = augment(source, PREPROCESSING, rng(), STILL)
    plain = preprocess(chip, PREPROCESSING) / 255
    assert view.shape == (24, 24, 3) and view.dtype == np.float32
    assert np.abs(view - plain).mean() < 0.02


def test_flip_is_a_mirror_image(source):
    still = augment(source, PREPROCESSING, rng(), STILL)
    flipped = augment(source, PREPROCESSING, rng(), replace(STILL, flip=1.0))
    np.testing.assert_allclose(flipped, still[:, ::-1], atol=0.02)


def test_views_stay_in_range_and_repeat(source):
    views = [augment(source, PREPROCESSING, rng(seed)) for seed in (1, 1, 2)]
    assert all(view.min() >= 0 and view.max() <= 1 for view in views)
    np.testing.assert_array_equal(views[0], views[1])
    assert np.abs(views[0] - views[2]).mean() > 0.01


def test_a_batch_varies_from_image_to_image_and_repeats(source):
    first, second = (augment_batch([source] * 4, PREPROCESSING, rng(3)) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert first.shape == (4, 24, 24, 3)
    for left in range(4):
        for right in range(left):
            assert np.abs(first[left] - first[right]).mean() > 0.01


@pytest.mark.parametrize("field", STILL.__dict__)
def test_each_amount_changes_the_image(source, field):
    still = augment_batch([source] * 8, PREPROCESSING, rng(), STILL)
    moved = augment_batch([source] * 8, PREPROCESSING, rng(), replace(STILL, **{field: 1.0}))
    assert np.abs(moved - still).max() > 0.02


def test_gray_images_have_equal_channels(source):
    view = augment(source, PREPROCESSING, rng(), replace(Augmentation(), gray=1.0))
    assert np.ptp(view, axis=2).max() < 1e-5


def test_one_matrix_is_contrast_light_tint_and_saturation_in_turn():
    """The same colors step by step, with the numbers of the same random stream."""
    augmentation = Augmentation()
    image = rng(7).random((5, 5, 3)).astype(np.float32)
    mean = float(image.mean())
    draws = rng(1)
    contrast = np.exp(draws.normal(0, augmentation.contrast, (1, 1)))[0, 0]
    light = draws.normal(0, augmentation.brightness, (1, 1))[0, 0]
    tint = np.exp(draws.normal(0, augmentation.tint, (1, 3)))[0]
    saturation = np.exp(draws.normal(0, augmentation.saturation, 1))[0]
    expected = (((image - mean) * contrast + mean) + light) * tint
    gray = (expected @ [0.299, 0.587, 0.114])[..., None]
    expected = gray + saturation * (expected - gray)

    mixes, pulls, lifts = _colors(1, replace(augmentation, gray=0), rng(1))
    got = image @ mixes[0, :, :3].T + pulls[0] * mean + lifts[0]
    np.testing.assert_allclose(got, expected, atol=1e-5)


def test_gamma_keeps_black_and_white():
    tables = _gamma_tables(3, Augmentation(gamma=0.5), rng())
    assert tables.shape == (3, 256) and np.all(np.diff(tables) > 0)
    assert tables[:, 0].max() < 0.05
    np.testing.assert_allclose(tables[:, 255], 1, atol=1e-3)


def test_light_from_the_side_brightens_one_edge_and_darkens_the_other():
    """A slope s in direction t has the gain exp(s / 2 (cos t + sin t)) in the last corner."""
    gains = _side_light(2000, 9, replace(STILL, side_light=0.4), rng())
    assert gains.shape == (2000, 9, 9, 1) and gains.dtype == np.float32
    np.testing.assert_allclose(gains[:, 4, 4], 1)
    np.testing.assert_allclose(gains * gains[:, ::-1, ::-1], 1, rtol=1e-4)
    assert gains.mean() == pytest.approx(1, abs=0.02)
    across, down = (np.log(gains[:, *edge, 0]) * 2 for edge in ((4, 8), (8, 4)))
    assert np.hypot(across, down).std() > 0.2 and across.std() == pytest.approx(down.std(), rel=0.1)
    assert np.sqrt((across**2 + down**2).mean()) == pytest.approx(0.4, rel=0.05)
    directions = np.histogram(np.arctan2(down, across), bins=8, range=(-np.pi, np.pi))[0]
    assert directions.min() > 0.7 * directions.mean(), "from all sides"
    assert (_side_light(3, 5, STILL, rng()) == 1).all()


def test_shift_and_zoom_have_their_spread(source):
    """A point's place over many draws: 0.022 of a side of 24 pixels is 0.53 pixels."""
    from siamlab.data.augmentation import _affine

    matrices = _affine(4000, 42, 42 * 0.56 / 0.7168, 24, replace(STILL, shift=0.022), rng())
    center = matrices @ np.array([20.5, 20.5, 1])
    np.testing.assert_allclose(center.mean(axis=0), 11.5, atol=0.05)
    np.testing.assert_allclose(center.std(axis=0), 0.022 * 24, rtol=0.05)
    zoomed = _affine(4000, 42, 42 * 0.56 / 0.7168, 24, replace(STILL, zoom=0.06), rng())
    assert np.log(zoomed[:, 0, 0]).std() == pytest.approx(0.06, rel=0.05)

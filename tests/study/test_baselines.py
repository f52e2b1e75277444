"""Classical baselines: values by hand, invariances, and probabilities from cosines."""

from __future__ import annotations

import builtins
from pathlib import Path

import numpy as np
import pytest

from siamlab.data.collections import open_collection
from siamlab.data.pairs import draw_pairs
from siamlab.data.splits import split_people
from siamlab.errors import InputError, MissingPackageError
from siamlab.faces.crop import Preprocessing
from siamlab.images.write import write_image
from siamlab.study.baselines import (
    Platt,
    _gray,
    classical_baselines,
    evaluate_baselines,
    fit_eigenfaces,
    fit_platt,
    hog,
    local_binary_patterns,
    pair_similarities,
    raw_pixels,
)

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (5, 32, 32, 3), dtype=np.uint8)
ALL = {"pixels": raw_pixels, "hog": hog, "lbp": local_binary_patterns}


@pytest.mark.parametrize(("name", "length"), [("pixels", 1024), ("hog", 324), ("lbp", 64 * 59)])
def test_rows_have_length_one(name: str, length: int) -> None:
    if name == "lbp":
        pytest.importorskip("skimage")
    rows = ALL[name](IMAGES)
    assert rows.shape == (5, length) and rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, rtol=1e-5)
    np.testing.assert_array_equal(rows[3:4], ALL[name](IMAGES[3:4]))


def test_the_cosine_of_pixels_is_the_correlation_of_gray() -> None:
    gray = [_gray(IMAGES)[i].ravel().astype(float) for i in (0, 1)]
    rows = raw_pixels(IMAGES)
    assert rows[0] @ rows[1] == pytest.approx(np.corrcoef(*gray)[0, 1], abs=1e-5)
    half = (IMAGES // 2).astype(np.uint8)  # half the light: about the same row
    assert (raw_pixels(half) * rows).sum(axis=1).min() > 0.999


def test_a_uniform_image_is_no_division_by_zero() -> None:
    flat = np.full((1, 16, 16, 3), 90, np.uint8)
    assert not raw_pixels(flat).any() and np.isfinite(hog(flat)).all()


def test_hog_shows_the_direction_of_an_edge() -> None:
    """A vertical edge has a horizontal gradient: one direction, in the first or last bin."""
    image = np.zeros((1, 16, 16, 3), np.uint8)
    image[:, :, 8:] = 255
    bins = hog(image).reshape(-1, 9)
    assert bins[:, [0, 8]].sum() == pytest.approx(bins.sum(), rel=1e-5)
    turned = hog(np.ascontiguousarray(image.swapaxes(1, 2))).reshape(-1, 9)
    assert turned[:, [3, 4, 5]].sum() == pytest.approx(turned.sum(), rel=1e-5)


def test_local_binary_patterns_against_an_independent_count() -> None:
    feature = pytest.importorskip("skimage.feature")
    gray = _gray(IMAGES)[2]
    codes = feature.local_binary_pattern(gray, 8, 2, "nri_uniform")
    expected = []
    for top in range(0, 32, 4):
        for left in range(0, 32, 4):
            field = codes[top : top + 4, left : left + 4]
            expected.append([np.sqrt((field == kind).mean() / 64) for kind in range(59)])
    np.testing.assert_allclose(
        local_binary_patterns(IMAGES)[2], np.ravel(expected), rtol=1e-5, atol=1e-7
    )


def test_local_binary_patterns_are_invariant_to_light() -> None:
    pytest.importorskip("skimage")
    gray = np.repeat(IMAGES[..., :1] // 4, 3, axis=3)
    dark, bright = local_binary_patterns(gray), local_binary_patterns(3 * gray + 20)
    # Points between pixels are interpolated, and equal ones may fall to either side.
    assert (dark * bright).sum(axis=1).min() > 0.97 > 0.9 > (dark[0] @ bright[1])


def test_without_scikit_image_one_line_says_what_to_install(monkeypatch) -> None:
    real = builtins.__import__

    def absent(name: str, *args: object, **kwargs: object) -> object:
        if name.startswith("skimage"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(MissingPackageError, match=r"siamlab\[study\]"):
        local_binary_patterns(IMAGES)


def test_wrong_images() -> None:
    for describe in (raw_pixels, hog):
        for images in (IMAGES[0], IMAGES / 255, IMAGES[:0], IMAGES[..., :1]):
            with pytest.raises(InputError, match="uint8"):
                describe(images)
    with pytest.raises(InputError, match=r"multiples of 8\. Received: 30x32"):
        hog(IMAGES[:, :30])
    with pytest.raises(InputError, match=r"more images\. Received: 5"):
        fit_eigenfaces(IMAGES, components=5)


def test_eigenfaces_are_whitened_principal_components() -> None:
    """Against NumPy's singular values of the same standardized pixels."""
    strengths = RNG.normal(0, (30, 20, 10), (40, 3))
    patterns = RNG.choice([-1, 1], (3, 16 * 16))
    gray = np.clip(128 + strengths @ patterns, 0, 255).astype(np.uint8).reshape(40, 16, 16)
    images = np.repeat(gray[..., None], 3, axis=3)
    faces = fit_eigenfaces(images, components=3)
    rows = raw_pixels(images).astype(float)
    _, values, axes = np.linalg.svd(rows - rows.mean(axis=0), full_matrices=False)
    expected = (rows - rows.mean(axis=0)) @ axes[:3].T / values[:3]
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    similar = (faces(images) @ faces(images).T, expected @ expected.T)  # signs fall out
    np.testing.assert_allclose(*similar, atol=0.02)


def test_platt_by_hand() -> None:
    """3 of 4 genuine at similarity 1, 1 of 4 at 0: logits are log 3 and -log 3."""
    platt = fit_platt([1, 1, 1, 1, 0, 0, 0, 0], [1, 1, 1, 0, 1, 0, 0, 0])
    assert platt.intercept == pytest.approx(-np.log(3), abs=1e-3)
    assert platt.slope == pytest.approx(2 * np.log(3), abs=1e-3)
    np.testing.assert_allclose(platt([0, 0.5, 1]), [0.25, 0.5, 0.75], atol=1e-3)
    np.testing.assert_allclose(Platt(1e6, 0)([-1, 1]), [0, 1], atol=1e-12)
    with pytest.raises(InputError, match="one kind only"):
        fit_platt([0.1, 0.2], [1, 1])


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    """Forty people of one pattern each, with noise."""
    root = tmp_path_factory.mktemp("people")
    rng = np.random.default_rng(1)
    for person in range(40):
        pattern = np.kron(rng.integers(40, 216, (4, 4, 3)), np.ones((8, 8, 1)))
        for number in (1, 2, 3):
            noisy = np.clip(pattern + rng.normal(0, 20, pattern.shape), 0, 255).astype(np.uint8)
            write_image(Path(root) / f"p{person:02d}" / f"p{person:02d}_{number:04d}.png", noisy)
    return split_people(open_collection(root), (0.4, 0.3, 0.3), 0)


def test_all_are_measured_on_the_same_pairs(people) -> None:
    pytest.importorskip("skimage")
    preprocessing = Preprocessing(size=32, alignment="none")
    validation, test = draw_pairs(people.validation, 60, 0), draw_pairs(people.test, 60, 0)
    found = classical_baselines(people.train, preprocessing, images=30)
    assert list(found) == ["raw pixels", "eigenfaces", "local binary patterns", "HOG"]
    assert found["eigenfaces"].pca.n_components == 29
    results = evaluate_baselines(found, validation, test, preprocessing, rounds=40)
    assert {result.pairs for result in results.values()} == {60}
    assert results["raw pixels"].auc > 0.95 and results["HOG"].auc > 0.8
    assert results["raw pixels"].intervals["auc"].low > 0.9
    assert results["raw pixels"].accuracy > 0.85


def test_similarities_are_in_the_order_of_the_pairs(people) -> None:
    pairs = draw_pairs(people.test, 30, 0)
    preprocessing = Preprocessing(size=16, alignment="none")
    whole = pair_similarities(raw_pixels, pairs, preprocessing)
    np.testing.assert_array_equal(
        whole, pair_similarities(raw_pixels, pairs, preprocessing, batch=4)
    )
    one = pair_similarities(raw_pixels, pairs.subset([7]), preprocessing)
    assert one[0] == pytest.approx(whole[7], abs=1e-6)

"""Oriented gradients on discriminant axes: against scikit-learn, and on drawn people."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from siamlab.data.collections import open_collection
from siamlab.data.pipeline import load_images, to_float
from siamlab.data.splits import split_people
from siamlab.data.synthetic import write_people
from siamlab.evaluation import area_under_roc
from siamlab.faces.crop import Preprocessing
from siamlab.models.hog_lda import AXES, fit_hog_lda


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    """Images and person numbers of 20 training people and of ten others."""
    root = tmp_path_factory.mktemp("drawn")
    write_people(root, people=30, images=4, seed=21)
    split = split_people(open_collection(root), (2 / 3, 1 / 3, 0.0), 0)
    preprocessing = Preprocessing(size=32, fraction=0.70)
    parts = (split.train, split.validation)
    return [(to_float(load_images(part.images, preprocessing)), np.repeat(np.arange(len(part)), 4))
            for part in parts]  # fmt: skip


@pytest.fixture(scope="module")
def fitted(faces):
    return fit_hog_lda(*faces[0])


def similar(network, images, people):
    """Labels of all pairs, and their cosines brought to [0, 1]."""
    rows = network.predict(images, verbose=0)
    first, second = np.triu_indices(len(rows), 1)
    cosines = np.sum(rows[first] * rows[second], axis=1)
    return people[first] == people[second], (1 + np.clip(cosines, -1, 1)) / 2


def test_strangers_are_separated(fitted, faces):
    """Chance is an AUC of 0.5; the histograms without the axes do worse than with them."""
    with_axes = area_under_roc(*similar(fitted, *faces[1]))
    bare = keras.Model(fitted.input, fitted.get_layer("both").output)
    assert with_axes > 0.7
    assert with_axes > area_under_roc(*similar(bare, *faces[1]))


def test_codes_are_unit_and_a_mirror_image_has_the_same(fitted, faces):
    images = faces[1][0]
    codes = fitted.predict(images, verbose=0)
    assert codes.shape == (40, 19)  # one axis fewer than people, and at most AXES
    assert codes.shape[1] < AXES
    np.testing.assert_allclose(np.linalg.norm(codes, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(fitted.predict(images[:, :, ::-1], verbose=0), codes, atol=1e-4)


def test_the_axes_equal_scikit_learns(fitted, faces):
    """Whitened principal components, then discriminants, each person weighing alike."""
    from sklearn.decomposition import PCA
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.pipeline import make_pipeline

    (images, people), (others, _) = faces
    bare = keras.Model(fitted.input, fitted.get_layer("both").output)
    axes = LinearDiscriminantAnalysis(solver="eigen", shrinkage=0.1, priors=[1 / 20] * 20)
    expected = make_pipeline(PCA(40, whiten=True, svd_solver="full"), axes).fit(
        bare.predict(images, verbose=0), people
    )
    rows = expected.transform(bare.predict(others, verbose=0))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    codes = fitted.predict(others, verbose=0)
    np.testing.assert_allclose(codes @ codes.T, rows @ rows.T, atol=1e-3)


def test_fitting_is_deterministic(fitted, faces):
    again = fit_hog_lda(*faces[0])
    images = faces[1][0]
    np.testing.assert_allclose(
        np.abs(again.predict(images, verbose=0)), np.abs(fitted.predict(images, verbose=0)),
        atol=1e-4,
    )  # fmt: skip


def test_two_people_are_enough():
    images = np.random.default_rng(0).random((4, 16, 16, 3), dtype=np.float32)
    assert fit_hog_lda(images, [0, 0, 1, 1]).output_shape == (None, 1)

"""Heads: distances become probabilities, and models of an ensemble get weights."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from siamlab.data.collections import open_collection
from siamlab.data.pairs import draw_pairs
from siamlab.data.splits import split_people
from siamlab.data.synthetic import write_people
from siamlab.errors import InputError
from siamlab.faces.crop import Preprocessing
from siamlab.models.embedding import build_embedding
from siamlab.models.siamese import build_siamese
from siamlab.training.fit import train_people
from siamlab.training.head import fit_head, fit_weights
from siamlab.training.settings import TrainingSettings


@pytest.fixture(scope="module")
def split(tmp_path_factory):
    root = tmp_path_factory.mktemp("drawn")
    write_people(root, people=16, images=4, seed=3)
    return split_people(open_collection(root), (0.5, 0.5, 0.0), 0)


def test_fitted_head_is_a_decreasing_probability(split):
    keras.utils.set_random_seed(0)
    preprocessing = Preprocessing(size=24, fraction=0.56)
    embedding = build_embedding("compact", (24, 24, 3), width=0.125)
    settings = TrainingSettings(steps=30, people=8, verbose=0)
    train_people(embedding, split.train, preprocessing, settings)
    model = build_siamese(embedding, "squared").with_metadata(preprocessing=preprocessing)
    fit_head(model, draw_pairs(split.validation, 40, 1))
    code = model.embed(np.zeros((1, 24, 24, 3), np.float32))[0]
    far = -code
    near, opposite = model.score_pairs(code, np.stack([code, far]))
    assert near > opposite


def test_a_head_needs_both_kinds_of_pairs(split):
    pairs = draw_pairs(split.train, 16, 0)
    model = build_siamese(build_embedding("compact", (24, 24, 3), width=0.125), "squared")
    with pytest.raises(InputError, match="one kind only"):
        fit_head(model, pairs.subset(np.flatnonzero(np.asarray(pairs.labels) == 1)))


def two_models(right, seed=0, count=400):
    """Codes of pairs, two numbers a model: a cosine is +1 or -1, right so often."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, count)
    first = np.tile(np.array([1.0, 0.0, 1.0, 0.0], np.float32), (count, 1))
    second = first.copy()
    for model, share in enumerate(right):
        said = np.where(rng.random(count) < share, labels, 1 - labels)
        second[:, 2 * model] *= 2 * said - 1
    return first, second, labels


def test_weights_follow_how_often_a_model_is_right():
    """Independent models weigh log(p / (1 - p)): 2.20 for 0.9, 0.85 for 0.7; 0.72 to 0.28."""
    weights = fit_weights(*two_models((0.9, 0.7), count=20_000), [2, 2])
    np.testing.assert_allclose(weights, [0.722, 0.278], atol=0.02)


def test_a_model_worse_than_chance_gets_no_weight():
    np.testing.assert_allclose(fit_weights(*two_models((0.9, 0.2)), [2, 2]), [1, 0])


def test_weights_are_equal_where_no_model_beats_chance():
    assert fit_weights(*two_models((0.2, 0.1)), [2, 2]).tolist() == [0.5, 0.5]

"""Heads: distances become probabilities."""

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
from siamlab.training.head import fit_head
from siamlab.training.settings import TrainingSettings


@pytest.fixture(scope="module")
def split(tmp_path_factory):
    root = tmp_path_factory.mktemp("drawn")
    write_people(root, people=16, images=4, seed=3)
    return split_people(open_collection(root), (0.5, 0.5, 0.0), 0)


def test_fitted_head_is_a_decreasing_probability(split):
    keras.utils.set_random_seed(0)
    preprocessing = Preprocessing(size=32, fraction=0.6)
    embedding = build_embedding("compact", (32, 32, 3), width=0.125)
    settings = TrainingSettings(steps=30, people=8, verbose=0)
    train_people(embedding, split.train, preprocessing, settings)
    model = build_siamese(embedding, "squared").with_metadata(preprocessing=preprocessing)
    fit_head(model, draw_pairs(split.validation, 40, 1))
    code = model.embed(np.zeros((1, 32, 32, 3), np.float32))[0]
    far = -code
    near, opposite = model.score_pairs(code, np.stack([code, far]))
    assert near > opposite


def test_a_head_needs_both_kinds_of_pairs(split):
    pairs = draw_pairs(split.train, 16, 0)
    model = build_siamese(build_embedding("compact", (32, 32, 3), width=0.125), "squared")
    with pytest.raises(InputError, match="one kind only"):
        fit_head(model, pairs.subset(np.flatnonzero(np.asarray(pairs.labels) == 1)))

"""t-SNE of embeddings: seeded, and neighbors stay together."""

from __future__ import annotations

import numpy as np
import pytest

from siamlab.errors import InputError
from siamlab.study.embedding_map import tsne_map

ROWS = np.repeat(np.eye(3, 8), 12, axis=0) + np.random.default_rng(0).normal(0, 0.05, (36, 8))


def test_groups_stay_together_and_the_seed_fixes_the_map() -> None:
    places = tsne_map(ROWS, seed=1)
    assert places.shape == (36, 2) and places.dtype == np.float32
    np.testing.assert_array_equal(places, tsne_map(ROWS, seed=1))
    apart = np.linalg.norm(places[:, None] - places[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    assert (apart.argmin(axis=1) // 12 == np.arange(36) // 12).all()


def test_few_or_invalid_embeddings() -> None:
    assert tsne_map(ROWS[:4]).shape == (4, 2)
    for rows in (ROWS[:3], ROWS[0], np.full((9, 2), np.nan)):
        with pytest.raises(InputError, match="at least four"):
            tsne_map(rows)

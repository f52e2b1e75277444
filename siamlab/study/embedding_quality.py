"""How well an embedding verifies people, without a trained head."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from siamlab.data.pairs import PairSet
from siamlab.errors import InputError
from siamlab.evaluation import embed_pairs, evaluate_pairs
from siamlab.faces.crop import Preprocessing
from siamlab.models.siamese import build_siamese
from siamlab.system.backend import keras


def cosine_scores(
    embedding: keras.Model, preprocessing: Preprocessing, pairs: PairSet
) -> np.ndarray:
    """Score pairs by the cosine of their unit embeddings, scaled to [0, 1].

    AUC and EER depend only on the order of the scores, so no head has to be fitted first.

    Args:
        embedding: network whose output has unit length.
        preprocessing: crop and size.
        pairs: the comparisons.

    Returns:
        float32 ``(N,)``.
    """
    model = build_siamese(embedding, "squared").with_metadata(preprocessing=preprocessing)
    first, second = embed_pairs(model, pairs)
    return np.clip(((first * second).sum(axis=1) + 1) / 2, 0, 1)


def rates_with_intervals(
    test: PairSet, scores: np.ndarray, threshold: float, names: Sequence[str]
) -> dict[str, float]:
    """Rates of an evaluation and their 95 % intervals, people resampled.

    Args:
        test: the comparisons.
        scores: ``(N,)`` in [0, 1].
        threshold: chosen on other people.
        names: such as ``auc``.

    Returns:
        For each name three values, such as ``auc``, ``auc_low`` and ``auc_high``.

    Raises:
        InputError: a rate or its interval is unknown on these pairs.
    """
    result = evaluate_pairs(test, scores, threshold)
    rates: dict[str, float] = {}
    for name in names:
        value, interval = getattr(result, name), result.intervals[name]
        if value is None or interval is None:
            raise InputError("A study needs genuine and impostor pairs of several people.")
        rates |= {name: value, f"{name}_low": interval.low, f"{name}_high": interval.high}
    return rates

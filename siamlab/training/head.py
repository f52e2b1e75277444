"""Heads: from distances of trained embeddings to probabilities, by logistic regression.

Input: a trained model, or the embeddings of an ensemble, and pairs of validation people. Output:
the model with a fitted sigmoid unit, or the weight of each model of the ensemble.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from siamlab.data.pairs import PairSet
from siamlab.errors import InputError
from siamlab.evaluation import embed_pairs
from siamlab.models.siamese import Siamese
from siamlab.system.backend import ops


def fit_head(model: Siamese, pairs: PairSet) -> Siamese:
    """Fit the sigmoid unit so that the distance of two embeddings is a probability.

    Platt 1999: a logistic regression with one slope and one intercept, on people that the
    embedding was not trained on; every element of the distance gets the same weight.

    Args:
        model: its head is replaced in place.
        pairs: pairs of validation people, with both labels.

    Returns:
        The model.

    Raises:
        InputError: the pairs have one label only.
    """
    from sklearn.linear_model import LogisticRegression

    labels = np.asarray(pairs.labels)
    if len(set(labels.tolist())) < 2:
        raise InputError("The head needs genuine and impostor pairs. Received: one kind only.")
    first, second = embed_pairs(model, pairs)
    total = ops.convert_to_numpy(model.distance(first, second)).sum(axis=1, keepdims=True)
    # Scaled by their spread: sums over 256 squares and over 4,096 differences alike. A large C:
    # with one slope there is nothing to regularize.
    spread = float(total.std()) or 1.0
    fitted = LogisticRegression(C=1e4).fit(total / spread, labels)
    slope, intercept = float(fitted.coef_[0, 0]) / spread, float(fitted.intercept_[0])
    kernel = np.full(model.head.kernel.shape, slope, np.float32)
    model.head.set_weights([kernel, np.array([intercept], np.float32)])
    return model


def fit_weights(
    first: np.ndarray, second: np.ndarray, labels: ArrayLike, numbers: Sequence[int]
) -> np.ndarray:
    """The weight of each model of an ensemble: a logistic regression on their cosines.

    Args:
        first: embeddings ``(N, dimensions)`` of an ensemble with equal weights.
        second: those of the other images of the pairs.
        labels: 1 genuine, 0 impostor; pairs of people that no model was trained on.
        numbers: dimensions of each model, in their order.

    Returns:
        float64 ``(models,)``, not negative, with the sum 1. A model worse than chance gets no
        weight; where all are, their weights are equal.
    """
    from sklearn.linear_model import LogisticRegression

    ends = np.cumsum([0, *numbers])
    products = first * second
    cosines = np.stack([products[:, a:b].sum(axis=1) for a, b in pairwise(ends)], axis=1)
    spread = cosines.std(axis=0)
    spread[spread == 0] = 1.0
    fitted = LogisticRegression(C=1e4).fit(cosines / spread, np.asarray(labels))
    weights = np.maximum(fitted.coef_[0] / spread, 0.0)
    if weights.sum() == 0:
        weights = np.ones(len(numbers))
    return weights / weights.sum()

"""Heads: from distances of trained embeddings to probabilities, by logistic regression.

Input: a trained model, and pairs of validation people. Output: the model with a fitted sigmoid
unit.
"""

from __future__ import annotations

import numpy as np

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
    both = embed_pairs(model, pairs)
    first, second, labels = (part[both.judged] for part in (both.first, both.second, labels))
    if len(set(labels.tolist())) < 2:
        raise InputError(
            "The head needs genuine and impostor pairs that show faces. Received: one kind only."
        )
    total = ops.convert_to_numpy(model.distance(first, second)).sum(axis=1, keepdims=True)
    # Scaled by their spread: sums over 256 squares and over 4,096 differences alike. A large C:
    # with one slope there is nothing to regularize.
    spread = float(total.std()) or 1.0
    fitted = LogisticRegression(C=1e4).fit(total / spread, labels)
    slope, intercept = float(fitted.coef_[0, 0]) / spread, float(fitted.intercept_[0])
    kernel = np.full(model.head.kernel.shape, slope, np.float32)
    model.head.set_weights([kernel, np.array([intercept], np.float32)])
    return model

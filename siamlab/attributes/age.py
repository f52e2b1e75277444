"""Age as a distribution over years: its expectation, its interval, and what training aims at.

A single number would hide how little a face says: the same wrinkles are those of a smoker of 40
and of a farmer of 55. The expectation of a distribution has the smaller error, too (Rothe,
Timofte, Van Gool 2018, "Deep expectation of real and apparent age from a single image", IJCV 126).
"""

from __future__ import annotations

import numpy as np

YEARS = np.arange(0, 101)  # older people count as 100: of UTKFace 1 in 800
LEVEL = 0.8


def expected_age(probabilities: np.ndarray) -> np.ndarray:
    """The mean of each distribution: the sum over all years of the year times its probability.

    Args:
        probabilities: float ``(N, 101)``, rows of sum 1.

    Returns:
        float64 ``(N,)``, years.

    Example:
        >>> from siamlab.attributes.age import YEARS, expected_age
        >>> half = np.where((YEARS == 20) | (YEARS == 30), 0.5, 0.0)
        >>> expected_age(half[None])
        array([25.])
    """
    return np.asarray(probabilities, np.float64) @ YEARS


def age_interval(probabilities: np.ndarray, level: float = LEVEL) -> np.ndarray:
    """The years between which ``level`` of each distribution lies, as much left out on both sides.

    Args:
        probabilities: float ``(N, 101)``, rows of sum 1.
        level: share within, such as 0.8.

    Returns:
        float64 ``(N, 2)``: the year at which the sum from 0 on passes ``(1 - level) / 2``, and the
        one at which it passes the rest.

    Example:
        >>> from siamlab.attributes.age import YEARS, age_interval
        >>> even = np.where((YEARS >= 20) & (YEARS < 30), 0.1, 0.0)
        >>> age_interval(even[None], 0.7)
        array([[21., 28.]])
    """
    reached = np.cumsum(np.asarray(probabilities, np.float64), axis=1)
    ends = ((1 - level) / 2, (1 + level) / 2)
    return np.stack([(reached < end - 1e-9).sum(axis=1) for end in ends], axis=1).astype(float)


def soft_labels(ages: np.ndarray, spread: float) -> np.ndarray:
    """Distributions to aim at: a bell around each age instead of one year.

    A label of 34 is not wrong by as much at 35 as at 70, and cross-entropy with one year alone
    would say so (Gao et al. 2017, "Deep label distribution learning with label ambiguity").

    Args:
        ages: ``(N,)``, years.
        spread: standard deviation in years.

    Returns:
        float32 ``(N, 101)``, rows of sum 1.
    """
    away = (YEARS - np.minimum(ages, YEARS[-1])[:, None]) / spread
    bells = np.exp(-0.5 * away**2)
    return np.asarray(bells / bells.sum(axis=1, keepdims=True), np.float32)

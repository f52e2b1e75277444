"""Test pairs chosen by what a model made of them: kinds of mistakes, scores, people."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from siamlab.data.pairs import PairSet
from siamlab.errors import InputError
from siamlab.evaluation.rates import check_scores

# Of truth and decision, both bool (N,).
DECISIONS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "all": lambda truth, match: np.ones_like(truth),
    "mistakes": lambda truth, match: truth != match,
    "false matches": lambda truth, match: match & ~truth,
    "false non-matches": lambda truth, match: truth & ~match,
    "right": lambda truth, match: truth == match,
}


def filter_pairs(
    pairs: PairSet,
    scores: ArrayLike,
    threshold: float,
    decisions: str = "all",
    low: float = 0.0,
    high: float = 1.0,
    person: str | None = None,
) -> np.ndarray:
    """Choose pairs; the surest mistakes come first.

    Args:
        pairs: the comparisons.
        scores: ``(N,)`` in [0, 1].
        threshold: a pair matches when its score is at least this.
        decisions: ``all``, ``mistakes``, ``false matches``, ``false non-matches`` or ``right``.
        low: the least score.
        high: the greatest score.
        person: on at least one of the two images; ``None`` for anybody.

    Returns:
        int64 numbers of pairs: mistakes before right decisions, and among equals those first
        whose score is farthest from the threshold.

    Raises:
        InputError: an unknown kind of decision, or scores that are none.
    """
    if decisions not in DECISIONS:
        raise InputError(f"decisions is one of {', '.join(DECISIONS)}. Received: {decisions!r}.")
    truth, values = check_scores(pairs.labels, scores)
    match = values >= threshold
    chosen = DECISIONS[decisions](truth, match) & (values >= low) & (values <= high)
    if person is not None:
        sides = zip(pairs.first_people, pairs.second_people, strict=True)
        chosen &= np.array([person in side for side in sides])
    order = np.lexsort((-np.abs(values - threshold), truth == match))
    return np.asarray(order[chosen[order]], np.int64)

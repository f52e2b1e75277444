"""Rates at a threshold, the threshold for a rate, and the equal error rate.

``curves`` holds what scikit-learn computes; this is what it lacks.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from siamlab.errors import InputError


def check_scores(
    labels: ArrayLike, scores: ArrayLike, purpose: str = ""
) -> tuple[np.ndarray, np.ndarray]:
    """Check labels and scores, for all functions of this package.

    Args:
        labels: ``(N,)`` or ``(N, 1)``, 1 for genuine and 0 for impostor pairs.
        scores: ``(N,)`` or ``(N, 1)``, probabilities in [0, 1].
        purpose: what needs both kinds of pairs; with an empty string one kind will do.

    Returns:
        Labels as bool ``(N,)`` and scores as float64 ``(N,)``. Float32 scores keep their exact
        values, so that a threshold means the same on both types.

    Raises:
        InputError: other shapes or values, unequal lengths, NaN, no pairs, or one kind only.
    """
    truth, values = _column(labels, "labels"), _column(scores, "scores").astype(np.float64)
    if len(truth) != len(values):
        raise InputError(
            f"Each pair has one label and one score. Received: {len(truth)} labels and "
            f"{len(values)} scores."
        )
    if len(truth) == 0:
        raise InputError("There are no pairs to evaluate. Give at least one label and one score.")
    if not np.isin(truth, (0, 1)).all():
        found = ", ".join(str(value) for value in np.unique(truth)[:5])
        raise InputError(f"Labels are 1 (genuine) and 0 (impostor). Received: {found}.")
    broken = int(np.isnan(values).sum())
    if broken:
        raise InputError(
            f"{broken} of {len(values)} scores are NaN: the model's weights or its input hold "
            "NaN. Check the training's loss."
        )
    if values.min() < 0 or values.max() > 1:
        raise InputError(
            "Scores are probabilities in [0, 1], higher = same person. Received: "
            f"{values.min():g} to {values.max():g}. Turn distances into probabilities first."
        )
    truth = truth.astype(bool)
    if purpose and (truth.all() or not truth.any()):
        kind = "genuine" if truth.any() else "impostor"
        raise InputError(
            f"{purpose} needs genuine and impostor pairs. Received: {len(truth)} {kind} pairs only."
        )
    return truth, values


def _column(values: ArrayLike, name: str) -> np.ndarray:
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise InputError(f"{name} is an array of numbers ({error}).") from None
    if array.ndim == 2 and array.shape[1] == 1:  # Keras' predictions and labels
        array = array[:, 0]
    if array.ndim != 1 or (array.size and array.dtype.kind not in "biuf"):
        raise InputError(
            f"{name} is an array of numbers of shape (N,). Received: shape {array.shape}, "
            f"type {array.dtype}."
        )
    return array


FMRS = (0.1, 0.01, 0.001)  # the rates whose thresholds are reported


@dataclass(frozen=True)
class OperatingPoint:
    """Counts and rates at one threshold; a pair matches when ``score >= threshold``.

    A rate whose denominator is zero is ``None``: it is unknown, not zero.

    Attributes:
        threshold: the score from which a pair matches.
        true_positives: genuine pairs that match.
        false_positives: impostor pairs that match.
        true_negatives: impostor pairs that do not.
        false_negatives: genuine pairs that do not.
    """

    threshold: float
    true_positives: int
    false_positives: int
    true_negatives: int
    false_negatives: int

    @property
    def genuine(self) -> int:
        """Number of genuine pairs."""
        return self.true_positives + self.false_negatives

    @property
    def impostor(self) -> int:
        """Number of impostor pairs."""
        return self.false_positives + self.true_negatives

    @property
    def accuracy(self) -> float:
        """Share of correct decisions."""
        return (self.true_positives + self.true_negatives) / (self.genuine + self.impostor)

    @property
    def precision(self) -> float | None:
        """Share of matches that are genuine; ``None`` when nothing matches."""
        return _share(self.true_positives, self.true_positives + self.false_positives)

    @property
    def recall(self) -> float | None:
        """Share of genuine pairs that match (true match rate); ``None`` without genuine pairs."""
        return _share(self.true_positives, self.genuine)

    @property
    def f1(self) -> float | None:
        """Harmonic mean of precision and recall; ``None`` without genuine pairs."""
        if self.genuine == 0:
            return None
        hits = 2 * self.true_positives
        return hits / (hits + self.false_positives + self.false_negatives)

    @property
    def fmr(self) -> float | None:
        """False match rate: share of impostor pairs that match; ``None`` without them."""
        return _share(self.false_positives, self.impostor)

    @property
    def fnmr(self) -> float | None:
        """False non-match rate: share of genuine pairs that do not match; ``None`` without them."""
        return _share(self.false_negatives, self.genuine)

    def to_dict(self) -> dict[str, Any]:
        """Counts and rates as plain values."""
        names = (*(item.name for item in fields(OperatingPoint)), *RATES)
        return {name: getattr(self, name) for name in names}

    def __repr__(self) -> str:
        rates = ", ".join(f"{name} {format_rate(getattr(self, name))}" for name in RATES)
        return f"OperatingPoint(threshold {self.threshold:.4g}: {rates})"


RATES = ("accuracy", "precision", "recall", "f1", "fmr", "fnmr")


def format_rate(value: float | None, interval: object = None) -> str:
    """A rate as text, a dash for ``None``, and its interval where there is one."""
    text = "–" if value is None else f"{value:.3f}"
    return text if interval is None else f"{text} ({interval})"


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def operating_point(labels: ArrayLike, scores: ArrayLike, threshold: float) -> OperatingPoint:
    """Count correct and wrong decisions at a threshold.

    Args:
        labels: ``(N,)``, 1 genuine, 0 impostor.
        scores: ``(N,)`` in [0, 1].
        threshold: a pair matches when its score is at least this.

    Raises:
        InputError: see :func:`check_scores`; or the threshold is NaN.
    """
    truth, values = check_scores(labels, scores)
    if np.isnan(threshold):
        raise InputError("threshold is a number. Received: NaN.")
    match = values >= float(threshold)
    return OperatingPoint(
        threshold=float(threshold),
        true_positives=int((match & truth).sum()),
        false_positives=int((match & ~truth).sum()),
        true_negatives=int((~match & ~truth).sum()),
        false_negatives=int((~match & truth).sum()),
    )


def threshold_at_fmr(labels: ArrayLike, scores: ArrayLike, fmr: float) -> float:
    """The smallest threshold whose false match rate on these pairs is at most ``fmr``.

    With N impostor pairs, at most k = floor(fmr N) may match. The threshold is the next float32
    above the (k + 1)-th highest impostor score, so that a tie there counts as too many. With
    fewer than ``1 / fmr`` impostor pairs none may match, and the rate is not really measured:
    the note of :func:`calibrate_scores` says so.

    Args:
        labels: ``(N,)``, 1 genuine, 0 impostor.
        scores: ``(N,)`` in [0, 1].
        fmr: the target rate, in [0, 1].

    Returns:
        The threshold; just above 1 (nobody is ever verified) when impostor pairs score 1.0.

    Raises:
        InputError: there are no impostor pairs, or ``fmr`` is no rate.
    """
    truth, values = check_scores(labels, scores)
    if not 0 <= fmr <= 1:
        raise InputError(f"fmr is a rate between 0 and 1. Received: {fmr}.")
    impostor = np.sort(values[~truth])[::-1]
    if len(impostor) == 0:
        raise InputError("A false match rate needs impostor pairs. Received: genuine pairs only.")
    rates = np.arange(len(impostor) + 1) / len(impostor)
    allowed = int(np.searchsorted(rates, fmr, side="right")) - 1
    if allowed == len(impostor):
        return 0.0
    return float(just_above(impostor[allowed]))


def just_above(scores: ArrayLike) -> np.ndarray:
    """The next float32 above each score: it separates in float32 and in float64."""
    values = np.asarray(scores, np.float64)
    near = values.astype(np.float32)
    above = np.nextafter(near, np.float32(2))
    return np.where(near.astype(np.float64) > values, near, above).astype(np.float64)


def error_curve(
    truth: np.ndarray, values: np.ndarray, weights: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """FMR and FNMR at every distinct score, for many weightings of the pairs at once.

    Args:
        truth: bool ``(N,)``.
        values: float64 ``(N,)`` scores.
        weights: ``(R, N)`` non-negative weights of the pairs; ones when ``None``.

    Returns:
        FMR and FNMR ``(R, T + 1)`` and thresholds ``(T + 1,)``, which fall from infinity (no
        match, FMR 0, FNMR 1) over the T distinct scores. A rate of a kind whose weights are all
        zero is NaN.
    """
    order = np.argsort(-values, kind="stable")
    ranked = values[order]
    ends = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))
    table = np.ones((1, len(values))) if weights is None else weights
    table = table[:, order]
    kinds = truth[order]

    def matched(kind: np.ndarray) -> np.ndarray:
        total = np.cumsum(table * kind, axis=1)
        last = total[:, -1:]
        share = np.divide(total[:, ends], last, out=np.full((len(table), len(ends)), np.nan),
                          where=last > 0)  # fmt: skip
        return np.hstack([np.where(last > 0, 0.0, np.nan), share])

    return matched(~kinds), 1 - matched(kinds), np.append(np.inf, ranked[ends])


def crossing(fmr: np.ndarray, fnmr: np.ndarray) -> np.ndarray:
    """Equal error rates ``(R,)`` of curves ``(R, T + 1)``, by linear interpolation; or NaN."""
    gap = fmr - fnmr
    after = np.argmax(gap >= 0, axis=1)[:, None]
    before = np.maximum(after - 1, 0)
    low, high = np.take_along_axis(gap, before, 1), np.take_along_axis(gap, after, 1)
    start, end = np.take_along_axis(fmr, before, 1), np.take_along_axis(fmr, after, 1)
    return (start - low / (high - low) * (end - start))[:, 0]


def equal_error(labels: ArrayLike, scores: ArrayLike) -> tuple[float, float]:
    """The equal error rate and a threshold for it.

    The EER is the common value of FMR and FNMR where the line through the points
    (FMR, FNMR), one for each distinct score and (0, 1) for no match at all, crosses
    FMR = FNMR. FMR - FNMR rises at each distinct score, so there is one crossing, between two
    points, and linear interpolation gives its value.

    The threshold belongs to the point with the smallest ``|FMR - FNMR|`` (of two such the one
    with fewer false matches). It lies in the middle between that point's score and the next lower
    one, where all decisions are the same.

    Args:
        labels: ``(N,)``, both kinds present.
        scores: ``(N,)`` in [0, 1].

    Returns:
        (EER, threshold).

    Raises:
        InputError: one kind of pairs only.
    """
    truth, values = check_scores(labels, scores, "An equal error rate")
    fmr, fnmr, thresholds = error_curve(truth, values)
    gaps = np.abs(fmr - fnmr)[0]
    best = int(np.flatnonzero(np.isclose(gaps, gaps.min(), rtol=0, atol=1e-12))[0])
    return float(crossing(fmr, fnmr)[0]), _between(thresholds, best)


def balanced_threshold(labels: ArrayLike, scores: ArrayLike) -> float:
    """The threshold with the highest balanced accuracy, 1 - (FMR + FNMR) / 2.

    All thresholds between two neighboring scores decide alike: the middle of the best such
    interval is taken, and of several equally good intervals the widest.

    Args:
        labels: ``(N,)``, both kinds present.
        scores: ``(N,)`` in [0, 1].

    Raises:
        InputError: one kind of pairs only.
    """
    truth, values = check_scores(labels, scores, "A balanced threshold")
    fmr, fnmr, thresholds = error_curve(truth, values)
    errors = (fmr + fnmr)[0]
    best = np.flatnonzero(np.isclose(errors, errors.min(), rtol=0, atol=1e-12))
    ends = np.append(np.minimum(thresholds, 1.0), 0.0)
    widest = int(best[np.argmax(ends[best] - ends[best + 1])])
    return _between(thresholds, widest)


def _between(thresholds: np.ndarray, place: int) -> float:
    """The middle between a threshold and the next lower score, as a float32 that separates."""
    upper = min(float(thresholds[place]), 1.0)
    lower = float(thresholds[place + 1]) if place + 1 < len(thresholds) else 0.0
    middle = float(np.float32((upper + lower) / 2))
    if place == 0:  # no score may match, so the highest one must stay below
        return float(just_above(lower)) if middle <= lower else middle
    return middle if lower < middle <= upper else upper

"""Curves over all thresholds, and how far scores are probabilities.

Input: labels and scores, arrays of shape ``(N,)``. Output: frozen dataclasses. The
standard curves are scikit-learn's, which is imported when one is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from siamlab.errors import InputError
from siamlab.evaluation.rates import check_both_kinds, check_scores


def area_under_roc(labels: ArrayLike, scores: ArrayLike) -> float:
    """Area under the ROC curve: how often a genuine pair scores above an impostor pair.

    Ties count one half. Computed by scikit-learn.

    Raises:
        InputError: one kind of pairs only.
    """
    from sklearn.metrics import roc_auc_score

    truth, values = check_scores(labels, scores)
    check_both_kinds(truth, "The area under the ROC curve")
    return float(roc_auc_score(truth, values))


@dataclass(frozen=True)
class Curve:
    """Error rates over thresholds, from the strictest to the laxest.

    Attributes:
        fmr: float64 ``(T,)``, false match rates.
        fnmr: float64 ``(T,)``, false non-match rates.
        thresholds: float64 ``(T,)``, falling; the first may be infinite.
    """

    fmr: np.ndarray
    fnmr: np.ndarray
    thresholds: np.ndarray

    @property
    def tmr(self) -> np.ndarray:
        """True match rates: ``1 - fnmr``."""
        return 1 - self.fnmr


@dataclass(frozen=True)
class PrecisionRecall:
    """Precision and recall over thresholds.

    Attributes:
        precision: float64 ``(T,)``.
        recall: float64 ``(T,)``, falling.
        thresholds: float64 ``(T - 1,)``, rising; the last point (1, 0) has none.
        average_precision: area under the step curve.
    """

    precision: np.ndarray
    recall: np.ndarray
    thresholds: np.ndarray
    average_precision: float


def roc(labels: ArrayLike, scores: ArrayLike) -> Curve:
    """The receiver operating characteristic at every distinct score (scikit-learn's).

    Raises:
        InputError: one kind of pairs only.
    """
    from sklearn.metrics import roc_curve

    truth, values = check_scores(labels, scores)
    check_both_kinds(truth, "A ROC curve")
    fmr, tmr, thresholds = roc_curve(truth, values, drop_intermediate=False)
    return Curve(fmr, 1 - tmr, thresholds)


def det(labels: ArrayLike, scores: ArrayLike) -> Curve:
    """The detection error trade-off (Martin et al. 1997) at every score (scikit-learn's).

    Raises:
        InputError: one kind of pairs only.
    """
    from sklearn.metrics import det_curve

    truth, values = check_scores(labels, scores)
    check_both_kinds(truth, "A DET curve")
    fmr, fnmr, thresholds = det_curve(truth, values)
    return Curve(fmr[::-1], fnmr[::-1], thresholds[::-1])


def precision_recall(labels: ArrayLike, scores: ArrayLike) -> PrecisionRecall:
    """Precision against recall (scikit-learn's).

    Raises:
        InputError: one kind of pairs only.
    """
    from sklearn.metrics import average_precision_score, precision_recall_curve

    truth, values = check_scores(labels, scores)
    check_both_kinds(truth, "A precision-recall curve")
    precision, recall, thresholds = precision_recall_curve(truth, values)
    average = float(average_precision_score(truth, values))
    return PrecisionRecall(precision, recall, thresholds, average)


@dataclass(frozen=True)
class Reliability:
    """Scores beside what came true, in bins of equal width.

    Attributes:
        edges: float64 ``(bins + 1,)``, from 0 to 1.
        scores: float64 ``(bins,)``, mean score of a bin; NaN when it is empty.
        shares: float64 ``(bins,)``, share of genuine pairs in it; NaN when it is empty.
        counts: int64 ``(bins,)``, pairs in it.
    """

    edges: np.ndarray
    scores: np.ndarray
    shares: np.ndarray
    counts: np.ndarray

    @property
    def error(self) -> float:
        """Expected calibration error: mean ``|share - score|``, weighted by the counts.

        Naeini, Cooper, Hauskrecht 2015.
        """
        filled = self.counts > 0
        gaps = np.abs(self.shares[filled] - self.scores[filled])
        return float(np.average(gaps, weights=self.counts[filled]))


def reliability(labels: ArrayLike, scores: ArrayLike, bins: int = 10) -> Reliability:
    """Compare scores with the share of genuine pairs, bin by bin.

    A score is a probability for the mix of genuine and impostor pairs it was fitted on, half
    and half as a rule; with another mix in use it is one no longer.

    Args:
        labels: ``(N,)``, 1 genuine, 0 impostor.
        scores: ``(N,)`` in [0, 1].
        bins: number of bins; the last one includes 1.0.

    Raises:
        InputError: see :func:`check_scores`; or fewer than one bin.
    """
    truth, values = check_scores(labels, scores)
    if bins < 1:
        raise InputError(f"bins is at least 1. Received: {bins}.")
    edges = np.linspace(0, 1, bins + 1)
    place = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, bins - 1)
    counts = np.bincount(place, minlength=bins)

    def mean(of: np.ndarray) -> np.ndarray:
        total = np.bincount(place, weights=of, minlength=bins)
        return np.divide(total, counts, out=np.full(bins, np.nan), where=counts > 0)

    return Reliability(edges, mean(values), mean(truth.astype(float)), counts)


def brier_score(labels: ArrayLike, scores: ArrayLike) -> float:
    """Mean squared difference of score and label (Brier 1950); 0.25 for scores of 0.5."""
    truth, values = check_scores(labels, scores)
    return float(np.mean((values - truth) ** 2))

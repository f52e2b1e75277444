"""Curves over all thresholds, and how well scores are calibrated as probabilities.

The curves are scikit-learn's, which is imported when one is asked for. Labels and scores are
arrays of shape ``(N,)``; with one kind of pairs only, a curve raises ``InputError``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from siamlab.errors import InputError
from siamlab.evaluation.rates import check_scores


def area_under_roc(labels: ArrayLike, scores: ArrayLike) -> float:
    """Area under the ROC curve: how often a genuine pair scores above an impostor pair.

    Ties count one half.
    """
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(*check_scores(labels, scores, "The area under the ROC curve")))


@dataclass(frozen=True)
class Curve:
    """Error rates over thresholds, from the highest threshold to the lowest.

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
    """The receiver operating characteristic at every distinct score."""
    from sklearn.metrics import roc_curve

    truth, values = check_scores(labels, scores, "A ROC curve")
    fmr, tmr, thresholds = roc_curve(truth, values, drop_intermediate=False)
    return Curve(fmr, 1 - tmr, thresholds)


def det(labels: ArrayLike, scores: ArrayLike) -> Curve:
    """The detection error trade-off (Martin et al. 1997) at every score."""
    from sklearn.metrics import det_curve

    fmr, fnmr, thresholds = det_curve(*check_scores(labels, scores, "A DET curve"))
    return Curve(fmr[::-1], fnmr[::-1], thresholds[::-1])


def precision_recall(labels: ArrayLike, scores: ArrayLike) -> PrecisionRecall:
    """Precision against recall."""
    from sklearn.metrics import average_precision_score, precision_recall_curve

    truth, values = check_scores(labels, scores, "A precision-recall curve")
    precision, recall, thresholds = precision_recall_curve(truth, values)
    average = float(average_precision_score(truth, values))
    return PrecisionRecall(precision, recall, thresholds, average)


@dataclass(frozen=True)
class Reliability:
    """Mean score and share of genuine pairs, in bins of equal width.

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

    A score is a probability only for the mix of genuine and impostor pairs it was fitted on,
    usually half and half.

    Args:
        labels: ``(N,)``, 1 genuine, 0 impostor.
        scores: ``(N,)`` in [0, 1].
        bins: number of bins; the last one includes 1.0.

    Raises:
        InputError: see :func:`check_scores`; or fewer than one bin.
    """
    from scipy.stats import binned_statistic

    truth, values = check_scores(labels, scores)
    if bins < 1:
        raise InputError(f"bins is at least 1. Received: {bins}.")
    edges = np.linspace(0, 1, bins + 1)
    (means, shares), _, numbers = binned_statistic(values, [values, truth], "mean", edges)
    return Reliability(edges, means, shares, np.bincount(numbers - 1, minlength=bins))


def brier_score(labels: ArrayLike, scores: ArrayLike) -> float:
    """Mean squared difference of score and label (Brier 1950); 0.25 for scores of 0.5."""
    truth, values = check_scores(labels, scores)
    return float(np.mean((values - truth) ** 2))

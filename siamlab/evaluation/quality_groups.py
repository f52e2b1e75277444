"""Rates by image quality: for thirds of the pairs, sorted by the quality of the worse image."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from siamlab.data.pairs import PairSet
from siamlab.data.pipeline import index_images
from siamlab.errors import InputError
from siamlab.evaluation.curves import area_under_roc
from siamlab.evaluation.intervals import wilson_interval
from siamlab.images.decode import read_image
from siamlab.system.opencv import import_cv2

# The part of a chip that is measured: the face itself, not the background.
FACE = (0.3, 0.7)
THIRDS = ("lowest third", "middle third", "highest third")


@dataclass(frozen=True)
class QualityGroup:
    """Rates of one third of the pairs.

    Attributes:
        measure: ``sharpness``, ``brightness`` or ``contrast``.
        group: one of ``THIRDS``.
        below: no pair of the group has a value above this.
        pairs: number of pairs.
        accuracy: at the threshold.
        low: lower end of its 95 % interval (Wilson).
        high: upper end of it.
        auc: area under the ROC curve; ``None`` where one kind of pairs is missing.
    """

    measure: str
    group: str
    below: float
    pairs: int
    accuracy: float
    low: float
    high: float
    auc: float | None


def _face(image: np.ndarray) -> np.ndarray:
    """The middle of a chip, gray, float32 in [0, 255]."""
    cv2 = import_cv2()
    rows, columns = (slice(*(round(end * side) for end in FACE)) for side in image.shape[:2])
    gray = cv2.cvtColor(image[rows, columns], cv2.COLOR_RGB2GRAY)
    return np.asarray(gray, np.float32)


def sharpness(image: np.ndarray) -> float:
    """Logarithm of the variance of the Laplacian, the usual measure of focus.

    Pech-Pacheco, Cristobal, Chamorro-Martinez, Fernandez-Valdivia 2000.

    Args:
        image: uint8 RGB ``(H, W, 3)``, a face chip.
    """
    cv2 = import_cv2()
    laplacian = cv2.Laplacian(_face(image), cv2.CV_32F)
    return float(np.log(laplacian.var() + 1.0))


def brightness(image: np.ndarray) -> float:
    """Mean of the gray face, in [0, 255]; arguments as :func:`sharpness`."""
    return float(_face(image).mean())


def contrast(image: np.ndarray) -> float:
    """Standard deviation of the gray face; arguments as :func:`sharpness`."""
    return float(_face(image).std())


MEASURES: dict[str, Callable[[np.ndarray], float]] = {
    "sharpness": sharpness,
    "brightness": brightness,
    "contrast": contrast,
}


def quality_groups(
    pairs: PairSet, scores: np.ndarray, threshold: float
) -> tuple[QualityGroup, ...]:
    """Rates by third, for each measure; a pair is as good as its worse image.

    Args:
        pairs: the comparisons.
        scores: float ``(N,)`` in [0, 1], in the order of the pairs.
        threshold: a pair matches when its score is at least this.

    Raises:
        InputError: fewer than three pairs, or another number of scores.
        ImageError: a file cannot be read.
    """
    if len(pairs) < 3 or len(scores) != len(pairs):
        raise InputError(
            f"Thirds need three pairs or more, with a score each. Received: {len(pairs)} pairs "
            f"and {len(scores)} scores."
        )
    paths, first, second = index_images(pairs)
    images = map(read_image, paths)
    values = np.array([[measure(image) for measure in MEASURES.values()] for image in images])
    labels = np.asarray(pairs.labels)
    groups = []
    for measure, worse in zip(MEASURES, np.minimum(values[first], values[second]).T, strict=True):
        order = np.argsort(worse, kind="stable")
        for group, rows in zip(THIRDS, np.array_split(order, 3), strict=True):
            groups.append(
                _group(measure, group, worse[rows].max(), labels[rows], scores[rows], threshold)
            )
    return tuple(groups)


def _group(
    measure: str,
    group: str,
    below: float,
    labels: np.ndarray,
    scores: np.ndarray,
    threshold: float,
) -> QualityGroup:
    correct = int(((scores >= threshold) == (labels == 1)).sum())
    interval = wilson_interval(correct, len(labels))
    both = 0 < int((labels == 1).sum()) < len(labels)
    return QualityGroup(
        measure=measure,
        group=group,
        below=round(float(below), 3),
        pairs=len(labels),
        accuracy=correct / len(labels),
        low=interval.low,
        high=interval.high,
        auc=area_under_roc(labels, scores) if both else None,
    )

"""What answers to the exercises of chapter 10, one-shot classification, must do."""

from __future__ import annotations

import math

import numpy as np

from siamlab.course.exercises import Exercise, follows

_SCORES = np.array([[0.9, 0.2, 0.1], [0.3, 0.8, 0.1], [0.7, 0.1, 0.6], [0.1, 0.2, 0.4]])
_TIES = np.array([[0.5, 0.5, 0.1], [0.4, 0.4, 0.4]])
_EMBEDDINGS = np.array([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0], [0.0, -1.0], [0.8, -0.6]])


def _accuracy(scores: np.ndarray, answers: np.ndarray) -> float:
    best = scores == scores.max(axis=1, keepdims=True)
    hits = best[np.arange(len(scores)), answers] / best.sum(axis=1)
    return float(hits.mean())


def _prototypes(embeddings: np.ndarray, owners: np.ndarray) -> np.ndarray:
    sums = np.stack([embeddings[owners == one].sum(axis=0) for one in np.unique(owners)])
    unit: np.ndarray = sums / np.linalg.norm(sums, axis=1, keepdims=True)
    return unit


def _bin(dx: float, dy: float) -> int:
    return int(math.degrees(math.atan2(dy, dx)) % 180 // 20) % 9


CHECKS = {
    "10.1": Exercise(
        follows(
            _accuracy,
            (_SCORES, np.array([0, 1, 2, 2])),
            (_TIES, np.array([1, 2])),
        ),
        "Mark the highest scores of each row, look whether the right column is marked, and divide "
        "by the number of marks.",
        "Scores that are all equal give 1 / N, as guessing does.",
    ),
    "10.2": Exercise(
        follows(_prototypes, (_EMBEDDINGS, np.array([1, 1, 0, 2, 2]))),
        "(10.2) for the rows of each owner; np.unique(owners) is sorted.",
        "The only image of a class is its prototype.",
    ),
    "10.3": Exercise(
        follows(_bin, (1, 0), (-1, 0), (1, 1), (0, 3), (-1, 1), (1, -1), (-2, -2), (0, -1)),
        "The angle of (dx, dy) in degrees, modulo 180, and then how many times 20 degrees fit.",
        "Opposite directions share a bin: dark on light counts as light on dark.",
    ),
}

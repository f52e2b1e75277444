"""From a model and pairs to scores, and scores beside the truth for a reader.

Input: a Siamese model and pairs of image files. Output: one probability per pair, and
small tables of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from siamlab.data.pairs import PairSet
from siamlab.data.pipeline import _indexed, load_images, to_float
from siamlab.errors import InputError
from siamlab.evaluation.rates import check_scores

if TYPE_CHECKING:
    from siamlab.models.embedder import FaceEmbedder


def score_pairs(model: FaceEmbedder, pairs: PairSet, batch: int = 64) -> np.ndarray:
    """Score pairs of image files with a model.

    Each image is read and embedded once, however many pairs it is in; a pair then costs only
    the distance and the sigmoid unit. Images are read ``batch`` at a time.

    Args:
        model: its ``metadata.preprocessing`` says how files become inputs.
        pairs: who is compared with whom.
        batch: images in memory and in the network at once.

    Returns:
        float32 ``(N,)`` probabilities in the order of the pairs.

    Raises:
        InputError: ``batch`` is not positive.
        ImageError: a file cannot be read; the message names it.
    """

    if batch < 1:
        raise InputError(f"batch is at least 1. Received: {batch}.")
    if len(pairs.labels) == 0:
        return np.zeros(0, np.float32)
    first, second = embed_pairs(model, pairs, batch)
    return np.asarray(model.score_pairs(first, second), np.float32)


@dataclass(frozen=True)
class PredictionTable:
    """Scores, decisions and the truth of some pairs, side by side.

    Attributes:
        scores: float64 ``(N,)``.
        predicted: int64 ``(N,)``, 1 where ``score >= threshold``.
        truth: int64 ``(N,)``, 1 for genuine pairs.
        threshold: where it was cut.
    """

    scores: np.ndarray
    predicted: np.ndarray
    truth: np.ndarray
    threshold: float

    @property
    def right(self) -> np.ndarray:
        """bool ``(N,)``: decision and truth agree."""
        return np.asarray(self.predicted == self.truth)

    def __len__(self) -> int:
        return len(self.truth)

    def __str__(self) -> str:
        lines = [
            ("score", *(f"{score:.2f}" for score in self.scores)),
            ("y_pred", *(str(value) for value in self.predicted)),
            ("y_true", *(str(value) for value in self.truth)),
            ("", *("" if right else "x" for right in self.right)),
        ]
        text = "\n".join(" ".join(f"{cell:>6}" for cell in line).rstrip() for line in lines)
        right = f"{int(self.right.sum())} of {len(self)} right"
        return f"{text}\n{right} at threshold {self.threshold:.3g} (x marks a mistake)"

    __repr__ = __str__


def prediction_table(
    labels: ArrayLike, scores: ArrayLike, threshold: float, count: int | None = 10
) -> PredictionTable:
    """Thresholded predictions beside the truth, for the first pairs.

    Args:
        labels: ``(N,)``, 1 genuine, 0 impostor.
        scores: ``(N,)`` in [0, 1].
        threshold: a pair matches when its score is at least this.
        count: how many pairs; ``None`` takes all.
    """
    truth, values = (array[:count] for array in check_scores(labels, scores))
    predicted = (values >= threshold).astype(np.int64)
    return PredictionTable(values, predicted, truth.astype(np.int64), float(threshold))


def worst_mistakes(
    labels: ArrayLike, scores: ArrayLike, threshold: float, count: int = 4
) -> tuple[np.ndarray, np.ndarray]:
    """Where the model was most wrong.

    Args:
        labels: ``(N,)``, 1 genuine, 0 impostor.
        scores: ``(N,)`` in [0, 1].
        threshold: a pair matches when its score is at least this.
        count: at the most so many of each kind.

    Returns:
        int64 positions of the false matches (highest score first) and of the false non-matches
        (lowest score first); fewer than ``count`` when there are fewer.
    """
    truth, values = check_scores(labels, scores)
    order = np.argsort(values, kind="stable")
    match = values[order] >= threshold
    false_matches = order[match & ~truth[order]][::-1][:count]
    false_non_matches = order[~match & truth[order]][:count]
    return false_matches, false_non_matches


def embed_pairs(
    model: FaceEmbedder, pairs: PairSet, batch: int = 64
) -> tuple[np.ndarray, np.ndarray]:
    """Embed both sides of pairs; each image is read and embedded once.

    Args:
        model: its metadata says how files become inputs.
        pairs: who is compared with whom.
        batch: images in memory and in the network at once.

    Returns:
        Two float32 arrays ``(N, dimensions)``.

    Raises:
        ImageError: a file cannot be read; the message names it.
    """
    paths, first, second = _indexed(pairs)
    parts = [
        model.embed(
            to_float(load_images(paths[start : start + batch], model.metadata.preprocessing))
        )
        for start in range(0, len(paths), batch)
    ]
    embeddings = np.concatenate(parts)
    return embeddings[first], embeddings[second]

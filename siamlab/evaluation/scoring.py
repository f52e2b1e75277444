"""Scores of pairs of image files, and the scores of single pairs for a reader."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from siamlab.data.faces import face_batches
from siamlab.data.pairs import PairSet
from siamlab.data.pipeline import index_images, to_float
from siamlab.errors import InputError, NoFaceError
from siamlab.evaluation.rates import check_scores
from siamlab.faces.crop import Preprocessing
from siamlab.models.embedder import FaceEmbedder
from siamlab.system.table import Table

_AT_ONCE = 4096  # pairs


@dataclass(frozen=True, eq=False)
class Judgement:
    """Scores of pairs, and what could not be judged.

    Attributes:
        scores: float32 ``(N,)`` probabilities in the order of the pairs; 0 where an image of the
            pair shows no face.
        judged: bool ``(N,)``, false there and where a face is too poor for an answer
            (:mod:`siamlab.faces.quality`), whatever its score.
        no_face: how many different images show no face.
        several: how many show several; the face nearest to the middle counted.
        unusable: how many show a face that is too poor.
    """

    scores: np.ndarray
    judged: np.ndarray
    no_face: int = 0
    several: int = 0
    unusable: int = 0

    @property
    def answers(self) -> np.ndarray:
        """float32 ``(N,)``: the scores, 0 where a verification would give no answer."""
        return np.where(self.judged, self.scores, np.float32(0))

    @property
    def rejected(self) -> int:
        """How many pairs could not be judged."""
        return int(np.count_nonzero(~self.judged))

    def keep_judged(self, pairs: PairSet) -> PairSet:
        """Those of the pairs that could be judged.

        Raises:
            NoFaceError: there are none.
        """
        if not self.judged.any():
            raise NoFaceError(
                f"No pair of {len(pairs)} shows two faces that can be judged: {self._counts()}, "
                f"such as {pairs.first[0]}."
            )
        return pairs.subset(self.judged)

    def left_out_note(self) -> str:
        """A sentence about the pairs that a calibration leaves out; empty if there are none."""
        if not self.rejected:
            return ""
        return f"{self.rejected} of {len(self.judged)} pairs were left out: {self._counts()}."

    @property
    def nothing_to_judge(self) -> list[tuple[int, str]]:
        """How many images show what instead of a face that can be judged; none of 0."""
        kinds = [(self.no_face, "no face"), (self.unusable, "a face too poor to judge")]
        return [(count, f"show{'s' * (count == 1)} {what}") for count, what in kinds if count]

    def _counts(self) -> str:
        return " and ".join(
            f"{count} image{'s' * (count != 1)} {what}" for count, what in self.nothing_to_judge
        )


def judge_pairs(
    model: FaceEmbedder, pairs: PairSet, aligned: bool = False, batch: int = 64
) -> Judgement:
    """Score pairs of image files with a model.

    Each image is read and embedded once, however many pairs it is in; a pair then costs only
    the distance and the sigmoid unit. Images are read ``batch`` at a time.

    Args:
        model: its ``metadata.preprocessing`` turns image files into inputs.
        pairs: the comparisons.
        aligned: the files are chips already; no face is searched.
        batch: images in memory and in the network at once.

    Raises:
        InputError: ``batch`` is not positive.
        ImageError: a file cannot be read; the message names it.
    """
    if batch < 1:
        raise InputError(f"batch is at least 1. Received: {batch}.")
    if len(pairs.labels) == 0:
        return Judgement(np.zeros(0, np.float32), np.zeros(0, bool))
    described = embed_pairs(model, pairs, batch, aligned)
    scores = np.zeros(len(pairs), np.float32)
    # Some at a time: embeddings of 4,096 numbers on both sides of 100,000 pairs take 3 GB.
    for some in np.array_split(np.flatnonzero(described.found), len(pairs) // _AT_ONCE + 1):
        if len(some):
            sides = (described.rows[index[some]] for index in described.places)
            scores[some] = model.score_pairs(*sides)
    return Judgement(
        scores, described.judged, described.no_face, described.several, described.unusable
    )


def score_pairs(model: FaceEmbedder, pairs: PairSet, batch: int = 64) -> np.ndarray:
    """The scores of :func:`judge_pairs`: 0, "no", where an image shows no face."""
    return judge_pairs(model, pairs, batch=batch).scores


@dataclass(frozen=True)
class PredictionTable:
    """Scores, decisions and the truth of some pairs, side by side.

    Attributes:
        scores: float64 ``(N,)``.
        predicted: int64 ``(N,)``, 1 where ``score >= threshold``.
        truth: int64 ``(N,)``, 1 for genuine pairs.
        threshold: a pair matches when its score is at least this.
    """

    scores: np.ndarray
    predicted: np.ndarray
    truth: np.ndarray
    threshold: float

    @property
    def correct(self) -> np.ndarray:
        """bool ``(N,)``: decision and truth agree."""
        return np.asarray(self.predicted == self.truth)

    def __len__(self) -> int:
        return len(self.truth)

    def to_table(self) -> Table:
        """A column for each pair; the last row marks mistakes."""
        rows = [
            ("score", *(f"{score:.2f}" for score in self.scores)),
            ("y_pred", *map(str, self.predicted)),
            ("y_true", *map(str, self.truth)),
            ("", *("" if correct else "x" for correct in self.correct)),
        ]
        return Table(rows, align=">", gap=3)

    @property
    def _summary(self) -> str:
        right = f"{int(self.correct.sum())} of {len(self)} right"
        return f"{right} at threshold {self.threshold:.3g} (x marks a mistake)"

    def __str__(self) -> str:
        return f"{self.to_table()}\n{self._summary}"

    def _repr_html_(self) -> str:
        return f"{self.to_table()._repr_html_()}<p>{self._summary}</p>"

    __repr__ = __str__


def prediction_table(
    labels: ArrayLike, scores: ArrayLike, threshold: float, count: int | None = 10
) -> PredictionTable:
    """Scores, decisions and truth of the first pairs; see :func:`operating_point`.

    Args:
        labels, scores, threshold: as there.
        count: number of pairs; ``None`` takes all.
    """
    truth, values = (array[:count] for array in check_scores(labels, scores))
    predicted = (values >= threshold).astype(np.int64)
    return PredictionTable(values, predicted, truth.astype(np.int64), float(threshold))


def worst_mistakes(
    labels: ArrayLike, scores: ArrayLike, threshold: float, count: int = 4
) -> tuple[np.ndarray, np.ndarray]:
    """The false matches with the highest and the false non-matches with the lowest scores.

    Args:
        labels: ``(N,)``, 1 genuine, 0 impostor.
        scores: ``(N,)`` in [0, 1].
        threshold: a pair matches when its score is at least this.
        count: mistakes of each kind at most.

    Returns:
        int64 positions of the false matches (highest score first) and of the false non-matches
        (lowest score first).
    """
    truth, values = check_scores(labels, scores)
    order = np.argsort(values, kind="stable")
    match = values[order] >= threshold
    false_matches = order[match & ~truth[order]][::-1][:count]
    false_non_matches = order[~match & truth[order]][:count]
    return false_matches, false_non_matches


@dataclass(frozen=True, eq=False)
class DescribedPairs:
    """Both sides of pairs as rows of numbers; see :class:`Judgement`.

    Attributes:
        rows: ``(M, D)``, one for each different image; NaN where it shows no face.
        usable: bool ``(M,)``, false there and where the face is too poor to judge.
        places: int64 ``(2, N)``: the row of each pair's first image, and of its second.
        no_face, several, unusable: numbers of images.
    """

    rows: np.ndarray
    usable: np.ndarray
    places: np.ndarray
    no_face: int
    several: int
    unusable: int

    @property
    def first(self) -> np.ndarray:
        """``(N, D)``: the first side of each pair."""
        return self.rows[self.places[0]]

    @property
    def second(self) -> np.ndarray:
        """``(N, D)``: the second side."""
        return self.rows[self.places[1]]

    @property
    def found(self) -> np.ndarray:
        """bool ``(N,)``: both images show a face."""
        return ~np.isnan(self.rows).any(axis=1)[self.places].any(axis=0)

    @property
    def judged(self) -> np.ndarray:
        """bool ``(N,)``: both show one that can be judged."""
        return self.usable[self.places].all(axis=0)

    @property
    def cosines(self) -> np.ndarray:
        """``(N,)`` of rows of length one; -1, the least, where an image shows no face."""
        return np.where(self.found, np.einsum("nd,nd->n", self.first, self.second), -1.0)


def embed_pairs(
    model: FaceEmbedder, pairs: PairSet, batch: int = 64, aligned: bool = False
) -> DescribedPairs:
    """Embed both sides of pairs; arguments and errors as :func:`judge_pairs`."""
    preprocessing = model.metadata.preprocessing
    if aligned:
        preprocessing = replace(preprocessing, alignment="none")
    return describe_pairs(lambda images: model.embed(to_float(images)), pairs, preprocessing, batch)


def describe_pairs(
    describe: Callable[[np.ndarray], np.ndarray],
    pairs: PairSet,
    preprocessing: Preprocessing,
    batch: int = 64,
) -> DescribedPairs:
    """Describe both sides of pairs; each image is read and described once.

    Args:
        describe: uint8 images ``(M, size, size, 3)`` to float rows ``(M, D)``.
        pairs: the comparisons.
        preprocessing: alignment, crop and size.
        batch: images in memory at once.

    Raises:
        ImageError: a file cannot be read; the message names it.
    """
    paths, first, second = index_images(pairs)
    parts, usable, counts = [], [], np.zeros(3, int)
    for faces in face_batches(paths, preprocessing, batch, judged=True):
        rows = np.asarray(describe(faces.images))
        rows[~faces.found] = np.nan
        parts.append(rows)
        usable.append(faces.usable)
        counts += (faces.missing, faces.several, faces.unusable)
    places = np.stack([first, second])
    return DescribedPairs(np.concatenate(parts), np.concatenate(usable), places, *counts.tolist())

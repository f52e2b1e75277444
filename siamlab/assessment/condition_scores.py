"""The scores of the same pairs under each condition.

Input: a model and pairs of image files. Output: scores of the pairs as they are and at each level
of each perturbation. By default only the second photograph of a pair is changed, like one that is
held against an enrolled one; the first stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from siamlab.assessment.face_reading import FaceReader
from siamlab.assessment.perturbations import PERTURBATIONS, Perturbation
from siamlab.data.pairs import PairSet
from siamlab.data.pipeline import index_images, to_float
from siamlab.errors import InputError
from siamlab.evaluation.scoring import Judgement
from siamlab.faces.detectors import FaceBox
from siamlab.images.decode import ImageFile, read_image
from siamlab.models.embedder import FaceEmbedder

SIDES = ("second", "both")
BATCH = 8  # photographs in memory at once; a telephone takes 12 megapixels

Level = tuple[str, float | None]  # a perturbation's name and strength
AS_IT_IS: Level = ("", None)
Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class ConditionScores:
    """The scores of all pairs at one level.

    Attributes:
        judgement: scores in the order of the pairs; its ``no_face`` counts the images below.
        images: how many images were looked at: those that were changed, or all as they are.
    """

    judgement: Judgement
    images: int


def score_conditions(
    model: FaceEmbedder,
    pairs: PairSet,
    perturbations: Sequence[Perturbation] = PERTURBATIONS,
    side: str = "second",
    seed: int = 0,
    progress: Progress | None = None,
) -> dict[Level, ConditionScores]:
    """Score pairs as they are, and under each condition.

    A face is found in the photograph as it is, to place the light and the covers; then it is
    looked for again in the changed one. A photograph without a face has none in any condition.

    Args:
        model: its ``metadata.preprocessing`` says how faces are found and cut.
        pairs: the comparisons.
        perturbations: what is done to the photographs.
        side: ``second``: only the second photograph of each pair is changed; or ``both``.
        seed: of noise and sides; a photograph gets the same ones at each level.
        progress: called with (photographs done, photographs in all).

    Returns:
        ``AS_IT_IS`` and each (name, level) to the scores there.

    Raises:
        InputError: there are no pairs, or another ``side``.
        ImageError: a file cannot be read; the message names it.
    """
    if side not in SIDES or len(pairs) == 0:
        raise InputError(
            f"Conditions need pairs, and a side that is second or both. Received: {len(pairs)} "
            f"pairs, {side!r}."
        )
    paths, first, second = index_images(pairs)
    changed = np.full(len(paths), side == "both")
    changed[second] = True
    rows = _Describer(model, perturbations, seed).describe(paths, changed, progress)
    clean = rows[AS_IT_IS]

    def judge(level: Level, worse: np.ndarray) -> ConditionScores:
        looked_at = clean if level == AS_IT_IS else worse[changed]
        one = (worse if side == "both" else clean)[first]
        return _judge(model, one, worse[second], looked_at)

    return {level: judge(level, worse) for level, worse in rows.items()}


def _judge(
    model: FaceEmbedder, first: np.ndarray, second: np.ndarray, looked_at: np.ndarray
) -> ConditionScores:
    judged = ~(np.isnan(first).any(axis=1) | np.isnan(second).any(axis=1))
    scores = np.zeros(len(first), np.float32)
    if judged.any():
        scores[judged] = model.score_pairs(first[judged], second[judged])
    missing = int(np.isnan(looked_at).any(axis=1).sum())
    return ConditionScores(Judgement(scores, judged, missing), len(looked_at))


class _Describer:
    """Embeds photographs as they are and at each level; each file is read once."""

    def __init__(
        self, model: FaceEmbedder, perturbations: Sequence[Perturbation], seed: int
    ) -> None:
        self.model, self.seed = model, seed
        self.reader = FaceReader(model.metadata.preprocessing)
        self.steps = [(one, level) for one in perturbations for level in one.levels]

    def describe(
        self, paths: Sequence[ImageFile], changed: np.ndarray, progress: Progress | None
    ) -> dict[Level, np.ndarray]:
        """Rows ``(N, D)`` for each level; NaN where no face was found or nothing was changed."""
        parts: dict[Level, list[np.ndarray]] = {}
        for start in range(0, len(paths), BATCH):
            images = [read_image(path) for path in paths[start : start + BATCH]]
            boxes = [self.reader.locate(image) for image in images]
            faces = [
                None if box is None else self.reader.cut(image, box)
                for image, box in zip(images, boxes, strict=True)
            ]
            parts.setdefault(AS_IT_IS, []).append(self._embed(faces))
            for one, level in self.steps:
                faces = [
                    self._worse(image, box, one, level, start + place)
                    if changed[start + place]
                    else None
                    for place, (image, box) in enumerate(zip(images, boxes, strict=True))
                ]
                parts.setdefault((one.name, level), []).append(self._embed(faces))
            if progress is not None:
                progress(start + len(images), len(paths))
        return {level: _stack(rows) for level, rows in parts.items()}

    def _worse(
        self, image: np.ndarray, box: FaceBox | None, one: Perturbation, level: float, number: int
    ) -> np.ndarray | None:
        if box is None:
            return None
        rng = np.random.default_rng((self.seed, number))
        return self.reader.read(one.apply(image, box, level, rng))

    def _embed(self, faces: Sequence[np.ndarray | None]) -> np.ndarray:
        """Rows ``(N, D)``; ``(N, 0)`` where no image shows a face."""
        found = np.array([face is not None for face in faces])
        if not found.any():
            return np.zeros((len(faces), 0), np.float32)
        embedded = self.model.embed(to_float(np.stack([f for f in faces if f is not None])))
        rows = np.full((len(faces), embedded.shape[1]), np.nan, np.float32)
        rows[found] = embedded
        return rows


def _stack(parts: list[np.ndarray]) -> np.ndarray:
    """All rows below each other; where no image of a batch shows a face they are NaN."""
    width = max(1, *(part.shape[1] for part in parts))
    whole = np.full((sum(map(len, parts)), width), np.nan, np.float32)
    start = 0
    for part in parts:
        whole[start : start + len(part), : part.shape[1]] = part
        start += len(part)
    return whole

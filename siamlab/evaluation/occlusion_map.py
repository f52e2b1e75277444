"""Where the distance of two faces comes from: gray patches slid over one of them.

Input: a model and two images as it sees them. Output: score and distance with each place covered,
and a heat map. It asks the model for embeddings only, so it explains any of them, exported ones
too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from siamlab.errors import InputError
from siamlab.models.embedder import FaceEmbedder

GRAY = 0.5
STEPS = 9  # places in a row: neighboring patches overlap by half
PATCH = 0.2


@dataclass(frozen=True, eq=False)
class OcclusionMap:
    """What covering a place of the first image does to its comparison with the second.

    Attributes:
        score: of the uncovered pair.
        distance: Euclidean, between the embeddings of the uncovered pair.
        scores: float64 ``(steps, steps)``, with the patch at each place, from top to bottom.
        distances: the same of the distance.
        heat: float64 ``(H, W)``, for each pixel the mean of ``distance - distances`` over the
            patches that cover it. Above 0 the place drives the pair apart, below 0 it makes the
            pair alike.
    """

    score: float
    distance: float
    scores: np.ndarray
    distances: np.ndarray
    heat: np.ndarray

    def __repr__(self) -> str:
        return (
            f"OcclusionMap(score {self.score:.3f}, {self.scores.min():.3f} to "
            f"{self.scores.max():.3f} with a place covered)"
        )


def map_occlusion(
    model: FaceEmbedder,
    first: np.ndarray,
    second: np.ndarray,
    patch: float = PATCH,
    steps: int = STEPS,
    batch: int = 64,
) -> OcclusionMap:
    """Slide a gray patch over the first image and measure what that changes.

    Zeiler, Fergus 2014, "Visualizing and understanding convolutional networks", section 4.2, for
    the distance of two images in place of a class.

    Args:
        model: embeds and scores.
        first: float32 ``(H, W, 3)`` in [0, 1], as the model takes it; patches go over this one.
        second: the image that it is compared with.
        patch: side of the patch, as a share of the image, in (0, 1].
        steps: places in a row and in a column; the network sees ``steps ** 2 + 2`` images.
        batch: images in the network at once.

    Raises:
        InputError: the images are of different shapes, or a value is out of its range.

    Example:
        >>> import numpy as np
        >>> import siamlab
        >>> from siamlab.evaluation import map_occlusion
        >>> embedding = siamlab.build_embedding("compact", (32, 32, 3), width=0.25)
        >>> model = siamlab.build_siamese(embedding)
        >>> image = np.random.default_rng(0).random((32, 32, 3), np.float32)
        >>> result = map_occlusion(model, image, image, steps=4)
        >>> result.scores.shape, result.heat.shape, bool((result.heat <= 0).all())
        ((4, 4), (32, 32), True)
    """
    if first.ndim != 3 or first.shape != second.shape:
        raise InputError(
            f"Both images have one shape (H, W, 3). Received: {first.shape}, {second.shape}."
        )
    if not 0 < patch <= 1 or steps < 1:
        raise InputError(f"patch is in (0, 1], steps at least 1. Received: {patch}, {steps}.")
    places = _places(first.shape[:2], patch, steps)
    covered = np.repeat(first[None], len(places), axis=0)
    for image, place in zip(covered, places, strict=True):
        image[place] = GRAY
    whole, *others, other = model.embed(np.stack([first, *covered, second]), batch)
    rows = np.stack([whole, *others])
    scores = model.score_pairs(rows, np.repeat(other[None], len(rows), axis=0)).astype(float)
    distances = np.linalg.norm(rows.astype(float) - other, axis=1)
    shape = (steps, steps)
    return OcclusionMap(
        score=float(scores[0]),
        distance=float(distances[0]),
        scores=scores[1:].reshape(shape),
        distances=distances[1:].reshape(shape),
        heat=_spread(distances[0] - distances[1:], places, first.shape[:2]),
    )


def _places(shape: tuple[int, ...], patch: float, steps: int) -> list[tuple[slice, slice]]:
    """Rows and columns of each patch, spread from edge to edge."""
    spans = []
    for length in shape:
        side = max(1, round(patch * length))
        starts = np.rint(np.linspace(0, length - side, steps)).astype(int)
        spans.append([slice(start, start + side) for start in starts.tolist()])
    return [(rows, columns) for rows in spans[0] for columns in spans[1]]


def _spread(
    changes: np.ndarray, places: list[tuple[slice, slice]], shape: tuple[int, ...]
) -> np.ndarray:
    """The mean change of the patches that cover a pixel; 0 where none does."""
    total, count = np.zeros(shape), np.zeros(shape)
    for place, change in zip(places, changes, strict=True):
        total[place] += change
        count[place] += 1
    return np.asarray(total / np.maximum(count, 1))

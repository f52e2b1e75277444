"""Four people of one gray level each, and a model whose scores can be worked out by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from siamlab.assessment.perturbations import Perturbation
from siamlab.data.pairs import PairSet
from siamlab.faces.crop import Preprocessing
from siamlab.images.write import write_image
from siamlab.models.metadata import ModelMetadata

LEVELS = {"a": 40, "b": 90, "c": 140, "d": 190}  # gray level of both images of a person


class GrayModel:
    """The score is 1 less the difference of two mean levels, in 0 to 1."""

    def __init__(self, **preprocessing) -> None:
        made = Preprocessing(size=16, **{"detector": "guide", "alignment": "box", **preprocessing})
        self.metadata = ModelMetadata(preprocessing=made, versions={})
        self.model_id = "gray"

    def embed(self, images: np.ndarray) -> np.ndarray:
        return np.repeat(images.mean(axis=(1, 2, 3))[:, None], 2, axis=1).astype(np.float32)

    def score_pairs(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        return (1 - np.abs(first[:, 0] - second[:, 0])).astype(np.float32)


def lift(image, box, level, rng):
    return np.clip(image.astype(int) + round(level), 0, 255).astype(np.uint8)


LIFT = Perturbation("lift", "Lifted", "gray levels", (5, 50), lift)
BLACK = Perturbation("black", "Black", "no matter", (1,), lambda image, *_: np.zeros_like(image))


def write_gray_pairs(root: Path) -> PairSet:
    """A genuine pair of each person, and each person against the next lighter one."""
    for name, level in LEVELS.items():
        for number in (1, 2):
            image = np.full((60, 60, 3), level, np.uint8)
            write_image(root / name / f"{name}_{number:04d}.png", image)
    sides = [(name, name) for name in LEVELS] + [("a", "b"), ("b", "c"), ("c", "d")]
    return PairSet(
        tuple(root / one / f"{one}_0001.png" for one, _ in sides),
        tuple(root / other / f"{other}_0002.png" for _, other in sides),
        np.array([one == other for one, other in sides], np.int64),
        tuple(one for one, _ in sides),
        tuple(other for _, other in sides),
    )

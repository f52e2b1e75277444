"""The protocol of face detectors, their boxes, and what the implementations share."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from siamlab.errors import InputError
from siamlab.system.opencv import import_cv2

CHIP_SCALE = 2.2  # side of a face chip, in sides of the face's box


@dataclass(frozen=True)
class Landmarks:
    """Five points of a face.

    Attributes:
        points: (x, y) in pixels of the image.
        kind: which points: ``yunet`` (both eyes, nose, both corners of the mouth, each from left
            to right in the image) or ``dlib`` (outer and inner corner of the right eye in the
            image, then of the left one, base of the nose).
    """

    points: tuple[tuple[float, float], ...]
    kind: str


@dataclass(frozen=True)
class FaceBox:
    """A square around a face, as Viola and Jones' detector draws it: brows to chin.

    Attributes:
        x: left edge in pixels; a box may reach beyond the image.
        y: upper edge.
        size: side.
        score: the detector's confidence in [0, 1]; 1 where it gives none.
        landmarks: five points of the face, where the detector gives them or they were found.
    """

    x: float
    y: float
    size: float
    score: float = 1.0
    landmarks: Landmarks | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.x) and math.isfinite(self.y) and 0 < self.size < math.inf):
            raise InputError(f"A face box needs finite numbers and a side above 0: {self}.")

    @property
    def center(self) -> tuple[float, float]:
        """The middle (x, y)."""
        return self.x + self.size / 2, self.y + self.size / 2

    def as_ints(self) -> tuple[int, int, int]:
        """``(x, y, size)`` in whole pixels, for drawing."""
        return round(self.x), round(self.y), round(self.size)


class FaceDetector(Protocol):
    """Finds faces; its ``name`` is recorded with a model."""

    name: str

    def detect(self, image: np.ndarray) -> list[FaceBox]:
        """All faces of a uint8 RGB image, largest first."""


def shrink(image: np.ndarray, long_side: int) -> tuple[np.ndarray, float]:
    """Scale down to at most ``long_side``; also the factor from old to new pixels."""
    scale = min(1.0, long_side / max(image.shape[:2]))
    if scale == 1.0:
        return image, scale
    cv2 = import_cv2()
    height, width = (max(1, round(side * scale)) for side in image.shape[:2])
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), scale


def largest_first(boxes: list[FaceBox]) -> list[FaceBox]:
    """Sort boxes by size, without those that are parts of a larger face."""
    kept: list[FaceBox] = []
    for box in sorted(boxes, key=lambda box: -box.size):
        if not any(_is_part(box, larger) for larger in kept):
            kept.append(box)
    return kept


def _is_part(box: FaceBox, larger: FaceBox) -> bool:
    """Whether a box is in a larger one, and not a face beside it whose boxes overlap."""
    if not _holds(larger, box.center):
        return False
    near = math.dist(box.center, larger.center) < 0.3 * larger.size
    return near or box.size < 0.6 * larger.size


def _holds(box: FaceBox, point: tuple[float, float]) -> bool:
    return 0 <= point[0] - box.x <= box.size and 0 <= point[1] - box.y <= box.size

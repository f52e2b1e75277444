"""Faces in photographs that lie on their side or stand on their head.

Input: an image and a detector. Output: boxes with landmarks in the image as it is. Phones note in
the file how they were held, and :mod:`siamlab.images.decode` turns the image by that; where the
note was lost, a detector sees a face badly or takes a chin for a forehead. Of 200 LFW images, each
turned by all four quarter turns, the upright one had the best score 200 times.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from siamlab.faces.detectors import FaceBox, FaceDetector, Landmarks
from siamlab.faces.landmarks import find_landmarks

# Upright faces of LFW score more: 99 % of them with YuNet, 99.9 % with MMOD. Other detectors give
# no score, and a face on its side cannot be told from a mistake.
SURE = {"yunet": 0.9, "mmod": 0.95}


def detect_faces(image: np.ndarray, detector: FaceDetector, alignment: str) -> list[FaceBox]:
    """All faces, largest first, as the way in which they will be cut can use them.

    Args:
        image: uint8 RGB ``(H, W, 3)``.
        detector: finds faces.
        alignment: with ``landmarks`` photographs may lie on their side; a square cut around a box
            would leave the face as it lies.
    """
    if alignment == "landmarks":
        return detect_turned(image, detector)
    return detector.detect(image)


def detect_turned(image: np.ndarray, detector: FaceDetector) -> list[FaceBox]:
    """All faces, largest first; the photograph is turned where that shows them better.

    Args:
        image: uint8 RGB ``(H, W, 3)``.
        detector: one that is sure of an upright face is asked once.

    Returns:
        Boxes in the image as it is. Those found in a turned image have landmarks, and by these an
        aligned face is upright.
    """
    upright = detector.detect(image)
    sure = SURE.get(detector.name)
    best = max((box.score for box in upright), default=0.0)
    if sure is None or best >= sure:
        return upright
    found, quarters = upright, 0
    for number in (1, 2, 3):
        boxes = detector.detect(np.ascontiguousarray(np.rot90(image, number)))
        score = max((box.score for box in boxes), default=0.0)
        if score >= sure and score > best:
            found, quarters, best = boxes, number, score
    if not quarters:
        return upright
    turned = np.ascontiguousarray(np.rot90(image, quarters))
    return [_turn_back(find_landmarks(turned, box), quarters, turned.shape) for box in found]


def _turn_back(box: FaceBox, quarters: int, shape: tuple[int, ...]) -> FaceBox:
    """A box and its landmarks in the image that was turned to the left so many times."""
    height, width = shape[:2]
    x, y, marks = *box.center, box.landmarks
    points = np.array([(x, y), *(marks.points if marks else ())])
    for _ in range(quarters):  # a quarter to the right each
        points = np.stack([height - 1 - points[:, 1], points[:, 0]], axis=1)
        height, width = width, height
    (x, y), *others = points.tolist()
    half = box.size / 2
    landmarks = Landmarks(tuple(map(tuple, others)), marks.kind) if marks else None
    return replace(box, x=x - half, y=y - half, landmarks=landmarks)

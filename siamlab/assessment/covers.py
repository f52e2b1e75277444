"""A bar over the eyes and a mask over the mouth, placed by a face's landmarks.

Places are those of an aligned face, as :data:`siamlab.faces.landmarks.TEMPLATES` gives them: 0 to
1 from the brows to the chin and from cheek to cheek. They are mapped back into the photograph, so
that the cover is tilted as the head is, whichever five points a detector gives.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from siamlab.errors import InputError
from siamlab.faces.align import similarity
from siamlab.faces.detectors import FaceBox
from siamlab.faces.landmarks import TEMPLATES
from siamlab.system.opencv import import_cv2

EYES_DOWN = float(TEMPLATES["yunet"][:2, 1].mean())  # where the eyes are
LEFT, RIGHT, CHIN = 0.0, 1.0, 1.0
GLASSES, MASK = (25, 25, 25), (176, 196, 206)


def cover_eyes(
    image: np.ndarray, box: FaceBox, percent: float, rng: np.random.Generator
) -> np.ndarray:
    """A dark bar over both eyes, so high in percent of the face."""
    half = percent / 200
    return fill(image, box, EYES_DOWN - half, EYES_DOWN + half, GLASSES)


def cover_mouth(
    image: np.ndarray, box: FaceBox, percent: float, rng: np.random.Generator
) -> np.ndarray:
    """A plain mask from the chin upwards, so high in percent of the face.

    With 35 it covers the mouth, with 45 the tip of the nose, with 60 all of the nose.
    """
    return fill(image, box, 1 - percent / 100, CHIN, MASK)


def fill(
    image: np.ndarray, box: FaceBox, top: float, bottom: float, color: tuple[int, int, int]
) -> np.ndarray:
    """Fill a band across the face.

    Args:
        image: uint8 RGB ``(H, W, 3)``.
        box: with landmarks.
        top: where the band begins, in an aligned face.
        bottom: where it ends.
        color: RGB.

    Returns:
        A copy with the band.

    Raises:
        InputError: the box has no landmarks.
    """
    corners = [(LEFT, top), (RIGHT, top), (RIGHT, bottom), (LEFT, bottom)]
    cv2, covered = import_cv2(), image.copy()
    cv2.fillConvexPoly(covered, to_pixels(corners, box), color, cv2.LINE_AA)
    return covered


def to_pixels(places: Sequence[tuple[float, float]], box: FaceBox) -> np.ndarray:
    """Places of an aligned face in the photograph: int32 ``(N, 2)``, x and y.

    Raises:
        InputError: the box has no landmarks.
    """
    if box.landmarks is None:
        raise InputError("The box has no landmarks; find_landmarks gives it some.")
    matrix = similarity(TEMPLATES[box.landmarks.kind], np.array(box.landmarks.points))
    return np.rint(np.array(places) @ matrix[:, :2].T + matrix[:, 2]).astype(np.int32)

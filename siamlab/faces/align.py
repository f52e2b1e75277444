"""Aligned faces: any photograph in, a face of always the same size, place and tilt out.

Input: uint8 RGB images of any size. Output: face chips, uint8 RGB (250, 250, 3), upright, whose
central 150 pixels are what dlib's face ResNet sees: brows to chin. Training, evaluation,
enrollment, verification and the live loop all look at faces through :func:`find_chip`.
"""

from __future__ import annotations

import numpy as np

from siamlab.errors import InputError
from siamlab.faces.crop import CHIP_SIZE, choose_face, cut_face
from siamlab.faces.detectors import FaceBox, FaceDetector
from siamlab.faces.landmarks import TEMPLATES, find_landmarks
from siamlab.faces.orientation import detect_faces
from siamlab.system.opencv import import_cv2

# Side of the square that the templates of landmarks fill, in sides of a chip.
FACE_SHARE = 0.6


def find_chip(
    image: np.ndarray,
    detector: FaceDetector,
    rule: str = "one",
    alignment: str = "landmarks",
) -> tuple[np.ndarray, FaceBox]:
    """The face that is meant, cut out as models want it, and where it is.

    Args:
        image: uint8 RGB ``(H, W, 3)``.
        detector: finds faces.
        rule: what to do about several faces, see :func:`siamlab.faces.crop.find_face`.
        alignment: ``landmarks`` turns, scales and moves the face until its five points are at
            their places, also where the photograph lies on its side; ``box`` cuts a square around
            the detector's box, as siamlab 0.2 did.

    Returns:
        uint8 RGB ``(250, 250, 3)``, and the box, with landmarks where they were looked for.

    Raises:
        NoFaceError, SeveralFacesError: there is none, or more than one could be meant.
        InputError: another ``alignment``.

    Example:
        >>> import siamlab
        >>> from siamlab.faces.align import find_chip
        >>> with siamlab.open_camera("drawn:7") as camera:
        ...     chip, box = find_chip(camera.read(), siamlab.open_detector())
        >>> chip.shape, len(box.landmarks.points)
        ((250, 250, 3), 5)
    """
    if alignment not in ("landmarks", "box"):
        raise InputError(f"alignment is landmarks or box here. Received: {alignment!r}.")
    box = choose_face(image, detect_faces(image, detector, alignment), rule)
    if alignment == "landmarks":
        box = find_landmarks(image, box)
    return cut_chip(image, box, alignment), box


def cut_chip(image: np.ndarray, box: FaceBox, alignment: str) -> np.ndarray:
    """The chip of a face that was found: uint8 RGB ``(250, 250, 3)``.

    Args:
        image: uint8 RGB ``(H, W, 3)``.
        box: with landmarks, where the alignment needs them.
        alignment: ``landmarks`` or ``box``, see :func:`find_chip`; with ``none`` the image is a
            chip already.

    Raises:
        InputError: the box lacks landmarks.
    """
    if alignment == "none":
        return image
    return cut_face(image, box) if alignment == "box" else align_face(image, box)


def align_face(image: np.ndarray, box: FaceBox, size: int = CHIP_SIZE) -> np.ndarray:
    """Turn, scale and move a face until its landmarks are where the template has them.

    The similarity transform with the smallest sum of squared distances (Umeyama 1991,
    "Least-squares estimation of transformation parameters between two point patterns").

    Args:
        image: uint8 RGB ``(H, W, 3)``.
        box: with landmarks; the border's pixels are repeated where the chip leaves the image.
        size: side of the chip in pixels.

    Returns:
        uint8 RGB ``(size, size, 3)``.

    Raises:
        InputError: the box has no landmarks.
    """
    if box.landmarks is None:
        raise InputError("The box has no landmarks; find_landmarks gives it some.")
    cv2 = import_cv2()
    points = np.array(box.landmarks.points)
    unit = (1 - FACE_SHARE) / 2 + FACE_SHARE * TEMPLATES[box.landmarks.kind]
    target = size * unit - 0.5  # pixel numbers count from the middle of the first pixel
    matrix = similarity(points, target)
    scale = float(np.hypot(*matrix[:, 0]))
    if scale < 0.5:  # a warp skips pixels when it shrinks that much: average them first
        height, width = (max(1, round(side * 2 * scale)) for side in image.shape[:2])
        factors = np.array([width / image.shape[1], height / image.shape[0]])
        image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
        matrix = similarity((points + 0.5) * factors - 0.5, target)
    border = cv2.BORDER_REPLICATE
    return np.asarray(cv2.warpAffine(image, matrix, (size, size), borderMode=border))


def similarity(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The rotation, scale and shift that bring points nearest to others.

    With centered points a and b, seen as complex numbers, the factor is ``sum(conj(a) b)`` over
    ``sum(|a|²)``: its length is the scale, its angle the rotation.

    Args:
        source: float ``(N, 2)``, two different points at least.
        target: float ``(N, 2)``.

    Returns:
        float64 ``(2, 3)``: a rotation with scale, and a shift.
    """
    a, b = source - source.mean(axis=0), target - target.mean(axis=0)
    cosine = (a * b).sum() / (a * a).sum()
    sine = (a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum() / (a * a).sum()
    turn = np.array([[cosine, -sine], [sine, cosine]])
    shift = target.mean(axis=0) - turn @ source.mean(axis=0)
    return np.hstack([turn, shift[:, None]])

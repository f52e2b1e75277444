"""Where a head looks, and whether it is a solid thing: turn, nod, size, and parallax.

From five points, in units of the eyes' distance: when a head turns, the nose, which stands out,
moves sideways against the eyes; when it nods, up or down. A photograph that is turned by hand can
show the same to five points, so there is a second cue, from all pixels: a flat thing before a
camera moves by a homography, and what is left of a head's movement after the best homography is
parallax (Hartley and Zisserman 2004, chapter 13: plane plus parallax).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from siamlab.errors import InputError
from siamlab.faces.align import FACE_SHARE, align_face
from siamlab.faces.detectors import FaceBox
from siamlab.system.opencv import import_cv2

# Of each kind of landmarks: the points of the right and of the left eye in the image, the nose.
_POINTS = {"yunet": ([1], [0], 2), "dlib": ([0, 1], [2, 3], 4)}
CHIP = 128  # side of the chips whose pixels are followed
STEP = 4  # pixels between the points that are compared
TOLERANCE = 1.0  # pixels: a homography explains a point if it comes this near


@dataclass(frozen=True)
class HeadPose:
    """A head's pose in one frame.

    Attributes:
        turn: of the nose against the middle of the eyes, to the image's right, in eye distances.
        nod: the same, down.
        size: the face box's side in pixels.
        center: of the box, pixels.
    """

    turn: float
    nod: float
    size: float
    center: tuple[float, float]


def head_pose(box: FaceBox) -> HeadPose:
    """The pose from a box with landmarks.

    Raises:
        InputError: the box has no landmarks.

    Example:
        >>> from siamlab.faces.detectors import FaceBox, Landmarks
        >>> points = ((40, 40), (80, 40), (66, 65), (45, 85), (75, 85))
        >>> pose = head_pose(FaceBox(20, 20, 80, landmarks=Landmarks(points, "yunet")))
        >>> pose.turn, pose.nod
        (0.15, 0.625)
    """
    if box.landmarks is None:
        raise InputError("The box has no landmarks; find_landmarks gives it some.")
    points = np.array(box.landmarks.points)
    right, left, nose = _POINTS[box.landmarks.kind]
    axis = points[right].mean(axis=0) - points[left].mean(axis=0)
    middle = (points[right].mean(axis=0) + points[left].mean(axis=0)) / 2
    across = points[nose] - middle
    square = float(axis @ axis)
    turn = float(across @ axis) / square
    nod = float(axis[0] * across[1] - axis[1] * across[0]) / square
    return HeadPose(turn, nod, box.size, box.center)


def parallax(front: np.ndarray, front_box: FaceBox, image: np.ndarray, box: FaceBox) -> float:
    """How much of a face's movement between two frames no homography explains.

    Args:
        front, image: uint8 RGB ``(H, W, 3)`` frames of one face.
        front_box, box: its boxes, with landmarks.

    Returns:
        In [0, 1]: the share of points on the face that are not where the best homography puts
        them; near 0 for a flat picture.
    """
    cv2 = import_cv2()
    first, second = (
        cv2.cvtColor(align_face(frame, place, CHIP), cv2.COLOR_RGB2GRAY)
        for frame, place in ((front, front_box), (image, box))
    )
    flow = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM).calc(first, second, None)
    edge = round(CHIP * (1 - FACE_SHARE) / 2)
    down, across = np.mgrid[edge : CHIP - edge : STEP, edge : CHIP - edge : STEP]
    start = np.stack([across.ravel(), down.ravel()], axis=1).astype(np.float32)
    end = start + flow[down.ravel(), across.ravel()]
    cv2.setRNGSeed(0)
    # None where no homography is found: then nothing is known, and nothing is shown to be solid.
    _, explained = cv2.findHomography(start, end, cv2.RANSAC, TOLERANCE)
    return 0.0 if explained is None else float(1 - explained.mean())

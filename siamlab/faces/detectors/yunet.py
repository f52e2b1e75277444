"""The YuNet network, a detector that OpenCV runs from a file.

Its own box follows the nose when a head turns: on 300 to 900 random LFW images the center varies
by 8.3 pixels horizontally. The middle of the eyes varies by 3.5 and 2.4, and becomes the box's
center when lowered by 0.118 of the root of the box's area. 1.055 times that root is the side, with
a standard deviation of 8 %. It found a face in every image, in 3 ms.
"""

from __future__ import annotations

import math
import os
import threading
from pathlib import Path

import numpy as np

from siamlab.config import open_workspace, user_path
from siamlab.errors import ModelError
from siamlab.faces.detectors.base import FaceBox, Landmarks, largest_first, shrink
from siamlab.images.decode import check_rgb
from siamlab.system.opencv import import_cv2

YUNET_SIDE = 1.055
YUNET_DROP = 0.118
YUNET_SCORE = 0.7
YUNET_LONG_SIDE = 480  # keeps it near 12 ms; a face needs about 1/40 of the long side
# With a side of 32 pixels or less OpenCV 4.14 reads uninitialized memory and sometimes gives boxes
# of random numbers; padded images never did.
YUNET_MIN_SIDE = 64


class YuNetDetector:
    """The YuNet network, through OpenCV: sees small, turned and partly covered faces.

    Args:
        path: the ``face_detection_yunet_*.onnx`` file.

    Raises:
        ModelError: the file is missing or damaged.

    Source:
        Wu et al., "YuNet: A Tiny Millisecond-level Face Detector", 2023.
    """

    name = "yunet"

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        if not self.path.is_file():
            raise ModelError(f"{self.path} does not exist; the YuNet file is expected there.")
        cv2 = import_cv2()
        try:
            self._net = cv2.FaceDetectorYN.create(
                str(self.path), "", (320, 320), YUNET_SCORE, 0.3, 500
            )
        except cv2.error:
            raise ModelError(f"{self.path} is no YuNet file, or is damaged.") from None
        self._lock = threading.Lock()  # the input size is set before each detection

    def detect(self, image: np.ndarray) -> list[FaceBox]:
        """All faces of a uint8 RGB image, largest first."""
        check_rgb(image)
        cv2 = import_cv2()
        small, scale = shrink(image, YUNET_LONG_SIDE)
        small = _pad(small, YUNET_MIN_SIDE)
        with self._lock:
            self._net.setInputSize((small.shape[1], small.shape[0]))
            _, rows = self._net.detect(cv2.cvtColor(small, cv2.COLOR_RGB2BGR))
        return largest_first([_to_box(row, scale) for row in (() if rows is None else rows)])


def _to_box(row: np.ndarray, scale: float) -> FaceBox:
    """Convert (x, y, w, h, right eye, left eye, nose, mouth corners, score) to a square box."""
    numbers = np.asarray(row, np.float64)
    points = (numbers[4:14].reshape(5, 2) / scale).tolist()
    right, left, nose, mouth_right, mouth_left = map(tuple, points)
    root = math.sqrt(max(numbers[2] * numbers[3], 1.0)) / scale
    side = YUNET_SIDE * root
    x, y = (right[0] + left[0]) / 2, (right[1] + left[1]) / 2
    return FaceBox(
        x - side / 2,
        y + YUNET_DROP * root - side / 2,
        side,
        float(np.clip(numbers[14], 0.0, 1.0)),
        Landmarks((right, left, nose, mouth_right, mouth_left), "yunet"),
    )


def _pad(image: np.ndarray, min_side: int) -> np.ndarray:
    """Add black below and on the right up to a side of ``min_side``."""
    below, right = (max(0, min_side - side) for side in image.shape[:2])
    return np.pad(image, ((0, below), (0, right), (0, 0))) if below or right else image


def yunet_file() -> Path | None:
    """The YuNet file: ``SIAMLAB_YUNET``, else one in the data folder's ``models``."""
    named = os.environ.get("SIAMLAB_YUNET")
    if named:
        return user_path(named)
    found = sorted(open_workspace().models.glob("face_detection_yunet*.onnx"))
    return found[-1] if found else None

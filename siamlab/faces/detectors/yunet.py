"""The YuNet network, a detector that OpenCV runs from a file."""

from __future__ import annotations

import math
import os
import threading
from pathlib import Path

import numpy as np

from siamlab.errors import ModelError
from siamlab.faces.detectors.base import FaceBox, _shrink, _sorted
from siamlab.images.decode import check_rgb
from siamlab.system.opencv import import_cv2

YUNET_SIDE = 1.055
YUNET_DROP = 0.118
YUNET_SCORE = 0.7
YUNET_LONG_SIDE = 480  # keeps it near 12 ms; a face needs about 1/40 of the long side
# With a side of 32 pixels or less OpenCV 4.14 reads memory that nobody wrote, and gives boxes of
# random numbers from time to time; padded images never did.
YUNET_LEAST_SIDE = 64


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
        self._lock = threading.Lock()  # size and detection belong together

    def detect(self, image: np.ndarray) -> list[FaceBox]:
        """All faces of a uint8 RGB image, largest first."""
        check_rgb(image)
        cv2 = import_cv2()
        small, scale = _shrink(image, YUNET_LONG_SIDE)
        small = _pad(small, YUNET_LEAST_SIDE)
        with self._lock:
            self._net.setInputSize((small.shape[1], small.shape[0]))
            _, rows = self._net.detect(cv2.cvtColor(small, cv2.COLOR_RGB2BGR))
        return _sorted([_from_yunet(row, scale) for row in (() if rows is None else rows)])


def _from_yunet(row: np.ndarray, scale: float) -> FaceBox:
    """Turn (x, y, w, h, right eye, left eye, nose, mouth corners, score) into the square."""
    numbers = np.asarray(row, np.float64)
    eyes = numbers[4:8].reshape(2, 2) / scale
    root = math.sqrt(max(numbers[2] * numbers[3], 1.0)) / scale
    side = YUNET_SIDE * root
    x, y = eyes.mean(axis=0).tolist()
    (left, upper), (right, lower) = sorted(eyes.tolist())
    return FaceBox(
        x - side / 2,
        y + YUNET_DROP * root - side / 2,
        side,
        float(np.clip(numbers[14], 0.0, 1.0)),
        ((left, upper), (right, lower)),
    )


def _pad(image: np.ndarray, least: int) -> np.ndarray:
    """Add black below and on the right until each side is long enough."""
    below, right = (max(0, least - side) for side in image.shape[:2])
    return np.pad(image, ((0, below), (0, right), (0, 0))) if below or right else image


def yunet_file() -> Path | None:
    """The YuNet file: ``SIAMLAB_YUNET``, else one in the data folder's ``models``."""
    from siamlab.config import open_workspace

    named = os.environ.get("SIAMLAB_YUNET")
    if named:
        return Path(named).expanduser()
    found = sorted(open_workspace().models.glob("face_detection_yunet*.onnx"))
    return found[-1] if found else None

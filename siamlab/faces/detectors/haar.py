"""Viola and Jones' detector (Haar cascade), which comes with OpenCV 4.

LFW's own boxes are of this kind, so they need no conversion. On 300 to 900 random LFW images
(deep-funneled; the box should be at (125, 125), side 113.6): center (125.5, 124.7), standard
deviations (1.8, 1.8), side 113.1 with 7.6. Of the frontal cascades ``alt2`` was best: a face in
99.7 % of the images, the largest off-center in 1 of 300, 15 ms (``default`` 99.7 %, 3 of 300,
17 ms; ``alt`` 99.0 %).
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np

from siamlab.errors import ModelError
from siamlab.faces.detectors.base import FaceBox, largest_first, shrink
from siamlab.images.decode import check_rgb
from siamlab.system.opencv import import_cv2

HAAR_FILE = "haarcascade_frontalface_alt2.xml"
HAAR_LONG_SIDE = 320  # keeps it near 20 ms; a face needs about 1/10 of the long side
HAAR_SMALLEST = 30


class HaarDetector:
    """Viola and Jones' detector with the cascade in OpenCV 4.

    Raises:
        ModelError: this OpenCV has no cascades (version 5) or not the file.
    """

    name = "haar"

    def __init__(self) -> None:
        cv2 = import_cv2()
        path = haar_file()
        if path is None:
            raise ModelError(
                f"OpenCV {cv2.__version__} has no Haar cascade; install opencv-python 4, or give "
                "the YuNet file (SIAMLAB_YUNET)."
            )
        self._cascade = cv2.CascadeClassifier(str(path))
        self._lock = threading.Lock()  # a cascade keeps buffers between its steps

    def detect(self, image: np.ndarray) -> list[FaceBox]:
        """All faces of a uint8 RGB image, largest first."""
        check_rgb(image)
        cv2 = import_cv2()
        small, scale = shrink(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), HAAR_LONG_SIDE)
        found = self._detect(small)
        if len(found) == 0:
            # The cascade is not symmetric: it finds most of LFW's missed faces in the mirror image.
            width = small.shape[1]
            mirrored = np.ascontiguousarray(small[:, ::-1])
            found = [(width - x - w, y, w, h) for x, y, w, h in self._detect(mirrored)]
        return largest_first([FaceBox(x / scale, y / scale, w / scale) for x, y, w, _ in found])

    def _detect(self, gray: np.ndarray) -> Any:
        with self._lock:
            return self._cascade.detectMultiScale(
                gray, 1.1, 4, minSize=(HAAR_SMALLEST, HAAR_SMALLEST)
            )


def haar_file() -> Path | None:
    """The cascade's file, if this OpenCV can use one and has it."""
    cv2 = import_cv2()
    if not hasattr(cv2, "CascadeClassifier"):
        return None
    path = Path(cv2.data.haarcascades) / HAAR_FILE
    return path if path.is_file() else None

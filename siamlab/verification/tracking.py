"""Find the face of a film quickly: look first where it was in the frame before.

Input: the frames of one camera, one after the other. Output: boxes, as from any detector.
"""

from __future__ import annotations

import time
from typing import Protocol, runtime_checkable

import numpy as np

from siamlab.faces.detectors import FaceBox, FaceDetector

# Whole searches take this share of the time at most, but one is made every so many seconds: they
# see the faces that come into the picture.
SHARE = 0.1
MOST_SECONDS = 2.0


@runtime_checkable
class Confirming(Protocol):
    """A detector that can look at one place alone."""

    def confirm(self, image: np.ndarray, box: FaceBox) -> FaceBox | None:
        """The face near a box, or ``None``."""


class TrackingDetector:
    """A detector for the frames of one camera; not for single images.

    Where the detector can confirm a face at a place, it does so at the place of the frame before,
    and searches the whole frame when nothing is found there, and again from time to time. Other
    detectors are quick enough and search every frame.

    Args:
        detector: finds faces in whole frames.

    Example:
        >>> import siamlab
        >>> from siamlab.verification.tracking import TrackingDetector
        >>> with siamlab.open_camera("drawn:7") as camera:
        ...     tracking = TrackingDetector(siamlab.open_detector())
        ...     [len(tracking.detect(camera.read())) for _ in range(3)]
        [1, 1, 1]
    """

    def __init__(self, detector: FaceDetector) -> None:
        self.detector = detector
        self.name = detector.name
        self._last: FaceBox | None = None
        self._search_at = 0.0

    def detect(self, image: np.ndarray) -> list[FaceBox]:
        """The faces of the next frame, uint8 RGB, largest first."""
        if not isinstance(self.detector, Confirming):
            return self.detector.detect(image)
        if self._last is not None and time.monotonic() < self._search_at:
            self._last = self.detector.confirm(image, self._last)
            if self._last is not None:
                return [self._last]
        began = time.monotonic()
        boxes = self.detector.detect(image)
        now = time.monotonic()
        self._search_at = now + min((now - began) * (1 / SHARE - 1), MOST_SECONDS)
        # Of several faces none is followed: which one is meant is decided on whole frames.
        self._last = boxes[0] if len(boxes) == 1 else None
        return boxes

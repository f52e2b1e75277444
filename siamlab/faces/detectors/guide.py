"""The guide box: the middle of a frame, where the capture panel asks for the face."""

from __future__ import annotations

import numpy as np

from siamlab.faces.detectors.base import CHIP_SCALE, FaceBox
from siamlab.images.decode import check_rgb


def guide_box(frame_shape: tuple[int, ...]) -> FaceBox:
    """The box whose chip is the largest central square of a frame.

    Args:
        frame_shape: height and width (further entries are ignored).
    """
    height, width = frame_shape[:2]
    size = min(height, width) / CHIP_SCALE
    return FaceBox((width - size) / 2, (height - size) / 2, size)


class GuideDetector:
    """Assumes that the face is in the guide box: the last resort."""

    name = "guide"

    def detect(self, image: np.ndarray) -> list[FaceBox]:
        """The guide box, whatever the image shows."""
        check_rgb(image)
        return [guide_box(image.shape)]

"""The guide box: the middle of a frame, where the capture panel asks for the face."""

from __future__ import annotations

import numpy as np

from siamlab.faces.detectors.base import CHIP_TO_BOX, FaceBox
from siamlab.images.decode import check_rgb


def guide_box(frame_shape: tuple[int, ...]) -> FaceBox:
    """The middle of a frame, where the capture panel asks for the face.

    Args:
        frame_shape: height and width (further entries are ignored).

    Returns:
        The box whose chip is the frame's largest central square. In an LFW image it is the
        central 113.6 pixels.
    """
    height, width = frame_shape[:2]
    size = min(height, width) / CHIP_TO_BOX
    return FaceBox((width - size) / 2, (height - size) / 2, size)


class GuideDetector:
    """Takes for granted that the face is in the guide box: the last resort."""

    name = "guide"

    def detect(self, image: np.ndarray) -> list[FaceBox]:
        """The guide box, whatever the image shows."""
        check_rgb(image)
        return [guide_box(image.shape)]

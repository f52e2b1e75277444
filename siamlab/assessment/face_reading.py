"""The face of an image that is in memory: where it is, and what a model sees of it."""

from __future__ import annotations

import numpy as np

from siamlab.errors import NoFaceError
from siamlab.faces.align import cut_chip
from siamlab.faces.crop import Preprocessing, find_face, preprocess
from siamlab.faces.detectors import FaceBox, guide_box, open_detector
from siamlab.faces.landmarks import find_landmarks


class FaceReader:
    """Finds and cuts faces as a model's preprocessing says, like :mod:`siamlab.data.faces`.

    Args:
        preprocessing: alignment, detector, crop and size.
    """

    def __init__(self, preprocessing: Preprocessing) -> None:
        self.preprocessing = preprocessing
        self._chips = preprocessing.alignment == "none"  # nothing is looked for then
        self._detector = open_detector("guide" if self._chips else preprocessing.detector)
        self.detector = "none" if self._chips else self._detector.name

    def locate(self, image: np.ndarray) -> FaceBox | None:
        """The face nearest to the middle, with landmarks; ``None`` where there is none.

        Args:
            image: uint8 RGB ``(H, W, 3)``.
        """
        if self._chips:
            return find_landmarks(image, guide_box(image.shape))
        try:
            return find_landmarks(image, find_face(image, self._detector, "center"))
        except NoFaceError:
            return None

    def cut(self, image: np.ndarray, box: FaceBox) -> np.ndarray:
        """The model's input, uint8 RGB ``(size, size, 3)``.

        Args:
            image: uint8 RGB ``(H, W, 3)``.
            box: from :meth:`locate`.
        """
        return preprocess(cut_chip(image, box, self.preprocessing.alignment), self.preprocessing)

    def read(self, image: np.ndarray) -> np.ndarray | None:
        """Both: the model's input, or ``None`` where there is no face."""
        box = self.locate(image)
        return None if box is None else self.cut(image, box)

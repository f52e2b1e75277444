"""The face of an image that is in memory: where it is, and what a model sees of it."""

from __future__ import annotations

import numpy as np

from siamlab.errors import NoFaceError
from siamlab.faces.align import cut_chip
from siamlab.faces.crop import Preprocessing, choose_face, preprocess
from siamlab.faces.detectors import FaceBox, guide_box, open_detector
from siamlab.faces.landmarks import find_landmarks
from siamlab.faces.orientation import detect_faces
from siamlab.faces.quality import find_flaws


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
            boxes = detect_faces(image, self._detector, self.preprocessing.alignment)
            return find_landmarks(image, choose_face(image, boxes, "center"))
        except NoFaceError:
            return None

    def cut(self, image: np.ndarray, box: FaceBox) -> np.ndarray | None:
        """The model's input, uint8 RGB ``(size, size, 3)``; ``None`` where it cannot be judged.

        Args:
            image: uint8 RGB ``(H, W, 3)``.
            box: from :meth:`locate`.
        """
        chip = cut_chip(image, box, self.preprocessing.alignment)
        if not self._chips and find_flaws(chip, self.preprocessing.alignment):
            return None
        return preprocess(chip, self.preprocessing)

    def read(self, image: np.ndarray) -> np.ndarray | None:
        """Both: the model's input, or ``None`` where there is no face that can be judged."""
        box = self.locate(image)
        return None if box is None else self.cut(image, box)

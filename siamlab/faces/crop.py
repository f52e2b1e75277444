"""Faces: choose one, cut it out, and resize what a model sees of it.

Input: uint8 RGB images and a detector. Output: square cuts of uint8 RGB (250, 250, 3) in the
geometry of LFW, where the face's box is the central 113.6 pixels, which is what the capture saves;
and the part of a chip that a model sees.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from siamlab.errors import InputError, NoFaceError, SeveralFacesError
from siamlab.faces.detectors import CHIP_SCALE, FaceBox, FaceDetector, check_kind
from siamlab.images.decode import check_rgb
from siamlab.system.opencv import import_cv2

SEVERAL_FACES = "faces of similar size were found"  # of an error, and so of a verdict
CHIP_SIZE = 250
# How far the face of a chip may be from the center, and differ in size: about three standard
# deviations of both detectors on LFW.
CHIP_CENTER = 0.06
CHIP_SIZE_SLACK = 0.3
RULES = ("one", "alone", "largest", "center")
ALIGNMENTS = ("landmarks", "box", "none")
SIMILAR_SIZE = 0.5  # a second face of this share of the first's side could be meant as well
# Below it a face far from the middle is somebody in the background, also for an enrollment: who is
# enrolled by mistake is let in from then on.
BACKGROUND_SIZE = 0.25


def find_face(image: np.ndarray, detector: FaceDetector, rule: str = "one") -> FaceBox:
    """Find the one face that is meant.

    Args:
        image: uint8 RGB (H, W, 3).
        detector: see :func:`siamlab.faces.detectors.open_detector`.
        rule: ``one`` refuses an image with a second face of half the largest's side or more,
            but in a chip takes the face that it was cropped around; ``alone``, for enrollment,
            likewise, and refuses one of a quarter of the side, or nearer to the image's center;
            ``largest`` takes the largest; ``center`` the one nearest to the image's center.

    Raises:
        NoFaceError: there is none.
        SeveralFacesError: rule ``one`` or ``alone``, and more than one could be meant.
        InputError: the rule or the image is invalid.
    """
    return choose_face(image, detector.detect(image), rule)


def choose_face(image: np.ndarray, boxes: Sequence[FaceBox], rule: str = "one") -> FaceBox:
    """As :func:`find_face`, of faces that were detected already, largest first."""
    if rule not in RULES:
        raise InputError(f"rule must be one of {', '.join(RULES)}; received {rule!r}.")
    if not boxes:
        raise NoFaceError("No face was found; face the camera, in good light, and come closer.")
    middle = image.shape[1] / 2, image.shape[0] / 2
    nearest = min(boxes, key=lambda box: math.dist(box.center, middle))
    if rule == "center":
        return nearest
    several = ""
    if rule in ("one", "alone") and (similar := count_similar(boxes)) > 1:
        several = f"{similar} {SEVERAL_FACES}; one is expected."
    elif rule == "alone" and (count_similar(boxes, BACKGROUND_SIZE) > 1 or nearest != boxes[0]):
        several = f"{len(boxes)} faces were found; cut the image to the one person to enroll."
    if several:
        cropped = [box for box in boxes if _fills_chip(image, box)]
        if len(cropped) == 1:
            return cropped[0]
        raise SeveralFacesError(several)
    return boxes[0]


def count_similar(boxes: Sequence[FaceBox], share: float = SIMILAR_SIZE) -> int:
    """How many of the faces, largest first, could be meant: half the largest's side or more."""
    return sum(box.size >= share * boxes[0].size for box in boxes)


def _fills_chip(image: np.ndarray, box: FaceBox) -> bool:
    """Whether the image looks like a chip that was cropped around this face."""
    side = image.shape[0]
    middle = side / 2, side / 2
    return (
        side == image.shape[1]
        and math.dist(box.center, middle) < CHIP_CENTER * side
        and abs(box.size * CHIP_SCALE / side - 1) < CHIP_SIZE_SLACK
    )


def cut_face(image: np.ndarray, box: FaceBox, size: int = CHIP_SIZE) -> np.ndarray:
    """Crop the square of 2.2 times the box, as LFW's images were cropped.

    An image that is already a chip of this face is taken whole: LFW's deep-funneled images are
    aligned better than a second crop would be.

    Args:
        image: uint8 RGB (H, W, 3).
        box: the face; the border's pixels are repeated where the square leaves the image.
        size: side of the result in pixels.

    Returns:
        uint8 RGB (size, size, 3).

    Raises:
        InputError: the box is outside the image, or the image is invalid.
    """
    check_rgb(image)
    if _fills_chip(image, box):
        return _resize(image, size)
    side = max(1, round(box.size * CHIP_SCALE))
    left, top = (round(middle - side / 2) for middle in box.center)
    height, width = image.shape[:2]
    if left >= width or top >= height or left + side <= 0 or top + side <= 0:
        raise InputError(f"The box {box.as_ints()} lies outside the {width}x{height} image.")
    rows = np.clip(np.arange(top, top + side), 0, height - 1)
    columns = np.clip(np.arange(left, left + side), 0, width - 1)
    return _resize(image[rows][:, columns], size)


def _resize(image: np.ndarray, size: int) -> np.ndarray:
    if image.shape[:2] == (size, size):
        return np.ascontiguousarray(image)
    cv2 = import_cv2()
    # Averaging over areas avoids aliasing when shrinking.
    interpolation = cv2.INTER_AREA if len(image) > size else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, (size, size), interpolation=interpolation))


@dataclass(frozen=True)
class Preprocessing:
    """How a face becomes a model's input: one choice for training and for verification.

    Attributes:
        size: side of the model's input in pixels.
        fraction: side of the central part of the chip that the model sees, in (0, 1]; 1 / 2.2
            is the face's box alone.
        detector: the kind of detector that finds the faces.
        alignment: how a chip is made of a photograph: ``landmarks``
            (:mod:`siamlab.faces.align`), ``box`` (:func:`cut_face`, as siamlab 0.2 did), or
            ``none``: the images are chips already.
    """

    size: int = 105
    fraction: float = 1.0
    detector: str = "auto"
    alignment: str = "landmarks"

    def __post_init__(self) -> None:
        if self.size < 1:
            raise InputError(f"size must be at least 1 pixel; received {self.size}.")
        if not 0.0 < self.fraction <= 1.0:
            raise InputError(f"fraction must be above 0 and at most 1; received {self.fraction}.")
        check_kind(self.detector)
        if self.alignment not in ALIGNMENTS:
            raise InputError(
                f"alignment is one of {', '.join(ALIGNMENTS)}. Received: {self.alignment!r}."
            )

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for a model's metadata."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Preprocessing:
        """The inverse of :meth:`to_dict`.

        Raises:
            InputError: a value is missing, unknown or out of range.
        """
        try:
            return cls(
                size=int(values["size"]),
                fraction=float(values["fraction"]),
                # "finder" in files of siamlab 0.1.0.
                detector=str(values["detector"] if "detector" in values else values["finder"]),
                alignment=str(values.get("alignment", "box")),  # siamlab 0.2 had no other
            )
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"The metadata of the preprocessing is damaged: {error}.") from None


def preprocess(chip: np.ndarray, preprocessing: Preprocessing) -> np.ndarray:
    """Crop the middle of a chip and resize it to the model's input.

    Args:
        chip: uint8 RGB (H, W, 3), a face chip; ``fraction`` is of its shorter side.
        preprocessing: crop and size.

    Returns:
        uint8 RGB (size, size, 3).

    Raises:
        InputError: the chip is not such an array.
    """
    check_rgb(chip, "A chip")
    height, width = chip.shape[:2]
    side = max(1, round(min(height, width) * preprocessing.fraction))
    top, left = (height - side) // 2, (width - side) // 2
    return _resize(chip[top : top + side, left : left + side], preprocessing.size)

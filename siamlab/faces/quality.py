"""How good a face image is: brightness, contrast and sharpness, with warnings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from siamlab.faces.crop import CHIP_SIZE, Preprocessing, preprocess
from siamlab.faces.detectors import (
    CHIP_TO_BOX,
)
from siamlab.system.opencv import import_cv2

DARK = 0.27
BRIGHT = 0.75
BURNT_LEVEL = 250
BURNT_SHARE = 0.06
FLAT = 0.10
BLURRED = 0.0725


@dataclass(frozen=True)
class Quality:
    """Measures of one chip.

    Attributes:
        brightness: mean of the face, 0 (black) to 1 (white).
        contrast: standard deviation of the face on the same scale.
        sharpness: fine detail relative to contrast; LFW's median is about 0.12.
        warnings: what is wrong, in a word or two each; empty when nothing is.
    """

    brightness: float
    contrast: float
    sharpness: float
    warnings: tuple[str, ...] = ()


def face_quality(chip: np.ndarray) -> Quality:
    """Measure brightness, contrast and sharpness of a face.

    Args:
        chip: uint8 RGB (H, W, 3), square, the face in the middle.

    Returns:
        The measures and warnings: ``too dark``, ``overexposed``, ``low contrast``, ``blurred``.

    Raises:
        InputError: the chip is no such array.
    """
    cv2 = import_cv2()
    face = Preprocessing(size=round(CHIP_SIZE / CHIP_TO_BOX), fraction=1 / CHIP_TO_BOX)
    gray = cv2.cvtColor(preprocess(chip, face), cv2.COLOR_RGB2GRAY)
    brightness, contrast = float(gray.mean()) / 255, float(gray.std()) / 255
    smooth = cv2.GaussianBlur(gray, (0, 0), 1.0)
    detail = float(cv2.Laplacian(smooth, cv2.CV_32F).std())
    sharpness = detail / max(float(smooth.std()), 1.0)  # an even gray has no detail either
    burnt = float((gray >= BURNT_LEVEL).mean())
    flaws = {
        "too dark": brightness < DARK,
        "overexposed": brightness > BRIGHT or burnt >= BURNT_SHARE,
        "low contrast": contrast < FLAT,
        "blurred": sharpness < BLURRED,
    }
    warnings = tuple(name for name, present in flaws.items() if present)
    return Quality(brightness, contrast, sharpness, warnings)

"""Quality of a face image: brightness, contrast and sharpness, with warnings.

The limits come from 1,500 random LFW images, press photographs of people of all skin colors: a
warning is given where almost none of these are. All measures are of the chip's center, the face's
box, in gray.

=================  ==================================  ==================
warning            limit                               share of LFW
=================  ==================================  ==================
too dark           mean below 0.27                     0.5 %
overexposed        6 % of the pixels at 250 or more,   0.7 %
                   or mean above 0.75
low contrast       standard deviation below 0.10       1.1 %
blurred            sharpness below 0.0725              1.5 %
any of these                                           3.9 %
=================  ==================================  ==================

Sharpness is the standard deviation of the Laplacian after a slight smoothing (so that noise is
not taken for detail), divided by that of the pixels (so that light does not matter). Of LFW images
blurred with a Gaussian of 3 pixels 97 % are reported, of 2 pixels 79 % (66 % under noise); of
images at half their brightness 1 %. Of 240 images of drawn people, whose light varies more, 14 %
get a warning.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from siamlab.faces.crop import CHIP_SIZE, Preprocessing, preprocess
from siamlab.faces.detectors import CHIP_SCALE
from siamlab.system.opencv import import_cv2

DARK = 0.27
BRIGHT = 0.75
BURNT_LEVEL = 250
BURNT_SHARE = 0.06
FLAT = 0.10
BLURRED = 0.0725


@dataclass(frozen=True)
class Quality:
    """Measures of one face chip.

    Attributes:
        brightness: mean of the face, 0 (black) to 1 (white).
        contrast: standard deviation of the face on the same scale.
        sharpness: fine detail relative to contrast; LFW's median is about 0.12.
        warnings: what is wrong, one or two words each.
    """

    brightness: float
    contrast: float
    sharpness: float
    warnings: tuple[str, ...] = ()


def face_quality(chip: np.ndarray) -> Quality:
    """Measure brightness, contrast and sharpness of a face.

    Args:
        chip: uint8 RGB (H, W, 3), square, the face in the center.

    Returns:
        The measures and warnings: ``too dark``, ``overexposed``, ``low contrast``, ``blurred``.

    Raises:
        InputError: the chip is not such an array.
    """
    cv2 = import_cv2()
    face = Preprocessing(size=round(CHIP_SIZE / CHIP_SCALE), fraction=1 / CHIP_SCALE)
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

"""Quality of an aligned face: what is worth a warning, and what no answer can be built on.

Four measures and the covers of :mod:`siamlab.faces.occlusion`, all of the part of the chip that
models see. A *warning* is a hint for who takes pictures: about 1 in 100 LFW faces gets each of
them. A *flaw* makes a face unusable: images of different people that share it match each other,
so the answer to such an image is unknown, and nobody is enrolled with it.
``benchmarks/quality.py`` measures in each state what share of other people matches, with and
without the refusals, and what share of clean faces is refused; quality.json holds the results.

Sharpness is the strength of details of 1 to 3 pixels in a face of 150, relative to the face's own
contrast, so that light does not matter and little of a camera's noise counts as detail.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from siamlab.errors import UnusableFaceError
from siamlab.faces.align import FACE_SHARE, find_chip
from siamlab.faces.crop import Preprocessing, preprocess
from siamlab.faces.detectors import FaceBox, FaceDetector
from siamlab.faces.occlusion import cover_scores
from siamlab.system.opencv import import_cv2

_VIEW = Preprocessing(size=150, fraction=FACE_SHARE)
BURNT_LEVEL = 250
# Warnings: beyond about 99 % of LFW's faces.
DARK, BRIGHT, BURNT, FLAT, BLURRED = 0.27, 0.70, 0.06, 0.11, 0.095
# Flaws.
NIGHT, WHITE, EMPTY, LOST = 0.07, 0.5, 0.025, 0.07
COVERED = 1.5  # logit

ADVICE = {
    "too dark": "turn on a light or face the window",
    "overexposed": "move out of the glare",
    "without contrast": "change the light",
    "blurred or too small": "hold still, come closer, clean the lens",
    "covered at the eyes": "take off dark glasses, and hair or a hat from the eyes",
    "covered at the mouth": "take off the mask, and the hand from the face",
}


@dataclass(frozen=True)
class Quality:
    """Measures of one face.

    Attributes:
        brightness: mean of the face, 0 (black) to 1 (white).
        contrast: standard deviation of the face on the same scale.
        sharpness: fine detail relative to contrast; LFW's median is about 0.17.
        burnt: share of the pixels that are white, or nearly.
        warnings: what is wrong, one or two words each.
        flaws: why the face cannot be judged: names of ``ADVICE``.
    """

    brightness: float
    contrast: float
    sharpness: float
    burnt: float = 0.0
    warnings: tuple[str, ...] = ()
    flaws: tuple[str, ...] = ()


def face_quality(chip: np.ndarray, aligned: bool = False) -> Quality:
    """Measure a face.

    Args:
        chip: uint8 RGB ``(H, W, 3)``, square, the face in the center.
        aligned: by landmarks, so that covers can be seen, too.

    Returns:
        The measures; the warnings ``too dark``, ``overexposed``, ``low contrast``, ``blurred``;
        and the flaws.

    Raises:
        InputError: the chip is not such an array.
    """
    cv2 = import_cv2()
    gray = cv2.cvtColor(preprocess(chip, _VIEW), cv2.COLOR_RGB2GRAY)
    brightness, contrast = float(gray.mean()) / 255, float(gray.std()) / 255
    burnt = float((gray >= BURNT_LEVEL).mean())
    fine, coarse = (cv2.GaussianBlur(gray.astype(np.float32), (0, 0), s) for s in (1.0, 3.0))
    detail = float((fine - coarse).std())
    sharpness = detail / max(float(fine.std()), 1.0)  # an even gray has no detail either
    warnings = {
        "too dark": brightness < DARK,
        "overexposed": brightness > BRIGHT or burnt >= BURNT,
        "low contrast": contrast < FLAT,
        "blurred": sharpness < BLURRED,
    }
    eyes, mouth = cover_scores(chip) if aligned else (0.0, 0.0)
    flaws = {
        "too dark": brightness < NIGHT,
        "overexposed": burnt >= WHITE,
        "without contrast": contrast < EMPTY,
        "blurred or too small": sharpness < LOST,
        "covered at the eyes": eyes > COVERED,
        "covered at the mouth": mouth > COVERED,
    }
    return Quality(brightness, contrast, sharpness, burnt, _present(warnings), _present(flaws))


def _present(flaws: dict[str, bool]) -> tuple[str, ...]:
    return tuple(name for name, present in flaws.items() if present)


def find_usable_chip(
    image: np.ndarray,
    detector: FaceDetector,
    rule: str = "one",
    alignment: str = "landmarks",
) -> tuple[np.ndarray, FaceBox]:
    """As :func:`siamlab.faces.align.find_chip`, for an answer: a face that can be judged.

    Raises:
        NoFaceError, SeveralFacesError, InputError: as there.
        UnusableFaceError: see :func:`check_usable`.
    """
    chip, box = find_chip(image, detector, rule, alignment)
    return check_usable(chip, alignment), box


def find_flaws(chip: np.ndarray, alignment: str = "landmarks") -> tuple[str, ...]:
    """The flaws of :func:`face_quality` alone; none for a face that can be judged.

    Args:
        chip: uint8 RGB ``(H, W, 3)``, square, the face in the center.
        alignment: how it was cut; covers are not looked for in a ``box``.
    """
    return face_quality(chip, aligned=alignment != "box").flaws


def check_usable(chip: np.ndarray, alignment: str = "landmarks") -> np.ndarray:
    """Return the chip if a model's answer about it can be trusted.

    Args:
        chip, alignment: as for :func:`find_flaws`.

    Raises:
        UnusableFaceError: it is too dark, blurred, covered, ...; the message says what to do.
    """
    if flaws := find_flaws(chip, alignment):
        raise UnusableFaceError(f"The face is {' and '.join(flaws)}: {ADVICE[flaws[0]]}.")
    return chip

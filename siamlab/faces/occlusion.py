"""Whether the eyes or the mouth of an aligned face are covered: glasses, bars, masks, hands, hats.

Histograms of oriented gradients (Dalal and Triggs 2005) of the upper or the lower half of the
face, and a logistic regression. Its weights come from ``scripts/train_occlusion.py``: faces of LFW
and drawn ones, some with covers drawn over them. Whether the cover is black, colored, or textured
matters little: what is missing are the edges of an eye.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np

from siamlab.faces.align import FACE_SHARE
from siamlab.faces.crop import Preprocessing, preprocess
from siamlab.system.opencv import import_cv2

WEIGHTS = Path(__file__).parent / "weights" / "occlusion.npz"
SIDE, CELL = 64, 8
BLOCKS = SIDE // CELL - 1  # a block is two cells wide, and begins at every cell
UPPER, LOWER = slice(0, 4), slice(3, BLOCKS)  # rows of blocks
_VIEW = Preprocessing(size=SIDE, fraction=FACE_SHARE)


def cover_scores(chip: np.ndarray) -> tuple[float, float]:
    """How surely the eyes and the mouth are covered.

    Args:
        chip: uint8 RGB ``(S, S, 3)``, aligned by landmarks.

    Returns:
        Logits of eyes and mouth: 0 is undecided, above it covered.

    Example:
        >>> import siamlab
        >>> from siamlab.faces.align import find_chip
        >>> from siamlab.faces.occlusion import cover_scores
        >>> with siamlab.open_camera("drawn:7") as camera:
        ...     chip, _ = find_chip(camera.read(), siamlab.open_detector())
        >>> max(cover_scores(chip)) < 0
        True
    """
    weights = _read_weights()
    gradients = describe_face(chip)
    eyes = gradients[UPPER].ravel() @ weights["eyes"] + weights["eyes_bias"]
    mouth = gradients[LOWER].ravel() @ weights["mouth"] + weights["mouth_bias"]
    return float(eyes), float(mouth)


def describe_face(chip: np.ndarray) -> np.ndarray:
    """Oriented gradients of an aligned face: float32 ``(7, 7, 36)``, rows of blocks first."""
    cv2 = import_cv2()
    gray = cv2.cvtColor(preprocess(chip, _VIEW), cv2.COLOR_RGB2GRAY)
    hog = cv2.HOGDescriptor((SIDE, SIDE), (2 * CELL, 2 * CELL), (CELL, CELL), (CELL, CELL), 9)
    columns = np.asarray(hog.compute(gray)).reshape(BLOCKS, BLOCKS, -1)
    return columns.transpose(1, 0, 2)


@lru_cache(maxsize=1)
def _read_weights() -> dict[str, np.ndarray]:
    with np.load(WEIGHTS, allow_pickle=False) as arrays:
        return {name: arrays[name].astype(np.float32) for name in arrays.files}

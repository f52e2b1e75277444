"""A photograph or a camera's frame in, what a model embeds out.

Input: image files or uint8 RGB arrays of any size. Output: face chips, and float32 inputs.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from siamlab.data.pipeline import to_float
from siamlab.faces.crop import Preprocessing, preprocess
from siamlab.images.decode import ImageFile, check_rgb, read_image

Image = np.ndarray | ImageFile | str


def read_pixels(image: Image) -> np.ndarray:
    """uint8 RGB ``(H, W, 3)`` of a file or of an array, which is checked.

    Raises:
        ImageError: a file cannot be read; the message names it.
        InputError: an array is no such image.
    """
    if isinstance(image, str | ImageFile):
        return read_image(image)
    check_rgb(image)
    return image


def model_inputs(chips: Sequence[np.ndarray], preprocessing: Preprocessing) -> np.ndarray:
    """float32 ``(N, size, size, 3)`` in [0, 1], cut and scaled as in training."""
    return to_float(np.stack([preprocess(chip, preprocessing) for chip in chips]))

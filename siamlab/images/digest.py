"""What tells whether two images are the same picture, or two files the same."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from siamlab.images.decode import ImageFile, read_file


def pixel_digest(image: np.ndarray) -> str:
    """The first half of the SHA-256 of an image's size and pixels, 32 hexadecimal digits.

    A copy under another name, or with other metadata, has the same digest; the same photograph
    made smaller or compressed again has another one.

    Args:
        image: uint8 RGB ``(H, W, 3)``.

    Example:
        >>> image = np.zeros((2, 3, 3), np.uint8)
        >>> pixel_digest(image) == pixel_digest(image.copy())
        True
        >>> pixel_digest(image) == pixel_digest(image.reshape(3, 2, 3))
        False
    """
    digest = hashlib.sha256(repr(image.shape).encode())
    digest.update(np.ascontiguousarray(image).data)
    return digest.hexdigest()[:32]


def content_digests(images: Sequence[ImageFile]) -> list[str]:
    """The first half of the SHA-256 of each image file's content; no picture is decoded.

    Raises:
        ImageError: a file cannot be read.
    """
    with ThreadPoolExecutor() as pool:
        return list(pool.map(_content_digest, images))


def _content_digest(image: ImageFile) -> str:
    return hashlib.sha256(read_file(image)).hexdigest()[:32]

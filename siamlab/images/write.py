"""uint8 RGB arrays become image files, written completely or not at all."""

from __future__ import annotations

import io
import os
import re
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from siamlab.errors import InputError
from siamlab.images.decode import FORMATS, SUFFIXES, check_rgb
from siamlab.system.files import write_bytes

JPEG_QUALITY = 95


def write_image(path: Path | str, image: np.ndarray) -> Path:
    """Write one image so that a reader sees either all of it or nothing.

    Args:
        path: the file; its suffix chooses the format, folders are made.
        image: uint8 (H, W, 3), RGB.

    Returns:
        The path written.

    Raises:
        InputError: the array is not a uint8 RGB image, or the suffix is unknown.
        StorageError: the disk is full or the folder is read-only.

    Example:
        >>> write_image("faces/anchor_0001.jpg", chip)          # doctest: +SKIP
    """
    path = Path(path)
    check_rgb(image, f"The image for {path}")
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(f"{path.name}: unknown image suffix; use .jpg or .png.")
    options: dict[str, Any] = (
        {"quality": JPEG_QUALITY} if path.suffix.lower() in FORMATS["JPEG"] else {}
    )
    # In memory first: Pillow does not notice that a full disk took half of a JPEG.
    file = io.BytesIO()
    kind = Image.registered_extensions()[path.suffix.lower()]
    Image.fromarray(image).save(file, kind, **options)
    write_bytes(path, file.getbuffer())
    return path


def unique_name(folder: Path | str, prefix: str, suffix: str = ".jpg") -> Path:
    """Choose a new file name that sorts after those already there.

    Args:
        folder: the folder of the file; it need not exist.
        prefix: start of the name, such as ``anchor``.
        suffix: end of the name.

    Returns:
        ``folder/prefix_0007_3f9a1c20.jpg``: the number follows the largest one in the folder,
        and the random part differs between programs that write at the same time.
    """
    folder = Path(folder)
    names = os.listdir(folder) if folder.is_dir() else []  # noqa: PTH208 - names are enough
    return folder / next_name(names, prefix, suffix)


def next_name(names: Iterable[str], prefix: str, suffix: str = ".jpg") -> str:
    """A new name that sorts after those of ``names`` with this prefix; see :func:`unique_name`."""
    pattern = re.compile(re.escape(prefix) + r"_(\d+)")
    numbers = [int(match[1]) for match in map(pattern.match, names) if match]
    return f"{prefix}_{max(numbers, default=0) + 1:04d}_{uuid.uuid4().hex[:8]}{suffix}"


def jpeg_bytes(image: np.ndarray, quality: int = JPEG_QUALITY) -> bytes:
    """The content of a JPEG file of an image, uint8 RGB ``(H, W, 3)``.

    Raises:
        InputError: the array is no such image.
    """
    check_rgb(image)
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=quality)
    return file.getvalue()

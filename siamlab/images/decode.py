"""Image files of all common formats become uint8 RGB arrays."""

from __future__ import annotations

import io
import threading
import warnings
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from PIL import Image, ImageOps

from siamlab.errors import ImageError, InputError

SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".gif", ".tif", ".tiff", ".pgm", ".ppm"}
)
MAX_PIXELS = 64_000_000
MIN_SIDE = 8
# Weights of red, green and blue in brightness (ITU-R BT.601).
LUMA = np.array([0.299, 0.587, 0.114])


@runtime_checkable
class ImageFile(Protocol):
    """A :class:`~pathlib.Path` of an image, or an image that is kept elsewhere."""

    @property
    def name(self) -> str:
        """As a file's."""

    @property
    def stem(self) -> str:
        """As a file's, without the suffix."""

    @property
    def suffix(self) -> str:
        """As a file's."""

    def read_bytes(self) -> bytes:
        """The content."""


# Pillow warns about huge images while it opens them; silencing that swaps Python's global list
# of warning filters, which is not safe when several threads do it at once.
_OPENING = threading.Lock()


def read_image(path: ImageFile | str) -> np.ndarray:
    """Read one image file as it should look on screen.

    Gray, palette, CMYK and 16-bit images become 8-bit RGB, transparent pixels become white, and
    the camera's orientation tag (EXIF) is applied.

    Args:
        path: a JPEG, PNG, WebP, BMP, GIF (first frame), TIFF or PNM file, or an image of the
            gallery.

    Returns:
        uint8 (H, W, 3), RGB, range [0, 255].

    Raises:
        ImageError: the file is missing, empty, not an image, damaged, truncated, larger than 64
            megapixels, or has a side under 8 pixels. The message names the file.
    """
    if not isinstance(path, str | Path):
        return decode_image(path.read_bytes(), path)
    path = Path(path)
    return _decode(path, path)


def decode_image(content: bytes, path: ImageFile) -> np.ndarray:
    """As :func:`read_image`, of a file's content that was read already; errors name the file."""
    return _decode(io.BytesIO(content), path)


def _decode(source: Path | io.BytesIO, path: ImageFile) -> np.ndarray:
    try:
        empty = source.stat().st_size == 0 if isinstance(source, Path) else not source.getbuffer()
        if empty:
            raise ImageError(f"{path} is an empty file.")
        with _open_quietly(source) as image:
            _check_size(path, image.size)
            return _to_rgb(ImageOps.exif_transpose(image))
    except ImageError:
        raise
    except FileNotFoundError:
        raise ImageError(f"{path} does not exist.") from None
    except Image.DecompressionBombError:
        raise ImageError(f"{path} is too large: over {MAX_PIXELS // 10**6} megapixels.") from None
    except Exception as error:  # Pillow's decoders raise a dozen kinds for damaged files
        raise ImageError(f"{path} cannot be read as an image: {_reason(error)}.") from None


def _open_quietly(path: Path | io.BytesIO) -> Image.Image:
    with _OPENING, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Image.open(path)


def _reason(error: Exception) -> str:
    if isinstance(error, Image.UnidentifiedImageError):
        return "it is not an image, or of an unknown format"
    if isinstance(error, IsADirectoryError):
        return "it is a folder"
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__


def _check_size(path: ImageFile, size: tuple[int, int]) -> None:
    width, height = size
    if width * height > MAX_PIXELS:
        raise ImageError(
            f"{path} is too large: {width}x{height} pixels, over "
            f"{MAX_PIXELS // 10**6} megapixels. Scale it down first."
        )
    if min(size) < MIN_SIDE:
        raise ImageError(
            f"{path} is too small: {width}x{height} pixels; at least {MIN_SIDE}x{MIN_SIDE} "
            "are needed."
        )


def _to_rgb(image: Image.Image) -> np.ndarray:
    if image.mode.startswith("I") or image.mode == "F":
        gray = _deep_gray(np.asarray(image, dtype=np.float64), image.mode.startswith("I;16"))
        return np.repeat(gray[:, :, np.newaxis], 3, axis=2)
    if image.mode in {"RGBA", "LA", "PA", "La", "RGBa"} or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    return np.array(image.convert("RGB"))


def _deep_gray(values: np.ndarray, sixteen: bool) -> np.ndarray:
    """Scale to uint8; the range of 32-bit and floating gray is taken from its largest value."""
    top = 65535.0 if sixteen else float(values.max())
    scale = 255.0 if top <= 1.0 else (1.0 if top <= 255.0 else 1.0 / 257.0)
    return np.clip(np.rint(values * scale), 0, 255).astype(np.uint8)


def check_rgb(image: np.ndarray, what: str = "An image") -> None:
    """Raise an InputError unless the array is uint8 (H, W, 3) with at least one pixel."""
    shape = getattr(image, "shape", None)
    good = shape is not None and len(shape) == 3 and shape[2] == 3 and min(shape) > 0
    if not good or image.dtype != np.uint8:
        kind = getattr(image, "dtype", type(image).__name__)
        raise InputError(f"{what} must be uint8 RGB (H, W, 3); received {kind} {shape}.")

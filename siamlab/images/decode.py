"""Image files of all common formats become uint8 RGB arrays."""

from __future__ import annotations

import io
import logging
import stat
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from PIL import Image

from siamlab.errors import ImageError, InputError
from siamlab.system.quiet import silent_stderr

# What is read, by content: Pillow's name of a format, and the suffixes of its files. Pillow knows
# further ones, of which some start other programs (EPS) or read rarely tested formats.
FORMATS = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"),
    "PNG": (".png", ".apng"),
    "WEBP": (".webp",),
    "AVIF": (".avif", ".avifs"),
    "BMP": (".bmp",),
    "GIF": (".gif",),
    "TIFF": (".tif", ".tiff"),
    "PPM": (".ppm", ".pgm", ".pbm", ".pnm", ".pfm"),
}
SUFFIXES = frozenset(suffix for suffixes in FORMATS.values() for suffix in suffixes)
# Telephones' photographs, which the package pillow-heif reads (extra ``heic``), and what their
# first bytes say after the length of the first box.
HEIC_SUFFIXES = frozenset({".heic", ".heif", ".hif"})
HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
HEIC_ADVICE = (
    'Install the extra "siamlab[heic]", or convert it to JPEG (heif-convert IN.heic OUT.jpg; an '
    "iPhone takes JPEGs with Settings, Camera, Formats, Most Compatible)"
)
MAX_PIXELS = 64_000_000
MAX_BYTES = 256_000_000
# A progressive JPEG has about ten passes over the picture; files with thousands of them, a few
# bytes each, are made to keep a decoder busy for hours.
MAX_PASSES = 100
MIN_SIDE = 8
# Weights of red, green and blue in brightness (ITU-R BT.601).
LUMA = np.array([0.299, 0.587, 0.114])

# Values of the orientation tag, and what turns the picture upright (EXIF 2.3, section 4.6.4).
_ORIENTATION = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


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


# Pillow warns about damaged tags and huge images; silencing that swaps Python's global list of
# warning filters, which is not safe when several threads do it at once.
_OPENING = threading.Lock()


def read_image(path: ImageFile | str) -> np.ndarray:
    """Read one image file as it should look on screen.

    Gray, palette, CMYK and 16-bit images become 8-bit RGB, transparent pixels become white, and
    the camera's orientation tag (EXIF) is applied.

    Args:
        path: a JPEG, PNG, WebP, AVIF, BMP, GIF (first frame), TIFF or PNM file, with the extra
            ``heic`` a HEIC file, or an image of the gallery.

    Returns:
        uint8 (H, W, 3), RGB, range [0, 255].

    Raises:
        ImageError: the file is missing, empty, not an image, damaged, truncated, larger than 64
            megapixels or 256 megabytes, or has a side under 8 pixels. The message names the file.
    """
    path = Path(path) if isinstance(path, str) else path
    return decode_image(read_file(path), path)


def read_file(path: ImageFile) -> bytes:
    """The content of an image file; see :func:`read_image` for errors.

    Pipes and devices, from which reading may never end, are refused before they are opened.
    """
    if not isinstance(path, Path):
        return path.read_bytes()
    try:
        found = path.stat()
        if stat.S_ISREG(found.st_mode) and found.st_size <= MAX_BYTES:
            return path.read_bytes()
    except FileNotFoundError:
        raise ImageError(f"{path} does not exist.") from None
    except OSError as error:
        raise ImageError(f"{path} cannot be read: {error.strerror or error}.") from None
    except ValueError:  # a name with a zero byte
        raise ImageError(f"{path} cannot be read: no file has such a name.") from None
    if stat.S_ISREG(found.st_mode):
        raise ImageError(f"{path} is too large: over {MAX_BYTES // 10**6} megabytes.")
    kind = "a folder" if stat.S_ISDIR(found.st_mode) else "a pipe or a device"
    raise ImageError(f"{path} cannot be read as an image: it is {kind}.")


def decode_image(content: bytes, path: ImageFile) -> np.ndarray:
    """As :func:`read_image`, of a file's content that was read already; errors name the file."""
    if not content:
        raise ImageError(f"{path} is an empty file.")
    try:
        with _quietly():
            image = Image.open(io.BytesIO(content), formats=_formats(content, path))
        with image:
            _check_size(path, image.size)
            if image.format in {"JPEG", "MPO"}:
                _check_passes(path, content)
            return _to_rgb(_upright(image))
    except ImageError:
        raise
    except Image.DecompressionBombError:
        raise ImageError(f"{path} is too large: over {MAX_PIXELS // 10**6} megapixels.") from None
    except Exception as error:  # Pillow's decoders raise a dozen kinds for damaged files
        raise ImageError(f"{path} cannot be read as an image: {_reason(error)}.") from None


def is_image_name(name: str) -> bool:
    """Whether a file with this name is read as an image; one without the extra ``heic`` is not."""
    suffix = Path(name).suffix.lower()
    return suffix in SUFFIXES or (suffix in HEIC_SUFFIXES and reads_heic())


@cache
def reads_heic() -> bool:
    """Whether the package of the extra ``heic`` is installed."""
    return find_spec("pillow_heif") is not None


def _formats(content: bytes, path: ImageFile) -> tuple[str, ...]:
    """The formats that the content may have."""
    brands = content[8:12], content[16:20], content[20:24]
    avif = b"avif" in brands or b"avis" in brands  # whose first brand may be mif1 as well
    if content[4:8] != b"ftyp" or brands[0] not in HEIC_BRANDS or avif:
        return tuple(FORMATS)
    if not reads_heic():
        raise ImageError(f"{path} is a HEIC image. {HEIC_ADVICE}.")
    import pillow_heif

    pillow_heif.register_heif_opener()
    return ("HEIF",)


@contextmanager
def _quietly() -> Iterator[None]:
    """Without the warnings and log lines that Pillow has for damaged files."""
    logger = logging.getLogger("PIL")
    with _OPENING, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        level = logger.level
        logger.setLevel(logging.CRITICAL + 1)
        try:
            yield
        finally:
            logger.setLevel(level)


def _upright(image: Image.Image) -> Image.Image:
    """The picture with all its pixels, turned as its tag says."""
    if image.format == "TIFF":  # libtiff prints on standard error, past Python
        with _quietly(), silent_stderr():
            image.load()
            orientation = image.getexif().get(_ORIENTATION)
    else:
        image.load()
        with _quietly():
            orientation = image.getexif().get(_ORIENTATION)
    turn = _UPRIGHT.get(orientation) if isinstance(orientation, int) else None
    return image if turn is None else image.transpose(turn)


def _check_passes(path: ImageFile, content: bytes) -> None:
    # Within a picture's data FF is followed by 00, so this counts the headers of passes.
    if content.count(b"\xff\xda") > MAX_PASSES:
        raise ImageError(f"{path} is refused: a JPEG of more than {MAX_PASSES} passes.")


def _reason(error: Exception) -> str:
    if isinstance(error, Image.UnidentifiedImageError):
        return "it is not an image, or of an unknown format"
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
        gray = _deep_gray(np.array(image, dtype=np.float32), image.mode.startswith("I;16"))
        return np.repeat(gray[:, :, np.newaxis], 3, axis=2)
    if image.mode in {"RGBA", "LA", "PA", "La", "RGBa"} or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGB", image.size, "white")
        white.paste(image, mask=image)
        image = white
    return np.array(image if image.mode == "RGB" else image.convert("RGB"))


def _deep_gray(values: np.ndarray, sixteen: bool) -> np.ndarray:
    """Scale to uint8; the range of 32-bit and floating gray is taken from its largest value.

    What is not a number is black, what is infinite black or white.
    """
    np.nan_to_num(values, copy=False, nan=0.0, posinf=np.inf, neginf=-np.inf)
    top = 65535.0 if sixteen else np.max(values, where=np.isfinite(values), initial=0.0)
    values *= 255.0 if top <= 1.0 else (1.0 if top <= 255.0 else 1.0 / 257.0)
    return np.clip(np.rint(values, out=values), 0, 255, out=values).astype(np.uint8)


def check_rgb(image: np.ndarray, what: str = "An image") -> None:
    """Raise an InputError unless the array is uint8 (H, W, 3) with at least one pixel."""
    shape = getattr(image, "shape", None)
    good = shape is not None and len(shape) == 3 and shape[2] == 3 and min(shape) > 0
    if not good or image.dtype != np.uint8:
        kind = getattr(image, "dtype", type(image).__name__)
        raise InputError(f"{what} must be uint8 RGB (H, W, 3); received {kind} {shape}.")

"""Finders: where is a face in an image?

Comes in: uint8 RGB images of any size. Goes out: :class:`FaceBox`, squares around faces.

LFW's images are the square that the Viola-Jones (Haar) detector found, enlarged 2.2 times: in a
250-pixel chip the face's box is the central 113.6 pixels. Every finder here gives such a box,
so that chips of all finders, of cameras and of LFW look alike. Numbers measured on LFW
(deep-funneled, 300 to 900 images drawn at random; the box should lie at (125, 125), side 113.6):

- Haar needs no conversion: centre (125.5, 124.7), standard deviations (1.8, 1.8), side 113.1
  with 7.6. Of the frontal cascades ``alt2`` was best: a face in 99.7 % of the images, the
  largest off the middle in 1 of 300, 15 ms (``default`` 99.7 %, 3 of 300, 17 ms; ``alt`` 99.0 %).
- YuNet's own box follows the nose when a head turns: its middle varies by 8.3 pixels across. The
  middle of the eyes varies by 3.5 and 2.4 and becomes the box's middle when lowered by 0.118 of
  the root of the box's area. 1.055 times that root is the side, with a deviation of 8 %.
  A face in every image, 3 ms.

On 300 other images both sides agree: YuNet's and Haar's middles are 2.7 pixels apart (median) and
YuNet's side is 1.01 times Haar's, deviation 0.07. Of 240 drawn faces Haar found 99 % and YuNet
all, with boxes like those of LFW.
"""

from __future__ import annotations

import math
import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from siamlab.errors import InputError, ModelError
from siamlab.opencv import import_cv2

CHIP_TO_BOX = 2.2
KINDS = ("auto", "yunet", "haar", "guide")

YUNET_SIDE = 1.055
YUNET_DROP = 0.118
YUNET_SCORE = 0.7
YUNET_LONG_SIDE = 480  # keeps it near 12 ms; a face needs about 1/40 of the long side
# With a side of 32 pixels or less OpenCV 4.14 reads memory that nobody wrote, and gives boxes of
# random numbers from time to time; padded images never did.
YUNET_LEAST_SIDE = 64
HAAR_FILE = "haarcascade_frontalface_alt2.xml"
HAAR_LONG_SIDE = 320  # keeps it near 20 ms; a face needs about 1/10 of the long side
HAAR_SMALLEST = 30


@dataclass(frozen=True)
class FaceBox:
    """A square around a face, as Viola and Jones' detector draws it: brows to chin.

    Attributes:
        x: left edge in pixels; may lie outside the image, as may the others.
        y: upper edge.
        size: side.
        score: the finder's confidence in [0, 1]; 1 where it gives none.
        eyes: the two eyes' (x, y) from left to right in the image, where the finder tells.
    """

    x: float
    y: float
    size: float
    score: float = 1.0
    eyes: tuple[tuple[float, float], tuple[float, float]] | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.x) and math.isfinite(self.y) and 0 < self.size < math.inf):
            raise InputError(f"A face box needs finite numbers and a side above 0: {self}.")

    @property
    def centre(self) -> tuple[float, float]:
        """The middle (x, y)."""
        return self.x + self.size / 2, self.y + self.size / 2

    def as_ints(self) -> tuple[int, int, int]:
        """``(x, y, size)`` in whole pixels, for drawing."""
        return round(self.x), round(self.y), round(self.size)


class Finder(Protocol):
    """Finds faces; its ``name`` is recorded with a model."""

    name: str

    def find(self, image: np.ndarray) -> list[FaceBox]:
        """All faces of a uint8 RGB image, largest first; an empty list when there is none."""


def check_rgb(image: np.ndarray, what: str = "An image") -> None:
    """Make sure that an array is a picture.

    Raises:
        InputError: it is not uint8 (H, W, 3) with at least one pixel.
    """
    shape = getattr(image, "shape", None)
    good = shape is not None and len(shape) == 3 and shape[2] == 3 and min(shape) > 0
    if not good or image.dtype != np.uint8:
        kind = getattr(image, "dtype", type(image).__name__)
        raise InputError(f"{what} must be uint8 RGB (H, W, 3); received {kind} {shape}.")


def guide_box(frame_shape: tuple[int, ...]) -> FaceBox:
    """The middle of a frame, where the capture panel asks for the face.

    Args:
        frame_shape: height and width (further entries are ignored).

    Returns:
        The box whose chip is the frame's largest central square. In an LFW image it is the
        central 113.6 pixels.
    """
    height, width = frame_shape[:2]
    size = min(height, width) / CHIP_TO_BOX
    return FaceBox((width - size) / 2, (height - size) / 2, size)


class GuideFinder:
    """Takes for granted that the face is in the guide box: the last resort."""

    name = "guide"

    def find(self, image: np.ndarray) -> list[FaceBox]:
        """The guide box, whatever the image shows."""
        check_rgb(image)
        return [guide_box(image.shape)]


class HaarFinder:
    """Viola and Jones' detector with the cascade that OpenCV 4 brings along.

    Raises:
        ModelError: this OpenCV has no cascades (version 5) or not the file.
    """

    name = "haar"

    def __init__(self) -> None:
        cv2 = import_cv2()
        path = haar_file()
        if path is None:
            raise ModelError(
                f"OpenCV {cv2.__version__} has no Haar cascade; install opencv-python 4, or give "
                "the YuNet file (SIAMLAB_YUNET)."
            )
        self._cascade = cv2.CascadeClassifier(str(path))
        self._lock = threading.Lock()  # a cascade keeps buffers between its steps

    def find(self, image: np.ndarray) -> list[FaceBox]:
        """All faces of a uint8 RGB image, largest first."""
        check_rgb(image)
        cv2 = import_cv2()
        small, scale = _shrink(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), HAAR_LONG_SIDE)
        found = self._detect(small)
        if len(found) == 0:
            # The cascade is not symmetric: of LFW's faces that it misses, it finds most mirrored.
            width = small.shape[1]
            mirrored = np.ascontiguousarray(small[:, ::-1])
            found = [(width - x - w, y, w, h) for x, y, w, h in self._detect(mirrored)]
        return _sorted([FaceBox(x / scale, y / scale, w / scale) for x, y, w, _ in found])

    def _detect(self, grey: np.ndarray) -> Any:
        with self._lock:
            return self._cascade.detectMultiScale(
                grey, 1.1, 4, minSize=(HAAR_SMALLEST, HAAR_SMALLEST)
            )


class YuNetFinder:
    """The YuNet network, through OpenCV: sees small, turned and partly covered faces.

    Args:
        path: the ``face_detection_yunet_*.onnx`` file.

    Raises:
        ModelError: the file is missing or damaged.

    Source:
        Wu et al., "YuNet: A Tiny Millisecond-level Face Detector", 2023.
    """

    name = "yunet"

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        if not self.path.is_file():
            raise ModelError(f"{self.path} does not exist; the YuNet file is expected there.")
        cv2 = import_cv2()
        try:
            self._net = cv2.FaceDetectorYN.create(
                str(self.path), "", (320, 320), YUNET_SCORE, 0.3, 500
            )
        except cv2.error:
            raise ModelError(f"{self.path} is no YuNet file, or is damaged.") from None
        self._lock = threading.Lock()  # size and detection belong together

    def find(self, image: np.ndarray) -> list[FaceBox]:
        """All faces of a uint8 RGB image, largest first."""
        check_rgb(image)
        cv2 = import_cv2()
        small, scale = _shrink(image, YUNET_LONG_SIDE)
        small = _pad(small, YUNET_LEAST_SIDE)
        with self._lock:
            self._net.setInputSize((small.shape[1], small.shape[0]))
            _, rows = self._net.detect(cv2.cvtColor(small, cv2.COLOR_RGB2BGR))
        return _sorted([_from_yunet(row, scale) for row in (() if rows is None else rows)])


def _from_yunet(row: np.ndarray, scale: float) -> FaceBox:
    """Turn (x, y, w, h, right eye, left eye, nose, mouth corners, score) into the square."""
    numbers = np.asarray(row, np.float64)
    eyes = numbers[4:8].reshape(2, 2) / scale
    root = math.sqrt(max(numbers[2] * numbers[3], 1.0)) / scale
    side = YUNET_SIDE * root
    x, y = eyes.mean(axis=0).tolist()
    (left, upper), (right, lower) = sorted(eyes.tolist())
    return FaceBox(
        x - side / 2,
        y + YUNET_DROP * root - side / 2,
        side,
        float(np.clip(numbers[14], 0.0, 1.0)),
        ((left, upper), (right, lower)),
    )


def _shrink(image: np.ndarray, long_side: int) -> tuple[np.ndarray, float]:
    """Scale down to ``long_side`` at the most; also the factor from old to new pixels."""
    scale = min(1.0, long_side / max(image.shape[:2]))
    if scale == 1.0:
        return image, scale
    cv2 = import_cv2()
    height, width = (max(1, round(side * scale)) for side in image.shape[:2])
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), scale


def _pad(image: np.ndarray, least: int) -> np.ndarray:
    """Add black below and on the right until each side is long enough."""
    below, right = (max(0, least - side) for side in image.shape[:2])
    return np.pad(image, ((0, below), (0, right), (0, 0))) if below or right else image


def _sorted(boxes: list[FaceBox]) -> list[FaceBox]:
    """Largest first, without those inside a larger one: they are parts of the same face."""
    kept: list[FaceBox] = []
    for box in sorted(boxes, key=lambda box: -box.size):
        if not any(_holds(larger, box.centre) for larger in kept):
            kept.append(box)
    return kept


def _holds(box: FaceBox, point: tuple[float, float]) -> bool:
    return 0 <= point[0] - box.x <= box.size and 0 <= point[1] - box.y <= box.size


def haar_file() -> Path | None:
    """The cascade's file, if this OpenCV can use one and has it."""
    cv2 = import_cv2()
    if not hasattr(cv2, "CascadeClassifier"):
        return None
    path = Path(cv2.data.haarcascades) / HAAR_FILE
    return path if path.is_file() else None


def yunet_file() -> Path | None:
    """The YuNet file: ``SIAMLAB_YUNET``, else one in the data folder's ``models``."""
    from siamlab.profiles import open_workspace

    named = os.environ.get("SIAMLAB_YUNET")
    if named:
        return Path(named).expanduser()
    found = sorted(open_workspace().models.glob("face_detection_yunet*.onnx"))
    return found[-1] if found else None


def open_finder(kind: str = "auto", yunet_path: Path | str | None = None) -> Finder:
    """Choose how faces are found.

    Args:
        kind: ``yunet``, ``haar``, ``guide``, or ``auto``: YuNet where its file is, else Haar
            where OpenCV has it, else the guide box.
        yunet_path: YuNet's file; ``None`` looks at the variable ``SIAMLAB_YUNET`` and in the
            data folder's ``models``.

    Returns:
        A finder; its ``name`` says which kind it is.

    Raises:
        InputError: no finder is of this kind.
        ModelError: the kind asked for is not available here.

    Example:
        >>> box = find_face(frame, open_finder())          # doctest: +SKIP
    """
    check_kind(kind)
    path = Path(yunet_path) if yunet_path is not None else None
    if path is None and kind in {"auto", "yunet"}:
        path = yunet_file()
    if kind == "yunet" and path is None:
        raise ModelError(
            "The YuNet file is not at hand: set SIAMLAB_YUNET to face_detection_yunet_*.onnx, or "
            "put it into the data folder's models."
        )
    if path is not None and kind in {"auto", "yunet"}:
        return YuNetFinder(path)
    if kind == "haar" or (kind == "auto" and haar_file() is not None):
        return HaarFinder()
    return GuideFinder()


def check_kind(kind: str) -> None:
    """Make sure that a finder of this kind exists (InputError otherwise)."""
    if kind not in KINDS:
        raise InputError(f"A finder is one of {', '.join(KINDS)}; received {kind!r}.")

"""dlib's face detector: a small network that is run over an image in several sizes.

King 2015, "Max-Margin Object Detection". Its weights, in the public domain (CC0), come with those
of dlib's face ResNet. OpenCV runs it. Where OpenCV has Viola and Jones' cascade, that says where
to look first: the network confirms a face there in a tenth of the time of a whole search.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from itertools import zip_longest
from typing import Any

import numpy as np

from siamlab.faces.detectors.base import FaceBox, largest_first, shrink
from siamlab.faces.detectors.haar import HaarDetector, haar_file
from siamlab.images.decode import check_rgb
from siamlab.system.dlib_files import MEANS, MMOD, SCALE, DlibReader, read_dlib_file
from siamlab.system.opencv import import_cv2

WINDOW = 80  # side of the box that the network sees
STRIDE, FIRST = 8, 14  # its answers are so far apart; the first is about this pixel
BORDER = 40  # around the image, so that faces at its edge are seen
STEP = 0.8  # from one size of the image to the next
# Faces of 1/3 of the long side are looked for first, then of 1/7, then of 1/20.
LONG_SIDES = (250, 600, 1600)
# From Viola and Jones' box to the network's, in sides of the former: the mean of 400 photographs
# of LFW, shifted at random and half of them mirrored; the spread is 0.05, half a step.
RIGHT, DOWN, SIDE = -0.037, 0.015, 0.885
CENTRAL = 0.2  # how far from the middle, in short sides, a face is that is meant for sure
OVERLAP = 0.4


class MmodDetector:
    """dlib's MMOD network.

    Raises:
        ModelError: its file is not here.
    """

    name = "mmod"

    def __init__(self) -> None:
        self._net = _open_network(read_dlib_file(MMOD))
        self._haar = None if haar_file() is None else HaarDetector()
        self._lock = threading.Lock()

    def detect(self, image: np.ndarray) -> list[FaceBox]:
        """All faces of a uint8 RGB image, largest first."""
        check_rgb(image)
        proposals = [] if self._haar is None else self._haar.detect(image)
        # Viola and Jones' boxes are more exact than the network's: it only confirms them.
        confirmed = [box for box in proposals if self.confirm(image, box)]
        if any(_is_central(image, box) for box in confirmed):
            return largest_first(confirmed)
        for long_side in LONG_SIDES:
            found = self._search(image, long_side)
            if found or max(image.shape[:2]) * STEP <= long_side:
                break  # or the next size would be this one
        return largest_first(found or confirmed)

    def confirm(self, image: np.ndarray, box: FaceBox) -> FaceBox | None:
        """Look for a face near a box only, which takes a tenth of the time of :meth:`detect`.

        Args:
            image: uint8 RGB ``(H, W, 3)``.
            box: where a face may be, such as where it was in the frame before.

        Returns:
            The box, moved where the network sees the face elsewhere; ``None`` if it sees none.
        """
        side = SIDE * box.size
        x, y = box.center[0] + RIGHT * box.size, box.center[1] + DOWN * box.size
        for zoom in (1.0, 1.15, 0.87):
            scale = WINDOW / side * zoom
            best = max(self._scores(_window(image, x, y, scale)), default=None)
            if best is not None:
                score, *place = best
                # Its answers are STRIDE pixels apart: nearer ones say nothing about the place.
                away = [p - WINDOW if abs(p - WINDOW) > STRIDE else 0.0 for p in place]
                left, upper = box.x + away[0] / scale, box.y + away[1] / scale
                return replace(box, x=left, y=upper, score=min(1.0, score), landmarks=None)
        return None

    def _search(self, image: np.ndarray, long_side: int) -> list[FaceBox]:
        """Faces in the whole image, each once: of boxes that overlap the surest stays."""
        cv2 = import_cv2()
        small, first = shrink(image, long_side)
        if max(image.shape[:2]) < LONG_SIDES[0]:  # a face may be smaller than a window
            first = LONG_SIDES[0] / max(image.shape[:2])
            small = cv2.resize(image, None, fx=first, fy=first, interpolation=cv2.INTER_LINEAR)
        found, scale = [], 1.0
        while min(small.shape[:2]) * scale >= WINDOW * 0.8:
            height, width = (round(side * scale) for side in small.shape[:2])
            level = cv2.resize(small, (width, height), interpolation=cv2.INTER_AREA)
            level = cv2.copyMakeBorder(
                level, *(4 * [BORDER]), cv2.BORDER_CONSTANT, value=tuple(map(round, MEANS))
            )
            factor = first * scale
            for score, x, y in self._scores(level):
                found.append((score, (x - BORDER) / factor, (y - BORDER) / factor, WINDOW / factor))
            scale *= STEP
        kept: list[tuple[float, ...]] = []
        for one in sorted(found, reverse=True):
            if not any(_overlap(one, other) for other in kept):
                kept.append(one)
        return [_to_box(x, y, side, score) for score, x, y, side in kept]

    def _scores(self, image: np.ndarray) -> Iterator[tuple[float, float, float]]:
        """Score, x and y of each window of ``WINDOW`` pixels in which the network sees a face."""
        cv2 = import_cv2()
        with self._lock:
            self._net.setInput(cv2.dnn.blobFromImage(image, 1 / SCALE, mean=MEANS))
            scores = self._net.forward()[0, 0].copy()
        for row, column in zip(*np.nonzero(scores > 0), strict=True):
            yield float(scores[row, column]), STRIDE * column + FIRST, STRIDE * row + FIRST


def _window(image: np.ndarray, x: float, y: float, scale: float) -> np.ndarray:
    """The square around a point, two windows wide, with the point in its middle."""
    cv2 = import_cv2()
    side = 2 * WINDOW
    reach = WINDOW / scale
    left, upper = max(0, int(x - reach)), max(0, int(y - reach))
    part = image[upper : int(y + reach) + 1, left : int(x + reach) + 1]
    if scale < 0.5:
        size = (max(1, round(edge * 2 * scale)) for edge in part.shape[1::-1])
        small = cv2.resize(part, tuple(size), interpolation=cv2.INTER_AREA)
        factor = np.array([small.shape[1] / part.shape[1], small.shape[0] / part.shape[0]])
    else:
        small, factor = part, np.ones(2)
    grow = scale / factor
    shift = WINDOW - grow * (np.array([x - left, y - upper]) * factor)
    matrix = np.array([[grow[0], 0, shift[0]], [0, grow[1], shift[1]]])
    return np.asarray(cv2.warpAffine(small, matrix, (side, side), borderValue=MEANS))


def _to_box(x: float, y: float, side: float, score: float) -> FaceBox:
    """A box as Viola and Jones' detector draws it."""
    size = side / SIDE
    x, y = x - RIGHT * size, y - DOWN * size
    return FaceBox(x - size / 2, y - size / 2, size, min(1.0, score))


def _overlap(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    reach = OVERLAP * max(one[3], other[3])
    return abs(one[1] - other[1]) < reach and abs(one[2] - other[2]) < reach


def _is_central(image: np.ndarray, box: FaceBox) -> bool:
    height, width = image.shape[:2]
    far = max(abs(box.center[0] - width / 2), abs(box.center[1] - height / 2))
    return far < CENTRAL * min(height, width)


def _open_network(content: bytes) -> Any:
    """The network in OpenCV, through the plain text and weights of the format Darknet."""
    cv2 = import_cv2()
    sections, weights = ["[net]\nwidth=160\nheight=160\nchannels=3"], [np.zeros(4, np.int32)]
    for kernel, bias, stride, padding, activation in _convolutions(content):
        sections.append(
            f"[convolutional]\nfilters={len(kernel)}\nsize={kernel.shape[2]}\nstride={stride}\n"
            f"pad=0\npadding={padding}\nactivation={activation}"
        )
        weights += [bias.astype(np.float32), kernel.astype(np.float32)]
    text = np.frombuffer("\n\n".join(sections).encode() + b"\n", np.uint8)
    blob = np.frombuffer(b"".join(part.tobytes() for part in weights), np.uint8)
    return cv2.dnn.readNetFromDarknet(text, blob)


def _convolutions(content: bytes) -> Iterator[tuple[np.ndarray, np.ndarray, int, int, str]]:
    """Kernel, bias, stride, padding and activation; a normalization is part of the layer before.

    Each layer but the last is normalized, and what is below zero cut off.
    """
    ends = [
        [found.end() for found in re.finditer(rb"\x01." + kind + rb"_\w*", content)]
        for kind in (b"con", b"bn")
    ]
    for place, normalization in zip_longest(*ends):
        reader = DlibReader(content, place)
        values = reader.tensor().ravel()
        count, side, _, stride, _, padding, _ = (reader.integer() for _ in range(7))
        kernel, bias = values[:-count].reshape(count, -1, side, side), values[-count:]
        if normalization is None:
            yield kernel, bias, stride, padding, "linear"
        else:
            scale, shift = _normalization(content, normalization, count)
            kernel = kernel * scale[:, None, None, None]
            yield kernel, bias * scale + shift, stride, padding, "relu"


def _normalization(content: bytes, place: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Scale and shift of each channel, what a batch normalization is after training."""
    reader = DlibReader(content, place)
    gamma, beta = reader.tensor().reshape(2, count)
    for _ in range(10):  # two descriptions of where gamma and beta lie
        reader.integer()
    reader.tensor(), reader.tensor()  # of the last batch in training
    mean, variance = reader.tensor().ravel(), reader.tensor().ravel()
    scale = gamma / np.sqrt(variance + 1e-4)
    return scale, beta - mean * scale

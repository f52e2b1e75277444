"""Fakes whose results can be worked out by hand: a model, a detector, a camera."""

from __future__ import annotations

import importlib.util
import os
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from siamlab.errors import CameraError, EndOfFrames
from siamlab.faces.crop import Preprocessing
from siamlab.faces.detectors import FaceBox
from siamlab.models.metadata import ModelMetadata
from siamlab.system.closing import Closing

SIZE = (120, 160)


def gray_frame(level: int) -> np.ndarray:
    """A frame of one gray level, so that every crop of it has that level too."""
    return np.full((*SIZE, 3), level, np.uint8)


class FakeModel:
    """Embeds an image as its mean level; the score is 1 minus the difference of levels."""

    def __init__(self, threshold: float | None = None, seconds: float = 0.0) -> None:
        calibration = None if threshold is None else {"threshold": threshold, "target_fmr": None}
        self.metadata = ModelMetadata(
            preprocessing=Preprocessing(size=16, fraction=0.5), calibration=calibration, versions={}
        )
        self.model_id = "fake"
        self.seconds = seconds
        self.embedded: list[tuple[int, ...]] = []

    def embed(self, images: np.ndarray) -> np.ndarray:
        time.sleep(self.seconds)
        self.embedded.append(images.shape)
        self.last = images
        return np.repeat(images.mean(axis=(1, 2, 3))[:, None], 2, axis=1).astype(np.float32)

    ranks_by_cosine = False

    def score_pairs(self, probe: np.ndarray, templates: np.ndarray) -> np.ndarray:
        return (1 - np.abs(probe[0] - templates[:, 0])).astype(np.float32)


@dataclass
class FakeDetector:
    """Returns the boxes it was given for every frame that is not black."""

    boxes: list[FaceBox] = field(default_factory=lambda: [FaceBox(50, 30, 40)])
    name: str = "guide"

    def detect(self, image: np.ndarray) -> list[FaceBox]:
        return list(self.boxes) if image.any() else []


class FakeCamera(Closing):
    """Gives gray frames of increasing level, 100, 101, …, and counts how often it was closed.

    Args:
        frames: number of frames; ``None`` for no end.
        fails_at: the number of the frame that raises ``error`` instead.
        seconds: time that a frame takes.
    """

    subject = "drawn"

    def __init__(
        self,
        frames: int | None = None,
        fails_at: int | None = None,
        seconds: float = 0.005,
        name: str = "fake",
        first: int = 100,
        error: Exception | None = None,
    ) -> None:
        self.frames = frames
        self.fails_at = fails_at
        self.seconds = seconds
        self.name = name
        self.first = first
        self.error = error or CameraError("Camera fake went away.")
        self.size = (SIZE[1], SIZE[0])
        self.fps = 0.0
        self.live = True  # waits for its next frame by itself
        self.count = 0
        self.closed = 0
        self.readers: set[str] = set()

    def read(self) -> np.ndarray:
        if self.closed:
            raise CameraError("Camera fake is closed.")
        self.readers.add(threading.current_thread().name)
        time.sleep(self.seconds)
        if self.fails_at is not None and self.count >= self.fails_at:
            raise self.error
        if self.frames is not None and self.count >= self.frames:
            raise EndOfFrames("There are no more frames.")
        self.count += 1
        return gray_frame(min(255, self.first + self.count - 1))

    def close(self) -> None:
        self.closed += 1

    def __iter__(self) -> FakeCamera:
        return self

    def __next__(self) -> np.ndarray:
        try:
            return self.read()
        except EndOfFrames:
            raise StopIteration from None


class HangingCamera(FakeCamera):
    """A camera whose read does not return from a frame on, until :attr:`answer` is set."""

    def __init__(self, after: int, **options: Any) -> None:
        super().__init__(**options)
        self.after = after
        self.answer = threading.Event()
        self.hangs = threading.Event()

    def read(self) -> np.ndarray:
        if self.count >= self.after:
            self.hangs.set()
            self.answer.wait(30)
        return super().read()


class GarbageCamera(FakeCamera):
    """A camera that now and then, or always, sends something else than pictures.

    Args:
        garbage: what it sends; an exception is raised.
        every: so many frames apart; 1 sends nothing else.
    """

    def __init__(self, garbage: Sequence[Any], every: int = 1, **options: Any) -> None:
        super().__init__(**{"seconds": 0.001, **options})
        self.garbage, self.every = tuple(garbage), every
        self.sent = 0

    def read(self) -> np.ndarray:
        frame = super().read()
        self.sent += 1
        if self.sent % self.every:
            return frame
        what = self.garbage[self.sent // self.every % len(self.garbage)]
        if isinstance(what, BaseException):
            raise what
        return what


def wait_until(condition: Any, seconds: float = 5.0) -> None:
    """Wait until a condition that another thread makes true holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)


@contextmanager
def loaded_script(path: Path) -> Iterator[ModuleType]:
    """A script as a module, for as long as the block lasts."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    try:
        spec.loader.exec_module(module)
        yield module
    finally:
        del sys.modules[path.stem]


@contextmanager
def unprivileged() -> Iterator[None]:
    """Work as a user whom permissions hold back, where the tests run as root."""
    if os.geteuid() != 0:
        yield
        return
    try:
        os.seteuid(65534)
    except OSError as error:
        pytest.skip(f"root cannot become another user here: {error}")
    try:
        yield
    finally:
        os.seteuid(0)

"""The protocol of a camera (:class:`Camera`) and the base class of siamlab's (:class:`Source`)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol, Self, runtime_checkable

import numpy as np

from siamlab.errors import CameraError, EndOfFrames, SiamlabError
from siamlab.system.closing import Closing

GARBAGE = 30  # frames in a row that are no pictures; after them a camera is given up


@runtime_checkable
class Camera(Protocol):
    """Anything that gives frames.

    Attributes:
        name: its name in messages.
        size: width and height of its frames, pixels.
        fps: frames per second; 0.0 when there is no such thing (a folder).
        live: ``read`` waits for the next frame, as a webcam does; files and drawings give it at
            once, and a reader that shows them keeps to ``fps`` itself.
    """

    name: str
    size: tuple[int, int]
    fps: float
    live: bool

    def read(self) -> np.ndarray:
        """The next frame: uint8 (H, W, 3), RGB.

        Raises:
            EndOfFrames: there are no more.
            CameraError: the camera is closed, or was disconnected.
        """

    def close(self) -> None:
        """Release it; harmless when it is closed."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def __iter__(self) -> Iterator[np.ndarray]: ...


class _Frames(Protocol):
    """What a camera and a reader of one have in common."""

    name: str

    def read(self) -> np.ndarray:
        """The next frame."""


def read_frame(camera: _Frames) -> np.ndarray:
    """The next picture of any camera; what it sends instead of pictures is skipped.

    Returns:
        uint8 (H, W, 3), RGB, at least one pixel.

    Raises:
        EndOfFrames: there are no more.
        CameraError: the camera failed, whatever it raised, or sends no pictures.
    """
    for _ in range(GARBAGE):
        try:
            frame = camera.read()
        except SiamlabError:
            raise
        except Exception as error:  # a driver's, of any kind
            reason = f"{type(error).__name__}: {error}".strip(": ")
            raise CameraError(f"{camera.name} failed: {reason}") from None
        good = isinstance(frame, np.ndarray) and frame.dtype == np.uint8 and frame.ndim == 3
        if good and frame.shape[2] == 3 and frame.size:
            return frame
    kind = getattr(frame, "dtype", type(frame).__name__)
    raise CameraError(
        f"{camera.name} sends no pictures: uint8 (H, W, 3) is expected, received {kind} "
        f"{getattr(frame, 'shape', '')} {GARBAGE} times. Open it again, or use another camera."
    )


class Source(Closing):
    """What all cameras share: the block, the loop, and release when anything goes wrong."""

    live = False

    def __init__(self, name: str, size: tuple[int, int], fps: float) -> None:
        self.name = name
        self.size = size
        self.fps = fps
        self.closed = False

    def __iter__(self) -> Iterator[np.ndarray]:
        while True:
            try:
                frame = self.read()
            except EndOfFrames:
                return
            yield frame

    def __repr__(self) -> str:
        width, height = self.size
        state = ", closed" if self.closed else ""
        return f"{type(self).__name__}({self.name}: {width} x {height}, {self.fps:g} fps{state})"

    def in_real_time(self) -> Self:
        """The same camera, set to a frame rate at which it can be watched while it is read."""
        return self

    def read(self) -> np.ndarray:
        """The next frame, see :meth:`Camera.read`."""
        if self.closed:
            raise CameraError(f"{self.name} is closed; open it again.")
        try:
            return self._next()
        except EndOfFrames:
            raise
        except BaseException:  # KeyboardInterrupt too: an interrupted kernel leaves it free
            self.close()
            raise

    def _next(self) -> np.ndarray:
        """The next frame of an open camera."""
        raise NotImplementedError

    def close(self) -> None:
        """Release it; harmless when it is closed."""
        self.closed = True

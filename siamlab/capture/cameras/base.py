"""What a camera is, and what all of siamlab's have in common.

Output: the protocol :class:`Camera`, and its base class :class:`Source`.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType
from typing import Protocol, Self, runtime_checkable

import numpy as np

from siamlab.errors import CameraError, EndOfFrames


@runtime_checkable
class Camera(Protocol):
    """Anything that gives frames.

    Attributes:
        name: what to call it in a message.
        size: width and height of its frames, pixels.
        fps: frames per second; 0.0 when there is no such thing (a folder).
    """

    name: str
    size: tuple[int, int]
    fps: float

    def read(self) -> np.ndarray:
        """The next frame: uint8 (H, W, 3), RGB.

        Raises:
            EndOfFrames: there are no more.
            CameraError: the camera is closed, or went away.
        """
        ...

    def close(self) -> None:
        """Release it; harmless when it is closed."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def __iter__(self) -> Iterator[np.ndarray]: ...


class Source:
    """What all cameras share: the block, the loop, and release when anything goes wrong."""

    def __init__(self, name: str, size: tuple[int, int], fps: float) -> None:
        self.name = name
        self.size = size
        self.fps = fps
        self.closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

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

    def read(self) -> np.ndarray:
        """The next frame: uint8 (H, W, 3), RGB.

        Raises:
            EndOfFrames: there are no more.
            CameraError: the camera is closed, or went away.
        """
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
        raise NotImplementedError

    def close(self) -> None:
        """Release it; harmless when it is closed."""
        self.closed = True

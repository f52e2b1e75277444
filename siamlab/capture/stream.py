"""Reads a camera in a thread and keeps the newest frame only.

A slow consumer skips frames and never gets old ones from a queue. A camera has one reader:
starting a second on the same camera stops the first, so that a notebook cell can be run again.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np

from siamlab.capture.cameras import Camera, open_camera
from siamlab.capture.cameras.base import read_frame
from siamlab.capture.cameras.browser import NAME as BROWSER_NAME
from siamlab.capture.cameras.browser import BrowserCamera
from siamlab.capture.cameras.device import device_key
from siamlab.errors import CameraError, EndOfFrames, SiamlabError
from siamlab.system.closing import Closing

# The readers that hold a camera now, by the camera's name. Opening happens under the lock.
_ACTIVE: dict[str, FrameReader] = {}
_LOCK = threading.RLock()
JOIN_SECONDS = 5.0
FRESH_SECONDS = 1.0  # how old the newest frame may be to tell what is before the camera now
FPS_FRAMES = 30
SLIDES_PER_SECOND = 5.0  # images of a folder


@dataclass(frozen=True, eq=False)
class FrameSnapshot:
    """The state of a reader at one moment.

    Attributes:
        frame: uint8 RGB ``(H, W, 3)``, not writeable, or ``None`` before the first.
        number: frames read so far.
        fps: frames read per second, over the last 30.
        running: the camera is being read.
        error: why reading ended, in one line; empty while nothing is wrong.
        time: when the frame was read, or before the first the reading began, by the reader's clock.
    """

    frame: np.ndarray | None = None
    number: int = 0
    fps: float = 0.0
    running: bool = False
    error: str = ""
    time: float = 0.0


class FrameReader(Closing):
    """A camera read in a thread; itself a camera whose ``read`` gives the newest frame.

    Args:
        source: an argument of ``open_camera`` (index, file, folder, "drawn"), or a camera. Only
            the former can be started again after a stop.
        clock: seconds, for the age of frames.

    Attributes:
        exhausted: reading ended because a video or folder has no more frames.
        place: is given each camera that was opened, to show its light; without it, the browser's
            camera shows itself below the cell.

    Example:
        ```python
        with FrameReader(0) as reader:
            frame = reader.read()
        ```
    """

    def __init__(
        self,
        source: Camera | int | str | Path,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.source = source
        self.clock = clock
        self.name = _name_of(source)
        self._camera: Camera | None = None
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._fresh = threading.Condition()
        self._snapshot = FrameSnapshot()
        self._read_number = 0
        self.exhausted = False
        self.place: Callable[[Camera], None] | None = None

    @property
    def snapshot(self) -> FrameSnapshot:
        """The newest frame and the state of the reader; never waits."""
        return self._snapshot

    @property
    def running(self) -> bool:
        """Whether the camera is being read."""
        return self._snapshot.running

    @property
    def error(self) -> str:
        """Why reading ended, in one line; empty while nothing is wrong."""
        return self._snapshot.error

    @property
    def silence(self) -> str:
        """A sentence when no frame has come for a second, as of a camera that hangs; else empty.

        The end of a video or folder is no silence.
        """
        seen = self._snapshot
        if seen.running and self._is_starting():
            return ""
        seconds = self.clock() - seen.time
        if self.exhausted or (seen.running and seconds <= FRESH_SECONDS):
            return ""
        if not seen.running:
            return seen.error or f"{self.name} is stopped."
        return f"{self.name} has sent no frame for {seconds:.0f} s."

    def start(self) -> Self:
        """Open the camera and start reading; does nothing when it is being read.

        Raises:
            CameraError: the camera cannot be opened.
        """
        with _LOCK:
            if self.running:
                return self
            self.stop()
            self._stop_former()
            # Opened here and not in the thread: macOS asks for permission on the main thread.
            camera = self.source
            if isinstance(camera, int | str | Path):
                camera = open_camera(camera).in_real_time()
            if self.source == "auto":  # now it is known which
                self.name = camera.name
                self._stop_former()
            self._camera = camera
            _ACTIVE[self.name] = self
            self._stop = threading.Event()
            self._snapshot = FrameSnapshot(running=True, time=self.clock())
            self._read_number = 0
            self.exhausted = False
            self._thread = threading.Thread(
                target=self._run,
                args=(camera, self._stop),
                name=f"siamlab reads {self.name}",
                daemon=True,
            )
            self._thread.start()
            if self.place is not None:
                self.place(camera)
            elif isinstance(camera, BrowserCamera):
                camera.show()
        return self

    def stop(self) -> None:
        """Stop reading and release the camera; harmless when it is stopped.

        A camera that hangs is left to its thread, which releases it when it answers.
        """
        self._stop.set()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            if isinstance(self._camera, BrowserCamera):  # it may wait for a person
                self._camera.close()
            thread.join(JOIN_SECONDS)
            if thread.is_alive():
                hangs = f"{self.name} hangs; it is released when it answers, or is unplugged."
                self._publish(self._stop, running=False, error=hangs)
                self._stop = threading.Event()  # what the thread still reads is not published
        self._thread = None
        with _LOCK:
            if _ACTIVE.get(self.name) is self:
                del _ACTIVE[self.name]

    close = stop

    def __enter__(self) -> Self:
        return self.start()

    def newer_than(self, number: int, timeout: float = 5.0) -> FrameSnapshot | None:
        """Wait for a frame that was read after frame ``number``.

        Returns:
            The newest one, or ``None`` when reading ended or ``timeout`` seconds passed.
        """
        with self._fresh:
            self._fresh.wait_for(
                lambda: self._snapshot.number > number or not self._snapshot.running, timeout
            )
            snapshot = self._snapshot
        return snapshot if snapshot.number > number else None

    def read(self, timeout: float = 5.0) -> np.ndarray:
        """Wait for a frame that this method has not returned yet.

        A person who has yet to start the browser's camera is waited for longer.

        Returns:
            uint8 RGB ``(H, W, 3)``, the newest frame.

        Raises:
            EndOfFrames: the video or folder has no more.
            CameraError: the camera was disconnected, sends nothing, or was stopped.
        """
        stopped = self._thread is None
        snapshot = None if stopped else self.newer_than(self._read_number, timeout)
        while snapshot is None and self.running and self._is_starting():
            snapshot = self.newer_than(self._read_number, timeout)
        if snapshot is None or snapshot.frame is None:
            kind = EndOfFrames if self.exhausted else CameraError
            silence = f"sent no frame for {timeout:g} seconds" if self.running else "is stopped"
            raise kind(self._snapshot.error or f"{self.name} {silence}.")
        self._read_number = snapshot.number
        return snapshot.frame

    def _stop_former(self) -> None:
        former = _ACTIVE.get(self.name)
        if former is not None:
            former.stop()

    def _is_starting(self) -> bool:
        return isinstance(self._camera, BrowserCamera) and self._camera.starting

    def _run(self, camera: Camera, stop: threading.Event) -> None:
        error = ""
        try:
            self._read_until(camera, stop)
        except Exception as problem:  # a thread's exception would be lost; it becomes one line
            error = "" if stop.is_set() else one_line(problem)
            if stop is self._stop:
                self.exhausted = isinstance(problem, EndOfFrames)
        finally:
            try:
                camera.close()
            except Exception as problem:
                error = error or one_line(problem)
            self._publish(stop, running=False, error=error)

    def _read_until(self, camera: Camera, stop: threading.Event) -> None:
        times: deque[float] = deque(maxlen=FPS_FRAMES)
        # Seconds between reads: a live camera waits by itself, other sources do not.
        period = 0.0 if camera.live else 1.0 / (camera.fps or SLIDES_PER_SECOND)
        while not stop.is_set():
            begin = time.perf_counter()
            frame = read_frame(camera)
            frame.flags.writeable = False
            times.append(time.perf_counter())
            spent = times[-1] - times[0]
            fps = (len(times) - 1) / spent if spent > 0 else 0.0
            now, number = self.clock(), self._snapshot.number + 1
            self._publish(stop, frame=frame, number=number, fps=fps, time=now)
            stop.wait(max(0.0, period - (time.perf_counter() - begin)))

    def _publish(self, stop: threading.Event, **changes: Any) -> None:
        """Change the snapshot, unless it is that of a later reading by now."""
        with self._fresh:
            if stop is self._stop:
                self._snapshot = replace(self._snapshot, **changes)
                self._fresh.notify_all()


def stop_all() -> None:
    """Stop every reader, so that all cameras are free."""
    with _LOCK:
        readers = list(_ACTIVE.values())
    for reader in readers:
        reader.stop()


def one_line(error: BaseException) -> str:
    """An error's message as one line; errors that are not siamlab's keep their kind."""
    text = " ".join(str(error).split())
    if isinstance(error, SiamlabError):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _name_of(source: Camera | int | str | Path) -> str:
    if isinstance(source, int | str) and str(source).isdecimal():
        return f"Camera {int(source)}"
    if source == "browser":
        return BROWSER_NAME
    if isinstance(source, str | Path) and device_key(source):
        return f"Camera {source}"
    return str(getattr(source, "name", source)) if not isinstance(source, Path) else str(source)

"""Webcams and videos through OpenCV, whose BGR becomes RGB here and nowhere else."""

from __future__ import annotations

import sys
import threading
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from siamlab.capture.cameras.base import Source
from siamlab.capture.cameras.warm_up import warm_up
from siamlab.errors import CameraError, EndOfFrames
from siamlab.system.opencv import import_cv2
from siamlab.system.quiet import silent_stderr

_TRIES = 5  # a webcam may drop a frame now and then; after this many in a row it is gone
_COMPLETE = 0.9  # share of a video's announced frames that must be there
# Standard error is one for the whole process: one thread at a time silences it.
_SILENCE = threading.RLock()
# Those that this process has open, by :func:`device_key`.
_DEVICES: weakref.WeakValueDictionary[str, OpenCVCamera] = weakref.WeakValueDictionary()
RELEASE_SECONDS = 5.0  # that a frame being read is waited for


class OpenCVCamera(Source):
    """A webcam by index or device file, or a video by path or address.

    A webcam's first frames are skipped until its exposure has settled
    (:mod:`siamlab.capture.cameras.warm_up`).

    Args:
        source: a webcam's index, its device file on Linux (``/dev/video0``, or a link such as
            ``/dev/v4l/by-id/...``, which stays the same when others are plugged in), a video
            file, or a stream's address (``rtsp://...``).
        size: width and height to ask a webcam for, pixels; it may give others.

    Raises:
        CameraError: it cannot be opened or gives no frame. A webcam that this process has open
            already is closed first: only one can read it.

    Example:
        >>> with OpenCVCamera(0) as camera:          # doctest: +SKIP
        ...     frame = camera.read()
    """

    def __init__(self, source: int | str | Path, size: tuple[int, int] | None = None) -> None:
        self.source = source
        self._lock = threading.RLock()
        self._capture: Any = None
        self._taken = 0
        self._key = device_key(source)  # empty for what is no webcam
        self.live = bool(self._key) or "://" in str(source)
        super().__init__(f"{'Camera' if self._key else 'Video'} {source}", (0, 0), 0.0)
        if not self.live and not Path(str(source)).is_file():
            raise CameraError(f"There is no video file {source}.")
        former = _DEVICES.get(self._key)
        if former is not None:
            former.close()
        try:
            self._open(size)
        except BaseException:
            self.close()
            raise
        if self._key:
            _DEVICES[self._key] = self

    def _open(self, size: tuple[int, int] | None) -> None:
        cv2 = import_cv2()
        with _SILENCE, silent_stderr():
            if self._key and not isinstance(self.source, int):
                self._capture = cv2.VideoCapture(str(self.source), cv2.CAP_V4L2)
            else:
                wanted = self.source if isinstance(self.source, int) else str(self.source)
                self._capture = cv2.VideoCapture(wanted)
            if not self._capture.isOpened():
                raise CameraError(f"{self.name} cannot be opened. {self._advice()}")
            if self.live:  # frames waiting in a queue would be old
                self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
            if size is not None:
                self._capture.set(cv2.CAP_PROP_FRAME_WIDTH, size[0])
                self._capture.set(cv2.CAP_PROP_FRAME_HEIGHT, size[1])
            first = warm_up(self._grab) if self._key else self._grab()
        if first is None:
            raise CameraError(f"{self.name} opens but gives no frame. {self._advice()}")
        self._first: np.ndarray | None = first
        self._announced = 0 if self.live else int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT))
        self.size = (first.shape[1], first.shape[0])
        rate = float(self._capture.get(cv2.CAP_PROP_FPS))
        self.fps = rate if 0.0 < rate < 1000.0 else 0.0

    def _advice(self) -> str:
        if self._key:
            return (
                "Is it plugged into the machine on which this program (a notebook's kernel) runs, "
                "free of other programs, and allowed for this one? Another source: 'browser' (the "
                "camera of the computer that shows the notebook), a video, a folder, or 'drawn'."
            )
        if self.live:
            return "Is the address right and reachable?"
        return "Is it a video, and complete?"

    def _grab(self) -> np.ndarray | None:
        """One frame in RGB, or None when the source gives none."""
        cv2 = import_cv2()
        for _ in range(_TRIES if self.live else 1):
            good, frame = self._capture.read()
            if good and frame is not None:
                self._taken += 1
                code = cv2.COLOR_GRAY2RGB if frame.ndim == 2 else cv2.COLOR_BGR2RGB
                return np.asarray(cv2.cvtColor(frame, code))
        return None

    def _next(self) -> np.ndarray:
        with self._lock:
            if self._first is not None:
                frame, self._first = self._first, None
                return frame
            if self._capture is None:
                raise CameraError(f"{self.name} is closed; open it again.")
            if self.live:
                grabbed = self._grab()
            else:
                with _SILENCE, silent_stderr():
                    grabbed = self._grab()
        if grabbed is None:
            raise self._ended()
        return grabbed

    def _ended(self) -> CameraError:
        if self.live:
            return CameraError(
                f"{self.name} went away after {self._taken} frames. Was it unplugged, or taken by "
                "another program? Open it again."
            )
        if self._taken < _COMPLETE * self._announced:
            return CameraError(
                f"{self.name} is damaged: it stops after {self._taken} of {self._announced} frames."
            )
        return EndOfFrames(f"{self.name} has no more frames (there were {self._taken}).")

    def close(self) -> None:
        """Release the device or file; harmless when it is closed.

        Raises:
            CameraError: another thread waits for a frame that does not come.
        """
        super().close()
        if not self._lock.acquire(timeout=RELEASE_SECONDS):
            raise CameraError(
                f"{self.name} hangs: it gives no frame and cannot be released. Unplug it, or "
                "restart this program."
            )
        try:
            capture, self._capture = self._capture, None
            if capture is not None:
                capture.release()
        finally:
            self._lock.release()


def device_key(source: int | str | Path) -> str:
    """What is the same for all names of one webcam; empty for what is no webcam.

    Args:
        source: an index; on Linux also a device file, or a link to one.

    Example:
        >>> device_key(0) == device_key("film.mp4")
        False
    """
    if isinstance(source, int):
        return f"/dev/video{source}"
    if not sys.platform.startswith("linux") or "://" in str(source):
        return ""
    path = Path(source)
    return str(path.resolve()) if path.is_char_device() else ""


@dataclass(frozen=True)
class CameraInfo:
    """A webcam that gives frames.

    Attributes:
        index: argument of ``open_camera``.
        width: of its frames, pixels.
        height: likewise.
        fps: frames per second according to the driver; 0.0 when unknown.
    """

    index: int
    width: int
    height: int
    fps: float

    def __str__(self) -> str:
        rate = f", {self.fps:g} frames per second" if self.fps else ""
        return f"camera {self.index}: {self.width} x {self.height}{rate}"


def probe_cameras(max_index: int = 3) -> list[CameraInfo]:
    """Find the webcams that give a frame, quietly.

    Each is opened, read once and released; one that this process is reading is left alone.

    Args:
        max_index: the last index to try.

    Returns:
        One entry for each webcam, by index; empty when there is none.
    """
    found = []
    for index in range(max_index + 1):
        if not may_exist(index):
            continue
        held = _DEVICES.get(device_key(index))
        if held is not None and not held.closed:
            found.append(CameraInfo(index, *held.size, held.fps))
            continue
        try:
            with OpenCVCamera(index) as camera:
                found.append(CameraInfo(index, *camera.size, camera.fps))
        except CameraError:
            continue
    return found


def may_exist(index: int) -> bool:
    """Whether a webcam may be there: without a device file on Linux, opening only costs time.

    Args:
        index: as of ``open_camera``.
    """
    return not sys.platform.startswith("linux") or Path(f"/dev/video{index}").exists()


def format_cameras(cameras: list[CameraInfo]) -> str:
    """Webcams as lines of text, or one sentence when there is none."""
    if not cameras:
        return (
            "No camera was found; a video file, a folder of images or a drawn person can be used."
        )
    return "\n".join(str(camera) for camera in cameras)

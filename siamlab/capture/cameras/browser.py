"""The camera of the computer on which the notebook is read, through the browser.

``browser.js`` sends one frame as JPEG and waits for the acknowledgement before the next. These
messages arrive in another thread (ipykernel's subshell) while a cell waits for a frame.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from siamlab.capture.cameras.base import Source
from siamlab.errors import CameraError, ImageError
from siamlab.images.decode import decode_image

NAME = "Browser camera"
FPS = 20.0  # about what comes; the page sends no more than 25
# Waiting is counted in slices and not in seconds, so that a kernel that was busy and could not
# listen does not take its own silence for the page's.
SLICE_SECONDS = 0.25
FRESH_SECONDS = 1.0  # an older frame is not what is before the camera now
START_SLICES = 240  # a person finds Start and answers the browser's question
SILENT_SLICES = 8  # without a sign of life, which comes every half second
FRAME_SLICES = 20  # without a frame, from a page that is alive
_ELSE = "or use a camera of the kernel's machine (0), a video, a folder, or 'drawn'"
_FRAME = Path("a frame of the browser's camera")


class PageWidget(Protocol):
    """What this module needs of :class:`~siamlab.capture.cameras.camera_widget.CameraWidget`."""

    closed: Any

    def on_msg(self, callback: Any) -> Any:
        """Have each message of the page given to ``callback(widget, content, buffers)``."""

    def send(self, content: dict[str, Any]) -> Any:
        """Send a message to the page."""


class BrowserCamera(Source):
    """The camera of the browser in which the notebook is open.

    Its widget shows a mirrored preview, a light, Start, and a choice of cameras and resolutions;
    nothing is sent before Start. It turns off when its page is hidden, closed or reloaded, and when
    the kernel does not answer.

    Args:
        widget: the page's side.
        size: that the page was asked for, until a frame tells its own.
        clock: seconds, for the age of frames.

    Attributes:
        shown: the widget is on the page; otherwise the first read of a cell shows it.

    Example:
        ```python
        with open_camera("browser") as camera:
            frame = camera.read()
        ```
    """

    live = True

    def __init__(
        self,
        widget: PageWidget,
        size: tuple[int, int] = (640, 480),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(NAME, size, FPS)
        self.widget = widget
        self.shown = False
        self._news = threading.Condition()
        self._clock = clock
        self._jpeg: bytes | None = None
        self._came = 0.0
        self._signs = 0  # of life
        self._on = False
        self._reason = ""
        self._greeted = False
        self._begins = False
        widget.on_msg(self._receive)

    def show(self) -> None:
        """Show the widget below the cell that runs."""
        from IPython.display import display

        self.shown = True
        display(self.widget)

    @property
    def starting(self) -> bool:
        """Nobody has pressed its Start, or the browser asks the person whether it may."""
        return not (self._on or self._reason or self.closed)

    def begin(self) -> None:
        """Turn the camera on as a click on its Start would: for a click on another Start."""
        with self._news:
            self._begins = not self._greeted
        if self._greeted:
            self.widget.send({"kind": "begin"})

    def close(self) -> None:
        """Turn it off; a read that waits in another thread ends."""
        super().close()
        with self._news:
            self._jpeg = None
            self._news.notify_all()
        self.widget.closed = True

    def _next(self) -> np.ndarray:
        if not self.shown and threading.current_thread() is threading.main_thread():
            self.show()
        try:
            frame = decode_image(self._wait(), _FRAME)
        except ImageError as error:
            raise CameraError(f"{self.name}: {error}") from None
        self.size = (frame.shape[1], frame.shape[0])
        return frame

    def _wait(self) -> bytes:
        """The newest frame as JPEG, once."""
        quiet = waited = 0
        with self._news:
            if self._clock() - self._came > FRESH_SECONDS:  # of a page that may be gone since
                self._jpeg = None
            while self._jpeg is None:
                problem = self._problem(quiet, waited)
                if problem:
                    raise CameraError(f"{self.name}: {problem}")
                signs, on = self._signs, self._on
                if self._news.wait(SLICE_SECONDS) or self._signs != signs:
                    quiet = 0
                else:
                    quiet, waited = quiet + 1, waited + 1
                waited = waited if self._on == on else 0
            jpeg, self._jpeg = self._jpeg, None
        return jpeg

    def _problem(self, quiet: int, waited: int) -> str:
        """Why no frame will come, as a sentence; empty while it may."""
        if self.closed:
            return "it is closed; open it again."
        if self._reason:
            return self._reason
        if not self._on:
            late = waited >= START_SLICES
            return f"it was not started. Press its Start and allow the camera, {_ELSE}." * late
        if quiet >= SILENT_SLICES:
            return "its page is silent: was it closed, or reloaded? Open the camera again."
        if waited >= FRAME_SLICES:
            return "it hangs: its page is there, but no frame comes. Open it again."
        return ""

    def _receive(self, _: Any, message: dict[str, Any], buffers: list[Any]) -> None:
        """Take a message of the page; runs in the thread that brings them."""
        kind = message.get("kind")
        with self._news:
            if self.closed:
                return
            self._signs += 1
            if kind == "frame" and buffers:
                self._jpeg, self._came = bytes(buffers[0]), self._clock()
            elif kind == "on":
                self._on, self._reason = True, ""
            elif kind == "off":
                self._on, self._jpeg = False, None
                self._reason = " ".join(str(message.get("reason")).split())
            elif kind == "hello":
                self._greeted = True
            begins = self._greeted and self._begins
            self._begins = self._begins and not begins
            self._news.notify_all()
        if kind == "frame":
            self.widget.send({"kind": "ack", "number": message.get("number")})
        if begins:
            self.widget.send({"kind": "begin"})


def open_browser_camera(size: tuple[int, int] | None = None) -> BrowserCamera:
    """Open the browser's camera.

    Args:
        size: width and height to ask for, pixels.

    Raises:
        CameraError: this is no notebook in a browser, or its kernel is too old.
    """
    _check_notebook()
    from siamlab.capture.cameras.camera_widget import CameraWidget

    width, height = size or (640, 480)
    widget = CameraWidget(label=NAME, gives_frames=True, resolution=f"{width} x {height}")
    return BrowserCamera(widget, (width, height))


def _check_notebook() -> None:
    from IPython import get_ipython

    shell = get_ipython()
    if getattr(shell, "kernel", None) is None:
        raise CameraError(f"{NAME}: it needs a notebook in JupyterLab: open one, {_ELSE}.")
    if "__vsc_ipynb_file__" in shell.user_ns:  # VS Code's name for the notebook
        raise CameraError(
            f"{NAME}: VS Code's notebooks cannot use it: open the notebook in JupyterLab, {_ELSE}."
        )
    import ipykernel

    if ipykernel.version_info < (7,):
        raise CameraError(
            f"{NAME}: it needs ipykernel 7 or newer, which listens to the page while a cell runs; "
            f"found {ipykernel.__version__}. Run: pip install -U 'ipykernel>=7', {_ELSE}."
        )

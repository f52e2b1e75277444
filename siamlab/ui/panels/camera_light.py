"""Shows a light while a panel's camera is on, and stops it when nobody sees the panel any more."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import ipywidgets

from siamlab.capture.cameras.browser import BrowserCamera
from siamlab.capture.cameras.camera_widget import CameraWidget
from siamlab.capture.stream import FrameReader

SLICE_SECONDS = 0.25
SILENT_SLICES = 7  # the page gives a sign of life every half second
UNSEEN = "Stopped: its page was closed or hidden. The camera is released."


class CameraLight:
    """A panel's light, and the sign that its page is seen.

    The page is watched from its first sign on: without a browser, as in a headless run, none comes.
    The browser's own camera brings a widget with a light, and watches its page itself.

    Args:
        reader: reads the panel's camera.
        stop: is called with a sentence when the page is seen no more.

    Attributes:
        box: what the panel shows.
    """

    def __init__(self, reader: FrameReader, stop: Callable[[str], None]) -> None:
        self._reader, self._stop = reader, stop
        self._lamp = CameraWidget(label=reader.name)
        self._lamp.on_msg(self._receive)
        self.box = ipywidgets.VBox([self._lamp])
        self._signs = 0
        self._watched = self._gone = False
        reader.place = self.opened

    @property
    def starts_at_once(self) -> bool:
        """Whether the camera may be opened without a click: the browser's may not."""
        return self._reader.source not in ("browser", "auto")

    def opened(self, camera: Any) -> None:
        """Show that the reader has opened a camera."""
        if isinstance(camera, BrowserCamera):
            camera.shown = True
            self.box.children = [camera.widget]
            if threading.current_thread() is not threading.main_thread():
                camera.begin()  # a click on the panel's Start
            return
        self.box.children = [self._lamp]
        self._lamp.label, self._lamp.on = self._reader.name, True
        self._watched = self._gone = False
        threading.Thread(target=self._watch, name="siamlab watches", daemon=True).start()

    def close(self) -> None:
        """Remove it from the page."""
        self.box.close()
        self._lamp.close()

    def _receive(self, _: Any, message: dict[str, Any], __: Any) -> None:
        kind = message.get("kind")
        self._signs += 1
        # A page whose messages wait while a cell runs (no subshells) may be silent for that long.
        if threading.current_thread() is not threading.main_thread():
            self._watched = self._watched or kind == "alive"
        self._gone = kind == "gone"

    def _watch(self) -> None:
        """Until the reader stops; slices are counted, for a busy kernel hears no signs."""
        signs, quiet, wait = self._signs, 0, threading.Event()
        while not wait.wait(SLICE_SECONDS) and self._reader.running:
            quiet = quiet + 1 if self._signs == signs else 0
            signs = self._signs
            if self._gone or (self._watched and quiet >= SILENT_SLICES):
                self._stop(UNSEEN)
        self._lamp.on = False

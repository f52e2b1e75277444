"""An OpenCV window for live verification outside Jupyter."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np

from siamlab.capture.cameras import Camera
from siamlab.errors import CameraError, MissingPackageError
from siamlab.system.opencv import import_cv2
from siamlab.ui.overlay import annotate_live
from siamlab.verification.live import LiveVerification
from siamlab.verification.result import Verification
from siamlab.verification.verifier import Verifier


class OpenCVWindow:
    """A window of OpenCV.

    Args:
        title: its title.

    Raises:
        MissingPackageError: this OpenCV has no windows, or there is no screen.
    """

    def __init__(self, title: str) -> None:
        linux = sys.platform.startswith("linux")
        if linux and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
            # Without a screen, the window system would end the process.
            raise MissingPackageError(
                "There is no screen to open a window on; use the panel of notebook 07 instead."
            )
        self.title = title
        self.cv2 = import_cv2()
        try:
            self.cv2.namedWindow(title, self.cv2.WINDOW_NORMAL | self.cv2.WINDOW_KEEPRATIO)
        except self.cv2.error:
            raise MissingPackageError(
                "This OpenCV has no windows (opencv-python-headless). Use the panel of "
                "notebook 07, or: pip install opencv-python"
            ) from None

    def show(self, frame: np.ndarray) -> None:
        """Show a uint8 RGB frame."""
        self.cv2.imshow(self.title, self.cv2.cvtColor(frame, self.cv2.COLOR_RGB2BGR))

    def wait_key(self) -> str:
        """Wait 20 ms and return the key pressed, or an empty string."""
        code = self.cv2.waitKey(20)
        return chr(code & 0xFF) if code > 0 else ""

    def closed(self) -> bool:
        """Whether the user closed the window with its X."""
        try:
            return bool(self.cv2.getWindowProperty(self.title, self.cv2.WND_PROP_VISIBLE) < 1)
        except self.cv2.error:
            return True

    def close(self) -> None:
        """Remove the window."""
        if not self.closed():
            self.cv2.destroyWindow(self.title)


def open_window(
    camera: Camera | int | str | Path,
    verifier: Verifier,
    person: str,
    continuous: bool = False,
    window: OpenCVWindow | None = None,
    seconds: float = 1.0,
) -> Verification | None:
    """Show the camera in a window: ``v`` verifies, ``c`` keeps verifying, ``q`` or Esc quits.

    Args:
        camera, verifier, person: see :class:`~siamlab.verification.live.LiveVerification`.
        continuous: start by verifying all the time.
        window: shows frames and reads keys; ``None`` opens one.
        seconds: the verdict is on the frames of this time together; 0 judges each alone.

    Returns:
        The last verdict shown, or ``None`` when there was none.

    Raises:
        NotEnrolledError: the person is not enrolled.
        CameraError: the camera cannot be opened, or failed; the end of a video is no error.
        MissingPackageError: there is no screen, or OpenCV has no windows.
    """
    with LiveVerification(camera, verifier, person, continuous, seconds) as live:
        window = OpenCVWindow(f"siamlab: {person}") if window is None else window
        try:
            _show_until_closed(live, window)
        finally:
            window.close()
        state = live.state
    if state.error and not live.reader.exhausted:
        raise CameraError(state.error)
    return state.shown


def _show_until_closed(live: LiveVerification, window: OpenCVWindow) -> None:
    shown = False
    while True:
        state = live.state
        picture = annotate_live(state)
        if picture is not None:
            window.show(picture)
            shown = True
        key = window.wait_key().lower()
        if key == "v":
            live.request()
        elif key == "c":
            live.continuous = not live.continuous
        # A window counts as visible only after its first picture.
        if key in {"q", "\x1b"} or not state.running or (shown and window.closed()):
            return

"""Drawing of verdicts on frames, and the OpenCV window for use outside Jupyter.

Comes in: a frame with its verdict, or a camera with a verifier. Goes out: a new frame with the
box and a banner; the window shows such frames until it is closed.
"""

from __future__ import annotations

import os
import sys
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from siamlab.errors import CameraError, MissingPackageError
from siamlab.live import LiveState, LiveVerification
from siamlab.opencv import import_cv2
from siamlab.verification import Verification, Verifier

if TYPE_CHECKING:
    from siamlab.cameras import Camera
    from siamlab.faces import FaceBox

COLOURS: dict[bool | None, tuple[int, int, int]] = {
    True: (26, 127, 55),
    False: (180, 35, 24),
    None: (90, 90, 90),
}
KEYS = "v: verify   c: verify all the time   q: quit"


def draw_box(
    frame: np.ndarray,
    box: FaceBox,
    colour: tuple[int, int, int] = COLOURS[True],
    thickness: int = 2,
) -> np.ndarray:
    """Draw a face box on a copy of a frame.

    Args:
        frame: uint8 RGB ``(H, W, 3)``.
        box: may reach beyond the frame.
        colour: RGB.
        thickness: of the line, in pixels.
    """
    drawn = frame.copy()
    left, top, size = (round(value) for value in (box.x, box.y, box.size))
    import_cv2().rectangle(drawn, (left, top), (left + size, top + size), colour, thickness)
    return drawn


def draw_banner(
    frame: np.ndarray, text: str, colour: tuple[int, int, int], at_top: bool = True
) -> np.ndarray:
    """Write one line of text on a coloured band on a copy of a frame.

    Args:
        frame: uint8 RGB ``(H, W, 3)``.
        text: made smaller to fit into the width; what does not fit at 8 pixels is cut off.
        colour: RGB of the band; the text is white.
        at_top: at the top, else at the bottom.
    """
    height, width = frame.shape[:2]
    band = min(height, max(16, height // 16))
    drawn = frame.copy()
    rows = slice(0, band) if at_top else slice(height - band, height)
    drawn[rows] = _band(text, width, band, colour)
    return drawn


@lru_cache(maxsize=32)  # a verdict stays on screen for many frames
def _band(text: str, width: int, height: int, colour: tuple[int, int, int]) -> np.ndarray:
    # Pillow and not OpenCV: OpenCV's letters are ASCII only, and names are not.
    strip = Image.new("RGB", (width, height), colour)
    words, margin = " ".join(text.split()), height * 0.3
    font = ImageFont.load_default(size=height * 0.7)
    room = (width - 2 * margin) / max(1.0, font.getlength(words))
    if room < 1:
        font = ImageFont.load_default(size=max(8.0, height * 0.7 * room))
    ImageDraw.Draw(strip).text((margin, height / 2), words, font=font, fill="white", anchor="lm")
    return np.asarray(strip)


def annotate(frame: np.ndarray, verification: Verification | None) -> np.ndarray:
    """Draw a verdict on a copy of a frame: the face box and a banner, in words and colour.

    Args:
        frame: uint8 RGB ``(H, W, 3)``.
        verification: the verdict about it; ``None`` draws nothing.

    Returns:
        uint8 RGB ``(H, W, 3)``, a new array.
    """
    if verification is None:
        return frame.copy()
    colour = COLOURS[verification.verified]
    boxed = frame if verification.box is None else draw_box(frame, verification.box, colour)
    return draw_banner(boxed, _in_short(verification), colour)


def _in_short(verification: Verification) -> str:
    if verification.verified is None:
        return f"unknown: {verification.reason}"
    matches = f"{verification.positive}/{len(verification.scores)}"
    return f"{verification.person} {verification.verdict}, {matches} match"


def annotate_live(state: LiveState, hint: str = KEYS) -> np.ndarray | None:
    """The picture of the live loop: verdict above, speed and keys below.

    Returns:
        uint8 RGB ``(H, W, 3)``, or ``None`` before the first frame.
    """
    if state.frame is None:
        return None
    latency = f"{state.verification.latency * 1000:.0f} ms   " if state.verification else ""
    below = f"{hint}   {latency}{state.fps:.0f} frames/s"
    return draw_banner(annotate(state.frame, state.shown), below, (40, 40, 40), False)


class Window(Protocol):
    """A place to show frames; tests bring their own."""

    def show(self, frame: np.ndarray) -> None:
        """Show a uint8 RGB frame."""

    def wait_key(self) -> str:
        """Wait a moment and return the key pressed, or an empty string."""

    def closed(self) -> bool:
        """Whether the user closed the window."""

    def close(self) -> None:
        """Remove the window."""


class OpenCVWindow:
    """A window of OpenCV.

    Args:
        title: text of its frame.

    Raises:
        MissingPackageError: this OpenCV has no windows, or there is no screen.
    """

    def __init__(self, title: str) -> None:
        linux = sys.platform.startswith("linux")
        if linux and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
            # Without a screen, the window system would end the whole process.
            raise MissingPackageError(
                "There is no screen to open a window on; use the panel of notebook 07 instead."
            )
        self.title = title
        self.cv2 = import_cv2()
        try:
            self.cv2.namedWindow(title, self.cv2.WINDOW_NORMAL | self.cv2.WINDOW_KEEPRATIO)
        except self.cv2.error:
            raise MissingPackageError(
                "This OpenCV is without windows (opencv-python-headless). Use the panel of "
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
    window: Window | None = None,
    seconds: float = 1.0,
) -> Verification | None:
    """Show the camera in a window: ``v`` verifies, ``c`` keeps verifying, ``q`` or Esc quits.

    Args:
        camera: what ``open_camera`` takes (index, file, folder, "drawn"), or a camera.
        verifier: with the person enrolled.
        person: who should be before the camera.
        continuous: begin by verifying all the time.
        window: where frames are shown; ``None`` opens a window of OpenCV.
        seconds: frames of so long are judged together; 0 judges each alone.

    Returns:
        The last verdict shown, or ``None`` when there was none.

    Raises:
        NotEnrolledError: the person is not enrolled.
        CameraError: the camera cannot be opened, or went away; the end of a video is no error.
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


def _show_until_closed(live: LiveVerification, window: Window) -> None:
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

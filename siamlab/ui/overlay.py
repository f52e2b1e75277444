"""Drawing on frames: the face box, and a banner with the verdict."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from siamlab.faces.detectors import FaceBox, guide_box
from siamlab.system.opencv import import_cv2
from siamlab.verification.live import LiveState
from siamlab.verification.result import VERDICT_COLORS, Verification

KEYS = "v: verify   c: verify all the time   q: quit"


def draw_box(
    frame: np.ndarray,
    box: FaceBox,
    color: tuple[int, int, int] = VERDICT_COLORS[True],
    thickness: int = 2,
) -> np.ndarray:
    """Draw a face box on a copy of a frame.

    Args:
        frame: uint8 RGB ``(H, W, 3)``.
        box: may extend beyond the frame.
        color: RGB.
        thickness: line width in pixels.
    """
    drawn = frame.copy()
    left, top, size = (round(value) for value in (box.x, box.y, box.size))
    import_cv2().rectangle(drawn, (left, top), (left + size, top + size), color, thickness)
    return drawn


def draw_guide(frame: np.ndarray) -> np.ndarray:
    """Draw on a copy of a frame where the face should be: an oval, and less light around it.

    Args:
        frame: uint8 RGB ``(H, W, 3)``.
    """
    cv2 = import_cv2()
    box = guide_box(frame.shape)
    x, y = box.center
    # The box reaches from brows to chin; a head is higher, and narrower than high.
    oval = (round(x), round(y - 0.08 * box.size)), (round(0.58 * box.size), round(0.78 * box.size))
    inside = np.zeros(frame.shape[:2], np.uint8)
    cv2.ellipse(inside, *oval, 0, 0, 360, 255, -1)
    drawn = np.where(inside[..., None] > 0, frame, (frame * np.float32(0.6)).astype(np.uint8))
    return np.asarray(cv2.ellipse(drawn, *oval, 0, 0, 360, (255, 255, 255), 2))


def mirrored(frame: np.ndarray) -> np.ndarray:
    """The frame as in a mirror, as people know themselves."""
    return np.ascontiguousarray(frame[:, ::-1])


def draw_banner(
    frame: np.ndarray, text: str, color: tuple[int, int, int], at_top: bool = True
) -> np.ndarray:
    """Write one line of text on a colored band on a copy of a frame.

    Args:
        frame: uint8 RGB ``(H, W, 3)``.
        text: made smaller to fit the width; what does not fit at 8 pixels is cut off.
        color: RGB of the band; the text is white.
        at_top: at the top, else at the bottom.
    """
    height, width = frame.shape[:2]
    band = min(height, max(16, height // 16))
    drawn = frame.copy()
    rows = slice(0, band) if at_top else slice(height - band, height)
    drawn[rows] = _band(text, width, band, color)
    return drawn


@lru_cache(maxsize=32)  # a verdict stays on screen for many frames
def _band(text: str, width: int, height: int, color: tuple[int, int, int]) -> np.ndarray:
    # Pillow, because OpenCV draws ASCII letters only, and names have others.
    strip = Image.new("RGB", (width, height), color)
    line, margin = " ".join(text.split()), height * 0.3
    font = ImageFont.load_default(size=height * 0.7)
    room = (width - 2 * margin) / max(1.0, font.getlength(line))
    if room < 1:
        font = ImageFont.load_default(size=max(8.0, height * 0.7 * room))
    ImageDraw.Draw(strip).text((margin, height / 2), line, font=font, fill="white", anchor="lm")
    return np.asarray(strip)


def annotate(frame: np.ndarray, verification: Verification | None) -> np.ndarray:
    """Draw a verdict on a copy of a frame: the face box, and a banner in the verdict's color.

    Args:
        frame: uint8 RGB ``(H, W, 3)``.
        verification: the verdict about it; ``None`` draws nothing.

    Returns:
        uint8 RGB ``(H, W, 3)``, a new array.
    """
    if verification is None:
        return frame.copy()
    color = VERDICT_COLORS[verification.verified]
    boxed = frame if verification.box is None else draw_box(frame, verification.box, color)
    matches = f"{verification.positive}/{len(verification.scores)}"
    text = f"{verification.person} {verification.verdict}, {matches} match"
    if verification.verified is None:
        text = f"unknown: {verification.reason}"
    return draw_banner(boxed, text, color)


def annotate_live(state: LiveState, hint: str = KEYS) -> np.ndarray | None:
    """Draw the live loop's frame: the verdict above, speed and keys below.

    Returns:
        uint8 RGB ``(H, W, 3)``, or ``None`` before the first frame.
    """
    if state.frame is None:
        return None
    latency = f"{state.verification.latency * 1000:.0f} ms   " if state.verification else ""
    below = state.silence or f"{hint}   {latency}{state.fps:.0f} frames/s"
    return draw_banner(annotate(state.frame, state.shown), below, (40, 40, 40), False)

"""A still picture of a panel, for readers of a stored notebook: a widget needs a running kernel.

It shows a drawn person, whoever is before the camera, and never a frame of the camera: what is
stored with a notebook goes wherever the notebook goes.
"""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from siamlab.capture.who import DRAWN_USER

SIZE = (480, 360)
MARGIN, LINE, BUTTON = 12, 24, 32
INK, GRAY, WHITE = (32, 32, 32), (238, 238, 238), (255, 255, 255)


def drawn_frame() -> np.ndarray:
    """The drawn user before a webcam: uint8 RGB, the same at each call."""
    from siamlab.data.synthetic import Conditions, Identity, draw_frame

    return draw_frame(Identity(DRAWN_USER), Conditions(blur=0.35, scene=3), SIZE)[0]


def draw_still(frame: np.ndarray, lines: Sequence[str], buttons: Sequence[str]) -> bytes:
    """Draw a panel: the frame, lines of text and a row of buttons below it.

    Args:
        frame: uint8 RGB ``(H, W, 3)``, of a drawn person.
        lines: plain text.
        buttons: their labels.

    Returns:
        A PNG file.
    """
    font = ImageFont.load_default(size=15)
    width = frame.shape[1] + 2 * MARGIN
    places = _places(buttons, font, width)
    rows = 1 + max((row for _, row, _ in places), default=0)
    top = frame.shape[0] + 2 * MARGIN
    below = top + LINE * len(lines) + MARGIN
    picture = Image.new("RGB", (width, below + rows * (BUTTON + 6) + MARGIN), WHITE)
    picture.paste(Image.fromarray(frame), (MARGIN, MARGIN))
    draw = ImageDraw.Draw(picture)
    for number, line in enumerate(lines):
        draw.text((MARGIN, top + LINE * number), line, font=font, fill=INK)
    for (left, row, size), label in zip(places, buttons, strict=True):
        y = below + row * (BUTTON + 6)
        draw.rounded_rectangle((left, y, left + size, y + BUTTON), 4, fill=GRAY)
        draw.text((left + size / 2, y + BUTTON / 2), label, font=font, fill=INK, anchor="mm")
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def _places(
    buttons: Sequence[str], font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int
) -> list[tuple[int, int, int]]:
    """Left edge, row and width of each button."""
    places, left, row = [], MARGIN, 0
    for label in buttons:
        size = round(font.getlength(label)) + 20
        if left + size > width - MARGIN and left > MARGIN:
            left, row = MARGIN, row + 1
        places.append((left, row, size))
        left += size + 6
    return places

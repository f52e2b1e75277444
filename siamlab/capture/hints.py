"""What to tell the person before the camera: one short hint, the most pressing one."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from siamlab.faces.crop import count_similar
from siamlab.faces.detectors import FaceBox, guide_box

NEAR, FAR = 1.7, 0.6  # sides of the face, in sides of the guide's box

_NO_FACE = "No face: look into the camera, inside the oval"
# Of warnings and flaws; the first that holds is shown.
HINTS = {
    "too dark": "Too dark: turn on a light",
    "overexposed": "Too bright: move out of the glare",
    "blurred or too small": "Blurred: hold still",
    "blurred": "Blurred: hold still",
    "without contrast": "Change the light",
    "low contrast": "Change the light",
}


def find_hint(
    frame_shape: tuple[int, ...], boxes: Sequence[FaceBox], faults: Collection[str] = ()
) -> str:
    """The most pressing hint about a frame; empty when all is well.

    Args:
        frame_shape: height and width (further entries are ignored).
        boxes: the faces, largest first.
        faults: flaws and warnings of :class:`siamlab.faces.quality.Quality`.

    Example:
        >>> find_hint((480, 640), [FaceBox(300, 200, 60)])
        'Come closer'
    """
    if not boxes:
        return _NO_FACE
    if count_similar(boxes) > 1:
        return f"{'Two' if count_similar(boxes) == 2 else 'Several'} faces: be alone in the picture"
    size = boxes[0].size / guide_box(frame_shape).size
    if size < FAR:
        return "Come closer"
    if size > NEAR:
        return "Move back a little"
    return next((hint for name, hint in HINTS.items() if name in faults), "")


class SteadyHint:
    """Shows a hint once it has held for a few frames: words that flicker cannot be read.

    Args:
        frames: so many.

    Example:
        >>> steady = SteadyHint(frames=2)
        >>> [steady.see(hint) for hint in ("Come closer", "", "", "Come closer", "Come closer")]
        ['', '', '', '', 'Come closer']
    """

    def __init__(self, frames: int = 4) -> None:
        self.frames = frames
        self.shown = ""
        self._last, self._count = "", 0

    def see(self, hint: str) -> str:
        """Take in the hint of a frame, and return the one to show."""
        self._count = self._count + 1 if hint == self._last else 1
        self._last = hint
        if self._count >= self.frames:
            self.shown = hint
        return self.shown

"""Chapter 02: colors, the square that is saved, and a camera that is always released."""

from __future__ import annotations

from typing import Any

import numpy as np

from siamlab.course.exercises import Exercise, follows


class _Camera:
    """A camera that may fail."""

    def __init__(self, fails: bool) -> None:
        self.fails, self.released = fails, False

    def read(self) -> int:
        if self.fails:
            raise OSError("the cable was pulled out")
        return 7

    def release(self) -> None:
        self.released = True


def _square(x: float, y: float, size: float) -> tuple[float, float, float]:
    side = 2.2 * size
    return x + size / 2 - side / 2, y + size / 2 - side / 2, side


def _reads_and_releases(answer: Any) -> str | None:
    camera = _Camera(fails=False)
    if answer(camera) != 7:
        return "It does not return what camera.read() gives."
    if not camera.released:
        return "After a good frame the camera was not released."
    camera = _Camera(fails=True)
    try:
        answer(camera)
    except OSError:
        pass
    else:
        return "When camera.read() fails, the caller does not hear of it: let the error through."
    if not camera.released:
        return "When camera.read() fails, the camera is not released: nobody else can open it."
    return None


_FRAME = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)

CHECKS = {
    "02.1": Exercise(
        test=_reads_and_releases,
        hint="What must happen in any case stands in finally: try: ... finally: ...",
        shows="A with block is this try and finally, written once by whoever made the camera.",
    ),
    "02.2": Exercise(
        test=follows(lambda frame: frame[..., ::-1], (_FRAME,), (_FRAME[:1],)),
        hint="The last axis holds blue, green, red. Turn that axis around, and no other.",
        shows="Red and blue are swapped and nothing else. Done twice or never, skin is blue, and "
        "a network sees it, while no shape and no type gives the mistake away.",
    ),
    "02.3": Exercise(
        test=follows(_square, (100.0, 60.0, 50.0), (0.0, 0.0, 10.0)),
        hint="The middle stays where it is: (x + size / 2, y + size / 2).",
        shows="The square of a face near the edge begins at negative numbers: there the pixels of "
        "the edge are repeated.",
    ),
}

"""A drawn person in front of a drawn webcam."""

from __future__ import annotations

from typing import Self

import numpy as np

from siamlab.capture.cameras.base import Source
from siamlab.errors import EndOfFrames, InputError

REAL_TIME_FPS = 12.0  # drawing takes about half a core at this rate


class DrawnCamera(Source):
    """A drawn person who moves in front of a drawn webcam.

    Frame ``n`` depends on the arguments and on ``n`` alone; nothing waits, so a whole film can be
    read as fast as it is drawn (about 22 frames of 640 x 480 a second on one core).

    Args:
        person_seed: which person; another number is another person.
        size: width and height of the frames, pixels.
        frames: how many; ``None`` has no end.
        session: another day: other clothes, room, light and movements of the same person.
        fps: frames in a second of the person's time.

    Attributes:
        box: the true face box (x, y, side) of the frame read last; ``None`` before.

    Raises:
        InputError: a seed is negative or the size too small.

    Example:
        >>> with DrawnCamera(7, frames=10) as camera:
        ...     len(list(camera))
        10
    """

    subject = "drawn"

    def __init__(
        self,
        person_seed: int = 7,
        size: tuple[int, int] = (640, 480),
        frames: int | None = None,
        session: int = 1,
        fps: float = 25.0,
    ) -> None:
        from siamlab.data.synthetic import Identity

        if person_seed < 0 or session < 0:
            raise InputError(
                f"A drawn person's seed and session must be 0 or more; received {person_seed} "
                f"and {session}."
            )
        if min(size) < 32:
            raise InputError(f"A frame must be 32 pixels or more; received {size}.")
        self.person_seed = person_seed
        self.frames = frames
        self.session = session
        self.identity = Identity(person_seed)
        self.box: tuple[float, float, float] | None = None
        self._place = 0
        super().__init__(f"Drawn person {person_seed}", size, fps)

    def in_real_time(self) -> Self:
        """The same camera, drawn at 12 frames in a second of the person's time."""
        self.fps = REAL_TIME_FPS
        return self

    def skip(self) -> None:
        """Let a frame go by, without drawing it."""
        if self.frames is not None and self._place >= self.frames:
            raise EndOfFrames(f"{self.name} has no more frames (there were {self._place}).")
        self._place += 1

    def _next(self) -> np.ndarray:
        from siamlab.data.synthetic import Conditions, draw_frame

        film, seconds = self.person_seed * 1009 + self.session, self._place / self.fps
        self.skip()
        conditions = Conditions.at(film, seconds)
        frame, self.box = draw_frame(self.identity, conditions, self.size)
        return frame

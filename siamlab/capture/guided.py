"""A guided session: it asks for one pose after another and says when a shot is worth keeping.

Twenty frames of two seconds are twenty times the same image. Here each shot has an instruction
before it, time to follow it, and a look that none of the shots before it has. What can be measured
is measured: turns by the nose against the eyes (:mod:`siamlab.faces.pose`), light by the face's
brightness. A smile and glasses are taken on trust.

Nothing here sees a camera: :meth:`GuidedSession.see` is told what a frame shows and when.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import cycle

import numpy as np

from siamlab.errors import InputError
from siamlab.faces.align import FACE_SHARE
from siamlab.faces.crop import Preprocessing, preprocess

# What is asked for, in turn; a person's left is the left of the mirrored preview.
STEPS = {
    "straight": "Look straight ahead",
    "left": "Turn your head a little to your left",
    "right": "Turn your head a little to your right",
    "smile": "Smile",
    "glasses": "Glasses on or off, or look up",
    "bright": "More light: face a lamp or window",
    "dim": "Less light: turn away from it",
}
KINDS = ("anchor", "positive")  # shots go to both in turn

TURN = 0.06  # of the nose against the eyes, in eye distances; 0 to 0.03 is straight ahead
LIGHT = 0.04  # brighter or darker than at the first shot
READ_SECONDS = 1.5  # to read an instruction and follow it
STEP_SECONDS = 9.0  # then the next one comes
# Least difference of a shot from all before it: the mean of the most different sixteenth of the
# face. Of drawn people: noise of the camera 0.002, a turn of 15 degrees 0.05 to 0.14, an open
# mouth 0.03 to 0.06, a fifth more or less light 0.04 to 0.07.
APART = 0.03
_LOOK = Preprocessing(size=24, fraction=FACE_SHARE)


@dataclass(frozen=True, eq=False)
class Look:
    """What one frame shows of the person.

    Attributes:
        chip: uint8 RGB, the face; ``None`` where a capture would keep nothing.
        turn: of the head to the image's right, in eye distances; ``None`` where unknown.
        brightness: of the face, in [0, 1].
        problem: what has to be mended first; empty for nothing.
    """

    chip: np.ndarray | None
    turn: float | None = None
    brightness: float = 0.5
    problem: str = ""


@dataclass(frozen=True)
class Guidance:
    """What a guided session says about a frame.

    Attributes:
        keep: the kind to keep this frame as; empty to keep nothing.
        instruction: what the person is asked to do; empty at the end.
        hint: what is missing now, in a few words.
        done: number of shots.
        wanted: number of shots in all.
    """

    keep: str
    instruction: str
    hint: str
    done: int
    wanted: int

    @property
    def over(self) -> bool:
        """Whether the session has ended."""
        return not self.instruction


class GuidedSession:
    """Asks for poses in turn until there are enough shots, or nobody follows for two rounds.

    Args:
        wanted: number of shots.
        findable: asked last of a chip: whether its face would be found in it again; ``None``
            takes every one.

    Raises:
        InputError: none are wanted.

    Example:
        >>> import numpy as np
        >>> session = GuidedSession(wanted=1)
        >>> face = Look(np.full((250, 250, 3), 120, np.uint8), turn=0.0)
        >>> session.see(0.0, face).hint, session.see(2.0, face).keep
        ('get ready', 'anchor')
    """

    def __init__(
        self, wanted: int = 20, findable: Callable[[np.ndarray], bool] | None = None
    ) -> None:
        if wanted < 1:
            raise InputError(f"A session takes 1 shot at least. Received: {wanted}.")
        self.wanted = wanted
        self.findable = findable
        self.done = 0
        self._steps = cycle(STEPS)
        self._step = next(self._steps)
        self._began: float | None = None
        self._shots: list[np.ndarray] = []
        self._light: float | None = None  # of the first shot
        self._skipped = 0

    def see(self, now: float, look: Look) -> Guidance:
        """Take in what a frame shows.

        Args:
            now: in seconds, never going back.
            look: of that frame.

        Returns:
            What to do with the frame, and what to tell the person.
        """
        if self._over:
            return self._say()
        if self._began is None:
            self._began = now
        missing = self._missing(now - self._began, look)
        if not missing and look.chip is not None:
            return self._keep(now, look, look.chip)
        if now - self._began > STEP_SECONDS:
            self._skipped += 1
            self._next(now)
        return self._say(hint=missing)

    @property
    def _over(self) -> bool:
        return self.done >= self.wanted or self._skipped >= 2 * len(STEPS)

    def _missing(self, waited: float, look: Look) -> str:
        """Why this frame is not kept, for the person; empty if it is."""
        if look.problem or look.chip is None:
            return look.problem or "no face"
        if waited < READ_SECONDS:
            return "get ready"
        if not self._follows(look):
            return "a little more"
        seen = _small(look.chip)
        if any(_difference(seen, shot) < APART for shot in self._shots):
            return "like an image before: move a little"
        found = self.findable is None or self.findable(look.chip)
        return "" if found else "no clear face"

    def _follows(self, look: Look) -> bool:
        """Whether a frame shows what is asked, as far as that can be measured."""
        turn = 0.0 if look.turn is None else look.turn
        brighter = look.brightness - (look.brightness if self._light is None else self._light)
        measured = {
            "straight": abs(turn) < TURN,
            "left": turn >= TURN,  # the camera's picture is not mirrored
            "right": turn <= -TURN,
            "bright": brighter >= LIGHT,
            "dim": brighter <= -LIGHT,
        }
        return measured.get(self._step, True)

    def _keep(self, now: float, look: Look, chip: np.ndarray) -> Guidance:
        kind = KINDS[self.done % len(KINDS)]
        self.done += 1
        self._skipped = 0
        self._shots.append(_small(chip))
        self._light = look.brightness if self._light is None else self._light
        self._next(now)
        return self._say(keep=kind)

    def _next(self, now: float) -> None:
        self._step, self._began = next(self._steps), now

    def _say(self, keep: str = "", hint: str = "") -> Guidance:
        instruction = "" if self._over else STEPS[self._step]
        return Guidance(keep, instruction, hint, self.done, self.wanted)


def _small(chip: np.ndarray) -> np.ndarray:
    """The face in 24 by 24 gray values in [0, 1]."""
    return np.asarray(preprocess(chip, _LOOK).mean(axis=2) / 255)


def _difference(one: np.ndarray, other: np.ndarray) -> float:
    """Mean difference in the sixteenth of the face where it is largest."""
    return float(np.abs(one - other).reshape(4, 6, 4, 6).mean(axis=(1, 3)).max())

"""At the door: somebody says who they are, a few frames decide, failures slow down, no score shown.

The library's :class:`~siamlab.verification.verifier.Verifier` answers whoever asks, as often as
they ask. A door does not: see :mod:`siamlab.verification.tries`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import numpy as np

from siamlab.errors import InputError, NotEnrolledError, SiamlabError
from siamlab.faces.crop import SEVERAL_FACES
from siamlab.verification.challenge import Challenge, Watcher, draw_steps
from siamlab.verification.probe import Image
from siamlab.verification.result import Verification
from siamlab.verification.tries import (
    TryLimits,
    begin_try,
    end_try,
    seconds_left,
    wait_words,
)
from siamlab.verification.verifier import Verifier

FRAMES = 10  # of a challenge, the last ones that look ahead


class Door:
    """Verifies people who state a name, with a limit on failures.

    Args:
        verifier: with a gallery of enrolled people; two faces in a frame are refused.
        needed: share of the frames that must each be verified, above 0 and at most 1.
        limits: ``None`` takes the standard ones.
        show_scores: leave scores and thresholds in the answers. Who can try again and again learns
            from scores how to come closer.

    Raises:
        InputError: ``needed`` is out of its range.

    Example:
        ```python
        door = Door(Verifier(model, Gallery("gallery")))
        print(door.verify([camera.read() for _ in range(5)], "Ada"))
        ```
    """

    def __init__(
        self,
        verifier: Verifier,
        needed: float = 0.6,
        limits: TryLimits | None = None,
        show_scores: bool = False,
    ) -> None:
        if not 0 < needed <= 1:
            raise InputError(f"needed is above 0 and at most 1. Received: {needed}.")
        self.verifier = verifier
        self.needed = needed
        self.limits = limits or TryLimits()
        self.show_scores = show_scores

    def verify(
        self, frames: Sequence[Image], person: str, now: float | None = None
    ) -> Verification:
        """Decide on some frames of one try.

        Args:
            frames: uint8 RGB ``(H, W, 3)`` each, or image files; one at least.
            person: the name that was stated.
            now: seconds since 1970; ``None`` asks the clock.

        Returns:
            Verified where the needed share of all frames is; unknown where no frame can be judged,
            or one shows several faces. Without scores unless the operator allows them.

        Raises:
            TooManyTriesError: there were too many failures; nothing is looked at.
            NotEnrolledError: nobody has this name; that counts as a failure of the door.
            InputError: there are no frames.
        """
        with self._counted(person, now) as end:
            verdicts = [self.verifier.verify(frame, person) for frame in frames]
            verdict = decide_frames(verdicts, self.needed)
            end(verdict.verified)
        return verdict if self.show_scores else verdict.without_scores()

    def challenge(
        self,
        read: Callable[[], np.ndarray],
        person: str,
        tell: Callable[[str], None] = print,
        rng: np.random.Generator | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> Verification:
        """Ask for movements of the head first, then decide on the frames that look ahead.

        See :mod:`siamlab.verification.challenge` for what that stops, and what not.

        Args:
            read: gives the next frame of the camera.
            person: the name that was stated.
            tell: shows an instruction to the person.
            rng: of the order; ``None`` takes the system's randomness.
            clock: seconds.

        Returns:
            As :meth:`verify`; unknown, with the reason, where the challenge was not passed, which
            counts as a failure.

        Raises:
            As :meth:`verify`, and what ``read`` raises.
        """
        with self._counted(person) as end:
            verdict = self._challenge(read, person, tell, rng, clock)
            end(bool(verdict.verified))
        return verdict if self.show_scores else verdict.without_scores()

    def wait(self, person: str, now: float | None = None) -> str:
        """How long this person has to wait for the next try, in words; empty for not at all."""
        left = seconds_left(self.verifier.gallery, person, self.limits, now)
        return wait_words(left) if left > 0 else ""

    def _challenge(
        self,
        read: Callable[[], np.ndarray],
        person: str,
        tell: Callable[[str], None],
        rng: np.random.Generator | None,
        clock: Callable[[], float],
    ) -> Verification:
        verifier = self.verifier
        ahead: list[Verification] = []

        def judge(frame: np.ndarray, _: object) -> bool | None:
            verdict = verifier.verify(frame, person)
            if asked.waits_for_front:  # there the face is seen best
                ahead.append(verdict)
            return verdict.verified

        asked = Challenge(draw_steps(np.random.default_rng() if rng is None else rng))
        watcher = Watcher(asked, verifier.detector, judge)
        told, state = "", asked.state
        while state.passed is None:
            if state.instruction != told:
                told = state.instruction
                tell(told)
            frame = read()
            state = watcher.see(clock(), frame)
        if not ahead:
            ahead.append(verifier.verify(frame, person))
        verdict = decide_frames(ahead[-FRAMES:], self.needed)
        if not state.passed and verdict.verified is not False:
            verdict = replace(verdict, verified=None, reason=f"{state.reason}.")
        return verdict

    @contextmanager
    def _counted(
        self, person: str, now: float | None = None
    ) -> Iterator[Callable[[bool | None], None]]:
        """A try that is a failure unless the block says how it ended, or cannot go on."""
        gallery = self.verifier.gallery
        number = begin_try(gallery, person, self.limits, now)
        try:
            yield lambda verified: end_try(gallery, person, number, verified)
        except NotEnrolledError:
            raise  # names that are tried out count
        except SiamlabError:
            end_try(gallery, person, number, None)
            raise


def decide_frames(verdicts: Sequence[Verification], needed: float = 0.6) -> Verification:
    """One verdict from those on several frames of one person: k of n.

    A frame that cannot be judged counts as one that is not verified, so that a few good frames
    among many bad ones do not open the door.

    Args:
        verdicts: of the frames, one at least, about one person.
        needed: share of the frames that must be verified.

    Returns:
        The verdict of a frame that shows the outcome, with the number of frames. Unknown where no
        frame could be judged, or where one shows several faces: somebody else is in the picture.

    Raises:
        InputError: there are none.
    """
    if not verdicts:
        raise InputError("A verdict needs at least one frame. Received: none.")
    crowd = [one for one in verdicts if one.verified is None and SEVERAL_FACES in one.reason]
    judged = [one for one in verdicts if one.verified is not None]
    if crowd or not judged:
        return replace((crowd or list(verdicts))[0], frames=len(verdicts))
    yes = sum(bool(one.verified) for one in judged)
    verified = yes >= int(np.ceil(needed * len(verdicts) - 1e-9))
    if not verified and yes == len(judged):  # the frames that could be judged all say yes
        bad = next(one for one in verdicts if one.verified is None)
        return replace(bad, frames=len(verdicts))
    shown = next(one for one in judged if bool(one.verified) == verified)
    return replace(shown, frames=len(verdicts))

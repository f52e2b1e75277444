"""A challenge: move your head as you are asked, in an order that nobody knows before.

A photograph before the camera has the right face and cannot turn; a video of the right person
turns, but not when asked. Four steps out of turn left, turn right, look up and come closer, none
twice in a row, are 108 orders (6.8 bits). Each movement is held for a moment and is the claimed
person's, so that neither a screen that flashes through all movements passes, nor a photograph that
alternates with somebody's own head. Who has a video of each movement and plays the right one in
time passes always. It does not stop masks, nor faces that a computer draws live.

Nothing here sees a camera: :meth:`Challenge.see` is told what a frame shows and when, and answers
with the next instruction. :class:`Watcher` makes that out of frames.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from siamlab.errors import FaceError, InputError
from siamlab.faces.crop import find_face
from siamlab.faces.detectors import FaceBox, FaceDetector
from siamlab.faces.landmarks import find_landmarks
from siamlab.faces.pose import HeadPose, head_pose, parallax

LEFT, RIGHT, UP, CLOSER = "turn left", "turn right", "look up", "come closer"
STEPS = (LEFT, RIGHT, UP, CLOSER)
FRONT = "look straight ahead"


@dataclass(frozen=True)
class ChallengeLimits:
    """What counts as a movement, and how long each may take.

    The least parallax was chosen on ten drawn people: turned by 15 to 25 degrees they had 0.65 to
    0.87, nodding 0.59 to 0.69, and their photographs, turned by 35 to 50 degrees, up to 0.44. How
    often it is right is measured on others (``benchmarks/presentation.py``).

    Attributes:
        turn: of the nose against the eyes, in eye distances, from the front.
        nod: the same, upwards.
        grow: the face's size against the front.
        parallax: least share of points that no flat thing explains, for turns and nods.
        near: at most so far from the front counts as straight ahead.
        clear: another movement than asked breaks the challenge this many times beyond the limits.
        hold_seconds: so long a movement has to be seen without a break: a screen that flashes
            through all of them would show each for a moment.
        wrong: so many frames of other movements than asked break the challenge.
        step_seconds, all_seconds: time limits.
        lost_seconds: so long the face may be out of sight; after more it begins at the front again,
            because it may be another face.
        jump: the face moves at most so many of its sides between two frames.
    """

    turn: float = 0.08
    nod: float = 0.06
    grow: float = 1.2
    parallax: float = 0.5
    near: float = 0.06
    clear: float = 1.5
    hold_seconds: float = 0.4
    wrong: int = 3
    step_seconds: float = 6.0
    all_seconds: float = 40.0
    lost_seconds: float = 0.5
    jump: float = 0.8


@dataclass(frozen=True)
class Sight:
    """What one frame shows.

    Attributes:
        pose: of the one face; ``None`` where there is none, or several.
        parallax: against the front frame; ``None`` before there is one.
        verified: whether it is the claimed person; ``None`` where that was not judged.
    """

    pose: HeadPose | None
    parallax: float | None = None
    verified: bool | None = None


@dataclass(frozen=True)
class ChallengeState:
    """Where a challenge stands.

    Attributes:
        instruction: what the person is asked to do now.
        done: steps that were made.
        total: steps in all.
        passed: ``True`` or ``False`` at the end, ``None`` before.
        reason: why it failed.
    """

    instruction: str
    done: int
    total: int
    passed: bool | None = None
    reason: str = ""


def draw_steps(rng: np.random.Generator, count: int = 4) -> tuple[str, ...]:
    """A random order, no step twice in a row.

    Args:
        rng: seed it from the system's randomness at a real door: ``np.random.default_rng()``.
        count: of steps.
    """
    steps: list[str] = []
    for _ in range(count):
        others = [step for step in STEPS if not steps or step != steps[-1]]
        steps.append(others[int(rng.integers(len(others)))])
    return tuple(steps)


@dataclass(eq=False)
class Challenge:
    """One challenge, fed with sights in the order of their times.

    Args:
        steps: what is asked, see :func:`draw_steps`.
        limits: what counts.

    Attributes:
        front: the pose that movements are measured from; ``None`` before it was seen.

    Raises:
        InputError: no steps, or unknown ones.
    """

    steps: tuple[str, ...]
    limits: ChallengeLimits = field(default_factory=ChallengeLimits)
    front: HeadPose | None = None

    def __post_init__(self) -> None:
        if not self.steps or set(self.steps) - set(STEPS):
            raise InputError(f"Steps are of {', '.join(STEPS)}. Received: {self.steps}.")
        self.state = ChallengeState(FRONT, 0, len(self.steps))
        self._began: float | None = None
        self._step_began = 0.0
        self._seen = 0.0
        self._last: HeadPose | None = None
        self._wrong = 0
        self._held: float | None = None  # since when the instruction is followed
        self._known = False  # whether the right person was seen to follow it
        self._stranger = False  # whether another person was seen in this step

    @property
    def waits_for_front(self) -> bool:
        """Whether the person is asked to look straight ahead."""
        return self.state.instruction == FRONT

    def see(self, time: float, sight: Sight) -> ChallengeState:
        """Take in what a frame shows.

        Args:
            time: in seconds, never going back.
            sight: of that frame.

        Returns:
            What to do now; the outcome at the end.
        """
        if self.state.passed is not None:
            return self.state
        if self._began is None:
            self._began = self._step_began = self._seen = time
        problem = self._problem(time, sight)
        if problem:
            self.state = replace(self.state, passed=False, reason=problem)
        elif sight.pose is not None:
            self._seen, self._last = time, sight.pose
            self._advance(time, sight)
        elif time - self._seen > self.limits.lost_seconds:
            self.front = self._last = None
            self._next(time, FRONT, self.state.done)
        return self.state

    def _problem(self, time: float, sight: Sight) -> str:
        limits = self.limits
        if time - (self._began or 0.0) > limits.all_seconds:
            return "it took too long"
        if time - self._step_began > limits.step_seconds:
            if self._stranger and not self._known:
                return "it is not the person who was claimed"
            return f"no {self.state.instruction!r} within {limits.step_seconds:g} s"
        if sight.pose is None:
            return ""
        if self._last is not None:
            way = np.hypot(*np.subtract(sight.pose.center, self._last.center))
            if way > limits.jump * self._last.size:
                return "the face jumped: another one, perhaps"
        # A frame may mislead, and a head that turns nods a little: another movement than asked has
        # to be clear, and seen several times.
        moved = self._movement(sight, self.limits.clear)
        wrong = moved not in ("", CLOSER, self.state.instruction) and not self._returning(moved)
        self._wrong += wrong
        if self._wrong >= self.limits.wrong:
            return f"asked to {self.state.instruction}, seen to {moved}"
        return ""

    def _advance(self, time: float, sight: Sight) -> None:
        state = self.state
        if not self._follows(sight):
            self._held, self._known = None, False
            return
        self._held = time if self._held is None else self._held
        # The same person throughout: it has to be seen in each movement, not only in the first.
        self._known = self._known or sight.verified is True
        self._stranger = self._stranger or sight.verified is False
        if not self._known or time - self._held < self.limits.hold_seconds - 1e-9:
            return
        if state.instruction == FRONT:
            self.front = self.front or sight.pose
            self._next(time, self.steps[state.done], state.done)
        else:
            done = state.done + 1
            if done == len(self.steps):
                self.state = replace(state, done=done, passed=True)
            else:
                self._next(time, FRONT, done)

    def _next(self, time: float, instruction: str, done: int) -> None:
        self.state = replace(self.state, instruction=instruction, done=done)
        self._step_began = time
        self._held, self._known, self._stranger = None, False, False

    def _follows(self, sight: Sight) -> bool:
        """Whether a frame shows what is asked."""
        assert sight.pose is not None
        if self.waits_for_front:
            return self._is_front(sight.pose)
        return self._movement(sight) == self.state.instruction

    def _is_front(self, pose: HeadPose) -> bool:
        front, near = self.front, self.limits.near
        if front is None:
            return abs(pose.turn) < 2 * near
        small = pose.size / front.size < 1 + (self.limits.grow - 1) / 2
        return small and max(abs(pose.turn - front.turn), abs(pose.nod - front.nod)) < near

    def _returning(self, moved: str) -> bool:
        """On the way back to the front the former movement is still to be seen."""
        done = self.state.done
        return self.waits_for_front and done > 0 and moved == self.steps[done - 1]

    def _movement(self, sight: Sight, factor: float = 1.0) -> str:
        """The step that a frame shows, ``factor`` times beyond the limits; nothing if none."""
        pose, front, limits = sight.pose, self.front, self.limits
        if pose is None or front is None:
            return ""
        solid = sight.parallax is not None and sight.parallax >= limits.parallax
        turn, nod = pose.turn - front.turn, pose.nod - front.nod
        if solid and abs(turn) >= factor * limits.turn:
            # The camera's picture is not mirrored: a person's left is the image's right.
            return LEFT if turn > 0 else RIGHT
        if solid and nod <= -factor * limits.nod:
            return UP
        return CLOSER if pose.size / front.size >= limits.grow else ""


class Watcher:
    """Turns frames into sights for a challenge.

    Args:
        challenge: that is fed with them.
        detector: finds the face.
        verify: from a frame and its box to the verdict on the claimed person. ``None`` takes
            everybody for the right one.
    """

    def __init__(
        self,
        challenge: Challenge,
        detector: FaceDetector,
        verify: Callable[[np.ndarray, FaceBox], bool | None] | None = None,
    ) -> None:
        self.challenge = challenge
        self.detector = detector
        self.verify = verify
        self._front: tuple[np.ndarray, FaceBox] | None = None

    def see(self, time: float, frame: np.ndarray) -> ChallengeState:
        """Take in a frame: uint8 RGB ``(H, W, 3)``."""
        challenge = self.challenge
        try:
            box = find_landmarks(frame, find_face(frame, self.detector, "one"))
        except FaceError:
            return challenge.see(time, Sight(None))
        if challenge.front is None:
            self._front = None
        depth = None if self._front is None else parallax(*self._front, frame, box)
        verified = True if self.verify is None else self.verify(frame, box)
        state = challenge.see(time, Sight(head_pose(box), depth, verified))
        if self._front is None and challenge.front is not None:
            self._front = (frame, box)
        return state

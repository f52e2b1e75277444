"""A challenge: move your head as you are asked, in an order that nobody knows before.

A photograph before the camera has the right face and cannot turn; a video of the right person
turns, but not when asked. Four steps out of turn left, turn right, look up and come closer, none
twice in a row, are 108 orders (6.8 bits): a video of one order passes about once in 108 tries, and
who has a video of each movement and plays the right one in time passes always. It does not stop
masks, nor faces that a computer draws live.

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
        step_seconds, all_seconds: time limits.
        lost_seconds: so long the face may be out of sight.
        jump: the face moves at most so many of its sides between two frames.
    """

    turn: float = 0.08
    nod: float = 0.06
    grow: float = 1.2
    parallax: float = 0.5
    near: float = 0.06
    step_seconds: float = 6.0
    all_seconds: float = 40.0
    lost_seconds: float = 1.5
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
        return self.state

    def _problem(self, time: float, sight: Sight) -> str:
        limits = self.limits
        if time - (self._began or 0.0) > limits.all_seconds:
            return "it took too long"
        if time - self._step_began > limits.step_seconds:
            return f"no {self.state.instruction!r} within {limits.step_seconds:g} s"
        if sight.pose is None:
            lost = time - self._seen > limits.lost_seconds
            return "the face was out of sight" if lost else ""
        if sight.verified is False:
            return "it is not the person who was claimed"
        if self._last is not None:
            way = np.hypot(*np.subtract(sight.pose.center, self._last.center))
            if way > limits.jump * self._last.size:
                return "the face jumped: another one, perhaps"
        moved = self._movement(sight)
        if moved not in ("", CLOSER, self.state.instruction) and not self._returning(moved):
            return f"asked to {self.state.instruction}, seen to {moved}"
        return ""

    def _advance(self, time: float, sight: Sight) -> None:
        pose, state = sight.pose, self.state
        assert pose is not None
        if state.instruction == FRONT:
            # The face is judged where it is seen best.
            straight = self.front is None and abs(pose.turn) < 2 * self.limits.near
            if (straight or self._is_front(pose)) and sight.verified:
                self.front = self.front or pose
                self._next(time, self.steps[state.done], state.done)
        elif self._movement(sight) == state.instruction:
            done = state.done + 1
            if done == len(self.steps):
                self.state = replace(state, done=done, passed=True)
            else:
                self._next(time, FRONT, done)

    def _next(self, time: float, instruction: str, done: int) -> None:
        self.state = replace(self.state, instruction=instruction, done=done)
        self._step_began = time

    def _is_front(self, pose: HeadPose) -> bool:
        front, near = self.front, self.limits.near
        if front is None:
            return False
        small = pose.size / front.size < 1 + (self.limits.grow - 1) / 2
        return small and max(abs(pose.turn - front.turn), abs(pose.nod - front.nod)) < near

    def _returning(self, moved: str) -> bool:
        """On the way back to the front the former movement is still to be seen."""
        done = self.state.done
        return self.waits_for_front and done > 0 and moved == self.steps[done - 1]

    def _movement(self, sight: Sight) -> str:
        """The step that a frame shows; nothing if none."""
        pose, front, limits = sight.pose, self.front, self.limits
        if pose is None or front is None:
            return ""
        solid = sight.parallax is not None and sight.parallax >= limits.parallax
        turn, nod = pose.turn - front.turn, pose.nod - front.nod
        if solid and abs(turn) >= limits.turn:
            # The camera's picture is not mirrored: a person's left is the image's right.
            return LEFT if turn > 0 else RIGHT
        if solid and nod <= -limits.nod:
            return UP
        return CLOSER if pose.size / front.size >= limits.grow else ""


class Watcher:
    """Turns frames into sights for a challenge.

    Args:
        challenge: that is fed with them.
        detector: finds the face.
        verify: from a frame and its box to the verdict on the claimed person; asked only while
            the person looks straight ahead. ``None`` takes everybody for the right one.
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
        depth = None if self._front is None else parallax(*self._front, frame, box)
        verified = None
        if challenge.waits_for_front:
            verified = True if self.verify is None else self.verify(frame, box)
        state = challenge.see(time, Sight(head_pose(box), depth, verified))
        if self._front is None and challenge.front is not None:
            self._front = (frame, box)
        return state

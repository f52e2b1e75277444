"""Presentation attacks on the challenge, and people who do as they are asked (ISO/IEC 30107-3).

**No living person was measured.** Bona fide presentations are drawn people in motion; attacks are
made from pictures of drawn people, or of photographs, which are moved, bent and shown again by
formulas. The figures say whether the mechanism works on such pictures, not how many people a real
door would turn away.

The attacker does what a person with a print or a screen can do: holds it straight, and turns,
tilts and moves it as the door asks. Every instrument shows the right face: the verifier is taken to
say yes to all of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from siamlab.data.synthetic import Conditions, Identity, draw_frame
from siamlab.faces.detectors import FaceBox, FaceDetector
from siamlab.system.opencv import import_cv2
from siamlab.verification.challenge import (
    CLOSER,
    FRONT,
    LEFT,
    RIGHT,
    UP,
    Challenge,
    ChallengeLimits,
    ChallengeState,
    Watcher,
    draw_steps,
)

FPS = 5.0
MOVE_SECONDS = 0.8  # from one pose to the next
REACTION = 0.6  # seconds before a person begins to move
# How far each instrument goes: yaw and pitch in degrees, and the size, for each instruction.
POSES: dict[str, tuple[float, float, float]] = {
    FRONT: (0.0, 0.0, 1.0),
    LEFT: (26.0, 0.0, 1.0),
    RIGHT: (-26.0, 0.0, 1.0),
    UP: (0.0, -14.0, 1.0),
    CLOSER: (0.0, 0.0, 1.4),
}
# From yaw, pitch, size and a frame's number to what the camera sees.
Show = Callable[[float, float, float, int], np.ndarray]


@dataclass(frozen=True)
class Trial:
    """One presentation.

    Attributes:
        species: the instrument, or ``bona fide``.
        passed: whether the challenge took it for the person.
        reason: why not.
        seconds: how long it took.
    """

    species: str
    passed: bool
    reason: str
    seconds: float


def present(
    show: Show,
    detector: FaceDetector,
    rng: np.random.Generator,
    species: str,
    limits: ChallengeLimits | None = None,
    answers: Callable[[ChallengeState, float], str] | None = None,
    verify: Callable[[np.ndarray, FaceBox], bool | None] | None = None,
) -> Trial:
    """Let somebody, or something, answer a challenge.

    Args:
        show: what the camera sees of a pose.
        detector: the door's.
        rng: of the order, and of the person's reaction.
        species: for the result.
        limits: of the challenge.
        answers: from the door's state and the time to the movement that is made; ``None`` does as
            asked.
        verify: the door's verdict on a frame; ``None`` takes everything for the right person.
    """
    limits = limits or ChallengeLimits()
    challenge = Challenge(draw_steps(rng), limits)
    watcher = Watcher(challenge, detector, verify)
    pose = np.array(POSES[FRONT])
    asked, since, reaction = FRONT, -10.0, REACTION
    state = challenge.state
    for number in range(int(limits.all_seconds * FPS) + 2):
        time = number / FPS
        wish = state.instruction if answers is None else answers(state, time)
        if wish != asked:
            asked, since, reaction = wish, time, REACTION * float(rng.uniform(0.6, 1.4))
        if time - since >= reaction:
            step = min(1.0, 1.0 / (FPS * MOVE_SECONDS))
            way = np.array(POSES[asked]) - pose
            largest = np.abs(way / (26.0, 14.0, 0.4)).max()
            pose = pose + way * (step / largest if largest > step else 1.0)
        state = watcher.see(time, show(float(pose[0]), float(pose[1]), float(pose[2]), number))
        if state.passed is not None:
            break
    return Trial(species, bool(state.passed), state.reason, time)


def bona_fide(person: int, session: int) -> Show:
    """A drawn person before a webcam who does as asked, with the small movements that people make.

    Args:
        person: seed of the identity.
        session: seed of light, room and small movements.
    """
    identity = Identity(person)

    def show(yaw: float, pitch: float, size: float, number: int) -> np.ndarray:
        drawn = Conditions.at(session, number / FPS)
        moved = replace(
            drawn,
            yaw=yaw + 0.15 * drawn.yaw,
            pitch=pitch + 0.2 * drawn.pitch,
            roll=0.4 * drawn.roll,
            scale=size * drawn.scale,
            shift_x=0.5 * drawn.shift_x,
        )
        return draw_frame(identity, moved)[0]

    return show


def flat_print(photograph: np.ndarray, skew: float = 0.0) -> Show:
    """A print, turned and tilted in the hand: a homography of one photograph.

    Args:
        photograph: uint8 RGB frame of the person, straight ahead.
        skew: degrees by which it is tilted and rolled while it turns, which moves five points as a
            turning head does.
    """

    def show(yaw: float, pitch: float, size: float, number: int) -> np.ndarray:
        share = yaw / 26.0
        shake = np.random.default_rng(number).normal(0, 0.4, 3)
        turn = 40.0 * share + shake[0]
        tilt = 2.5 * pitch + abs(share) * skew + shake[1]
        return _turn_plane(photograph, turn, tilt, -0.5 * share * skew + shake[2], size)

    return show


def bent_print(photograph: np.ndarray) -> Show:
    """A print that is bent around an upright axis, more the further it turns."""
    flat = flat_print(photograph)

    def show(yaw: float, pitch: float, size: float, number: int) -> np.ndarray:
        cv2 = import_cv2()
        image = flat(yaw, pitch, size, number)
        height, width = image.shape[:2]
        bend = 0.9 + 0.5 * abs(yaw) / 26.0  # radians at the edge
        across = np.linspace(-1, 1, width) * np.sin(bend)
        columns = (np.arcsin(across) / bend + 1) / 2 * (width - 1)
        grid = np.repeat(columns[None].astype(np.float32), height, axis=0)
        rows = np.repeat(np.arange(height, dtype=np.float32)[:, None], width, axis=1)
        return np.asarray(cv2.remap(image, grid, rows, cv2.INTER_LINEAR))

    return show


def on_screen(show_picture: Show) -> Show:
    """What another instrument shows, on a screen: fewer colors, a raster, glare."""

    def show(yaw: float, pitch: float, size: float, number: int) -> np.ndarray:
        image = show_picture(yaw, pitch, size, number).astype(np.float32)
        height, width = image.shape[:2]
        gray = image.mean(axis=2, keepdims=True)
        image = 20 + 0.8 * (gray + 0.8 * (image - gray))
        down, across = np.mgrid[:height, :width]
        raster = np.sin(2 * np.pi * across / 3.1) * np.sin(2 * np.pi * down / 3.3)
        glare = 40 * np.exp(-((across - 0.8 * width) ** 2 + (down - 0.2 * height) ** 2) / 6000)
        image += 5 * raster[:, :, None] + glare[:, :, None]
        return np.clip(image, 0, 255).astype(np.uint8)

    return show


def flashed(show_picture: Show) -> Show:
    """A screen that flashes through all movements, one frame each, whatever is asked."""
    order = (FRONT, LEFT, FRONT, RIGHT, FRONT, UP, FRONT, CLOSER)
    stills = {step: show_picture(*POSES[step], 0) for step in POSES}
    return lambda yaw, pitch, size, number: stills[order[number % len(order)]]


class Swapped:
    """A print of the victim for *straight ahead*, the attacker's own head for the movements.

    Between the two the lens is covered for a second. :meth:`verify` is a verifier that is always
    right about which of them it sees.
    """

    def __init__(self, photograph: np.ndarray, own: Show) -> None:
        self._print, self._own = flat_print(photograph), own
        self._dark = np.zeros_like(photograph)
        self._shows_print, self._covered = True, 0

    def __call__(self, yaw: float, pitch: float, size: float, number: int) -> np.ndarray:
        """What the camera sees."""
        wants_print = max(abs(yaw), abs(pitch), 20 * (size - 1)) < 1.0
        if wants_print != self._shows_print and self._covered < FPS:
            self._covered += 1
            return self._dark
        self._shows_print, self._covered = wants_print, 0
        show = self._print if wants_print else self._own
        return show(yaw, pitch, size, number)

    def verify(self, *_: object) -> bool:
        """Whether the victim's picture is before the camera."""
        return self._shows_print


def replayed(steps: tuple[str, ...]) -> Callable[[ChallengeState, float], str]:
    """The movements of a film in which somebody answered another challenge, in its own time."""
    pace = REACTION + MOVE_SECONDS + 0.4

    def answers(_: ChallengeState, time: float) -> str:
        place = int(time / pace)
        return steps[place // 2 % len(steps)] if place % 2 else FRONT

    return answers


def _turn_plane(
    image: np.ndarray, yaw: float, pitch: float, roll: float, size: float
) -> np.ndarray:
    """A picture on a plane that is turned 1.5 widths before a camera of that focal length."""
    cv2 = import_cv2()
    height, width = image.shape[:2]
    far = 1.5 * width
    turns = [np.radians([0, yaw, 0]), np.radians([pitch, 0, 0]), np.radians([0, 0, roll])]
    turn = np.eye(3)
    for one in turns:
        turn = turn @ cv2.Rodrigues(one)[0]
    camera = np.array([[far, 0, width / 2], [0, far, height / 2], [0, 0, 1.0]])
    plane = np.array([[1, 0, -width / 2], [0, 1, -height / 2], [0, 0, 0], [0, 0, 1.0]])
    place = np.hstack([turn, [[0], [0], [far / size]]])
    matrix = camera @ place @ plane
    border = cv2.BORDER_REPLICATE
    return np.asarray(cv2.warpPerspective(image, matrix, (width, height), borderMode=border))

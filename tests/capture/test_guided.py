"""The guided session, told what frames show and when."""

from __future__ import annotations

import numpy as np
import pytest

from siamlab.capture.guided import READ_SECONDS, STEP_SECONDS, STEPS, GuidedSession, Look
from siamlab.errors import InputError

RNG = np.random.default_rng(0)
# What a person who does as asked looks like: turn and brightness at each step.
FOLLOWED = {
    "straight": (0.0, 0.5),
    "left": (0.1, 0.5),
    "right": (-0.1, 0.5),
    "smile": (0.0, 0.5),
    "glasses": (0.0, 0.5),
    "bright": (0.0, 0.6),
    "dim": (0.0, 0.4),
}


def face() -> np.ndarray:
    """A face like no other: 25 squares of random gray."""
    return np.kron(RNG.integers(0, 255, (5, 5), np.uint8), np.ones((50, 50), np.uint8))[
        ..., None
    ].repeat(3, axis=2)


def step_of(instruction: str) -> str:
    return next(name for name, text in STEPS.items() if text == instruction)


def follow(session: GuidedSession, seconds: float, rate: int = 10) -> list[tuple[str, str]]:
    """Do as asked, always with a new face; returns the steps and kinds that were kept."""
    kept, guidance = [], session.see(0.0, Look(None, problem="no face"))
    for number in range(1, round(seconds * rate)):
        if guidance.over:
            break
        step = step_of(guidance.instruction)
        turn, brightness = FOLLOWED[step]
        guidance = session.see(number / rate, Look(face(), turn, brightness))
        if guidance.keep:
            kept.append((step, guidance.keep))
    return kept


def test_ten_shots_are_ten_different_ones_and_go_to_both_kinds_in_turn() -> None:
    session = GuidedSession(wanted=10)
    kept = follow(session, 60)
    assert [step for step, _ in kept] == [*STEPS, "straight", "left", "right"]
    assert [kind for _, kind in kept] == ["anchor", "positive"] * 5
    assert session.done == 10


def test_each_shot_has_time_to_follow_the_instruction() -> None:
    session = GuidedSession(wanted=2)
    times = [n / 10 for n in range(60) if session.see(n / 10, Look(face(), 0.1 * (n > 20))).keep]
    assert times == [pytest.approx(READ_SECONDS), pytest.approx(2.1)] or times == [
        pytest.approx(READ_SECONDS),
        pytest.approx(2 * READ_SECONDS),
    ]


def test_the_same_face_again_is_not_kept() -> None:
    """A person who sits still gives one image, and two rounds later the session ends."""
    session, same = GuidedSession(wanted=10), face()
    hints, seconds = set(), 0.0
    while not (guidance := session.see(seconds, Look(same, turn=0.0))).over:
        hints.add(guidance.hint)
        seconds += 0.5
    assert session.done == 1
    assert seconds == pytest.approx(READ_SECONDS + 2 * len(STEPS) * (STEP_SECONDS + 0.5), abs=10)
    assert {"a little more", "like an image before: move a little"} <= hints


@pytest.mark.parametrize(
    ("look", "hint"),
    [
        (Look(None, problem="Come closer"), "Come closer"),
        (Look(None), "no face"),
        (Look(face(), turn=0.2), "a little more"),
    ],
)
def test_a_frame_that_is_not_kept_says_why(look: Look, hint: str) -> None:
    session = GuidedSession()
    session.see(0.0, look)
    guidance = session.see(5.0, look)
    assert (guidance.keep, guidance.hint) == ("", hint)


def test_a_face_that_is_not_found_again_in_its_chip_is_not_kept() -> None:
    session = GuidedSession(findable=lambda chip: False)
    session.see(0.0, Look(face(), turn=0.0))
    assert session.see(5.0, Look(face(), turn=0.0)).hint == "no clear face"


def test_a_step_that_nobody_follows_is_passed_over() -> None:
    session = GuidedSession()
    away = Look(face(), turn=0.3)
    first = session.see(0.0, away)
    session.see(STEP_SECONDS + 0.1, away)
    assert first.instruction == STEPS["straight"]
    assert session.see(STEP_SECONDS + 0.2, away).instruction == STEPS["left"]


def test_no_shots_are_refused() -> None:
    with pytest.raises(InputError, match="1 shot"):
        GuidedSession(0)

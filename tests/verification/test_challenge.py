"""The challenge as a machine of numbers: movements, order, time, and what breaks it."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from siamlab.errors import InputError
from siamlab.faces.pose import HeadPose
from siamlab.verification.challenge import (
    CLOSER,
    FRONT,
    LEFT,
    RIGHT,
    STEPS,
    UP,
    Challenge,
    ChallengeLimits,
    ChallengeState,
    Sight,
    draw_steps,
)

AHEAD = Sight(HeadPose(0.0, 0.6, 200.0, (320.0, 240.0)), 0.0, True)
SHOWN = {
    FRONT: AHEAD,
    LEFT: Sight(HeadPose(0.15, 0.6, 200.0, (330.0, 240.0)), 0.8),
    RIGHT: Sight(HeadPose(-0.15, 0.6, 200.0, (310.0, 240.0)), 0.8),
    UP: Sight(HeadPose(0.0, 0.5, 200.0, (320.0, 235.0)), 0.65),
    CLOSER: Sight(HeadPose(0.0, 0.6, 260.0, (320.0, 240.0)), 0.1),
}


def play(challenge: Challenge, *sights: Sight, every: float = 0.5) -> ChallengeState:
    state = challenge.state
    for number, sight in enumerate(sights):
        state = challenge.see(number * every, sight)
    return state


def answers(steps: tuple[str, ...]) -> list[Sight]:
    return [one for step in steps for one in (AHEAD, SHOWN[step])]


@pytest.mark.parametrize("steps", [(LEFT, RIGHT, UP, CLOSER), (CLOSER, UP), (UP,), (RIGHT, LEFT)])
def test_who_does_as_asked_passes(steps: tuple[str, ...]) -> None:
    state = play(Challenge(steps), *answers(steps))
    assert (state.passed, state.done, state.reason) == (True, len(steps), "")


def test_the_instructions_follow_each_other() -> None:
    challenge = Challenge((LEFT, UP))
    seen = [challenge.state.instruction]
    for number, sight in enumerate(answers((LEFT, UP))[:-1]):
        seen.append(challenge.see(number, sight).instruction)
    assert seen == [FRONT, LEFT, FRONT, UP]


def test_another_movement_than_asked_fails() -> None:
    state = play(Challenge((LEFT, UP)), AHEAD, SHOWN[RIGHT])
    assert state.passed is False
    assert state.reason == "asked to turn left, seen to turn right"


def test_a_film_of_another_order_fails() -> None:
    for steps in ((LEFT, RIGHT, UP), (UP, LEFT, RIGHT)):
        assert play(Challenge((RIGHT, UP, LEFT)), *answers(steps)).passed is False


@pytest.mark.parametrize("step", [LEFT, RIGHT, UP])
def test_a_flat_thing_turns_in_vain(step: str) -> None:
    flat = replace(SHOWN[step], parallax=0.3)
    state = play(Challenge((step,)), AHEAD, *[flat] * 14)
    assert state.passed is False
    assert state.reason == f"no {step!r} within 6 s"


def test_the_last_movement_may_be_seen_on_the_way_back() -> None:
    sights = [AHEAD, SHOWN[LEFT], SHOWN[LEFT], SHOWN[LEFT], AHEAD, SHOWN[UP]]
    assert play(Challenge((LEFT, UP)), *sights).passed


def test_a_photograph_passes_no_front_without_the_right_face() -> None:
    state = play(Challenge((CLOSER,)), replace(AHEAD, verified=None), every=1.0)
    assert state.instruction == FRONT
    wrong = play(Challenge((CLOSER,)), replace(AHEAD, verified=False))
    assert wrong.reason == "it is not the person who was claimed"


def test_another_face_in_between_fails() -> None:
    elsewhere = replace(AHEAD, pose=replace(AHEAD.pose, center=(20.0, 240.0)))
    state = play(Challenge((LEFT, UP)), AHEAD, SHOWN[LEFT], elsewhere)
    assert "jumped" in state.reason


def test_a_face_may_be_lost_for_a_moment() -> None:
    gone = Sight(None)
    assert play(Challenge((LEFT,)), AHEAD, gone, gone, SHOWN[LEFT]).passed
    state = play(Challenge((LEFT,)), AHEAD, gone, gone, gone, gone, SHOWN[LEFT])
    assert state.reason == "the face was out of sight"


def test_time_is_limited_in_all() -> None:
    limits = ChallengeLimits(all_seconds=3.0, step_seconds=10.0)
    state = play(Challenge((LEFT,), limits), *[AHEAD] * 9)
    assert state.reason == "it took too long"


def test_the_end_is_the_end() -> None:
    challenge = Challenge((LEFT,))
    assert play(challenge, AHEAD, SHOWN[RIGHT]).passed is False
    assert challenge.see(9.0, SHOWN[LEFT]).passed is False


def test_orders_are_random_and_never_repeat_a_step() -> None:
    rng = np.random.default_rng(0)
    orders = [draw_steps(rng) for _ in range(2000)]
    assert all(one != other for order in orders for one, other in pairwise(order))
    assert len(set(orders)) == 108
    counts = [orders.count(order) for order in set(orders)]
    assert max(counts) < 3 * min(counts) + 10
    assert {step for order in orders for step in order} == set(STEPS)


@pytest.mark.parametrize("steps", [(), ("jump",)])
def test_what_is_no_step_is_refused(steps: tuple[str, ...]) -> None:
    with pytest.raises(InputError, match="Steps are of"):
        Challenge(steps)

"""One person and one instrument of each kind before a challenge; the figures are in benchmarks/."""

from __future__ import annotations

import numpy as np
import pytest

from siamlab.assessment.presentation import (
    Show,
    Swapped,
    bent_print,
    bona_fide,
    flashed,
    flat_print,
    on_screen,
    present,
    replayed,
)
from siamlab.faces.detectors import open_detector
from siamlab.system.dlib_files import FIVE_POINTS, find_dlib_file
from siamlab.verification.challenge import CLOSER, FRONT, LEFT, ChallengeLimits, ChallengeState

pytestmark = pytest.mark.skipif(
    find_dlib_file(FIVE_POINTS) is None, reason="dlib's landmarks are not installed"
)
PERSON = 640
LIMITS = ChallengeLimits(all_seconds=20.0)  # a drawn person needs less


@pytest.fixture(scope="module")
def photograph() -> np.ndarray:
    return bona_fide(PERSON, 1)(0.0, 0.0, 1.0, 0)


def test_a_drawn_person_passes_and_their_film_does_not() -> None:
    detector, rng = open_detector(), np.random.default_rng(1)
    trial = present(bona_fide(PERSON, 1), detector, rng, "bona fide", LIMITS)
    assert (trial.passed, trial.reason) == (True, "")
    film = replayed((CLOSER, LEFT, CLOSER, LEFT))
    answer = present(on_screen(bona_fide(PERSON, 2)), detector, rng, "film", LIMITS, film)
    assert not answer.passed


@pytest.mark.parametrize("make", [flat_print, bent_print, lambda p: on_screen(flat_print(p))])
def test_instruments_change_with_the_pose_and_do_not_pass(make, photograph: np.ndarray) -> None:
    show: Show = make(photograph)
    straight, turned = show(0.0, 0.0, 1.0, 0), show(26.0, 0.0, 1.0, 0)
    assert straight.shape == turned.shape == photograph.shape
    assert straight.dtype == np.uint8
    assert np.abs(straight.astype(int) - turned).mean() > 5
    trial = present(show, open_detector(), np.random.default_rng(2), "attack", LIMITS)
    assert not trial.passed
    assert trial.reason


def test_flashing_and_swapping_do_not_pass(photograph: np.ndarray) -> None:
    detector, rng = open_detector(), np.random.default_rng(4)
    assert not present(flashed(bona_fide(PERSON, 1)), detector, rng, "flash", LIMITS).passed
    swap = Swapped(photograph, bona_fide(PERSON + 1, 1))
    trial = present(swap, detector, rng, "swap", LIMITS, verify=swap.verify)
    assert not trial.passed


def test_a_film_moves_in_its_own_time() -> None:
    film = replayed((LEFT, CLOSER))
    state = ChallengeState(FRONT, 0, 2)
    assert [film(state, time) for time in (0.0, 1.9, 3.7, 5.5)] == [FRONT, LEFT, FRONT, CLOSER]

"""The threshold of a search grows with the gallery, and two people who are as near are unsure."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from siamlab.gallery.search import Candidate
from siamlab.models.metadata import ModelMetadata
from siamlab.verification.identification import (
    Identification,
    find_unsure,
    identification_threshold,
)
from siamlab.verification.result import Verification

# Odds of 1, 10 and 100: one decade of the rate is one decade of the odds.
CALIBRATED = ModelMetadata(
    calibration={
        "threshold": 0.5,
        "thresholds": {"0.1": 1 / 2, "0.01": 10 / 11, "0.001": 100 / 101},
    }
)


@pytest.mark.parametrize(
    ("fmr", "odds", "carried"),
    [
        (0.1, 1, True),
        (0.01, 10, True),
        (0.001, 100, True),
        (1e-4, 1000, False),
        (0.03, 10 / 3, True),
    ],
)
def test_thresholds_between_and_beyond_the_calibrated_rates(
    fmr: float, odds: float, carried: bool
) -> None:
    found = CALIBRATED.threshold_at(fmr)
    assert found is not None
    threshold, known = found
    assert threshold / (1 - threshold) == pytest.approx(odds, rel=1e-6) and known is carried


def test_people_who_were_compared_carry_a_rate_not_their_pairs() -> None:
    """Rule of 3: 2,000 person pairs can show an FMR of 0.0015, however many images they had."""
    values = {**(CALIBRATED.calibration or {}), "impostor": 30_000, "person_pairs": 2000}
    found = ModelMetadata(calibration=values)
    carried = [found.threshold_at(fmr) for fmr in (0.001, 0.0015, 0.01)]
    assert [one is not None and one[1] for one in carried] == [False, True, True]


def test_the_threshold_grows_with_the_gallery() -> None:
    """1 % of strangers: FMR 0.01 for one person, 0.001005 for 10, 0.0001005 for 100."""
    found = [identification_threshold(CALIBRATED, enrolled) for enrolled in (1, 10, 100)]
    odds = [one[0] / (1 - one[0]) for one in found if one]
    assert odds == pytest.approx([10, 99.5, 995], rel=1e-3)
    assert [one is not None and "holds so far" in one[1] for one in found] == [False, False, True]
    assert all(one is not None and "1 in 100 strangers" in one[1] for one in found)


def test_a_model_that_was_never_calibrated_has_no_such_threshold() -> None:
    assert identification_threshold(ModelMetadata(), 5) is None
    assert ModelMetadata(calibration={"threshold": 0.5}).threshold_at(0.01) is None


def candidates(*scores: float) -> tuple[Candidate, ...]:
    return tuple(Candidate(f"person {n}", score, 0) for n, score in enumerate(scores))


@pytest.mark.parametrize(
    ("scores", "unsure"),
    [
        ((0.99, 0.985), True),  # odds 99 and 66
        ((0.99, 0.9), False),  # 99 and 9
        ((0.91, 0.89), True),  # the second is below the threshold, and as near
        ((0.8, 0.79), False),  # neither reaches it: nobody
        ((1.0, 1.0), True),
        ((0.99,), False),
    ],
)
def test_two_people_who_are_as_near(scores: tuple[float, ...], unsure: bool) -> None:
    reason = find_unsure(candidates(*scores), 0.9)
    assert bool(reason) is unsure
    answer = Identification(candidates(*scores), 0.9, 9, None, {}, reason)
    assert answer.verified is (None if unsure else scores[0] >= 0.9)
    if unsure:
        assert answer.person is None and "person 0 and person 1" in str(answer)


def test_a_verdict_says_what_its_threshold_means() -> None:
    one = Verification("Ada", True, np.float32([0.99]), 0.95, 0.5, None, {})
    assert one.strangers == ""
    at_point = replace(one, operating_point="fmr_0.001")
    assert at_point.strangers == "at this threshold about 1 in 1,000 strangers matches"
    assert replace(at_point, verified=None).strangers == ""
    assert "never calibrated" in replace(one, operating_point="default").strangers

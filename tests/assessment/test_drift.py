"""Trends of scores: worked out by hand, planted ones found, and stable people left in peace."""

from __future__ import annotations

import numpy as np
import pytest

from siamlab.assessment.drift import DAY, LEAST, measure_drift
from siamlab.errors import InputError

TIMES = np.arange(10) * 30 * DAY  # once a month


def scores_at(log_odds) -> np.ndarray:
    return 1 / (1 + np.exp(-np.asarray(log_odds, float)))


def test_an_exact_line_by_hand():
    """Log-odds 4 - 0.5 a month, threshold at log-odds 0 + ln(0.5 / 0.5) = 0.

    After nine months 4 - 4.5 = -0.5: below, so no day is left. With 6 at the start it is 1.5,
    which lasts 1.5 / 0.5 = 3 months of 30 days. A lower threshold of 0.2 adds ln(0.8 / 0.2).
    """
    lost, late = (
        measure_drift(["Ada"] * 10, TIMES, scores_at(start - 0.5 * np.arange(10)), 0.5)
        for start in (4, 6)
    )
    (one,) = lost.people
    assert (one.slope, one.margin, one.days) == pytest.approx((-0.5, -0.5, 270))
    assert one.days_left == 0 and one.falling
    assert tuple(one.interval) == pytest.approx((-0.5, -0.5))
    assert late.people[0].days_left == pytest.approx(90)
    easier = measure_drift(["Ada"] * 10, TIMES, scores_at(6 - 0.5 * np.arange(10)), 0.2)
    assert easier.people[0].margin == pytest.approx(1.5 + np.log(4))


def test_a_rising_line_has_no_end_and_a_slow_fall_no_alarm():
    rising = measure_drift(["Ada"] * 10, TIMES, scores_at(2 + 0.1 * np.arange(10)), 0.5).people[0]
    assert rising.days_left is None and not rising.falling
    slow = measure_drift(["Ada"] * 10, TIMES, scores_at(5 - 0.01 * np.arange(10)), 0.5).people[0]
    assert slow.interval.high < 0 and slow.days_left > 365 and not slow.falling


def test_slopes_are_those_of_numpy():
    rng = np.random.default_rng(0)
    times, odds = rng.uniform(0, 300, 40) * DAY, rng.normal(2, 1, 40)
    found = measure_drift(["Ada"] * 40, times, scores_at(odds), 0.5).people[0]
    slope, start = np.polyfit(times / DAY, odds, 1)
    assert found.slope == pytest.approx(30 * slope)
    assert found.margin == pytest.approx(start + slope * times.max() / DAY)


def school(people: int, falling: set[int], seed: int):
    """Thirty tries of each person over ten months, with noise; some lose 0.4 a month."""
    rng = np.random.default_rng(seed)
    names = np.repeat([f"p{number:02d}" for number in range(people)], 30)
    times = np.tile(np.linspace(0, 300, 30) * DAY, people)
    odds = 4 + rng.normal(0, 0.5, 30 * people)
    for number in falling:
        own = names == f"p{number:02d}"
        odds[own] -= 0.4 * times[own] / DAY / 30
    return names, times, scores_at(odds)


def test_those_who_fall_are_found_first_and_no_others():
    found = measure_drift(*school(12, {2, 7}, 0), 0.5)
    assert {one.person for one in found.falling} == {"p02", "p07"}
    assert {one.person for one in found.people[:2]} == {"p02", "p07"}
    assert found.values()["drift.falling"].value == pytest.approx(2 / 12)
    assert found.slope.interval.low < found.slope.value < found.slope.interval.high
    assert str(found.falling[0]).startswith("p0") and "days left" in str(found.falling[0])


def test_of_stable_people_few_seem_to_fall():
    """An interval of 95 % leaves 2.5 % on that side; 40 people, so about one."""
    found = measure_drift(*school(40, set(), 1), 0.5)
    sure = sum(one.interval.high < 0 for one in found.people)
    assert sure <= 4
    assert "about 1" in found.notes()[0]


def test_order_and_beginning_of_time_do_not_matter():
    names, times, scores = school(3, {1}, 2)
    order = np.random.default_rng(0).permutation(len(names))
    one = measure_drift(names, times, scores, 0.5)
    other = measure_drift(names[order], times[order] + 1e9, scores[order], 0.5)
    assert [person.person for person in one.people] == [person.person for person in other.people]
    for a, b in zip(one.people, other.people, strict=True):
        assert (a.slope, a.margin) == pytest.approx((b.slope, b.margin), rel=1e-6)


def test_people_with_few_records_are_left_out():
    names = ["Ada"] * 10 + ["Bob"] * (LEAST - 1) + ["Eva"] * 10
    times = np.concatenate([TIMES, TIMES[: LEAST - 1], np.zeros(10)])
    found = measure_drift(names, times, np.full(len(names), 0.9), 0.5)
    assert [one.person for one in found.people] == ["Ada"] and found.left_out == 2
    assert found.people[0].slope == pytest.approx(0) and found.people[0].days_left is None
    assert "2 people have fewer than 8" in found.notes()[0]
    assert found.slope.interval is None, "one person cannot be resampled"


def test_nobody_is_a_result_too():
    found = measure_drift([], [], [], 0.5)
    assert found.people == () and found.values()["drift.falling"].value is None
    assert found.to_dict() == {"people": [], "left_out": 0, "notes": []}


def test_scores_of_0_and_1_are_kept_finite():
    found = measure_drift(["Ada"] * 10, TIMES, [1.0] * 5 + [0.0] * 5, 0.5).people[0]
    assert np.isfinite([found.slope, found.margin]).all() and found.falling


BAD = {
    "lengths": (["Ada"], [0, 1], [0.5, 0.5], 0.5, "a person, a time and a score"),
    "a score": (["Ada"], [0], [1.5], 0.5, "in"),
    "not a number": (["Ada"], [0], [float("nan")], 0.5, "in"),
    "no time": (["Ada"], [float("inf")], [0.5], 0.5, "finite"),
    "threshold": (["Ada"], [0], [0.5], 1.0, "above 0 and below 1"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_records_are_refused(case):
    *records, threshold, message = BAD[case]
    with pytest.raises(InputError, match=message):
        measure_drift(*records, threshold)

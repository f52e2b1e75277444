"""A number has a width, even where nothing happened."""

from __future__ import annotations

import json
import math

import pytest

from siamlab.assessment.measured import Measured, measured_rate, wilson
from siamlab.errors import InputError
from siamlab.evaluation import Interval


def test_no_error_and_only_errors_follow_the_rule_of_3():
    """Of 500 pairs of 30 people none is wrong: below 3 / 30; and all are wrong: above 27 / 30."""
    none = measured_rate(0, 500, Interval(0, 0), units=30)
    assert (none.value, *none.interval) == pytest.approx((0, 0, 0.1))
    every = measured_rate(500, 500, Interval(1, 1), units=30)
    assert (every.value, *every.interval) == pytest.approx((1, 0.9, 1))
    assert tuple(measured_rate(0, 2, None).interval) == (0, 1)


def test_a_rate_between_keeps_its_interval_and_no_pairs_are_not_measured():
    kept = Interval(0.1, 0.3)
    assert measured_rate(1, 5, kept, units=2) == Measured(0.2, kept, 5)
    assert measured_rate(0, 0, None) == Measured(None, None, 0) == wilson(0, 0)
    assert str(Measured(None)) == "not measured"
    assert str(Measured(0.2, kept)) == "0.200 (0.100 to 0.300)"


def test_wilson_by_its_formula():
    """(p + z²/2n ± z sqrt(p (1 - p) / n + z²/4n²)) / (1 + z²/n), with p = 3/20."""
    z, n, p = 1.959964, 20, 0.15
    middle, room = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    expected = [(middle + sign * room) / (1 + z * z / n) for sign in (-1, 1)]
    assert list(wilson(3, 20).interval) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    "one", [Measured(None), Measured(0.5), Measured(0.25, Interval(0.1, 0.4), 12)]
)
def test_a_number_comes_back_from_json(one):
    assert Measured.from_dict(json.loads(json.dumps(one.to_dict()))) == one


@pytest.mark.parametrize(
    "damaged", [None, {}, {"value": "x", "interval": None}, {"value": 1, "interval": [1]}, 3]
)
def test_a_damaged_number_is_refused(damaged):
    with pytest.raises(InputError, match="value and an interval"):
        Measured.from_dict(damaged)

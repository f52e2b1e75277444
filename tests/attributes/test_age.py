"""Age as a distribution: its mean, its interval, and the bells that training aims at."""

from __future__ import annotations

import numpy as np
import pytest

from siamlab.attributes.age import YEARS, age_interval, expected_age, soft_labels


def distribution(**shares: float) -> np.ndarray:
    """``distribution(y20=0.5, y30=0.5)``."""
    values = np.zeros(len(YEARS))
    for name, share in shares.items():
        values[int(name[1:])] = share
    return values[None]


def test_the_expectation_is_the_mean_of_the_years():
    """0.25 * 20 + 0.75 * 40 = 35."""
    assert expected_age(distribution(y20=0.25, y40=0.75)).tolist() == [35]


def test_an_interval_leaves_out_as_much_on_both_sides():
    """Of 10 % each at 1, 2, ..., 10 years, 80 % between the tails of 10 % are 1 to 9."""
    even = distribution(**{f"y{year}": 0.1 for year in range(1, 11)})
    assert age_interval(even, 0.8).tolist() == [[1, 9]]
    assert age_interval(even, 0.6).tolist() == [[2, 8]]
    assert age_interval(distribution(y30=1.0), 0.8).tolist() == [[30, 30]]


def test_bells_have_the_age_as_their_mean_and_the_spread_given():
    bells = soft_labels(np.array([30, 50]), spread=2.0)
    assert bells.sum(axis=1) == pytest.approx([1, 1], abs=1e-6)
    assert expected_age(bells) == pytest.approx([30, 50], abs=1e-4)
    variance = (bells * (YEARS - np.array([[30], [50]])) ** 2).sum(axis=1)
    assert variance == pytest.approx([4, 4], abs=0.01)
    assert soft_labels(np.array([116]), 2.0).argmax() == 100

"""What thresholds cost, worked out by hand on a calibration of round numbers."""

from __future__ import annotations

import pytest

from siamlab.models.metadata import ModelMetadata
from siamlab.verification.threshold_cost import (
    describe_detection,
    describe_verification,
    in_words,
    threshold_cost,
)

# Odds 1, 10 and 100: log-odds in equal steps for rates in equal ratios.
FOUND = {
    "threshold": 0.5,
    "thresholds": {"0.1": 1 / 2, "0.01": 10 / 11, "0.001": 100 / 101},
    "fnmrs": {"0.1": 0.0, "0.01": 0.04, "0.001": 0.12},
    "impostor": 5000,
    "person_pairs": 1000,
}
MODEL = ModelMetadata(calibration=FOUND)


def cost(odds: float, model: ModelMetadata = MODEL):
    return threshold_cost(model, odds / (1 + odds))


def test_between_two_calibrated_thresholds() -> None:
    """Odds of the square root of 1,000 lie half way between 10 and 100."""
    found = cost(1000**0.5)
    assert found.strangers == pytest.approx(0.001**0.5 * 0.01**0.5)
    assert found.refused == pytest.approx(0.08)
    assert (found.beyond, found.least) == (0, 0.003)


@pytest.mark.parametrize(
    ("odds", "text"),
    [
        (10, "1 in 100 strangers let in, 4 in 100 of your own tries refused, by one image."),
        (1 / 9, "10 in 100 or more strangers let in, none of your own tries refused"),
        (1000, "At most 1 in 1,000 strangers let in, 12 in 100 or more of your own tries refused"),
    ],
)
def test_in_words_at_and_beyond_the_calibrated_thresholds(odds: float, text: str) -> None:
    assert describe_detection(cost(odds)).startswith(text)


def test_a_rate_that_the_calibration_cannot_carry_is_said_to_be_so() -> None:
    """1,000 person pairs without an error show 3 in 1,000 (rule of 3), and not 1 in 1,000."""
    carried = "compared too few people to promise that: it may be 3 in 1,000 strangers."
    assert carried in describe_detection(cost(100))
    assert carried not in describe_detection(cost(30))


def test_nothing_is_known_without_a_calibration() -> None:
    assert threshold_cost(ModelMetadata(), 0.5) is None
    assert threshold_cost(ModelMetadata(calibration={"threshold": 0.5}), 0.5) is None
    assert "is not known: the model was not calibrated" in describe_detection(None)


@pytest.mark.parametrize(
    ("share", "templates", "text"),
    [
        # Strangers: 5 * 0.01 / 3; own tries: 5 * 0.04 / (5 - 3 + 1).
        (0.5, 5, "3 of 5 stored images must match: at most 17 in 1,000 strangers let in, at most "
                 "7 in 100 of your own tries refused."),
        (1.0, 5, "5 of 5 stored images must match: at most 1 in 100 strangers let in, at most "
                 "20 in 100 of your own tries refused."),
        (0.05, 4, "1 of 4 stored images must match: at most 4 in 100 strangers let in, at most "
                  "4 in 100 of your own tries refused."),
        (0.5, 1, "1 of 1 stored image must match."),
        (0.5, 0, "Nobody is enrolled."),
    ],
)  # fmt: skip
def test_the_verification_threshold(share: float, templates: int, text: str) -> None:
    assert describe_verification(cost(10), share, templates) == text


def test_bounds_hold_for_any_dependence() -> None:
    """Whatever the images have in common: simulated with all alike, and all independent."""
    import numpy as np

    rng = np.random.default_rng(0)
    alone = rng.random((20_000, 5)) < 0.1
    alike = alone[:, :1].repeat(5, axis=1)
    for needed in range(1, 6):
        bound = min(1.0, 0.1 * 5 / needed)
        for matches in (alone, alike):
            assert (matches.sum(axis=1) >= needed).mean() <= bound * 1.05


def test_rates_in_words() -> None:
    assert in_words(0.5) == "50 in 100"
    assert in_words(1e-9) == "1 in 10,000"

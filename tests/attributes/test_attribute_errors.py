"""Errors by group, worked out by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from siamlab.attributes.age import YEARS
from siamlab.attributes.attribute_errors import group_errors, measure_errors
from siamlab.attributes.attribute_head import AttributePrediction
from siamlab.data.utkface import LabeledFaces


def sure_of(years: list[int], women: list[float], found: list[bool]) -> AttributePrediction:
    ages = np.eye(len(YEARS))[years]
    return AttributePrediction(
        ages, np.array(women), np.array(found), level=0.8, mass=0.8, sure_from=0.8
    )


@pytest.fixture
def labels() -> LabeledFaces:
    paths = tuple(Path(f"{number}.jpg") for number in range(4))
    ages, genders, races = (
        np.array([5, 20, 41, 116]),
        np.array([0, 1, 1, 0]),
        np.array([0, 0, 2, 2]),
    )
    return LabeledFaces(Path(), paths, ages, genders, races)


def test_errors_are_counted_over_all_and_by_group(labels: LabeledFaces) -> None:
    """Off by 1, 2, 0 and 16 years: 19 / 4. Wrong is the child, taken for a woman with 0.6."""
    found = sure_of([6, 22, 41, 100], [0.6, 0.9, 0.7, 0.1], [True, True, False, True])
    measured = measure_errors(labels, found, trained_on=2)
    values = measured.to_dict()
    assert values["n"] == 4 and values["age_mae"] == 4.75 and values["gender_accuracy"] == 0.75
    assert values["gender_accuracy_from_18"] == 1
    assert values["no_face"] == 1 and values["trained_on"] == 2
    assert values["age_coverage"] == 0.25  # only the one that is exactly right, of all certain
    assert values["gender_sure"] == 0.5 and values["gender_sure_accuracy"] == 1
    groups = values["by_group"]
    assert list(groups) == [
        "from 18",
        "0-9",
        "20-29",
        "40-49",
        "80+",
        "man",
        "woman",
        "White",
        "Asian",
    ]
    assert groups["from 18"]["n"] == 3 and groups["from 18"]["age_mae"] == 6
    assert groups["man"] == group_errors(np.array([1.0, 16.0]), np.array([False, True])).to_dict()
    low, high = groups["woman"]["intervals"]["age_mae"]
    assert low == 0 and high == pytest.approx(1 + 1.96 * 1)  # 0 and 2: deviation √2, over √2
    assert groups["0-9"]["intervals"]["age_mae"] is None
    assert "1 without a face" in str(measured) and "from 18: 3 faces" in str(measured)


def test_genders_are_given_only_where_they_are_probable() -> None:
    found = sure_of([1, 1, 1], [0.79, 0.81, 0.1], [True] * 3)
    assert found.genders == ["unsure", "woman", "man"]
    assert found.women.tolist() == [True, True, False]

"""Pairs chosen by decision, score and person."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from siamlab.data.pairs import PairSet
from siamlab.errors import InputError
from siamlab.evaluation import filter_pairs

# At 0.5: right, false non-match, false match, right, false match.
LABELS = np.array([1, 1, 0, 0, 0])
SCORES = np.array([0.9, 0.1, 0.6, 0.2, 0.95])
FILES = tuple(Path(f"{number}.png") for number in range(5))
PAIRS = PairSet(
    FILES, FILES, LABELS, ("Ada", "Ben", "Ada", "Ben", "Cleo"), ("Ada", "Ben", "Ben", "Cleo", "Ada")
)


def chosen(*values: object, **options: object) -> list[int]:
    return filter_pairs(PAIRS, SCORES, 0.5, *values, **options).tolist()


@pytest.mark.parametrize(
    ("decisions", "expected"),
    [
        ("all", [4, 1, 2, 0, 3]),
        ("mistakes", [4, 1, 2]),
        ("false matches", [4, 2]),
        ("false non-matches", [1]),
        ("right", [0, 3]),
    ],
)
def test_decisions_with_the_surest_mistakes_first(decisions: str, expected: list[int]):
    assert chosen(decisions) == expected


def test_scores_and_people():
    assert chosen(low=0.2, high=0.6) == [2, 3]
    assert chosen(person="Cleo") == [4, 3]
    assert chosen("false matches", high=0.8, person="Ada") == [2]
    assert chosen(person="Nobody") == []


def test_an_unknown_kind():
    with pytest.raises(InputError, match=r"false non-matches, right\. Received: 'x'"):
        chosen("x")

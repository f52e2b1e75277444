"""Labels of people, and the errors of each group."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from siamlab.assessment.by_group import rates_by_group, read_groups, unlabeled_notes
from siamlab.data.pairs import PairSet
from siamlab.errors import InputError

GROUPS = {"Ada": "women", "Eva": "women", "Ida": "women", "Bob": "men", "Tom": "men"}


def make_pairs(*sides: tuple[str, str]) -> PairSet:
    first, second = (tuple(side) for side in zip(*sides, strict=True))
    return PairSet(
        tuple(Path(name) / "1.jpg" for name in first),
        tuple(Path(name) / "2.jpg" for name in second),
        np.array([one == other for one, other in sides], np.int64),
        first,
        second,
    )


def test_errors_of_each_group_by_hand():
    """Women: one of three genuine pairs fails, one of two impostor pairs matches. Men: none of
    two, and one of one. Ada and Bob are in two groups, and their match is in none.
    """
    pairs = make_pairs(
        ("Ada", "Ada"), ("Eva", "Eva"), ("Ida", "Ida"), ("Bob", "Bob"), ("Tom", "Tom"),
        ("Ada", "Eva"), ("Ada", "Ida"), ("Bob", "Tom"), ("Ada", "Bob"), ("Kim", "Kim"),
    )  # fmt: skip
    scores = np.array([0.9, 0.2, 0.8, 0.9, 0.9, 0.7, 0.1, 0.8, 0.9, 0.0])
    men, women = rates_by_group(pairs, scores, GROUPS, 0.5)
    assert (men.name, men.people, women.name, women.people) == ("men", 2, "women", 3)
    values = men.values() | women.values()
    assert {name: one.value for name, one in values.items()} == {
        "group.men.fnmr": 0, "group.men.fmr": 1,
        "group.women.fnmr": pytest.approx(1 / 3), "group.women.fmr": 0.5,
    }  # fmt: skip
    assert [one.count for one in values.values()] == [2, 1, 3, 2]
    assert tuple(values["group.men.fnmr"].interval) == (0, 1), "two people show nothing"
    assert unlabeled_notes(pairs, GROUPS) == (
        "1 of the 6 people have no label and are in no group.",
    )
    assert unlabeled_notes(pairs, {**GROUPS, "Kim": "men"}) == ()


def test_a_group_without_pairs_is_not_measured():
    (women,) = rates_by_group(make_pairs(("Ada", "Ada")), np.array([0.9]), GROUPS, 0.5)
    assert women.values()["group.women.fmr"].value is None


def test_pairs_without_a_label_are_refused():
    with pytest.raises(InputError, match=r"None of the 1 people.*such as Kim"):
        rates_by_group(make_pairs(("Kim", "Kim")), np.array([0.9]), GROUPS, 0.5)
    with pytest.raises(InputError, match="Each pair has a score"):
        rates_by_group(make_pairs(("Ada", "Ada")), np.array([]), GROUPS, 0.5)


def test_a_file_with_a_header_quotes_and_empty_lines(tmp_path):
    file = tmp_path / "groups.csv"
    file.write_text('person,group\n"Ada, Countess",women\n\n Bob , men\nBob,men\n')
    assert read_groups(file) == {"Ada, Countess": "women", "Bob": "men"}


BAD = {
    "empty": ("person,group\n", "labels nobody"),
    "three fields": ("Ada,women,old\n", r"line 1: expected 'person,group', received 'Ada,women,o"),
    "no group": ("Ada,\n", "line 1"),
    "two groups": ("Ada,women\nAda,men\n", "line 2: Ada is in women already"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_damaged_file_is_refused_with_its_line(case, tmp_path):
    text, message = BAD[case]
    (tmp_path / "groups.csv").write_text(text)
    with pytest.raises(InputError, match=message):
        read_groups(tmp_path / "groups.csv")
    with pytest.raises(InputError, match="cannot be read"):
        read_groups(tmp_path / "absent.csv")

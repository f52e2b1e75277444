"""Errors of groups of people, where somebody labeled them: is the system as good for all?

A group's false non-matches are those of its people; its false matches are those among its people,
which is the harder case: strangers who look alike are in one group.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from siamlab.assessment.measured import Measured, Values, measured_rate
from siamlab.data.pairs import PairSet
from siamlab.errors import InputError
from siamlab.evaluation.group_rates import GroupRate, group_rate
from siamlab.system.files import read_text
from siamlab.system.names import composed

HEADER = ("person", "group")


@dataclass(frozen=True)
class LabeledGroup:
    """The errors of one group.

    Attributes:
        name: as in the file of labels.
        people: how many people of the pairs are in it.
        genuine: its false non-matches.
        impostor: its false matches, both people in the group.
    """

    name: str
    people: int
    genuine: GroupRate
    impostor: GroupRate

    def values(self) -> Values:
        """``group.NAME.fnmr`` and ``group.NAME.fmr``."""
        return {
            f"group.{self.name}.fnmr": _measured(self.genuine),
            f"group.{self.name}.fmr": _measured(self.impostor),
        }


def read_groups(path: Path | str) -> dict[str, str]:
    """Read labels of people: a CSV of ``person,group``, with this header or without.

    Args:
        path: the file, in UTF-8.

    Returns:
        A person's name to the name of the group.

    Raises:
        InputError: the file is missing, empty or damaged, or a person is in two groups; the
            message names the line.

    Example:
        >>> from pathlib import Path
        >>> from siamlab.assessment.by_group import read_groups
        >>> _ = Path("groups.csv").write_text("person,group\\nAda,women\\nBob,men\\n")
        >>> read_groups("groups.csv")
        {'Ada': 'women', 'Bob': 'men'}
    """
    groups: dict[str, str] = {}
    reader = csv.reader(io.StringIO(read_text(path)))
    for row in reader:
        fields = tuple(field.strip() for field in row)
        if not any(fields) or (not groups and fields == HEADER):
            continue
        if len(fields) != 2 or not all(fields):
            raise InputError(
                f"{path}, line {reader.line_num}: expected 'person,group', received "
                f"{','.join(fields)[:80]!r}."
            )
        person, group = composed(fields[0]), fields[1]
        if groups.setdefault(person, group) != group:
            raise InputError(
                f"{path}, line {reader.line_num}: {person} is in {groups[person]} already; one "
                "person has one group."
            )
    if not groups:
        raise InputError(f"{path} labels nobody; expected lines of 'person,group'.")
    return groups


def group_sizes(pairs: PairSet, groups: Mapping[str, str]) -> dict[str, int]:
    """How many people of each group the pairs show.

    Raises:
        InputError: the pairs show nobody who has a label.
    """
    labels = [groups[person] for person in pairs.people if person in groups]
    if not labels:
        raise InputError(
            f"None of the {len(pairs.people)} people of the pairs has a label; names are those of "
            f"the folders, such as {pairs.people[0]}."
        )
    return dict(sorted(Counter(labels).items()))


def rates_by_group(
    pairs: PairSet, scores: np.ndarray, groups: Mapping[str, str], threshold: float
) -> tuple[LabeledGroup, ...]:
    """Error rates of each group, people resampled.

    Args:
        pairs: the comparisons.
        scores: ``(N,)`` in [0, 1]; 0 where a pair could not be judged.
        groups: a person's name to the group; people without one are in none.
        threshold: a pair matches when its score is at least this.

    Returns:
        The groups of which the pairs show somebody, by name.

    Raises:
        InputError: another number of scores, or the pairs show nobody who has a label.
    """
    if len(scores) != len(pairs):
        raise InputError(f"Each pair has a score. Received: {len(pairs)}, {len(scores)}.")
    members = group_sizes(pairs, groups)
    first, second = (
        np.array([groups.get(name, "") for name in side])
        for side in (pairs.first_people, pairs.second_people)
    )
    genuine = np.asarray(pairs.labels) == 1

    def rate(group: str, same: bool) -> GroupRate:
        rows = (first == group) & (second == group) & (genuine == same)
        chosen = pairs.subset(rows)
        return group_rate(
            f"{group}, {'the same person' if same else 'two people'}", same, scores[rows],
            chosen.first_people, chosen.second_people, threshold,
        )  # fmt: skip

    return tuple(
        LabeledGroup(name, people, rate(name, True), rate(name, False))
        for name, people in members.items()
    )


def unlabeled_notes(pairs: PairSet, groups: Mapping[str, str]) -> tuple[str, ...]:
    """A sentence about people without a label, if there are any."""
    missing = sum(person not in groups for person in pairs.people)
    if not missing:
        return ()
    return (f"{missing} of the {len(pairs.people)} people have no label and are in no group.",)


def _measured(rate: GroupRate) -> Measured:
    return measured_rate(rate.errors, rate.pairs, rate.interval, rate.units)

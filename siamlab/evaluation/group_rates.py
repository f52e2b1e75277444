"""Error rates of groups of pairs: the user's own people among each other, and strangers.

One rate over all pairs hides what users meet: brothers are taken for each other more often than
strangers are, and a thousand strangers outnumber three brothers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from siamlab.errors import InputError
from siamlab.evaluation.calibration import RULE_OF_3, RULE_OF_30, count_person_pairs
from siamlab.evaluation.intervals import Interval, bootstrap_people
from siamlab.evaluation.rates import format_rate

# With fewer people a resampled interval is too narrow. On simulated comparisons of own people with
# 200 strangers, 95 % intervals of the false match rate held the true rate in 72 % of the cases
# with 3 own people, in 92 % with 10 and in 96 % with 30 (benchmarks/intervals.py).
FEW = 10


@dataclass(frozen=True)
class GroupRate:
    """The errors of one kind of pairs at a threshold.

    Attributes:
        name: which pairs these are, in words.
        genuine: whether these are genuine pairs, whose errors are false non-matches, or impostor
            pairs, whose errors are false matches.
        pairs: number of pairs.
        errors: number of wrong decisions.
        people: number of people on the pairs.
        person_pairs: number of different person pairs; 0 for genuine pairs.
        units: upper limit of the number of independent trials: people (genuine), person pairs
            (impostor), or strangers, where own people are compared with strangers.
        fewest: people on the side that has fewer of them.
        interval: 95 % interval of the rate; ``None`` where there are no pairs.
        unit: what was resampled: ``people``, or ``images`` when all pairs show one person.
    """

    name: str
    genuine: bool
    pairs: int
    errors: int
    people: int
    person_pairs: int
    units: int
    fewest: int
    interval: Interval | None
    unit: str = "people"

    @property
    def rate(self) -> float | None:
        """Share of wrong decisions; ``None`` without pairs."""
        return self.errors / self.pairs if self.pairs else None

    @property
    def rough(self) -> bool:
        """Whether the interval rests on too few people to trust its width."""
        return self.pairs > 0 and self.fewest < FEW

    def evidence(self, rate: float) -> str:
        """How well the pairs, and the people or person pairs behind them, can show a rate.

        Returns:
            ``shown`` (rule of 30), ``roughly`` (rule of 3) or ``nothing``.
        """
        trials = min(self.pairs, self.units)
        if trials * rate >= 0.9 * RULE_OF_30:
            return "shown"
        return "roughly" if trials * rate >= RULE_OF_3 - 1e-9 else "nothing"

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        names = "name genuine pairs errors rate people person_pairs unit rough"
        values = {name: getattr(self, name) for name in names.split()}
        return {**values, "interval": self.interval and list(self.interval)}

    def __str__(self) -> str:
        if not self.pairs:
            return f"{self.name}: no pairs"
        rate = format_rate(self.rate, self.interval)
        return f"{self.name}: {rate}, {self.errors} of {self.pairs}"


def group_rate(
    name: str,
    genuine: bool,
    scores: np.ndarray,
    first_people: Sequence[str],
    second_people: Sequence[str],
    threshold: float,
    images: tuple[Sequence[str], Sequence[str]] | None = None,
    strata: Mapping[str, str] | None = None,
    seed: int = 0,
    rounds: int = 500,
) -> GroupRate:
    """Count a group's errors and resample its people.

    Where no error was seen, resampling would give an interval of no width. It is then 0 to 3 / n
    (the rule of 3), with n people or person pairs, not pairs: two people compared a hundred times
    say nothing about the next two.

    Args:
        name: which pairs these are.
        genuine: whether all of them are genuine or all impostor pairs.
        scores: ``(N,)`` in [0, 1].
        first_people: N names.
        second_people: N names.
        threshold: a pair matches when its score is at least this.
        images: N names of images on either side, resampled instead where all pairs show one
            person; the interval then describes that person's images only.
        strata: see :func:`person_weights`; given where the two sides are two groups of people.
        seed: of the resampling.
        rounds: of the resampling.

    Raises:
        InputError: unequal lengths, or a genuine pair of two people.
    """
    values = np.asarray(scores, np.float64)
    same = np.array([a == b for a, b in zip(first_people, second_people, strict=True)], bool)
    if len(values) != len(same) or (same != genuine).any():
        raise InputError(
            f"{name}: one score and two people for each pair, all of one kind. Received: "
            f"{len(values)} scores, {len(same)} pairs, {int(same.sum())} of them genuine."
        )
    errors = int(np.count_nonzero((values < threshold) if genuine else (values >= threshold)))
    people = len({*first_people, *second_people})
    person_pairs = 0 if genuine else count_person_pairs(same, first_people, second_people)
    units, fewest = (people if genuine else person_pairs), people
    if strata is not None:
        fewest, units = sorted((len(set(first_people)), len(set(second_people))))
    trials = units
    unit, sides = "people", (first_people, second_people)
    if units == 1 and images is not None:
        unit, sides, strata = "images", images, None
        trials = len({*images[0], *images[1]}) // 2
    interval = None
    if len(values) and errors == 0:
        interval = Interval(0.0, min(1.0, RULE_OF_3 / max(trials, 1)))
    elif len(values):
        interval = bootstrap_people(
            np.full(len(values), genuine), values, *sides, "fnmr" if genuine else "fmr",
            seed, rounds, threshold, strata,
        )  # fmt: skip
    return GroupRate(
        name, genuine, len(values), errors, people, person_pairs, units, fewest, interval, unit
    )


@dataclass(frozen=True)
class Confusion:
    """Two people and how often one was taken for the other.

    Attributes:
        first: one person.
        second: the other.
        matches: comparisons at or above the threshold.
        pairs: comparisons in all.
        highest: the highest score of them.
    """

    first: str
    second: str
    matches: int
    pairs: int
    highest: float

    def __str__(self) -> str:
        if not self.matches:
            return (
                f"{self.first} and {self.second} are the most alike (score {self.highest:.3f}), "
                "and are kept apart"
            )
        return (
            f"{self.first} is taken for {self.second} in {self.matches} of {self.pairs} "
            f"comparisons (highest score {self.highest:.3f})"
        )


def worst_confusion(
    scores: np.ndarray,
    first_people: Sequence[str],
    second_people: Sequence[str],
    threshold: float,
) -> Confusion | None:
    """The person pair with the largest share of false matches; of equals the highest score.

    Args:
        scores: ``(N,)`` in [0, 1], of impostor pairs.
        first_people: N names.
        second_people: N names.
        threshold: a pair matches when its score is at least this.

    Returns:
        The person pair, its names in alphabetical order; ``None`` without pairs.
    """
    person_pairs: dict[tuple[str, str], list[float]] = {}
    for one, other, score in zip(first_people, second_people, scores, strict=True):
        person_pairs.setdefault((min(one, other), max(one, other)), []).append(float(score))
    found = [
        Confusion(*names, int(np.sum(np.array(own) >= threshold)), len(own), max(own))
        for names, own in person_pairs.items()
    ]
    return max(found, key=lambda one: (one.matches / one.pairs, one.highest), default=None)

"""Chapter 13: the shortest interval, the price of a wrong answer, groups at the same ages."""

from __future__ import annotations

from typing import Any

import numpy as np

from siamlab.course.exercises import Exercise, follows


def _shortest(p: Any, share: float) -> tuple[int, int]:
    total = np.concatenate([[0.0], np.cumsum(p)])
    for years in range(1, len(p)):
        held = total[years:] - total[:-years]
        if held.max() >= share:
            low = int(held.argmax())
            return low, low + years - 1
    return 0, len(p) - 1


def _equal_tails(p: Any, share: float) -> tuple[int, int]:
    low, high = (int(np.argmax(np.cumsum(p) >= (1 + side * share) / 2)) for side in (-1, 1))
    return low, high


def _one_too_far(p: Any, share: float) -> tuple[int, int]:
    low, high = _shortest(p, share)
    return low, high + 1


def _most_probable(p: Any, share: float) -> tuple[int, int]:
    order = np.argsort(-np.asarray(p), kind="stable")
    years = order[: int(np.argmax(np.cumsum(np.asarray(p)[order]) >= share)) + 1]
    return int(years.min()), int(years.max())


def _hills(year: int, other: int, share: float) -> np.ndarray:
    """Two bells over the years 0 to 100, of which the first holds ``share``."""
    bells = np.exp(-0.5 * ((np.arange(101) - np.array([[year], [other]])) / 4) ** 2)
    mixed: np.ndarray = np.array([share, 1 - share]) @ (bells / bells.sum(axis=1, keepdims=True))
    return mixed


def _answered(woman: Any, cost: float) -> np.ndarray:
    most: np.ndarray = np.maximum(woman, 1 - np.asarray(woman))
    return most > 1 - 1 / cost


def _women_alone(woman: Any, cost: float) -> Any:
    return np.asarray(woman) > 1 - 1 / cost


def _wrong_way(woman: Any, cost: float) -> Any:
    return ~_answered(woman, cost)


def _wrong_for_right(woman: Any, cost: float) -> Any:
    return np.maximum(woman, 1 - np.asarray(woman)) > 1 / cost


def _at_the_same_ages(errors: Any, own: Any, everybody: Any) -> float:
    there = np.asarray(own) > 0
    return float(np.average(np.asarray(errors)[there], weights=np.asarray(everybody)[there]))


def _own_mean(errors: Any, own: Any, everybody: Any) -> float:
    return float(np.nansum(np.asarray(errors) * own) / np.sum(own))


def _unweighted(errors: Any, own: Any, everybody: Any) -> float:
    return float(np.nanmean(errors))


def _none_as_zero(errors: Any, own: Any, everybody: Any) -> float:
    return float(np.nansum(np.asarray(errors) * everybody) / np.sum(everybody))


CHECKS = {
    "13.1": Exercise(
        test=follows(
            _shortest,
            (np.array([0.1, 0.5, 0.2, 0.2]), 0.65),
            (np.array([0.3, 0.0, 0.0, 0.25, 0.25, 0.2]), 0.45),
            (np.array([0.05, 0.9, 0.05]), 0.8),
            (_hills(30, 50, 0.7), 0.65),
            (_hills(5, 60, 0.5), 0.9),
            mistakes={
                _equal_tails: "That is the interval of (13.2). The shortest one may leave out "
                "more on one side than on the other.",
                _one_too_far: "Both ends belong to the interval: its last year counts.",
                _most_probable: "The most probable years need not lie side by side, and all that "
                "is between them makes the interval longer.",
            },
        ),
        hint="For 1 year, 2 years, 3 years and so on: how much does the best interval of that "
        "length hold? Differences of cumulative sums tell it for all places at once.",
        shows="Of the two hills above, at 65 %, it takes the years 23 to 37 where (13.2) takes 27 "
        "to 49. But whoever is 50 lies outside: it is short because it leaves out what is rare.",
    ),
    "13.2": Exercise(
        test=follows(
            _answered,
            (np.array([0.97, 0.03, 0.6, 0.4, 0.85, 0.15]), 10.0),
            (np.array([0.7, 0.9, 0.2, 0.3]), 4.0),
            (np.array([0.51, 0.3]), 1.5),
            mistakes={
                _women_alone: "A probability near 0 is as sure as one near 1: that of a man.",
                _wrong_way: "Those are the faces that are better left unsure.",
                _wrong_for_right: "1 / cost is how probable an error may be, not a right answer.",
            },
        ),
        hint="An answer is wrong with the smaller of p and 1 - p. What does it cost in the mean, "
        "and when is that less than 1?",
        shows="One answers from a probability of 1 - 1 / cost on (Chow 1970): 0.5 where an error "
        "costs 2, 0.98 where it costs 50. It holds where probabilities are honest; chapter 06 "
        "shows how to look.",
    ),
    "13.3": Exercise(
        test=follows(
            _at_the_same_ages,
            (np.array([3.0, 6.0]), np.array([10, 30]), np.array([60, 20])),
            (np.array([3.0, 6.0, np.nan]), np.array([10, 30, 0]), np.array([60, 20, 20])),
            mistakes={
                _own_mean: "That is the group's own mean. Let each decade count as among "
                "everybody.",
                _unweighted: "There each decade counts the same. Let it count as among everybody.",
                _none_as_zero: "A decade without a face of the group must leave the counts of "
                "everybody too.",
            },
        ),
        hint="A weighted mean of the errors: which of the two counts are the weights? Keep the "
        "decades in which the group has a face.",
        shows="Done with the faces far from all training faces, their 5.55 years become 5.25, "
        "beside 5.06 of everybody: most of the difference was their age. The rest may be people "
        "on both sides, or chance.",
    ),
}

"""Splits by person, made before pairing: training, validation and test share nobody."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from siamlab.data.collections import DIGEST_LENGTH, Collection, person_digest
from siamlab.data.pairs import Seed
from siamlab.errors import InputError


class Split(NamedTuple):
    """Three collections that share no person; unpacks as ``train, validation, test``."""

    train: Collection
    validation: Collection
    test: Collection


def split_people(
    collection: Collection,
    fractions: tuple[float, float, float] = (0.7, 0.15, 0.15),
    seed: Seed = 0,
    keep_in_test: Sequence[str] = (),
) -> Split:
    """Divide the people (never the images of one) into training, validation and test.

    Args:
        collection: everybody.
        fractions: shares of the people, summing to 1. A part with a share above 0 gets at least
            two people (an impostor pair needs two) as long as there are enough.
        seed: the same seed divides the same people in the same way.
        keep_in_test: names that must be in the test part.

    Raises:
        InputError: the fractions do not sum to 1, a name is unknown, or there are too few people.
    """
    _check_fractions(fractions)
    kept = set(collection.select(keep_in_test).names)
    others = [name for name in collection.names if name not in kept]
    order = [others[i] for i in np.random.default_rng(seed).permutation(len(others))]
    test, validation, train = _shares(len(collection), fractions[::-1])
    if len(kept) > test:
        raise InputError(
            f"{len(kept)} people must be in the test part, which has room for {test}; "
            "give it a larger fraction."
        )
    test -= len(kept)
    return Split(
        train=collection.select(order[test + validation : test + validation + train]),
        validation=collection.select(order[test : test + validation]),
        test=collection.select([*kept, *order[:test]]),
    )


def split_by_name(collection: Collection, fractions: tuple[float, float, float]) -> Split:
    """Divide the people by a digest of their names.

    A person's part does not depend on the rest of the collection, so a model trained on one
    collection can be evaluated on another that shares people with it.

    Args:
        collection: everybody.
        fractions: shares of training, validation and test, summing to 1.

    Raises:
        InputError: the fractions do not sum to 1, or a part would have fewer than two people.
    """
    _check_fractions(fractions)
    parts: tuple[list[str], ...] = ([], [], [])
    bounds = np.cumsum(fractions)
    for name in collection.names:
        place = int(person_digest(name), 16) / 16**DIGEST_LENGTH
        parts[min(int(np.searchsorted(bounds, place, side="right")), 2)].append(name)
    if min(map(len, parts)) < 2:
        raise InputError(
            f"{collection.root} has too few people for training, validation and test: "
            f"{len(collection)}. About thirty are needed."
        )
    return Split(*(collection.select(part) for part in parts))


def _check_fractions(fractions: Sequence[float]) -> None:
    if len(fractions) != 3 or min(fractions) < 0 or abs(sum(fractions) - 1) > 1e-6:
        raise InputError(
            f"fractions must be three shares of at least 0 that sum to 1; received {fractions}."
        )


def _shares(people: int, fractions: Sequence[float]) -> list[int]:
    parts = sum(fraction > 0 for fraction in fractions)
    if people < parts:
        raise InputError(f"{people} people cannot be divided into {parts} parts; collect more.")
    least = 2 if people >= 2 * parts else 1
    counts = [max(least, round(people * f)) if f > 0 else 0 for f in fractions]
    while sum(counts) != people:  # after rounding, the largest part changes
        counts[int(np.argmax(counts))] += 1 if sum(counts) < people else -1
    return counts

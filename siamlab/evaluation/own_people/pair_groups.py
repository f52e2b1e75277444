"""Which pairs a threshold is calibrated on: a set for each of ``GROUPS``. Opens no image."""

from __future__ import annotations

import math

import numpy as np

from siamlab.data.collections import Collection
from siamlab.data.pairs import PairSet, draw_pairs, pairs_from_rows, possible_impostor
from siamlab.data.sampling import draw_genuine, draw_impostor
from siamlab.errors import InputError

MOST_PAIRS = 3000  # of a kind: what the rule of 30 asks for an FMR of 0.01
MOST_STRICT = 30_000  # of impostor pairs, for an FMR of 0.001 and less

# Name of a group to (genuine, its title).
GROUPS = {
    "own_genuine": (True, "your own people, turned away"),
    "own_impostor": (False, "your own people, taken for each other"),
    "between": (False, "strangers, taken for your own people"),
    "stranger_impostor": (False, "strangers, taken for each other"),
    "stranger_genuine": (True, "strangers, turned away"),
}


def fair_genuine(collection: Collection, most: int) -> int:
    """Number of genuine pairs to draw, so that no single person dominates.

    In LFW most people have one genuine pair and one man has a hundred thousand. When the others'
    are used up, the rest would all be his, and an error rate would be his own. So nobody gives
    more than twice an equal share.

    Args:
        collection: people.
        most: number of genuine pairs at most.
    """
    room = np.array([size * (size - 1) // 2 for size in _sizes(collection)], np.int64)
    several = max(1, int(np.count_nonzero(room)))
    return min(most, int(np.minimum(room, 2 * math.ceil(most / several)).sum()))


def spread_pairs(collection: Collection, most: int, seed: int) -> PairSet:
    """Balanced pairs, as many as :func:`fair_genuine` allows, at most ``most``.

    Raises:
        InputError: the collection cannot give both kinds of pairs.
    """
    possible = 2 * fair_genuine(collection, most // 2)
    if possible == 0 or len(collection) < 2:
        raise _too_few(collection)
    return draw_pairs(collection, min(most, possible), seed)


def calibration_pairs(collection: Collection, most: int, seed: int) -> PairSet:
    """Pairs for a model's thresholds: many more impostor than genuine pairs.

    People have few images but there are many people to compare, and a threshold for a small false
    match rate rests on the rarest of the impostor pairs.

    Args:
        collection: people whom the model was not trained on.
        most: pairs of a kind at most; genuine ones at most ``MOST_PAIRS``.
        seed: the same seed draws the same pairs.

    Raises:
        InputError: the collection cannot give both kinds of pairs.
    """
    rng = np.random.default_rng(seed)
    genuine = _genuine(collection, rng, min(most, MOST_PAIRS))
    impostor = _impostor(collection, most, rng)
    if not len(genuine) or not len(impostor):
        raise _too_few(collection)
    return pairs_from_rows(collection, np.concatenate([genuine, impostor]))


def draw_groups(
    own: Collection, strangers: Collection, fmr: float, seed: int
) -> dict[str, PairSet]:
    """Draw the pairs of each of ``GROUPS``, no pair twice; a group may be empty.

    Args:
        own: the user's people.
        strangers: people with other names.
        fmr: the target rate; the rule of 30 gives the number of impostor pairs it needs.
        seed: the same seed draws the same pairs.
    """
    most = min(max(math.ceil(30 / fmr - 1e-9), MOST_PAIRS), MOST_STRICT)
    rng = np.random.default_rng(seed)
    everybody = Collection(own.root, own.people + strangers.people)
    shift = len(own.images)
    rows = {
        "own_genuine": _genuine(own, rng),
        "own_impostor": _impostor(own, most, rng),
        "between": _between(own, strangers, most, rng),
        "stranger_impostor": _impostor(strangers, most, rng) + shift,
        "stranger_genuine": _genuine(strangers, rng) + shift,
    }
    return {name: pairs_from_rows(everybody, found) for name, found in rows.items()}


def _too_few(collection: Collection) -> InputError:
    return InputError(
        "Pairs need at least two people, one of them with two images or more. Received: "
        f"{len(collection)} people in {collection.root}. Collect more images."
    )


def _sizes(collection: Collection) -> list[int]:
    return [len(person) for person in collection.people]


def _genuine(people: Collection, rng: np.random.Generator, most: int = MOST_PAIRS) -> np.ndarray:
    count = fair_genuine(people, most)
    return draw_genuine(_sizes(people), count, rng).reshape(-1, 2)


def _impostor(people: Collection, most: int, rng: np.random.Generator) -> np.ndarray:
    count = min(possible_impostor(people), most)
    if count == 0:
        return np.empty((0, 2), np.int64)
    return draw_impostor(_sizes(people), count, rng)


def _between(
    own: Collection, strangers: Collection, most: int, rng: np.random.Generator
) -> np.ndarray:
    """Different pairs of an own image and a stranger's; rows as in :mod:`siamlab.data.sampling`.

    All own people are equally likely, and so are all strangers, however many images they have.
    """
    first, second = len(own.images), len(strangers.images)
    count = min(first * second, most)
    if count == first * second:
        chosen = np.arange(count)
    else:
        # Of uniform draws in (0, 1), the count largest u ** (1 / weight) are a weighted draw
        # without replacement (Efraimidis and Spirakis 2006).
        sizes = [np.array(_sizes(part)) for part in (own, strangers)]
        weights = [np.repeat(1 / (each * len(each)), each) for each in sizes]
        keys = rng.exponential(size=(first, second)) / np.outer(*weights)
        chosen = np.argpartition(keys.ravel(), count)[:count]
    return np.stack([chosen // max(second, 1), first + chosen % max(second, 1)], axis=1)

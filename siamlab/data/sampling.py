"""Random choice of pairs as indices of images.

Input: the number of images of each person, and a random generator. Output: rows of two image
indices, where person 0 has images 0 to n0 - 1, person 1 the next n1, and so on.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_ROUNDS = 20


def spread(count: int, room: Sequence[int] | np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Divide ``count`` as evenly as the upper limits in ``room`` allow.

    Args:
        count: the number to divide, at most ``sum(room)``.
        room: upper limit of each part.
        rng: decides which parts get the remainder.

    Returns:
        int64, as long as ``room``, summing to ``count``. With room (1, 5, 5), 7 becomes
        (1, 3, 3).
    """
    space = np.asarray(room, np.int64)
    given = np.zeros_like(space)
    while (left := count - int(given.sum())) > 0:
        able = np.flatnonzero(given < space)
        share = left // len(able)
        if share == 0:
            given[rng.choice(able, left, replace=False)] += 1
        else:
            given[able] += np.minimum(share, space[able] - given[able])
    return given


def draw_genuine(sizes: Sequence[int], count: int, rng: np.random.Generator) -> np.ndarray:
    """Draw different pairs of two images of one person, spread evenly over people.

    Args:
        sizes: images of each person.
        count: pairs to draw, at most the sum of n (n - 1) / 2.
        rng: decides which.

    Returns:
        int64 (count, 2), the smaller number first in each row.
    """
    own = np.asarray(sizes, np.int64)
    starts, room = np.cumsum(own) - own, own * (own - 1) // 2
    rows = [np.empty((0, 2), np.int64)]
    for start, total, quota in zip(starts, room, spread(count, room, rng), strict=True):
        if quota:
            # Pair k of a person is (i, j) with i < j, counted 01, 02, 12, 03, 13, 23, ...
            k = rng.choice(total, quota, replace=False)
            j = ((1 + np.sqrt(1 + 8 * k)) / 2).astype(np.int64)
            rows.append(start + np.stack([k - j * (j - 1) // 2, j], axis=1))
    return np.concatenate(rows)


def draw_impostor(sizes: Sequence[int], count: int, rng: np.random.Generator) -> np.ndarray:
    """Draw different pairs of images of two people: two people uniformly, then an image of each.

    Args:
        sizes: images of each person, all above 0.
        count: pairs to draw, at most as many as there are.
        rng: decides which.

    Returns:
        int64 (count, 2), the smaller number first in each row.
    """
    own = np.asarray(sizes, np.int64)
    starts = np.cumsum(own) - own
    chosen: dict[tuple[int, int], None] = {}
    for _ in range(_ROUNDS):
        first = rng.integers(len(own), size=2 * count)
        second = (first + rng.integers(1, len(own), size=2 * count)) % len(own)
        rows = [starts[people] + rng.integers(own[people]) for people in (first, second)]
        for pair in zip(*np.sort(rows, axis=0).tolist(), strict=True):
            chosen[pair] = None
            if len(chosen) == count:
                return np.array(list(chosen))
    return np.array([*chosen, *_rest(own, chosen, count - len(chosen), rng)])


def _rest(
    sizes: np.ndarray,
    chosen: dict[tuple[int, int], None],
    count: int,
    rng: np.random.Generator,
) -> list[tuple[int, int]]:
    """Choose among all impostor pairs not yet drawn, when random draws rarely find a new one."""
    owner = np.repeat(np.arange(len(sizes)), sizes)
    first, second = np.nonzero(owner[:, np.newaxis] < owner)
    every = zip(first.tolist(), second.tolist(), strict=True)
    left = [pair for pair in every if pair not in chosen]
    return [left[pick] for pick in rng.choice(len(left), count, replace=False)]

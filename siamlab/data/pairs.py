"""Pairs of image files, drawn from a collection that was split by person before.

Nothing here opens an image.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from siamlab.data.collections import Collection
from siamlab.data.sampling import draw_genuine, draw_impostor
from siamlab.errors import InputError
from siamlab.images.decode import ImageFile

Seed = int | np.random.Generator


@dataclass(frozen=True, eq=False)
class PairSet:
    """Pairs of images, and whether both show the same person.

    Attributes:
        first: image files, one for each pair.
        second: image files, one for each pair.
        labels: int64 (N,); 1 is a genuine pair (same person), 0 an impostor pair.
        first_people: names of the people on the first images.
        second_people: names of the people on the second images.
    """

    first: tuple[ImageFile, ...]
    second: tuple[ImageFile, ...]
    labels: np.ndarray
    first_people: tuple[str, ...]
    second_people: tuple[str, ...]

    def __post_init__(self) -> None:
        columns = (self.first, self.second, self.first_people, self.second_people)
        if any(len(column) != len(self.labels) for column in columns):
            lengths = [len(column) for column in (*columns, self.labels)]
            raise InputError(f"A pair set needs columns of one length; received {lengths}.")

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        return (
            f"PairSet({self.genuine} genuine and {self.impostor} impostor pairs, "
            f"{len(self.people)} people, {len(self.images)} images)"
        )

    @property
    def genuine(self) -> int:
        """How many pairs show the same person."""
        return int(np.count_nonzero(self.labels == 1))

    @property
    def impostor(self) -> int:
        """How many pairs show two people."""
        return int(np.count_nonzero(self.labels == 0))

    @cached_property
    def images(self) -> tuple[ImageFile, ...]:
        """Each image file once, in the order in which it is first needed."""
        return tuple(dict.fromkeys((*self.first, *self.second)))

    @cached_property
    def people(self) -> tuple[str, ...]:
        """Each person's name once, sorted."""
        return tuple(sorted({*self.first_people, *self.second_people}))

    def subset(self, indices: Sequence[int] | np.ndarray) -> PairSet:
        """Take the pairs with these numbers (or where a boolean mask is true), in this order."""
        mask = np.asarray(indices)
        rows = np.flatnonzero(mask) if mask.dtype == bool else mask.astype(np.int64)
        return PairSet(
            tuple(self.first[row] for row in rows),
            tuple(self.second[row] for row in rows),
            self.labels[rows],
            tuple(self.first_people[row] for row in rows),
            tuple(self.second_people[row] for row in rows),
        )

    def shuffled(self, seed: Seed) -> PairSet:
        """The pairs in a random order."""
        return self.subset(np.random.default_rng(seed).permutation(len(self)))


def join_pairs(*pairsets: PairSet) -> PairSet:
    """Concatenate pair sets, to train on several kinds of pairs."""
    columns = ("first", "second", "first_people", "second_people")
    joined = {name: tuple(i for one in pairsets for i in getattr(one, name)) for name in columns}
    return PairSet(labels=np.concatenate([one.labels for one in pairsets]), **joined)


def possible_genuine(collection: Collection) -> int:
    """Count the different genuine pairs: n (n - 1) / 2 for each person with n images."""
    return sum(len(person) * (len(person) - 1) // 2 for person in collection.people)


def possible_impostor(collection: Collection) -> int:
    """Count the different impostor pairs: all pairs of images less the genuine ones."""
    images = len(collection.images)
    return images * (images - 1) // 2 - possible_genuine(collection)


def most_pairs(collection: Collection) -> int:
    """The most balanced pairs that :func:`draw_pairs` can draw, genuine and impostor together."""
    return 2 * min(possible_genuine(collection), possible_impostor(collection))


def draw_pairs(collection: Collection, count: int, seed: Seed) -> PairSet:
    """Draw balanced pairs from a collection, no pair twice.

    Genuine pairs are spread over the people with two images or more as evenly as their images
    allow. For an impostor pair two different people are drawn uniformly, then one image of each:
    a person with many images is drawn no more often than one with a single image, until the pairs
    of people with few images are used up.

    Args:
        collection: people to pair.
        count: pairs in all, even; half of them genuine.
        seed: the same seed gives the same pairs in the same order.

    Raises:
        InputError: ``count`` is odd, not positive, or more than possible.

    Example:
        >>> draw_pairs(split.validation, 1000, seed=0)          # doctest: +SKIP
        PairSet(500 genuine and 500 impostor pairs, 610 people, 1304 images)
    """
    half = half_of(count)
    check_possible("genuine", half, possible_genuine(collection))
    check_possible("impostor", half, possible_impostor(collection))
    rng = np.random.default_rng(seed)
    sizes = [len(one) for one in collection.people]
    rows = np.concatenate([draw_genuine(sizes, half, rng), draw_impostor(sizes, half, rng)])
    rows = rows[rng.permutation(count)]
    return pairs_from_rows(collection, rows)


def pairs_from_rows(collection: Collection, rows: np.ndarray) -> PairSet:
    """Pairs given as two indices of ``collection.images``, int64 ``(N, 2)``."""
    images, names = collection.images, collection.image_people
    first, second = rows.T.tolist()
    labels = np.array([names[i] == names[j] for i, j in rows], np.int64)
    return PairSet(
        tuple(images[i] for i in first),
        tuple(images[j] for j in second),
        labels,
        tuple(names[i] for i in first),
        tuple(names[j] for j in second),
    )


def half_of(count: int) -> int:
    """Half the number of pairs (InputError when it is odd or below 2)."""
    if count < 2 or count % 2:
        raise InputError(f"count must be even and at least 2 to be balanced; received {count}.")
    return count // 2


def check_possible(kind: str, wanted: int, possible: int) -> None:
    """Raise an InputError when fewer pairs of a kind are possible than wanted."""
    if wanted > possible:
        raise InputError(
            f"{wanted} {kind} pairs are wanted but only {possible} are possible without "
            f"repeating one. Ask for {2 * possible} pairs in all, or add images."
            if possible
            else f"{wanted} {kind} pairs are wanted but none is possible: genuine pairs need two "
            "images of a person, impostor pairs need two people. Add images."
        )


def shared_people(pairs: PairSet, others: PairSet) -> tuple[str, ...]:
    """The people of ``pairs`` who are also in other pairs, by their name or by one of their images.

    Two tables may name the same person differently, see
    :func:`siamlab.data.pairs_csv.read_pairs_csv`.
    """
    names, images = set(others.people), set(others.images)
    sides = ((pairs.first, pairs.first_people), (pairs.second, pairs.second_people))
    shared = {
        name
        for files, people in sides
        for image, name in zip(files, people, strict=True)
        if name in names or image in images
    }
    return tuple(sorted(shared))


def check_disjoint(*pairsets: PairSet) -> None:
    """Raise an InputError when a person or an image is in two of the sets."""
    for kind in ("people", "images"):
        home: dict[ImageFile | str, int] = {}
        for number, pairs in enumerate(pairsets):
            items: tuple[ImageFile, ...] | tuple[str, ...] = getattr(pairs, kind)
            shared = [item for item in items if home.setdefault(item, number) != number]
            if shared:
                raise InputError(
                    f"{len(shared)} {kind} of pair set {number + 1} are also in an earlier one, "
                    f"such as {shared[0]}. Split people before pairing."
                )

"""Who is compared with whom: people are split first, then paired.

Comes in: collections of images. Goes out: :class:`PairSet`, two image files and a label (1 the
same person, 0 another) for each comparison. Nothing here opens an image.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from siamlab.errors import InputError
from siamlab.lfw import image_number, image_path, read_pairs_file
from siamlab.people import DIGEST_LENGTH, Collection, person_digest
from siamlab.sampling import draw_genuine, draw_impostor, spread
from siamlab.storage import write_text

Seed = int | np.random.Generator


@dataclass(frozen=True, eq=False)
class PairSet:
    """Comparisons: the first image with the second, and whether they show the same person.

    Attributes:
        first: image files, one for each pair.
        second: image files, one for each pair.
        labels: int64 (N,); 1 is a genuine pair (same person), 0 an impostor pair.
        first_people: names of the people on the first images.
        second_people: names of the people on the second images.
    """

    first: tuple[Path, ...]
    second: tuple[Path, ...]
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
    def images(self) -> tuple[Path, ...]:
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
        """Put the pairs into a random order that the seed (or generator) fixes."""
        return self.subset(np.random.default_rng(seed).permutation(len(self)))


def join_pairs(*pairsets: PairSet) -> PairSet:
    """Put pair sets behind each other, for one training on several kinds of pairs."""
    columns = ("first", "second", "first_people", "second_people")
    joined = {name: tuple(i for one in pairsets for i in getattr(one, name)) for name in columns}
    return PairSet(labels=np.concatenate([one.labels for one in pairsets]), **joined)


@dataclass(frozen=True)
class Split:
    """Three collections that share no person; unpacks as ``train, validation, test``."""

    train: Collection
    validation: Collection
    test: Collection

    def __iter__(self) -> Iterator[Collection]:
        return iter((self.train, self.validation, self.test))


def split_people(
    collection: Collection,
    fractions: tuple[float, float, float] = (0.7, 0.15, 0.15),
    seed: Seed = 0,
    keep_in_test: Sequence[str] = (),
) -> Split:
    """Divide the people (never the images of one) into training, validation and test.

    Args:
        collection: everybody.
        fractions: shares of the people, summing to 1. A part with a share above 0 gets two
            people at least (an impostor pair needs two) as long as there are enough.
        seed: the same seed divides the same people in the same way.
        keep_in_test: names that must be in the test part.

    Raises:
        InputError: the fractions are no shares, a name is unknown, or there are too few people.
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

    A person's part does not depend on who else is there, so a model trained for one collection
    can be judged on another that shares people with it.

    Args:
        collection: everybody.
        fractions: shares of training, validation and test, summing to 1.

    Raises:
        InputError: the fractions are no shares, or a part would have fewer than two people.
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
    while sum(counts) != people:  # rounding, or the least: the largest part gives or takes
        counts[int(np.argmax(counts))] += 1 if sum(counts) < people else -1
    return counts


def report_pairs(
    anchors: Sequence[Path],
    positives: Sequence[Path],
    negatives: Collection,
    count: int,
    seed: Seed,
    person: str,
    repeat: bool = False,
) -> PairSet:
    """Pair the report's way: (anchor, positive, 1) and (anchor, negative, 0), balanced.

    No pair occurs twice. Genuine pairs use the anchors evenly. Impostor pairs use the other
    people evenly, however many images each has, until somebody's pairs are used up.

    Args:
        anchors: the person's anchor images.
        positives: further images of the person.
        negatives: other people; a folder named like ``person``, and any of the person's own
            files, are left out.
        count: pairs in all, even.
        seed: the same seed gives the same pairs in the same order.
        person: the name of the person on anchors and positives.
        repeat: when there are fewer genuine pairs than wanted, use them several times, each
            as often as the others or once more; augmentation makes that useful.

    Raises:
        InputError: ``count`` is odd, not positive, or more than possible (it says how many are).
    """
    half = _half(count)
    rng = np.random.default_rng(seed)
    anchors, own = tuple(dict.fromkeys(anchors)), {*anchors, *positives}
    others = [
        (other.name, tuple(image for image in other.images if image not in own))
        for other in negatives.people
        if other.name.casefold() != person.casefold()
    ]
    genuine = _report_genuine(anchors, positives, half, rng, repeat)
    room = [len(anchors) * len(images) for _, images in others]
    _check_room("impostor", half, sum(room))
    second: list[Path] = [positive for _, positive in genuine]
    first: list[Path] = [anchor for anchor, _ in genuine]
    people = [person] * half
    for (name, images), quota, total in zip(others, spread(half, room, rng), room, strict=True):
        for number in rng.choice(total, quota, replace=False) if quota else ():
            first.append(anchors[number // len(images)])
            second.append(images[number % len(images)])
            people.append(name)
    labels = np.repeat(np.array([1, 0]), half)
    pairs = PairSet(tuple(first), tuple(second), labels, (person,) * count, tuple(people))
    return pairs.shuffled(rng)


def _report_genuine(
    anchors: Sequence[Path],
    positives: Sequence[Path],
    count: int,
    rng: np.random.Generator,
    repeat: bool,
) -> list[tuple[Path, Path]]:
    seen: set[frozenset[Path]] = set()
    options: list[list[Path]] = []
    for anchor in anchors:
        # An image may be anchor and positive at once; its pair with itself teaches nothing.
        fresh = [
            positive
            for positive in dict.fromkeys(positives)
            if positive != anchor and frozenset((anchor, positive)) not in seen
        ]
        seen.update(frozenset((anchor, positive)) for positive in fresh)
        options.append(fresh)
    room = [len(fresh) for fresh in options]
    rounds, rest = divmod(count, sum(room)) if repeat and any(room) else (0, count)
    _check_room("genuine", rest, sum(room))
    every = [(a, positive) for a, fresh in zip(anchors, options, strict=True) for positive in fresh]
    chosen = every * rounds
    for anchor, fresh, quota in zip(anchors, options, spread(rest, room, rng), strict=True):
        picks = rng.choice(len(fresh), quota, replace=False) if quota else ()
        chosen.extend((anchor, fresh[pick]) for pick in picks)
    return chosen


def possible_genuine(collection: Collection) -> int:
    """Count the different genuine pairs: n (n - 1) / 2 for each person with n images."""
    return sum(len(person) * (len(person) - 1) // 2 for person in collection.people)


def possible_impostor(collection: Collection) -> int:
    """Count the different impostor pairs: all pairs of images less the genuine ones."""
    images = len(collection.images)
    return images * (images - 1) // 2 - possible_genuine(collection)


def person_pairs(collection: Collection, count: int, seed: Seed) -> PairSet:
    """Draw balanced pairs from a collection, no pair twice.

    Genuine pairs are spread over the people with two images or more as evenly as their images
    allow: nobody has two while another who could still give one has none. For an impostor
    pair two different people are drawn, all alike, then one image of each: a person with many
    images is drawn no more often than one with a single image. Only when the pairs of people
    with few images are used up, in a small collection, do the others come up more often.

    Args:
        collection: people to pair.
        count: pairs in all, even; half of them genuine.
        seed: the same seed gives the same pairs in the same order.

    Raises:
        InputError: ``count`` is odd, not positive, or more than possible (it says how many are).

    Example:
        >>> person_pairs(split.validation, 1000, seed=0)          # doctest: +SKIP
        PairSet(500 genuine and 500 impostor pairs, 610 people, 1304 images)
    """
    half = _half(count)
    _check_room("genuine", half, possible_genuine(collection))
    _check_room("impostor", half, possible_impostor(collection))
    rng = np.random.default_rng(seed)
    sizes = [len(one) for one in collection.people]
    rows = np.concatenate([draw_genuine(sizes, half, rng), draw_impostor(sizes, half, rng)])
    rows = rows[rng.permutation(count)]
    return pairs_from_rows(collection, rows)


def pairs_from_rows(collection: Collection, rows: np.ndarray) -> PairSet:
    """Make a set of pairs given as two numbers of images, int64 ``(N, 2)``."""
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


def _half(count: int) -> int:
    if count < 2 or count % 2:
        raise InputError(f"count must be even and at least 2 to be balanced; received {count}.")
    return count // 2


def _check_room(kind: str, wanted: int, possible: int) -> None:
    if wanted > possible:
        raise InputError(
            f"{wanted} {kind} pairs are wanted but only {possible} are possible without "
            f"repeating one. Ask for {2 * possible} pairs in all, or add images."
            if possible
            else f"{wanted} {kind} pairs are wanted but none is possible: genuine pairs need two "
            "images of a person, impostor pairs need two people. Add images."
        )


def pairs_from_file(path: Path | str, collection: Collection) -> PairSet:
    """Read a pairs file in LFW's format and look its images up.

    Args:
        path: the file, see :func:`siamlab.lfw.read_pairs_file`.
        collection: holds ``Name/Name_0001.jpg`` for image 1 of ``Name``.

    Returns:
        The pairs in the file's order.

    Raises:
        InputError: the file is damaged, or images are missing; one line names them.
    """
    lines = read_pairs_file(path)
    sides = [side for line in lines for side in line.sides]
    found: dict[tuple[str, int], Path] = {}
    missing = []
    for side in dict.fromkeys(sides):
        try:
            found[side] = image_path(collection, *side)
        except InputError:
            missing.append(f"{side[0]}_{side[1]:04d}")
    if missing:
        more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
        raise InputError(
            f"{len(missing)} images of {path} are missing in {collection.root}: "
            f"{', '.join(missing[:5])}{more}."
        )
    return PairSet(
        tuple(found[side] for side in sides[::2]),
        tuple(found[side] for side in sides[1::2]),
        np.array([int(line.genuine) for line in lines], np.int64),
        tuple(line.first for line in lines),
        tuple(line.second for line in lines),
    )


def write_pairs(path: Path | str, pairs: PairSet) -> Path:
    """Write pairs in LFW's format: ``name i j`` or ``name i name j``, tabs between.

    Args:
        path: where to.
        pairs: their files must be named as in LFW (``Name_0001.jpg``).

    Raises:
        InputError: a file has another name, which LFW's format cannot express.
        StorageError: the file cannot be written.
    """
    text = "".join(
        f"{one}\t{i}\t{j}\n" if label else f"{one}\t{i}\t{other}\t{j}\n"
        for one, other, i, j, label in zip(
            pairs.first_people,
            pairs.second_people,
            map(image_number, pairs.first, pairs.first_people),
            map(image_number, pairs.second, pairs.second_people),
            pairs.labels,
            strict=True,
        )
    )
    return write_text(path, text)


def check_disjoint(*pairsets: PairSet) -> None:
    """Make sure that no person and no image is in two sets (training, validation, test).

    Raises:
        InputError: one is; the message names it.
    """
    for kind in ("people", "images"):
        home: dict[Path | str, int] = {}
        for number, pairs in enumerate(pairsets):
            items: tuple[Path, ...] | tuple[str, ...] = getattr(pairs, kind)
            shared = [item for item in items if home.setdefault(item, number) != number]
            if shared:
                raise InputError(
                    f"{len(shared)} {kind} of pair set {number + 1} are also in an earlier one, "
                    f"such as {shared[0]}. Split people before pairing."
                )

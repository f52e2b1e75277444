"""Pairs of one person as in the report: anchors with positives, anchors with negatives."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from siamlab.data.collections import Collection
from siamlab.data.pairs import PairSet, Seed, check_possible, half_of
from siamlab.data.sampling import spread
from siamlab.images.decode import ImageFile


def report_pairs(
    anchors: Sequence[ImageFile],
    positives: Sequence[ImageFile],
    negatives: Collection,
    count: int,
    seed: Seed,
    person: str,
    repeat: bool = False,
) -> PairSet:
    """Draw balanced pairs (anchor, positive, 1) and (anchor, negative, 0).

    No pair occurs twice. Genuine pairs use the anchors evenly. Impostor pairs use the other
    people evenly, however many images each has, until a person's pairs are used up.

    Args:
        anchors: the person's anchor images.
        positives: further images of the person.
        negatives: other people; a folder named like ``person``, and any of the person's own
            files, are left out.
        count: pairs in all, even.
        seed: the same seed gives the same pairs in the same order.
        person: the name of the person on anchors and positives.
        repeat: when there are fewer genuine pairs than wanted, repeat them evenly, for training
            with augmentation.

    Raises:
        InputError: ``count`` is odd, not positive, or more than possible.
    """
    half = half_of(count)
    rng = np.random.default_rng(seed)
    anchors, own = tuple(dict.fromkeys(anchors)), {*anchors, *positives}
    others = [
        (other.name, tuple(image for image in other.images if image not in own))
        for other in negatives.people
        if other.name.casefold() != person.casefold()
    ]
    genuine = _report_genuine(anchors, positives, half, rng, repeat)
    room = [len(anchors) * len(images) for _, images in others]
    check_possible("impostor", half, sum(room))
    second: list[ImageFile] = [positive for _, positive in genuine]
    first: list[ImageFile] = [anchor for anchor, _ in genuine]
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
    anchors: Sequence[ImageFile],
    positives: Sequence[ImageFile],
    count: int,
    rng: np.random.Generator,
    repeat: bool,
) -> list[tuple[ImageFile, ImageFile]]:
    seen: set[frozenset[ImageFile]] = set()
    options: list[list[ImageFile]] = []
    for anchor in anchors:
        # An image may be anchor and positive at once; it is not paired with itself.
        fresh = [
            positive
            for positive in dict.fromkeys(positives)
            if positive != anchor and frozenset((anchor, positive)) not in seen
        ]
        seen.update(frozenset((anchor, positive)) for positive in fresh)
        options.append(fresh)
    room = [len(fresh) for fresh in options]
    rounds, rest = divmod(count, sum(room)) if repeat and any(room) else (0, count)
    check_possible("genuine", rest, sum(room))
    every = [(a, positive) for a, fresh in zip(anchors, options, strict=True) for positive in fresh]
    chosen = every * rounds
    for anchor, fresh, quota in zip(anchors, options, spread(rest, room, rng), strict=True):
        picks = rng.choice(len(fresh), quota, replace=False) if quota else ()
        chosen.extend((anchor, fresh[pick]) for pick in picks)
    return chosen

"""What all runs of a study share, and the people each of them trains on.

Input: a collection, numbers. Output: ``StudySetting``, and parts of the collection.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import numpy as np

from siamlab.config import Profile
from siamlab.data.collections import Collection
from siamlab.errors import InputError
from siamlab.study.objectives import OBJECTIVES, RECIPE


@dataclass(frozen=True)
class StudySetting:
    """Sizes and numbers that are equal for all runs.

    Attributes:
        size: side of the input in pixels.
        width: multiple of the compact network's channel counts.
        steps: batches that every run trains on.
        people: people in a batch, two images each.
        pairs: test pairs at the most; a threshold comes from as many validation pairs.
        seeds: every run is repeated with each of them.
        losses: names of the losses that are compared.
        loss: the loss of the studies of people and images.
        people_counts: numbers of training people, two images each.
        images_each: numbers of images of each training person.
    """

    size: int = 48
    width: float = 0.5
    steps: int = 400
    people: int = 64
    pairs: int = 2000
    seeds: tuple[int, ...] = (0, 1)
    losses: tuple[str, ...] = tuple(objective.name for objective in OBJECTIVES)
    loss: str = RECIPE
    people_counts: tuple[int, ...] = ()
    images_each: tuple[int, ...] = (2, 4, 8)

    @classmethod
    def from_profile(cls, profile: Profile) -> StudySetting:
        """Sizes of a profile: those of its charts, and one seed."""
        return cls(
            size=profile.compact_size,
            width=profile.compact_width,
            steps=profile.chart_steps,
            people=profile.compact_people,
            pairs=profile.test_pairs,
            seeds=(0,),
        )

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> StudySetting:
        """The inverse of :meth:`to_dict`."""
        lists = {name: tuple(value) for name, value in values.items() if isinstance(value, list)}
        known = {item.name for item in fields(cls)}
        return cls(**{name: value for name, value in {**values, **lists}.items() if name in known})

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    def fitted(self, train: Collection) -> StudySetting:
        """Fill in what depends on the people there are.

        ``people`` becomes as many as the smallest run has, if that is fewer, and empty
        ``people_counts`` become a doubling series up to everybody with two images.

        Raises:
            InputError: fewer than four people have enough images.
        """
        several = len(train.with_at_least(2))
        enough = len(train.with_at_least(max(self.images_each, default=2)))
        if min(several, enough) < 4:
            raise InputError(
                f"A study needs at least four training people with {max(self.images_each)} images. "
                f"Received: {enough} in {train.root}. Ask for fewer images of each person."
            )
        people = min(self.people, enough, *self.people_counts)
        counts = self.people_counts or doubling(people, several)
        return replace(self, people=people, people_counts=counts)


def doubling(least: int, most: int) -> tuple[int, ...]:
    """``least``, twice that and so on, and ``most``; the last step is no smaller than 1.4 times.

    Example:
        >>> doubling(64, 913)
        (64, 128, 256, 512, 913)
    """
    counts = [least]
    while counts[-1] * 2 * 1.4 <= most:
        counts.append(counts[-1] * 2)
    return (*counts, most) if most > counts[-1] else tuple(counts)


def same_images_each(collection: Collection, count: int, seed: int) -> Collection:
    """Everybody who has ``count`` images, with just so many.

    The images are drawn at random, and a larger count keeps those of a smaller one.

    Raises:
        InputError: nobody has so many.
    """
    chosen = collection.with_at_least(count).people
    if not chosen:
        raise InputError(f"Nobody in {collection.root} has {count} images.")
    people = []
    for number, person in enumerate(chosen):
        rng = np.random.default_rng((seed, number))
        kept = sorted(rng.permutation(len(person.images))[:count].tolist())
        people.append(replace(person, images=tuple(person.images[place] for place in kept)))
    return Collection(collection.root, tuple(people))


def people_sample(collection: Collection, count: int, seed: int) -> Collection:
    """So many people, drawn at random; a larger count keeps those of a smaller one.

    Raises:
        InputError: there are fewer.
    """
    if count > len(collection):
        raise InputError(
            f"{count} people are wanted, {len(collection)} in {collection.root} have enough images."
        )
    order = np.random.default_rng(seed).permutation(len(collection))
    return collection.select(collection.names[place] for place in order[:count])

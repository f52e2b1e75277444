"""The sizes and numbers that all runs of a study share."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

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
        pairs: number of test pairs at most, and of validation pairs, which give the threshold.
        seeds: every run is repeated with each of them.
        losses: names of the losses to compare.
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
        """The inverse of ``dataclasses.asdict``; names it does not know are left out."""
        lists = {name: tuple(value) for name, value in values.items() if isinstance(value, list)}
        known = {item.name for item in fields(cls)}
        return cls(**{name: value for name, value in {**values, **lists}.items() if name in known})

    def fitted(self, train: Collection) -> StudySetting:
        """Adapt the sizes to a collection.

        ``people`` is limited to those of the smallest run, and empty ``people_counts`` become a
        doubling series up to everybody with two images.

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
    """``least``, doubled again and again, and ``most``, which is at least 1.4 times the one before.

    Example:
        >>> doubling(64, 913)
        (64, 128, 256, 512, 913)
    """
    counts = [least]
    while counts[-1] * 2 * 1.4 <= most:
        counts.append(counts[-1] * 2)
    return (*counts, most) if most > counts[-1] else tuple(counts)

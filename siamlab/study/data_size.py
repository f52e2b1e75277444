"""Accuracy against the number of training people, and of images of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from siamlab.data.collections import Collection
from siamlab.data.pairs import PairSet
from siamlab.errors import InputError
from siamlab.study.loss_comparison import OnRun, StudyRun, train_each
from siamlab.study.setting import StudySetting


def study_people(
    train: Collection,
    validation: PairSet,
    test: PairSet,
    setting: StudySetting,
    on_run: OnRun = lambda run: None,
    known: Sequence[StudyRun] = (),
) -> tuple[StudyRun, ...]:
    """Accuracy against the number of training people: two images each, equal steps.

    Arguments and result as in :func:`siamlab.study.loss_comparison.study_losses`; ``known`` runs
    are not trained again (:func:`siamlab.study.loss_comparison.train_each`).

    Raises:
        InputError: ``setting.people_counts`` asks for more people than have two images.
    """
    runs = [
        (setting.loss, people_sample(same_images_each(train, 2, seed), count, seed), seed)
        for seed in setting.seeds
        for count in setting.people_counts
    ]
    return train_each(runs, validation, test, setting, on_run, known)


def study_images_each(
    train: Collection,
    validation: PairSet,
    test: PairSet,
    setting: StudySetting,
    on_run: OnRun = lambda run: None,
    known: Sequence[StudyRun] = (),
) -> tuple[StudyRun, ...]:
    """Accuracy against the images of each training person: the same people, equal steps.

    The people are those with the largest number of images, in every run.

    Arguments and result as in :func:`siamlab.study.loss_comparison.study_losses`; ``known`` runs
    are not trained again (:func:`siamlab.study.loss_comparison.train_each`).

    Raises:
        InputError: nobody has the largest number of images.
    """
    people = train.with_at_least(max(setting.images_each))
    runs = [
        (setting.loss, same_images_each(people, count, seed), seed)
        for seed in setting.seeds
        for count in setting.images_each
    ]
    return train_each(runs, validation, test, setting, on_run, known)


def same_images_each(collection: Collection, count: int, seed: int) -> Collection:
    """All people with ``count`` images or more, ``count`` images each.

    The images are drawn at random, and a larger count keeps those of a smaller one.

    Raises:
        InputError: nobody has ``count`` images.
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
    """``count`` people, drawn at random; a larger count keeps those of a smaller one.

    Raises:
        InputError: there are fewer.
    """
    if count > len(collection):
        raise InputError(
            f"{count} people are wanted, {len(collection)} in {collection.root} have enough images."
        )
    order = np.random.default_rng(seed).permutation(len(collection))
    return collection.select(collection.names[place] for place in order[:count])

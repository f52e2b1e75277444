"""Accuracy against the number of training people, and of images of each."""

from __future__ import annotations

from siamlab.data.collections import Collection
from siamlab.data.pairs import PairSet
from siamlab.study.loss_comparison import Note, StudyRun, _silent, train_and_measure
from siamlab.study.setting import StudySetting, people_sample, same_images_each


def study_people(
    train: Collection,
    validation: PairSet,
    test: PairSet,
    setting: StudySetting,
    note: Note = _silent,
) -> tuple[StudyRun, ...]:
    """Accuracy against the number of training people: two images each, equal steps.

    Args and returns as :func:`study_losses`.

    Raises:
        InputError: ``setting.people_counts`` asks for more people than have two images.
    """
    runs = []
    for seed in setting.seeds:
        pool = same_images_each(train, 2, seed)
        for count in setting.people_counts:
            part = people_sample(pool, count, seed)
            runs.append(train_and_measure(setting.loss, part, validation, test, setting, seed))
            note(runs[-1])
    return tuple(runs)


def study_images_each(
    train: Collection,
    validation: PairSet,
    test: PairSet,
    setting: StudySetting,
    note: Note = _silent,
) -> tuple[StudyRun, ...]:
    """Accuracy against the images of each training person: the same people, equal steps.

    Everybody with the largest number of images takes part in every run.

    Args and returns as :func:`study_losses`.

    Raises:
        InputError: nobody has so many images.
    """
    runs = []
    rich = train.with_at_least(max(setting.images_each))
    for seed in setting.seeds:
        for count in setting.images_each:
            part = same_images_each(rich, count, seed)
            runs.append(train_and_measure(setting.loss, part, validation, test, setting, seed))
            note(runs[-1])
    return tuple(runs)

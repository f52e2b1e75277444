"""Losses side by side, at equal cost.

All runs of a study share the network, its initial weights, the number of steps and the batch
size, and differ only in what is studied. Each gives one :class:`StudyRun`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from siamlab.data.collections import Collection
from siamlab.data.pairs import PairSet
from siamlab.evaluation import equal_error
from siamlab.study.setting import StudySetting
from siamlab.study.training_run import cosine_scores, rates_with_intervals, train_embedding
from siamlab.system.progress import countdown


@dataclass(frozen=True)
class StudyRun:
    """One training run, measured on pairs of people it was not trained on.

    Attributes:
        loss: name of the loss.
        seed: of weights, batches and the choice of people or images.
        people: training people.
        images: different training images.
        steps: batches trained on.
        seconds: wall-clock time of the training alone.
        threshold: the equal-error point of the validation pairs, on cosines scaled to [0, 1].
        accuracy: share of correct decisions on the test pairs at that threshold.
        accuracy_low: lower end of its 95 % interval, people resampled.
        accuracy_high: upper end of it.
        auc: area under the ROC curve on the test pairs.
        auc_low: lower end of its 95 % interval, people resampled.
        auc_high: upper end of it.
        eer: equal error rate on the test pairs.
    """

    loss: str
    seed: int
    people: int
    images: int
    steps: int
    seconds: float
    threshold: float
    accuracy: float
    accuracy_low: float
    accuracy_high: float
    auc: float
    auc_low: float
    auc_high: float
    eer: float

    @property
    def images_each(self) -> float:
        """Mean number of images of a training person."""
        return self.images / self.people


OnRun = Callable[[StudyRun], None]


def train_and_measure(
    loss: str,
    train: Collection,
    validation: PairSet,
    test: PairSet,
    setting: StudySetting,
    seed: int = 0,
) -> StudyRun:
    """Train the compact network once with a loss and measure it on other people.

    Args:
        loss: a name of ``OBJECTIVES``.
        train: training people; those with one image are left out.
        validation: pairs of other people, which give the threshold.
        test: pairs of further people.
        setting: sizes and steps.
        seed: of weights and batches.

    Raises:
        InputError: an unknown loss, too few people, or test pairs that cannot be judged.
    """
    several = train.with_at_least(2)
    embedding, preprocessing, seconds = train_embedding(
        several, setting.size, setting.width, setting.steps, setting.people, seed, loss
    )
    known, scores = (cosine_scores(embedding, preprocessing, one) for one in (validation, test))
    threshold = equal_error(validation.labels, known)[1]
    return StudyRun(
        loss=loss,
        seed=seed,
        people=len(several),
        images=len(several.images),
        steps=setting.steps,
        seconds=round(seconds, 2),
        threshold=threshold,
        eer=equal_error(test.labels, scores)[0],
        **rates_with_intervals(test, scores, threshold, ("accuracy", "auc")),
    )


def study_losses(
    train: Collection,
    validation: PairSet,
    test: PairSet,
    setting: StudySetting,
    on_run: OnRun = lambda run: None,
) -> tuple[StudyRun, ...]:
    """The losses side by side: same people, same batches, same initial weights, same steps.

    Args:
        train: training people.
        validation: pairs of other people.
        test: pairs of further people.
        setting: sizes, steps, seeds and the losses' names.
        on_run: called with each finished run.
    """
    runs = [(loss, train, seed) for seed in setting.seeds for loss in setting.losses]
    return train_each(runs, validation, test, setting, on_run)


def train_each(
    runs: Iterable[tuple[str, Collection, int]],
    validation: PairSet,
    test: PairSet,
    setting: StudySetting,
    on_run: OnRun,
    known: Sequence[StudyRun] = (),
) -> tuple[StudyRun, ...]:
    """One :func:`train_and_measure` for each loss, training people and seed of ``runs``.

    Args:
        runs: losses, training people and seeds.
        validation: pairs of other people.
        test: pairs of further people.
        setting: sizes and steps.
        on_run: called with each finished run.
        known: finished runs with the same collection, pairs and setting; one with the same loss
            and seed, and as many people and images, is taken and not trained again.
    """
    runs, finished = list(runs), []
    there = {(run.loss, run.seed, run.people, run.images): run for run in known}
    keys = [(loss, seed, *_counts(train)) for loss, train, seed in runs]
    missing = len([key for key in keys if key not in there])
    report, trained = countdown("training small networks", missing), 0
    for key, (loss, train, seed) in zip(keys, runs, strict=True):
        if key not in there:
            there[key] = train_and_measure(loss, train, validation, test, setting, seed)
            trained += 1
            report(trained, missing)
        finished.append(there[key])
        on_run(finished[-1])
    return tuple(finished)


def _counts(train: Collection) -> tuple[int, int]:
    """The people and the images that a run trains on."""
    several = train.with_at_least(2)
    return len(several), len(several.images)

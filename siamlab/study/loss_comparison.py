"""Accuracy against the loss, the number of training people, and the images of each.

Input: training people, pairs of validation and of test people. Output: one ``StudyRun``
for each training. All runs of a study share the network, its first weights, the number of
steps and the size of a batch, so they cost the same; only what the study is about differs.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from siamlab.data.collections import Collection
from siamlab.data.pairs import PairSet
from siamlab.errors import InputError
from siamlab.evaluation import equal_error, evaluate_scores
from siamlab.faces.crop import Preprocessing
from siamlab.models.embedding import build_embedding
from siamlab.study.measure import cosine_scores
from siamlab.study.objectives import find_objective, with_head
from siamlab.study.setting import StudySetting
from siamlab.system.backend import set_seed
from siamlab.training.fit import train_people
from siamlab.training.recipes import FACE_FRACTION
from siamlab.training.settings import TrainingSettings


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
        threshold: the equal-error point of the validation pairs, on cosines moved into [0, 1].
        accuracy: share of test pairs decided rightly at that threshold.
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


Note = Callable[[StudyRun], None]


def _silent(run: StudyRun) -> None:
    """Say nothing."""


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
        validation: pairs of other people: the threshold comes from them.
        test: pairs of further people.
        setting: sizes and steps.
        seed: of weights and batches.

    Raises:
        InputError: an unknown loss, too few people, or test pairs that cannot be judged.
    """
    objective = find_objective(loss)
    several = train.with_at_least(2)
    preprocessing = Preprocessing(size=setting.size, fraction=FACE_FRACTION)
    # The network's weights are drawn before the head's: they are the same for every loss.
    set_seed(seed)
    embedding = build_embedding("compact", (setting.size, setting.size, 3), setting.width)
    began = time.perf_counter()
    train_people(
        with_head(embedding, objective, len(several)),
        several,
        preprocessing,
        TrainingSettings(
            steps=setting.steps,
            people=setting.people,
            loss=objective.loss() if objective.loss is not None else None,
            steps_per_epoch=setting.steps,
            seed=seed,
            verbose=0,
        ),
    )
    seconds = time.perf_counter() - began
    threshold = equal_error(validation.labels, cosine_scores(embedding, preprocessing, validation))[
        1
    ]
    measured = _measure(test, cosine_scores(embedding, preprocessing, test), threshold)
    return StudyRun(
        loss=loss,
        seed=seed,
        people=len(several),
        images=len(several.images),
        steps=setting.steps,
        seconds=round(seconds, 2),
        threshold=float(threshold),
        **measured,
    )


def _measure(test: PairSet, scores: np.ndarray, threshold: float) -> dict[str, float]:
    """Accuracy and AUC with their intervals, and the equal error rate."""
    result = evaluate_scores(test.labels, scores, threshold, test.first_people, test.second_people)
    auc, accuracy = result.intervals["auc"], result.intervals["accuracy"]
    if result.auc is None or result.eer is None or auc is None or accuracy is None:
        raise InputError("A study needs genuine and impostor pairs of several people.")
    return {
        "accuracy": result.accuracy,
        "accuracy_low": accuracy.low,
        "accuracy_high": accuracy.high,
        "auc": result.auc,
        "auc_low": auc.low,
        "auc_high": auc.high,
        "eer": result.eer,
    }


def study_losses(
    train: Collection,
    validation: PairSet,
    test: PairSet,
    setting: StudySetting,
    note: Note = _silent,
) -> tuple[StudyRun, ...]:
    """The losses side by side: same people, same batches, same first weights, same steps.

    Args:
        train: training people.
        validation: pairs of other people.
        test: pairs of further people.
        setting: sizes, steps, seeds and the losses' names.
        note: called with each finished run.
    """
    runs = []
    for seed in setting.seeds:
        for loss in setting.losses:
            runs.append(train_and_measure(loss, train, validation, test, setting, seed))
            note(runs[-1])
    return tuple(runs)

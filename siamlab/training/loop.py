"""The loop that all trainings on batches share: schedule, resume, fit, checkpoints."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from siamlab.data.batches import EpochBatches
from siamlab.errors import InputError
from siamlab.system.backend import keras, ops, set_seed
from siamlab.training.callbacks import ClockCosine
from siamlab.training.checkpoint_files import latest_checkpoint
from siamlab.training.checkpoint_key import CheckpointKey
from siamlab.training.checkpoints import Checkpoints, TrainingHistory
from siamlab.training.distributed import check_same_start, share_of
from siamlab.training.schedules import WarmupCosine
from siamlab.training.settings import TrainingSettings


def cosine_schedule(
    settings: TrainingSettings, rate: float, warmup: int
) -> tuple[Any, ClockCosine | None]:
    """The learning rate with warm-up and cosine decay, and the callback that minds the clock.

    Args:
        settings: either ``steps`` or ``minutes``; its ``learning_rate`` goes before ``rate``.
        rate: after the warm-up.
        warmup: steps, at most a tenth of all where they are counted.

    Raises:
        InputError: neither or both of ``steps`` and ``minutes`` are given.
    """
    if (settings.steps is None) == (settings.minutes is None):
        raise InputError("Give either steps or minutes.")
    rate = rate if settings.learning_rate is None else settings.learning_rate
    if settings.minutes is not None:
        return rate, ClockCosine(rate, settings.minutes, warmup)
    steps = settings.steps or 0
    return WarmupCosine(rate, steps, min(warmup, max(1, steps // 10))), None


def make_variables(model: keras.Model, labels: Any) -> None:
    """Make what the first step would make: the optimizer's variables and the losses' counters.

    TensorFlow traces a step twice that makes variables, and a trace takes seconds. On other
    backends Keras makes them itself.

    Args:
        model: compiled.
        labels: of some images, for each loss.
    """
    if keras.backend.backend() != "tensorflow":
        return
    model.optimizer.build(model.trainable_variables)
    labels = keras.tree.map_structure(lambda of: of[:2], labels)  # two say as much as all
    count = len(keras.tree.flatten(labels)[0])
    images = keras.tree.map_structure(lambda of: ops.zeros((count, *of.shape[1:])), model.input)
    model.compute_loss(y=labels, y_pred=model(images))


def fit_batches(
    model: keras.Model,
    make_batches: Callable[[int], EpochBatches],
    settings: TrainingSettings,
    clock: ClockCosine | None,
    key: CheckpointKey | None,
) -> TrainingHistory:
    """Fit a compiled model, from its last checkpoint on if there is one.

    Args:
        model: compiled; trained in place.
        make_batches: from the steps of an epoch; called only if anything is left to do.
        settings: steps or minutes, folder of checkpoints, seed, callbacks.
        clock: of :func:`cosine_schedule`; the time before a resume counts.
        key: of :func:`~siamlab.training.checkpoint_key.make_key`.

    Returns:
        The history, epochs before a resume included.

    Raises:
        InputError: processes that train together begin at different points.
    """
    folder = settings.folder
    checkpoints = Checkpoints(
        folder,
        key,
        settings.every,
        clock=clock,
        verbose=settings.verbose,
        writes=share_of(settings.distribution)[0] == 0,
    )
    if settings.distribution is not None:
        latest = None if folder is None else latest_checkpoint(folder)
        check_same_start(key, latest and latest.name)
    history = checkpoints.restore(model)
    steps, per_epoch = settings.steps, settings.steps_per_epoch
    epochs = 100_000 if steps is None else math.ceil(steps / per_epoch)
    if checkpoints.left(epochs):
        batches = make_batches(min(per_epoch, steps or per_epoch))
        batches.epoch = history.epochs
        make_variables(model, batches[0][1])
        set_seed(settings.seed + history.epochs)
        model.fit(
            batches,
            shuffle=False,  # a batch's number and epoch decide what is in it
            epochs=epochs,
            initial_epoch=history.epochs,
            callbacks=[*checkpoints.callbacks, *settings.callbacks],
            verbose=settings.verbose,
        )
    return history

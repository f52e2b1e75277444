"""Training: Keras ``fit`` with checkpoints that a killed process can resume from.

Input: a model, pairs or people. Output: the trained model (in place) and a ``TrainingHistory``.
Two recipes: :func:`train_pairs` is the report's (binary cross-entropy on pairs, Adam 1e-4,
batch 16); :func:`train_people` compares all images of a batch with each other, and
:func:`siamlab.training.head.fit_head` then turns its distances into probabilities. :func:`fine_tune` goes
on with a trained model on somebody's own pairs.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from siamlab.data.augmentation import Augmentation
from siamlab.data.batches import PeopleBatches
from siamlab.data.collections import Collection
from siamlab.data.pairs import PairSet
from siamlab.data.pipeline import pair_dataset
from siamlab.errors import InputError
from siamlab.faces.crop import Preprocessing
from siamlab.models.losses import LargeMarginCosine, SupervisedContrastive
from siamlab.models.metadata import digests
from siamlab.models.siamese import Siamese
from siamlab.models.training_heads import PersonCosines
from siamlab.system.backend import keras, set_seed, uses_xla
from siamlab.training.callbacks import ClockCosine, SetEpoch, _time_limit
from siamlab.training.checkpoints import Checkpoints, TrainingHistory, restore
from siamlab.training.mixed_precision import in_bfloat16


def _compile_for_pairs(model: Siamese, learning_rate: float) -> None:
    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate),
        loss=keras.losses.BinaryCrossentropy(),
        metrics=[keras.metrics.Precision(name="precision"), keras.metrics.Recall(name="recall")],
        jit_compile=uses_xla(),
    )


def train_pairs(
    model: Siamese,
    pairs: PairSet,
    validation: PairSet,
    epochs: int = 10,
    folder: Path | None = None,
    batch: int = 16,
    learning_rate: float = 1e-4,
    minutes: float | None = None,
    every: int = 1,
    seed: int = 0,
    augmentation: Augmentation | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    verbose: int = 1,
) -> TrainingHistory:
    """Train the whole Siamese model on labeled pairs, the report's way.

    Binary cross-entropy, Adam, precision and recall shown live. When ``folder`` holds a
    checkpoint, training goes on from it and ends as if it had never stopped.

    Args:
        model: trained in place; its metadata says how images are cut.
        pairs: training pairs.
        validation: pairs of other people, for ``val_loss`` and the best weights.
        epochs: passes over the pairs, those before a resume included.
        folder: where checkpoints go; ``best.weights.h5`` lies there too.
        batch: pairs in a batch.
        learning_rate: Adam's.
        minutes: stop after this time even in the middle of an epoch.
        every: epochs between checkpoints.
        seed: order and augmentation.
        augmentation: amounts, or ``None``.
        callbacks: further Keras callbacks, TensorBoard's for one.
        verbose: Keras' progress bar.

    Returns:
        The history, that before a resume included.

    Raises:
        ModelError: the checkpoint in ``folder`` is of another architecture.
        StorageError: a checkpoint cannot be written.
    """
    _compile_for_pairs(model, learning_rate)
    history = restore(model, folder) if folder else TrainingHistory()
    limit = _time_limit(minutes)
    if history.epochs >= epochs:
        return history
    preprocessing = model.metadata.preprocessing
    data = pair_dataset(
        pairs,
        preprocessing,
        batch,
        epochs,
        history.epochs,
        seed,
        shuffle=True,
        augmentation=augmentation,
    )
    set_seed(seed + history.epochs)
    model.fit(
        data,
        validation_data=pair_dataset(validation, preprocessing, batch),
        epochs=epochs,
        initial_epoch=history.epochs,
        steps_per_epoch=math.ceil(len(pairs) / batch),
        shuffle=False,  # pair_dataset shuffles, by seed and epoch
        callbacks=[Checkpoints(folder, history, every), *limit, *callbacks],
        verbose=verbose,
    )
    return history


def fine_tune(
    model: Siamese,
    pairs: PairSet,
    validation: PairSet,
    epochs: int = 3,
    batch: int = 16,
    learning_rate: float = 1e-4,
    seed: int = 0,
    augmentation: Augmentation | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    verbose: int = 1,
) -> TrainingHistory:
    """Go on training a trained model on somebody's own pairs, head included, at a small rate.

    Binary cross-entropy on pairs, as :func:`train_pairs`. Batch normalization stays as it is,
    statistics and weights: a few pairs of one person are no sample of faces. The metadata gets
    the people of the pairs beside those it had, and loses its calibration, which was that of
    other weights: calibrate again, on people who are not in it. Templates enrolled before are
    of other weights too.

    Args:
        model: trained in place.
        pairs: training pairs.
        validation: pairs of other people, for ``val_loss``.
        epochs: passes over the pairs.
        batch: pairs in a batch.
        learning_rate: Adam's.
        seed: order, dropout and augmentation.
        augmentation: amounts, or ``None``.
        callbacks: further Keras callbacks.
        verbose: Keras' progress bar.

    Returns:
        The history.

    Source:
        Yosinski et al. 2014, "How transferable are features in deep neural networks?".
    """
    with frozen_normalization(model):
        history = train_pairs(
            model,
            pairs,
            validation,
            epochs=epochs,
            batch=batch,
            learning_rate=learning_rate,
            seed=seed,
            augmentation=augmentation,
            callbacks=callbacks,
            verbose=verbose,
        )
    # A saved optimizer knows all trainable weights, those that were frozen here included.
    _compile_for_pairs(model, learning_rate)
    model.optimizer.build(model.trainable_variables)
    metadata = model.metadata
    people = tuple(sorted({*metadata.people, *digests(pairs.people)}))
    notes = f"{metadata.notes}; then {len(pairs)} pairs of {len(pairs.people)} people".lstrip("; ")
    model.with_metadata(people=people, notes=notes, calibration=None)
    return history


@contextmanager
def frozen_normalization(model: keras.Model) -> Iterator[None]:
    """Keep batch normalization in inference mode in whatever is compiled within the block."""
    frozen = [layer for layer in _normalizations(model) if layer.trainable]
    for layer in frozen:
        layer.trainable = False
    try:
        yield
    finally:
        for layer in frozen:
            layer.trainable = True


def _normalizations(model: keras.Model) -> list[keras.layers.Layer]:
    """The batch normalizations of a model, those of models within it included."""
    found: list[keras.layers.Layer] = []
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            found += _normalizations(layer)
        elif isinstance(layer, keras.layers.BatchNormalization):
            found.append(layer)
    return found


def _with_losses(
    embedding: keras.Model, people: int, loss: keras.losses.Loss | None
) -> tuple[keras.Model, dict[str, keras.losses.Loss]]:
    """The embedding with the outputs that its losses look at; the weights are shared."""
    code = embedding.output
    if loss is not None:
        return keras.Model(embedding.input, {"embedding": code}), {"embedding": loss}
    cosines = PersonCosines(people, name="people", dtype="float32")
    outputs = {"embedding": code, "people": cosines(code)}
    losses = {"embedding": SupervisedContrastive(), "people": LargeMarginCosine()}
    return keras.Model(embedding.input, outputs), losses


def train_people(
    embedding: keras.Model,
    collection: Collection,
    preprocessing: Preprocessing,
    steps: int | None = None,
    minutes: float | None = None,
    people: int = 64,
    images: int = 2,
    singletons: int = 0,
    loss: keras.losses.Loss | None = None,
    learning_rate: float = 1e-3,
    steps_per_epoch: int = 100,
    folder: Path | None = None,
    seed: int = 0,
    augmentation: Augmentation | None = None,
    bfloat16: bool = False,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    verbose: int = 1,
) -> TrainingHistory:
    """Train an embedding on batches of P people, each image compared with all others.

    Two losses are added: supervised contrastive over all pairs of the batch, and a softmax with
    a margin over all training people. Adam with decoupled weight decay, warm-up and cosine
    decay of the learning rate.

    Args:
        embedding: unit embeddings come out; trained in place.
        collection: training people.
        preprocessing: crop and size.
        steps: batches in all; the result depends on the seed alone.
        minutes: the time instead, where ``steps`` is ``None``; faster machines get further.
        people: P, people in a batch.
        images: K, images of each.
        alone: people with a single image in a batch besides, impostors to everybody else.
        loss: a loss of labels and embeddings that stands in for the two.
        learning_rate: after the warm-up.
        steps_per_epoch: batches between two lines of the history.
        folder: checkpoints, for runs counted in steps.
        seed: batches and augmentation.
        augmentation: amounts; the defaults when ``None``.
        bfloat16: compute so, where :func:`siamlab.training.mixed_precision.bfloat16_pays`; weights stay float32.
        callbacks: further Keras callbacks.
        verbose: Keras' progress bar.

    Returns:
        The history.

    Raises:
        InputError: neither or both of ``steps`` and ``minutes`` are given, or too few people.
    """
    if (steps is None) == (minutes is None):
        raise InputError("Give either steps or minutes.")
    warmup = min(100, max(1, (steps or 1000) // 10))
    rate: Any = learning_rate
    clocks = _time_limit(minutes)
    if steps is not None:
        rate = keras.optimizers.schedules.CosineDecay(
            0.0, max(1, steps - warmup), warmup_target=learning_rate, warmup_steps=warmup
        )
    elif minutes is not None:
        clocks.append(ClockCosine(learning_rate, minutes, warmup))
    trained = collection if singletons else collection.with_at_least(2)
    set_seed(seed)  # the directions of the people are drawn here
    learner = in_bfloat16(embedding) if bfloat16 else embedding
    model, losses = _with_losses(learner, len(trained), loss)
    model.compile(
        optimizer=keras.optimizers.AdamW(rate, weight_decay=1e-2, clipnorm=5.0),
        loss=losses,
        jit_compile=uses_xla(),
    )
    history = restore(model, folder) if folder else TrainingHistory()
    epochs = math.ceil(steps / steps_per_epoch) if steps is not None else 100_000
    if history.epochs >= epochs:
        embedding.set_weights(learner.get_weights())
        return history
    batches = PeopleBatches(
        trained,
        preprocessing,
        people,
        images,
        singletons,
        steps=min(steps_per_epoch, steps or steps_per_epoch),
        seed=seed,
        augmentation=augmentation or Augmentation(),
        targets=tuple(losses),
    )
    set_seed(seed + history.epochs)
    model.fit(
        batches,
        shuffle=False,  # a batch's number and epoch decide what is in it
        epochs=epochs,
        initial_epoch=history.epochs,
        callbacks=[
            SetEpoch(batches),
            Checkpoints(folder, history, monitor="loss"),
            *clocks,
            *callbacks,
        ],
        verbose=verbose,
    )
    embedding.set_weights(learner.get_weights())
    return history

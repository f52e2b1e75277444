"""Whole recipes: from a collection of people to a calibrated model.

Comes in: people. Goes out: a Siamese model whose record says how faces are cut, whom it was
trained on, and where its threshold comes from. The notebooks and the command line share them.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from siamlab.backend import keras
from siamlab.checkpoints import History
from siamlab.errors import InputError
from siamlab.evaluation import Calibration, calibrate, score_pairs
from siamlab.faces import Preprocessing
from siamlab.models import (
    Siamese,
    build_embedding,
    build_siamese,
    mirrored,
)
from siamlab.pairs import PairSet, person_pairs, possible_genuine, split_people
from siamlab.people import Collection
from siamlab.pipeline import Augmentation
from siamlab.record import ModelRecord, digests
from siamlab.training import fit_head, train_pairs, train_people

# The share of a chip that a network sees: the face from brow to chin with little background,
# so that it cannot learn the room or the camera instead of the person.
FACE_FRACTION = 0.56
MOST_PAIRS = 3000
SIZES = {"koch": 105, "compact": 72}


def spread_pairs(collection: Collection, most: int, seed: int) -> PairSet:
    """Balanced pairs, as many as the collection's genuine pairs allow, at the most ``most``.

    Raises:
        InputError: the collection cannot give both kinds of pairs.
    """
    possible = 2 * possible_genuine(collection)
    if possible == 0 or len(collection) < 2:
        raise InputError(
            "Pairs need at least two people, one of them with two images or more. Received: "
            f"{len(collection)} people in {collection.root}. Collect more images."
        )
    return person_pairs(collection, min(most, possible), seed)


def calibrate_model(
    model: Siamese,
    collection: Collection,
    fmr: float | None = None,
    seed: int = 0,
    most: int = 2 * MOST_PAIRS,
) -> Calibration:
    """Choose a model's threshold on people that it was not trained on.

    Args:
        model: its record gets the calibration.
        collection: people unseen in training.
        fmr: the false match rate aimed at; ``None`` takes the equal-error point.
        seed: draws the pairs.
        most: pairs at the most.

    Returns:
        The calibration, which says when there were too few pairs to promise anything.

    Raises:
        InputError: the model was trained on some of the people, or there are too few.
    """
    known = [name for name in collection.names if model.record.trained_on(name)]
    if known:
        raise InputError(
            f"The model was trained on {len(known)} of these people ({known[0]}, …): a threshold "
            "chosen on them would promise too much. Give people it has not seen."
        )
    pairs = spread_pairs(collection, most, seed)
    calibration = calibrate(pairs.labels, score_pairs(model, pairs), pairs.people, fmr=fmr)
    model.with_record(calibration=calibration.to_dict())
    return calibration


def train_compact(
    train: Collection,
    validation: Collection,
    size: int = SIZES["compact"],
    width: float = 1.0,
    steps: int | None = None,
    minutes: float | None = None,
    people: int = 64,
    folder: Path | None = None,
    seed: int = 0,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    verbose: int = 1,
) -> tuple[Siamese, History]:
    """Train the compact network on people and calibrate it on others.

    Args:
        train: training people.
        validation: other people: the head and the threshold are fitted on them.
        size: side of the input in pixels.
        width: multiple of the channel counts.
        steps: batches in all, or
        minutes: the time instead.
        people: people in a batch, two images each; fewer when there are fewer.
        folder: checkpoints, for runs counted in steps.
        seed: weights, batches and augmentation.
        callbacks: further Keras callbacks.
        verbose: Keras' progress bar.

    Returns:
        The calibrated model, and the history of its training.

    Raises:
        InputError: too few people with two images.
    """
    keras.utils.set_random_seed(seed)
    preprocessing = Preprocessing(size=size, fraction=FACE_FRACTION)
    several = train.with_at_least(2)
    if len(several) < 2:
        raise InputError(
            "Training needs at least two people with two images each. Received: "
            f"{len(several)} such people in {train.root}. Collect more images."
        )
    base = build_embedding("compact", (size, size, 3), width)
    history = train_people(
        base,
        several,
        preprocessing,
        steps=steps,
        minutes=minutes,
        people=min(people, len(several)),
        folder=folder,
        seed=seed,
        callbacks=callbacks,
        verbose=verbose,
    )
    record = ModelRecord(
        arch="compact",
        preprocessing=preprocessing,
        people=digests(several.names),
        notes=f"supervised contrastive, {len(several)} people, seed {seed}",
    )
    model = build_siamese(mirrored(base), "squared", record)
    fit_head(model, spread_pairs(validation, 2 * MOST_PAIRS, seed))
    calibrate_model(model, validation, seed=seed + 1)
    return model, history


def new_koch(size: int, width: float, people: Sequence[str], seed: int) -> Siamese:
    """Koch's Siamese network with fresh weights and a record of whom it will be trained on."""
    keras.utils.set_random_seed(seed)
    record = ModelRecord(
        arch="koch",
        preprocessing=Preprocessing(size=size, fraction=FACE_FRACTION),
        people=digests(people),
        notes=f"binary cross-entropy on pairs, Adam 1e-4, seed {seed}",
    )
    return build_siamese(build_embedding("koch", (size, size, 3), width), "l1", record)


def train_koch(
    pairs: PairSet,
    validation: Collection,
    size: int = SIZES["koch"],
    width: float = 1.0,
    epochs: int = 10,
    minutes: float | None = None,
    folder: Path | None = None,
    seed: int = 0,
    validation_pairs: int = 200,
    batch: int = 16,
    learning_rate: float = 1e-4,
    augmentation: Augmentation | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    verbose: int = 1,
) -> tuple[Siamese, History]:
    """Train Koch's network the report's way and calibrate it.

    Args:
        pairs: training pairs.
        validation: other people, for the validation loss and the threshold.
        size: side of the input in pixels.
        width: multiple of the channel counts.
        epochs: passes over the pairs.
        minutes: a time limit besides.
        folder: checkpoints.
        seed: weights, order and augmentation.
        validation_pairs: pairs behind the validation loss.
        batch: pairs in a batch.
        learning_rate: Adam's.
        augmentation: amounts, or ``None`` as in the report.
        callbacks: further Keras callbacks.
        verbose: Keras' progress bar.

    Returns:
        The calibrated model, and the history of its training.
    """
    model = new_koch(size, width, pairs.people, seed)
    history = train_pairs(
        model,
        pairs,
        spread_pairs(validation, validation_pairs, seed),
        epochs=epochs,
        folder=folder,
        batch=batch,
        learning_rate=learning_rate,
        minutes=minutes,
        seed=seed,
        augmentation=augmentation,
        callbacks=callbacks,
        verbose=verbose,
    )
    calibrate_model(model, validation, seed=seed + 1, most=4 * validation_pairs)
    return model, history


def train_model(
    collection: Collection,
    arch: str = "compact",
    minutes: float | None = None,
    epochs: int | None = None,
    seed: int = 0,
    size: int | None = None,
    width: float = 1.0,
) -> tuple[Siamese, str]:
    """Split a collection by person, train, calibrate: ``siamlab train``.

    Args:
        collection: one folder per person; a tenth of the people is kept for calibration.
        arch: ``koch`` or ``compact``.
        minutes: time for everything, loading included; 30 when neither is given.
        epochs: passes over the images instead.
        seed: the split, the weights and the batches.
        size: side of the input in pixels; the architecture's own when ``None``.
        width: multiple of the channel counts.

    Returns:
        The model and a line that sums the training up.

    Raises:
        InputError: too few people or images.
    """
    began = time.perf_counter()
    split = split_people(collection, (0.9, 0.1, 0.0), seed)
    if minutes is None and epochs is None:
        minutes = 30.0
    chosen: dict[str, Any] = {"size": size or SIZES[arch], "width": width, "seed": seed}
    # Loading, calibrating and saving take their part of the minutes: about a twentieth.
    limit = None if minutes is None else 0.95 * minutes
    if arch == "koch":
        pairs = spread_pairs(split.train, 4 * MOST_PAIRS, seed)
        rounds = epochs if epochs is not None else 1000
        model, history = train_koch(
            pairs,
            split.validation,
            epochs=rounds,
            minutes=limit,
            augmentation=Augmentation(),
            **chosen,
        )
    else:
        images = len(split.train.with_at_least(2).images)
        steps = None if epochs is None else max(1, round(epochs * images / 128))
        model, history = train_compact(
            split.train, split.validation, steps=steps, minutes=limit, **chosen
        )
    loss = history.metrics.get("loss", [float("nan")])
    summary = (
        f"{arch}: {len(split.train)} people, {len(split.train.images)} images, "
        f"{(time.perf_counter() - began) / 60:.1f} minutes, last loss {loss[-1]:.3f}, threshold "
        f"{np.round(model.record.threshold or 0.5, 3)} from {len(split.validation)} other people"
    )
    return model, summary

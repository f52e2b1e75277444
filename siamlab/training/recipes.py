"""Whole recipes: from a collection of people to a calibrated model.

Output: a Siamese model whose metadata says how faces are cropped, whom it was trained on, and
where its threshold comes from. The notebooks and the command line share them.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from siamlab.data.augmentation import Augmentation
from siamlab.data.collections import Collection, as_collection
from siamlab.data.inspection import copies_note
from siamlab.data.pairs import PairSet
from siamlab.data.splits import split_people
from siamlab.errors import InputError
from siamlab.evaluation.evaluate import calibrate
from siamlab.evaluation.own_people import MOST_PAIRS, spread_pairs
from siamlab.faces.align import FACE_SHARE
from siamlab.faces.crop import Preprocessing
from siamlab.models import resnet
from siamlab.models.embedder import FaceEmbedder
from siamlab.models.embedding import build_embedding, mirrored
from siamlab.models.koch import centered_unit, fold_normalization
from siamlab.models.metadata import ModelMetadata, people_marks
from siamlab.models.pretrained import resnet_embedding
from siamlab.models.saving import load_model
from siamlab.models.siamese import Siamese, build_siamese
from siamlab.system.backend import keras, set_seed
from siamlab.training.checkpoints import TrainingHistory
from siamlab.training.distillation import BATCH, distill, prepare_lessons
from siamlab.training.distributed import devices_of
from siamlab.training.fit import DEFAULTS, train_pairs, train_people
from siamlab.training.head import fit_head
from siamlab.training.mixed_precision import bfloat16_pays
from siamlab.training.settings import TrainingSettings

# The share of a chip that a network sees: brow to chin, with little background, so that it cannot
# learn the room or the camera instead of the person.
FRACTIONS = {"koch": 0.75, "compact": FACE_SHARE, "resnet": FACE_SHARE}
SIZES = {"koch": 105, "compact": 64, "resnet": resnet.SIZE}
PEOPLE = {"koch": 48, "compact": 64}  # people in a batch, two images each
RECIPES = ("people", "report")


def train_compact(
    train: Collection,
    validation: Collection,
    settings: TrainingSettings,
    size: int = SIZES["compact"],
    width: float = 1.0,
    teacher: FaceEmbedder | None = None,
) -> tuple[Siamese, TrainingHistory]:
    """Train the compact network and calibrate it on other people.

    Args:
        train: training people. Without a teacher those with a single image are left out; a
            teacher shows the faces of all.
        validation: other people: the head and the threshold are fitted on them.
        settings: either ``steps`` or ``minutes``; fewer ``people`` in a batch when there are
            fewer.
        size: side of the input in pixels.
        width: multiple of the channel counts.
        teacher: a model whose embeddings the network learns instead of the people
            (:mod:`siamlab.training.distillation`).

    Returns:
        The calibrated model, and the history of its training.

    Raises:
        InputError: too few people with two images, or too few faces.
    """
    set_seed(settings.seed)
    network = build_embedding("compact", (size, size, 3), width)
    if teacher is None:
        history, metadata = _train_on_people("compact", network, train, settings)
    else:
        history, metadata = _learn_from(teacher, network, train, settings)
    return _finish(mirrored(network), "squared", metadata, validation, settings.seed), history


def _learn_from(
    teacher: FaceEmbedder, network: keras.Model, train: Collection, settings: TrainingSettings
) -> tuple[TrainingHistory, ModelMetadata]:
    """Distill a teacher into the network; the history, and the metadata of the model file."""
    preprocessing = Preprocessing(
        size=int(network.input_shape[1]),
        fraction=FRACTIONS["compact"],
        alignment=teacher.metadata.preprocessing.alignment,
    )
    began = time.perf_counter()
    lessons = prepare_lessons(train.images, teacher, preprocessing, seed=settings.seed)
    if settings.minutes is not None:  # the teacher's time counts, too
        left = settings.minutes - (time.perf_counter() - began) / 60
        settings = replace(settings, minutes=max(left, 0.2 * settings.minutes))
    history = distill(network, lessons, preprocessing, settings)
    mixed = len(lessons.targets) - lessons.real
    notes = (
        f"taught by {teacher.metadata.arch} with {lessons.real} faces and {mixed} mixed ones, "
        f"seed {settings.seed}"
    )
    people = tuple(sorted({*people_marks(train.names), *teacher.metadata.people}))
    return history, ModelMetadata("compact", preprocessing, people=people, notes=notes)


def train_resnet(validation: Collection, seed: int = 0) -> Siamese:
    """Put a head and thresholds on borrowed convolutions: nothing else is trained.

    Args:
        validation: people whom the borrowed network was not trained on.
        seed: of the pairs drawn.

    Returns:
        The calibrated model.

    Raises:
        ModelError: dlib's file is not here.
        InputError: too few people.
    """
    metadata = ModelMetadata(
        arch="resnet",
        preprocessing=Preprocessing(size=SIZES["resnet"], fraction=FRACTIONS["resnet"]),
        notes=f"borrowed convolutions; head of {len(validation)} people, seed {seed}",
    )
    return _finish(resnet_embedding(), "squared", metadata, validation, seed)


def train_koch_on_people(
    train: Collection,
    validation: Collection,
    settings: TrainingSettings,
    size: int = SIZES["koch"],
    width: float = 1.0,
) -> tuple[Siamese, TrainingHistory]:
    """Train Koch's network so that it recognizes strangers, and keep its shape.

    Its layers are normalized while they train (Ioffe and Szegedy 2015), and its sigmoid code,
    centered and scaled to length one, learns from all pairs of a batch as the compact network
    does. Then the normalization is folded into the weights, which leaves the paper's own layers,
    and the head weighs the L1 distance. ``benchmarks/koch.py`` measures what each change gives.

    Args, returns and raises as :func:`train_compact`.
    """
    set_seed(settings.seed)
    base = build_embedding("koch", (size, size, 3), width, normalized=True)
    unit = keras.Model(base.input, centered_unit(base.output))
    history, metadata = _train_on_people("koch", unit, train, settings)
    return _finish(fold_normalization(base), "l1", metadata, validation, settings.seed), history


def _train_on_people(
    arch: str,
    embedding: keras.Model,
    train: Collection,
    settings: TrainingSettings,
) -> tuple[TrainingHistory, ModelMetadata]:
    """Train on all pairs of batches; the history, and the metadata of the model file."""
    preprocessing = Preprocessing(size=int(embedding.input_shape[1]), fraction=FRACTIONS[arch])
    several = train.with_at_least(2)
    if len(several) < 2:
        raise InputError(
            "Training needs at least two people with two images each. Received: "
            f"{len(several)} such people in {train.root}. Collect more images."
        )
    batch = _people_in_batch(arch, several, settings)
    history = train_people(embedding, several, preprocessing, replace(settings, people=batch))
    metadata = ModelMetadata(
        arch=arch,
        preprocessing=preprocessing,
        people=people_marks(several.names),
        notes=f"all pairs of batches of {batch} people, {len(several)} people, "
        f"seed {settings.seed}",
    )
    return history, metadata


def _people_in_batch(arch: str, several: Collection, settings: TrainingSettings) -> int:
    """As many as there are, at most the recipe's; a multiple of the devices that share a batch."""
    devices = devices_of(settings.distribution)
    people = min(settings.people or PEOPLE[arch], len(several))
    if people < devices:
        raise InputError(
            f"A batch needs a person for each device. Received: {people} people with two images "
            f"or more in it, {devices} devices. Start fewer processes."
        )
    return people - people % devices


def _finish(
    embedding: keras.Model,
    distance: str,
    metadata: ModelMetadata,
    validation: Collection,
    seed: int,
) -> Siamese:
    """The Siamese model around a trained embedding: head and threshold from other people."""
    metadata = replace(metadata, domain=validation.domain)
    model = build_siamese(embedding, distance, metadata)
    fit_head(model, spread_pairs(validation, 2 * MOST_PAIRS, seed))
    calibrate(model, validation, None, seed + 1)
    return model


def new_koch(size: int, width: float, people: Sequence[str], seed: int) -> Siamese:
    """Koch's Siamese network with fresh weights; ``people`` go into its metadata."""
    set_seed(seed)
    metadata = ModelMetadata(
        arch="koch",
        preprocessing=Preprocessing(size=size, fraction=FRACTIONS["koch"]),
        people=people_marks(people),
        notes=f"binary cross-entropy on pairs, Adam 1e-4, seed {seed}",
    )
    return build_siamese(build_embedding("koch", (size, size, 3), width), "l1", metadata)


def train_koch(
    pairs: PairSet,
    validation: Collection,
    settings: TrainingSettings = DEFAULTS,
    size: int = SIZES["koch"],
    width: float = 1.0,
    validation_pairs: int = 200,
) -> tuple[Siamese, TrainingHistory]:
    """Train Koch's network as in the report and calibrate it.

    Args:
        pairs: training pairs.
        validation: other people, for the validation loss and the threshold.
        settings: see :func:`siamlab.training.fit.train_pairs`.
        size: side of the input in pixels.
        width: multiple of the channel counts.
        validation_pairs: pairs behind the validation loss.

    Returns:
        The calibrated model, and the history of its training.
    """
    seed = settings.seed
    model = new_koch(size, width, pairs.people, seed)
    held_out = spread_pairs(validation, validation_pairs, seed)
    history = train_pairs(model, pairs, held_out, settings)
    calibrate(model, validation, None, seed + 1, most=4 * validation_pairs)
    return model, history


def train(
    images: Collection | Path | str,
    arch: str = "compact",
    teacher: FaceEmbedder | Path | str | None = None,
    minutes: float | None = None,
    epochs: int | None = None,
    seed: int = 0,
    verbose: int = 1,
) -> Siamese:
    """Train a model on people and calibrate it on a tenth of them, who are kept out.

    Args:
        images: a collection, or its folder or archive: one folder for each person.
        arch: ``koch``, ``compact``, or ``resnet`` (a head on borrowed convolutions; takes no
            minutes).
        teacher: a model, or its name or file, whose embeddings ``compact`` learns.
        minutes: time for everything; 30 when neither it nor ``epochs`` is given.
        epochs: passes over the images instead.
        seed: of the split, the weights and the batches.
        verbose: Keras' progress bar.

    Returns:
        The calibrated model.

    Raises:
        InputError: too few people or images, or an unknown ``arch``.

    Example:
        >>> import siamlab
        >>> from siamlab.data.synthetic import write_people
        >>> people = write_people("people", people=10, images=2)
        >>> model = siamlab.train(people, epochs=1, verbose=0)
        >>> len(model.metadata.people), 0 <= model.metadata.threshold <= 1
        (8, True)
    """
    settings = TrainingSettings(minutes=minutes, epochs=epochs, seed=seed, verbose=verbose)
    return train_model(as_collection(images), arch, settings, teacher=teacher)[0]


def train_model(
    collection: Collection,
    arch: str = "compact",
    settings: TrainingSettings = DEFAULTS,
    size: int | None = None,
    width: float = 1.0,
    recipe: str = "people",
    teacher: FaceEmbedder | Path | str | None = None,
) -> tuple[Siamese, str]:
    """Split a collection by person, train, calibrate: ``siamlab train``.

    Args:
        collection: one folder per person; a tenth of the people is kept for calibration.
        arch: ``koch``, ``compact`` or ``resnet``.
        settings: ``minutes`` are for everything, loading included, 30 when neither they nor
            ``epochs``, passes over the images (or pairs), are given; ``steps`` are not read.
            A ``folder`` that holds checkpoints of the same training resumes it. A
            ``distribution`` is for the recipe ``people``, with ``epochs`` and no teacher; each
            process then fits the head and the threshold for itself.
        size: side of the input in pixels; the architecture's own when ``None``.
        width: multiple of the channel counts.
        recipe: ``people`` (all pairs of a batch) or ``report`` (binary cross-entropy on pairs,
            for ``koch``).
        teacher: a model, or its name or file, for ``compact``.

    Returns:
        The model and a line that summarizes the training.

    Raises:
        InputError: too few people or images, or a recipe that the architecture does not have.
    """
    began = time.perf_counter()
    if recipe not in RECIPES or (recipe == "report" and arch != "koch"):
        raise InputError(f"The report's recipe trains koch. Received: {recipe} for {arch}.")
    if arch not in SIZES:
        raise InputError(f"arch is one of {', '.join(SIZES)}. Received: {arch!r}.")
    if teacher is not None and arch != "compact":
        raise InputError(f"A teacher teaches compact. Received: a teacher for {arch}.")
    if settings.distribution is not None and (
        recipe == "report" or arch == "resnet" or teacher is not None or settings.epochs is None
    ):
        raise InputError(
            "Several processes train koch or compact with the recipe people, without a teacher, "
            f"for --epochs. Received: {arch}, recipe {recipe}, "
            f"{'a' if teacher else 'no'} teacher, epochs {settings.epochs}."
        )
    if teacher is not None and isinstance(teacher, Path | str):
        teacher = load_model(teacher)
    copies = copies_note(collection)
    if copies and settings.verbose:
        print(copies, flush=True)
    if arch == "resnet":
        return _describe(train_resnet(collection, settings.seed), collection, began, "")
    split = split_people(collection, (0.9, 0.1, 0.0), settings.seed)
    train, validation = split.train, split.validation
    size = size or SIZES[arch]
    minutes, epochs = settings.minutes, settings.epochs
    if minutes is None and epochs is None:
        minutes = 30.0
    # Loading, calibrating and saving take their part of the minutes: about a twentieth.
    limit = None if minutes is None else 0.95 * minutes
    steps = None
    if epochs is not None:  # passes over the images of people who have two or more
        several = train.with_at_least(2)
        images, batch = len(several.images), 2 * min(PEOPLE[arch], max(1, len(several)))
        if teacher is not None:
            images, batch = len(train.images), BATCH
        steps = max(1, round(epochs * images / batch))
    settings = replace(settings, minutes=limit, steps=steps)
    if recipe == "report":
        settings = replace(
            settings,
            steps=None,
            epochs=1000 if epochs is None else epochs,
            augmentation=settings.augmentation or Augmentation(),
        )
        pairs = spread_pairs(train, 4 * MOST_PAIRS, settings.seed)
        model, history = train_koch(pairs, validation, settings, size, width)
    elif arch == "koch":
        model, history = train_koch_on_people(train, validation, settings, size, width)
    else:
        settings = replace(settings, bfloat16=bfloat16_pays())
        model, history = train_compact(train, validation, settings, size, width, teacher)
    loss = history.metrics.get("loss", [float("nan")])[-1]
    return _describe(model, train, began, f", last loss {loss:.3f}")


def _describe(model: Siamese, people: Collection, began: float, more: str) -> tuple[Siamese, str]:
    """The model, and a line about its training."""
    minutes = (time.perf_counter() - began) / 60
    return model, (
        f"{model.metadata.arch}: {len(people)} people, {len(people.images)} images, "
        f"{minutes:.1f} minutes{more}, threshold {np.round(model.metadata.threshold or 0.5, 3)} "
        f"from people who were not trained on"
    )

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
from siamlab.data.collections import Collection, as_collection, person_digest
from siamlab.data.pairs import PairSet
from siamlab.data.pipeline import load_images, to_float
from siamlab.data.splits import split_people
from siamlab.errors import InputError
from siamlab.evaluation import embed_pairs
from siamlab.evaluation.evaluate import calibrate
from siamlab.evaluation.own_people import MOST_PAIRS, spread_pairs
from siamlab.faces.crop import Preprocessing
from siamlab.models.cohort_normalization import normalize_by_cohort
from siamlab.models.compact import centered_unit
from siamlab.models.embedding import build_embedding, fold_normalization, mirrored, project_to_pca
from siamlab.models.ensemble import build_ensemble
from siamlab.models.hog_lda import fit_hog_lda
from siamlab.models.metadata import ModelMetadata, digests
from siamlab.models.siamese import Siamese, build_siamese
from siamlab.system.backend import keras, set_seed
from siamlab.training.checkpoints import TrainingHistory
from siamlab.training.fit import DEFAULTS, train_pairs, train_people
from siamlab.training.head import fit_head, fit_weights
from siamlab.training.mixed_precision import bfloat16_pays
from siamlab.training.settings import TrainingSettings

# The share of a chip that a network sees: brow to chin, with little background, so that it cannot
# learn the room or the camera instead of the person.
FACE_FRACTION = 0.56
SIZES = {"koch": 105, "compact": 72}
PEOPLE = {"koch": 48, "compact": 64}  # people in a batch, two images each
# What the models of an ensemble of compact networks see: the second hair and chin line too.
# Trainings with this time for each of both make them both: hardly better (see
# ``benchmarks/ensemble.py``), but better than more of the same training.
MODEL_FRACTIONS = (FACE_FRACTION, 0.70)
MINUTES_EACH = 28
# What the oriented gradients beside them see, and how many images of a person tell about it.
HOG_LDA_FRACTION, MAX_HOG_LDA_IMAGES = 0.70, 20
RECIPES = ("people", "report")
# Numbers in a template of compact, and how many images choose their axes.
DIMENSIONS, MOST_AXES_IMAGES = 256, 4000
# Groups of strangers that normalize the scores, and the strangers that make so many groups.
COHORT, LEAST_STRANGERS = 256, 512


def train_compact(
    train: Collection,
    validation: Collection,
    settings: TrainingSettings,
    size: int = SIZES["compact"],
    width: float = 1.0,
    models: int = 1,
    hog_lda: bool = True,
) -> tuple[Siamese, TrainingHistory]:
    """Train the compact network on people and calibrate it on others.

    Args:
        train: training people. The networks do not see those with a single image, unless
            ``settings.singletons`` asks for them: their embeddings normalize the scores where
            they are many (``LEAST_STRANGERS``).
        validation: other people: the head and the threshold are fitted on them.
        settings: ``steps`` or ``minutes`` are those of each model; fewer ``people`` in a batch
            when there are fewer.
        size: side of the input of each model in pixels.
        width: multiple of the channel counts.
        models: 1, or 2: a second network, trained after the first, sees more around the face
            (``MODEL_FRACTIONS``); :func:`siamlab.models.ensemble.build_ensemble` joins them.
        hog_lda: :mod:`siamlab.models.hog_lda`, computed in seconds, joins them too.

    Returns:
        The calibrated model, and the history of its training, model after model.

    Raises:
        InputError: too few people with two images, or another number of models.
    """
    if not 1 <= models <= len(MODEL_FRACTIONS):
        raise InputError(f"models is 1 or {len(MODEL_FRACTIONS)}. Received: {models}.")
    fractions = [*MODEL_FRACTIONS[:models]]
    networks, history = [], TrainingHistory()
    for number, fraction in enumerate(fractions):
        own = replace(settings, seed=settings.seed + number)
        if models > 1 and settings.folder is not None:  # checkpoints are of one network each
            own = replace(own, folder=settings.folder / f"model-{number + 1}")
        set_seed(own.seed)
        network = build_embedding("compact", (size, size, 3), width)
        found, metadata = _train_on_people("compact", network, train, own, fraction)
        networks.append(mirrored(fold_normalization(network)))
        history.extend(found)
    if hog_lda:
        networks.append(_fit_hog_lda(train, Preprocessing(size, HOG_LDA_FRACTION)))
        fractions.append(HOG_LDA_FRACTION)
    model = _join_models(networks, fractions, metadata, train, validation, settings.seed)
    return model, history


def _fit_hog_lda(train: Collection, preprocessing: Preprocessing) -> keras.Model:
    """Fit HOG-LDA to training people, with at most ``MAX_HOG_LDA_IMAGES`` of each."""
    several = train.with_at_least(2)
    some = [replace(one, images=one.images[:MAX_HOG_LDA_IMAGES]) for one in several.people]
    chosen = replace(several, people=tuple(some))
    images = to_float(load_images(chosen.images, preprocessing))
    return fit_hog_lda(images, chosen.image_people)


def _join_models(
    networks: Sequence[keras.Model],
    fractions: Sequence[float],
    metadata: ModelMetadata,
    train: Collection,
    validation: Collection,
    seed: int,
) -> Siamese:
    """Make one calibrated Siamese model of trained networks.

    Validation people say how much each counts, and fit the head and the threshold.

    Args:
        networks: unit embeddings come out.
        fractions: what each sees.
        metadata: whom they were trained on.
        train: who chooses the principal axes of templates, and, where many have a single image,
            makes the cohort (:func:`siamlab.models.cohort_normalization.normalize_by_cohort`).
        validation: other people.
        seed: of the pairs drawn.
    """
    base = build_ensemble(networks, fractions)
    seen = Preprocessing(size=int(base.input_shape[1]), fraction=max(fractions))
    metadata = replace(metadata, preprocessing=seen)
    if len(networks) > 1:
        pairs = spread_pairs(validation, 2 * MOST_PAIRS, seed)
        numbers = [network.output_shape[-1] for network in networks]
        codes = embed_pairs(build_siamese(base, "squared", metadata), pairs)
        base = build_ensemble(networks, fractions, fit_weights(*codes, pairs.labels, numbers))
    strangers = _strangers(train, metadata)
    axes = DIMENSIONS - bool(strangers)  # the cohort's coordinate is one more
    sample = train.with_at_least(2).images[:MOST_AXES_IMAGES]
    # Fewer images than numbers do not tell which axes matter.
    if len(sample) >= base.output_shape[-1] > axes:
        base = project_to_pca(base, to_float(load_images(sample, seen)), axes)
    if strangers:
        base = normalize_by_cohort(base, to_float(load_images(strangers, seen)), COHORT)
        # Calibration and evaluation must leave the cohort's people out.
        metadata = replace(metadata, people=digests(train.names))
    return _finish(base, "squared", metadata, validation, seed)


def _strangers(train: Collection, metadata: ModelMetadata) -> list[Path]:
    """An image of each person whom nothing was trained on; none where they are too few."""
    trained = set(metadata.people)
    found = [
        person.images[0]
        for person in train.people
        if len(person) == 1 and person_digest(person.name) not in trained
    ]
    return found if len(found) >= LEAST_STRANGERS else []


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
    fraction: float = FACE_FRACTION,
) -> tuple[TrainingHistory, ModelMetadata]:
    """Train on all pairs of batches; the history, and the metadata of the model file."""
    preprocessing = Preprocessing(size=int(embedding.input_shape[1]), fraction=fraction)
    several = train.with_at_least(2)
    if len(several) < 2:
        raise InputError(
            "Training needs at least two people with two images each. Received: "
            f"{len(several)} such people in {train.root}. Collect more images."
        )
    batch = min(settings.people or PEOPLE[arch], len(several))
    trained = train if settings.singletons else several
    history = train_people(embedding, trained, preprocessing, replace(settings, people=batch))
    metadata = ModelMetadata(
        arch=arch,
        preprocessing=preprocessing,
        people=digests(trained.names),
        notes=f"all pairs of batches of {batch} people, {len(trained)} people, "
        f"seed {settings.seed}",
    )
    return history, metadata


def _finish(
    embedding: keras.Model,
    distance: str,
    metadata: ModelMetadata,
    validation: Collection,
    seed: int,
) -> Siamese:
    """The Siamese model around a trained embedding: head and threshold from other people."""
    model = build_siamese(embedding, distance, metadata)
    fit_head(model, spread_pairs(validation, 2 * MOST_PAIRS, seed))
    calibrate(model, validation, None, seed + 1)
    return model


def new_koch(size: int, width: float, people: Sequence[str], seed: int) -> Siamese:
    """Koch's Siamese network with fresh weights; ``people`` go into its metadata."""
    set_seed(seed)
    metadata = ModelMetadata(
        arch="koch",
        preprocessing=Preprocessing(size=size, fraction=FACE_FRACTION),
        people=digests(people),
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
    minutes: float | None = None,
    epochs: int | None = None,
    seed: int = 0,
    verbose: int = 1,
) -> Siamese:
    """Train a model on people and calibrate it on a tenth of them, who are kept out.

    Args:
        images: a collection, or its folder or archive: one folder for each person.
        arch: ``koch`` or ``compact``.
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
    return train_model(as_collection(images), arch, settings)[0]


def train_model(
    collection: Collection,
    arch: str = "compact",
    settings: TrainingSettings = DEFAULTS,
    size: int | None = None,
    width: float = 1.0,
    recipe: str = "people",
    models: int | None = None,
) -> tuple[Siamese, str]:
    """Split a collection by person, train, calibrate: ``siamlab train``.

    Args:
        collection: one folder per person; a tenth of the people is kept for calibration.
        arch: ``koch`` or ``compact``.
        settings: ``minutes`` are for everything, loading included, 30 when neither they nor
            ``epochs``, passes over the images (or pairs), are given; ``steps`` are not read.
        size: side of the input in pixels; the architecture's own when ``None``.
        width: multiple of the channel counts.
        recipe: ``people`` (all pairs of a batch) or ``report`` (binary cross-entropy on pairs,
            for ``koch``).
        models: networks that ``compact`` joins, each with its part of the minutes; when ``None``
            as many as the minutes are enough for, which is one where ``epochs`` are given.

    Returns:
        The model and a line that summarizes the training.

    Raises:
        InputError: too few people or images, or a recipe that the architecture does not have.
    """
    began = time.perf_counter()
    if recipe not in RECIPES or (recipe == "report" and arch != "koch"):
        raise InputError(f"The report's recipe trains koch. Received: {recipe} for {arch}.")
    if models is not None and arch != "compact":
        raise InputError(f"models are compact's. Received: models={models} for {arch}.")
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
        batch = 2 * min(PEOPLE[arch], max(1, len(several)))
        steps = max(1, round(epochs * len(several.images) / batch))
    settings = replace(settings, minutes=limit, steps=steps)
    if recipe == "report":
        settings = replace(
            settings,
            epochs=1000 if epochs is None else epochs,
            augmentation=settings.augmentation or Augmentation(),
        )
        pairs = spread_pairs(train, 4 * MOST_PAIRS, settings.seed)
        model, history = train_koch(pairs, validation, settings, size, width)
    elif arch == "koch":
        model, history = train_koch_on_people(train, validation, settings, size, width)
    else:
        if models is None:  # as many as the time is enough for
            models = max(1, min(int((minutes or 0) / MINUTES_EACH), len(MODEL_FRACTIONS)))
        each = None if limit is None else limit / max(1, models)
        settings = replace(settings, minutes=each, bfloat16=bfloat16_pays())
        model, history = train_compact(train, validation, settings, size, width, models)
    loss = history.metrics.get("loss", [float("nan")])
    summary = (
        f"{arch}: {len(train)} people, {len(train.images)} images, "
        f"{(time.perf_counter() - began) / 60:.1f} minutes, last loss {loss[-1]:.3f}, threshold "
        f"{np.round(model.metadata.threshold or 0.5, 3)} from {len(validation)} other people"
    )
    return model, summary

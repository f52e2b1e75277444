"""Training with Keras' ``fit``, with checkpoints that a killed process resumes from.

Output: the model, trained in place, and a ``TrainingHistory``. :func:`train_pairs` is the
report's recipe (binary cross-entropy on pairs, Adam 1e-4, batch 16). :func:`train_people`
compares all images of a batch with each other; :func:`siamlab.training.head.fit_head` then turns
distances into probabilities. :func:`fine_tune` continues with a trained model on one's own pairs.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace

from siamlab.data.augmentation import Augmentation
from siamlab.data.batches import PeopleBatches
from siamlab.data.collections import Collection
from siamlab.data.pairs import PairSet
from siamlab.data.pipeline import pair_dataset
from siamlab.errors import InputError
from siamlab.faces.crop import Preprocessing
from siamlab.gallery.captures import captured_people
from siamlab.gallery.rights import note_models
from siamlab.models.losses import LargeMarginCosine, SupervisedContrastive
from siamlab.models.metadata import people_marks
from siamlab.models.siamese import Siamese
from siamlab.models.training_heads import PersonCosines
from siamlab.system.backend import keras, set_seed, uses_xla
from siamlab.training.callbacks import StopAfter
from siamlab.training.checkpoint_key import make_key, pairs_digest, people_digest
from siamlab.training.checkpoints import Checkpoints, TrainingHistory
from siamlab.training.distributed import copy_to_devices, share_of
from siamlab.training.loop import cosine_schedule, fit_batches, make_variables
from siamlab.training.mixed_precision import in_bfloat16
from siamlab.training.settings import TrainingSettings

DEFAULTS = TrainingSettings()
PEOPLE_IN_BATCH = 64
RATE, WARMUP = 1e-3, 100  # of training on people


def _compile_for_pairs(model: Siamese, settings: TrainingSettings) -> None:
    rate = 1e-4 if settings.learning_rate is None else settings.learning_rate
    model.compile(
        optimizer=keras.optimizers.Adam(rate),
        loss=keras.losses.BinaryCrossentropy(),
        metrics=[keras.metrics.Precision(name="precision"), keras.metrics.Recall(name="recall")],
        jit_compile=uses_xla(),
    )


def train_pairs(
    model: Siamese, pairs: PairSet, validation: PairSet, settings: TrainingSettings = DEFAULTS
) -> TrainingHistory:
    """Train the whole Siamese model on labeled pairs, as in the report.

    Binary cross-entropy, Adam, precision and recall shown live. When ``settings.folder`` holds a
    checkpoint of the same pairs, settings, network and version, training resumes from it and ends
    as if it had never stopped; of others, it starts anew and says why.

    Args:
        model: trained in place; its metadata says how images are cropped.
        pairs: training pairs.
        validation: pairs of other people, for ``val_loss`` and ``best.npz``.
        settings: 10 epochs unless it says otherwise.

    Returns:
        The history, epochs before a resume included.

    Raises:
        ModelError: the checkpoint is damaged.
        StorageError: a checkpoint cannot be written.
    """
    return _train_pairs(model, pairs, validation, settings, trained=False)


def _train_pairs(
    model: Siamese, pairs: PairSet, validation: PairSet, settings: TrainingSettings, trained: bool
) -> TrainingHistory:
    """As :func:`train_pairs`; a model that was trained before is part of the checkpoints' key."""
    _remember_captures(model, pairs, settings)
    _compile_for_pairs(model, settings)
    preprocessing, batch = model.metadata.preprocessing, settings.batch
    key = make_key(model, settings, preprocessing, lambda: pairs_digest(pairs, validation), trained)
    clock = None if settings.minutes is None else StopAfter(settings.minutes)
    checkpoints = Checkpoints(
        settings.folder, key, settings.every, "val_loss", clock, settings.verbose
    )
    history = checkpoints.restore(model)
    epochs = 10 if settings.epochs is None else settings.epochs
    if not checkpoints.left(epochs):
        return history
    data = pair_dataset(
        pairs,
        preprocessing,
        batch,
        epochs,
        history.epochs,
        settings.seed,
        shuffle=True,
        augmentation=settings.augmentation,
    )
    make_variables(model, pairs.labels)
    set_seed(settings.seed + history.epochs)
    model.fit(
        data,
        validation_data=pair_dataset(validation, preprocessing, batch),
        epochs=epochs,
        initial_epoch=history.epochs,
        steps_per_epoch=int(data.cardinality()) // (epochs - history.epochs),
        shuffle=False,  # pair_dataset shuffles, by seed and epoch
        callbacks=[*checkpoints.callbacks, *settings.callbacks],
        verbose=settings.verbose,
    )
    return history


def _remember_captures(model: Siamese, pairs: PairSet, settings: TrainingSettings) -> None:
    """The model is of these people now, and so are its checkpoints: their vault notes both."""
    people = {one.place: one for one in (*model.captures, *captured_people(pairs.images))}
    model.captures = tuple(people.values())
    if settings.folder is not None:
        note_models(model.captures, settings.folder)


def fine_tune(
    model: Siamese, pairs: PairSet, validation: PairSet, settings: TrainingSettings = DEFAULTS
) -> TrainingHistory:
    """Continue to train a trained model on one's own pairs, head included.

    As :func:`train_pairs`, but only the head and the last block learn (:func:`last_block`), and
    batch normalization is frozen: a few pairs of one person are no sample of faces. It resumes
    only from the same weights. The people of the pairs are added to the metadata. The calibration,
    which was of the former weights, is removed: calibrate again, on people who are not in the
    metadata, and enroll again, because former templates do not fit either. Where captures from a
    vault are among the images, the vault notes the checkpoints' folder and each file that the
    model is saved to.

    Args and returns as :func:`train_pairs`; ``settings``: 3 epochs unless it says otherwise.

    Source:
        Yosinski et al. 2014, "How transferable are features in deep neural networks?".
    """
    if settings.epochs is None:
        settings = replace(settings, epochs=3)
    learning = {id(layer) for layer in last_block(model.embedding)}
    frozen = [
        layer
        for layer in _in_order(model.embedding)
        if layer.weights and layer.trainable and id(layer) not in learning
    ]
    for layer in frozen:
        layer.trainable = False
    try:
        history = _train_pairs(model, pairs, validation, settings, trained=True)
    finally:
        for layer in frozen:
            layer.trainable = True
    # A saved optimizer knows all trainable weights, those that were frozen here included.
    _compile_for_pairs(model, settings)
    model.optimizer.build(model.trainable_variables)
    metadata = model.metadata
    people = tuple(sorted({*metadata.people, *people_marks(pairs.people)}))
    notes = f"{metadata.notes}; then {len(pairs)} pairs of {len(pairs.people)} people".lstrip("; ")
    model.with_metadata(people=people, notes=notes, calibration=None)
    return history


def last_block(embedding: keras.Model) -> list[keras.layers.Layer]:
    """The layers that fine-tuning trains: the code, and the convolutions of the last map.

    Those are the last two convolutions of at least 2x2 (a residual block has two, Koch's network
    one to a stage) and everything dense after them, at any depth of the model.
    """
    every = list(_in_order(embedding))
    convolutions = [
        layer
        for layer in every
        if isinstance(layer, keras.layers.Conv2D) and max(layer.kernel_size) > 1
    ]
    dense = [layer for layer in every if isinstance(layer, keras.layers.Dense)]
    return [*convolutions[-2:], *dense]


def _in_order(model: keras.Model) -> Iterator[keras.layers.Layer]:
    """The layers of a model and of the models in it, from the image to the code."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _in_order(layer)
        else:
            yield layer


def _with_losses(
    embedding: keras.Model, people: int, loss: keras.losses.Loss | None
) -> tuple[keras.Model, dict[str, keras.losses.Loss]]:
    """The embedding with the outputs that its losses take; the weights are shared."""
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
    settings: TrainingSettings,
) -> TrainingHistory:
    """Train an embedding on batches of P people, each image compared with all others.

    Two losses are added: supervised contrastive over all pairs of the batch, and a softmax with
    a margin over all training people. Adam with decoupled weight decay, warm-up and cosine
    decay of the learning rate. With ``settings.distribution`` several processes share each batch
    (:mod:`siamlab.training.distributed`), and learn what one would.

    Args:
        embedding: unit embeddings come out; trained in place.
        collection: training people.
        preprocessing: crop and size.
        settings: either ``steps`` or ``minutes``; a run counted in steps can be resumed.

    Returns:
        The history.

    Raises:
        InputError: neither or both of ``steps`` and ``minutes`` are given, or too few people;
            several processes are to train for minutes, or cannot share a batch.
    """
    spread = settings.distribution
    if spread is not None and settings.minutes is not None:
        raise InputError(
            "Several processes train for steps or epochs, not for minutes: their clocks differ. "
            f"Received: minutes={settings.minutes}."
        )
    learner = embedding if spread is None else copy_to_devices(embedding, spread)
    with nullcontext() if spread is None else spread.scope():
        history = _train_people(learner, collection, preprocessing, settings)
    if learner is not embedding:
        embedding.set_weights(learner.get_weights())
    return history


def _train_people(
    embedding: keras.Model,
    collection: Collection,
    preprocessing: Preprocessing,
    settings: TrainingSettings,
) -> TrainingHistory:
    """As :func:`train_people`, on the devices where the embedding is."""
    rate, clock = cosine_schedule(settings, RATE, WARMUP)
    trained = collection.with_at_least(2)
    set_seed(settings.seed)  # the directions of the people are drawn here
    learner = in_bfloat16(embedding) if settings.bfloat16 else embedding
    model, losses = _with_losses(learner, len(trained), settings.loss)
    model.compile(
        optimizer=keras.optimizers.AdamW(rate, weight_decay=1e-2, clipnorm=5.0),
        loss=losses,
        jit_compile=uses_xla(),
    )

    def make_batches(steps: int) -> PeopleBatches:
        batches = PeopleBatches(
            trained,
            preprocessing,
            PEOPLE_IN_BATCH if settings.people is None else settings.people,
            settings.images,
            steps=steps,
            seed=settings.seed,
            augmentation=settings.augmentation or Augmentation(),
            share=share_of(settings.distribution),
        )
        batches.targets = tuple(losses)
        return batches

    key = make_key(model, settings, preprocessing, lambda: people_digest(trained))
    history = fit_batches(model, make_batches, settings, clock, key)
    embedding.set_weights(learner.get_weights())
    return history

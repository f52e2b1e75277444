"""How a training runs: the one argument that all of them share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from siamlab.data.augmentation import Augmentation
from siamlab.errors import InputError
from siamlab.system.backend import keras


@dataclass(frozen=True)
class TrainingSettings:
    """How a training runs; each recipe reads what concerns it.

    Attributes:
        steps: batches in all, for training on people; the result depends on the seed alone.
        minutes: a time limit; what was trained before a resume counts. Training on people takes
            this instead of ``steps``: the learning rate then follows the clock, and faster
            machines get further.
        epochs: passes over the pairs (:func:`~siamlab.training.recipes.train_model`: over the
            images), those before a resume included. ``None``: 10, and 3 for fine-tuning.
        batch: pairs in a batch.
        people: people in a batch. ``None``: 64, and 48 for Koch's network.
        images: images of each of them.
        loss: of labels and embeddings, for training on people; ``None`` adds supervised
            contrastive and large margin cosine.
        learning_rate: of Adam, after the warm-up. ``None``: 1e-4 for pairs, 1e-3 for people.
        steps_per_epoch: batches between two entries of the history, for training on people.
        every: epochs between checkpoints.
        folder: where checkpoints go; a training that finds one of the same data, settings and
            network there resumes from it, and says so.
        seed: of weights, order, dropout and augmentation.
        augmentation: amounts. ``None``: none for pairs, the defaults for people.
        bfloat16: train on people in bfloat16, where
            :func:`~siamlab.training.mixed_precision.bfloat16_pays`; weights stay float32.
        distribution: over which devices and processes a training on people spreads each batch
            (:func:`~siamlab.training.distributed.join_processes`); ``None``: this process alone.
        callbacks: further Keras callbacks.
        verbose: Keras' progress bar.

    Raises:
        InputError: ``minutes`` is not positive.

    Example:
        ```python
        settings = TrainingSettings(epochs=3, seed=1)
        longer = dataclasses.replace(settings, epochs=9)
        ```
    """

    steps: int | None = None
    minutes: float | None = None
    epochs: int | None = None
    batch: int = 16
    people: int | None = None
    images: int = 2
    loss: keras.losses.Loss | None = None
    learning_rate: float | None = None
    steps_per_epoch: int = 100
    every: int = 1
    folder: Path | None = None
    seed: int = 0
    augmentation: Augmentation | None = None
    bfloat16: bool = False
    distribution: keras.distribution.Distribution | None = None
    callbacks: tuple[keras.callbacks.Callback, ...] = ()
    verbose: int = 1

    def __post_init__(self) -> None:
        if self.minutes is not None and self.minutes <= 0:
            raise InputError(f"minutes is a positive number. Received: {self.minutes}.")

"""One-shot recognition of characters: Koch's own benchmark, on alphabets not trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from siamlab.data.augmentation import Augmentation
from siamlab.data.collections import Collection
from siamlab.data.faces import found_images
from siamlab.data.omniglot import alphabet_of, drawer_of
from siamlab.data.pipeline import to_float
from siamlab.faces.crop import Preprocessing
from siamlab.models.embedding import build_embedding, embed_images
from siamlab.study.baselines import Descriptor
from siamlab.study.oneshot import (
    OneShot,
    OneShotTrials,
    answer_trials,
    drawer_trials,
    join_trials,
    judge_trials,
)
from siamlab.system.backend import keras, set_seed
from siamlab.training.checkpoints import TrainingHistory
from siamlab.training.fit import PEOPLE_IN_BATCH, train_people
from siamlab.training.settings import TrainingSettings

# Size and distortions were chosen on Greek and Latin, which are in both small sets and therefore
# not tested: 650 steps on the other three alphabets of the first set, 20-way.
SIZE = 32
WIDTH = 0.5
# Rotation, scale and shift as in Koch et al. 2015, section 3.2; a mirror image would be another
# character, and ink has no color.
DISTORTIONS = Augmentation(
    flip=0.0, degrees=10.0, zoom=0.15, stretch=0.15, shift=0.04, gamma=0.0, contrast=0.0,
    brightness=0.0, tint=0.0, gray=0.0, saturation=0.0, blur=0.0, jpeg=0.0,
)  # fmt: skip


def character_preprocessing(size: int = SIZE) -> Preprocessing:
    """The whole drawing, in ``size`` pixels."""
    return Preprocessing(size=size, fraction=1.0, detector="guide", alignment="none")


def train_characters(
    train: Collection, settings: TrainingSettings, size: int = SIZE, width: float = WIDTH
) -> tuple[keras.Model, TrainingHistory]:
    """Train the compact network on characters, as on people.

    Args:
        train: characters, with or without rotated copies
            (:func:`siamlab.data.omniglot.with_rotations`).
        settings: see :func:`siamlab.training.fit.train_people`; ``people`` are characters here,
            and the augmentation is ``DISTORTIONS``.
        size: side of the input in pixels.
        width: multiple of the channel counts.

    Returns:
        The embedding, float32 ``(N, size, size, 3)`` in [0, 1] to unit rows, and the history of
        its training.

    Raises:
        InputError: too few characters, or neither steps nor minutes.
    """
    set_seed(settings.seed)
    embedding = build_embedding("compact", (size, size, 3), width)
    batch = min(settings.people or PEOPLE_IN_BATCH, len(train))
    settings = replace(settings, people=batch, augmentation=DISTORTIONS)
    history = train_people(embedding, train, character_preprocessing(size), settings)
    return embedding, history


def network_descriptor(embedding: keras.Model, batch: int = 256) -> Descriptor:
    """A network as a descriptor: uint8 RGB ``(N, size, size, 3)`` to its embeddings."""
    return lambda images: embed_images(embedding, to_float(images), batch)


def character_trials(test: Collection, ways: int, runs: int = 20, seed: int = 0) -> OneShotTrials:
    """Lake's within-alphabet trials over the drawings of ``test.images``.

    Args and errors: see :func:`siamlab.study.oneshot.drawer_trials`.
    """
    names = test.image_people
    drawers = [drawer_of(image) for image in test.images]
    return drawer_trials(names, drawers, [alphabet_of(name) for name in names], ways, runs, seed)


@dataclass(frozen=True)
class Fold:
    """Test characters, and descriptors that were not trained on their alphabets.

    Attributes:
        test: the characters.
        descriptors: name to the descriptor and the side of its images in pixels.
    """

    test: Collection
    descriptors: Mapping[str, tuple[Descriptor, int]]


def measure_characters(
    folds: Sequence[Fold], ways: Sequence[int] = (5, 20), runs: int = 20, seed: int = 0
) -> dict[str, tuple[OneShot, ...]]:
    """N-way one-shot accuracy of descriptors on the same trials, over all folds together.

    Args:
        folds: each with descriptors of the same names.
        ways: values of N.
        runs: number of runs of each alphabet.
        seed: of the trials and intervals.

    Returns:
        Name to one result for each N.

    Raises:
        InputError: no alphabet has enough characters.
    """
    images = [len(fold.test.images) for fold in folds]
    trials = [
        join_trials([character_trials(fold.test, number, runs, seed) for fold in folds], images)
        for number in ways
    ]
    results = {}
    for name in folds[0].descriptors:
        parts = []
        for fold in folds:
            describe, size = fold.descriptors[name]
            parts.append(describe(found_images(fold.test.images, character_preprocessing(size))))
        rows = np.concatenate(parts)
        results[name] = tuple(
            judge_trials(one, answer_trials(rows, one), seed=seed) for one in trials
        )
    return results

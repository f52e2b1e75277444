"""Batches of P people with K images each, as a Keras ``PyDataset``."""

from __future__ import annotations

from typing import Any

import numpy as np

from siamlab.data.augmentation import Augmentation, augment_batch, source_preprocessing
from siamlab.data.collections import Collection
from siamlab.data.faces import load_faces
from siamlab.data.pipeline import to_float
from siamlab.errors import InputError
from siamlab.faces.crop import Preprocessing
from siamlab.system.backend import keras


class EpochBatches(keras.utils.PyDataset):
    """Batches of which number ``i`` of epoch ``e`` depends on (seed, e, i) alone.

    Args:
        steps: batches in an epoch.
        seed: where all randomness comes from.

    Attributes:
        epoch: the next epoch of ``fit``: set it to resume, ``fit`` counts on.
    """

    def __init__(self, steps: int, seed: int) -> None:
        super().__init__(workers=2, max_queue_size=8)
        self.steps, self.seed = steps, seed
        self.epoch, self._within_epoch = 0, False

    def __len__(self) -> int:
        return self.steps

    def on_epoch_begin(self) -> None:
        """Keras begins an epoch; its workers may have asked for the first batches already."""
        self._within_epoch = True

    def on_epoch_end(self) -> None:
        """The workers have stopped: what they ask for next is of the next epoch."""
        # ``fit`` also calls this before its first epoch.
        self.epoch += self._within_epoch
        self._within_epoch = False

    def generator(self, step: int) -> np.random.Generator:
        """The randomness of a batch of this epoch."""
        return np.random.default_rng((self.seed, self.epoch, step))


class PeopleBatches(EpochBatches):
    """Batches of P people with K images each, for losses over all pairs of a batch.

    Batch ``i`` of epoch ``e`` depends on (seed, e, i) alone. People are drawn evenly, whatever
    the number of their images; images of a person with fewer than K repeat, changed by
    augmentation.

    Args:
        collection: people; those with a single face are left out.
        preprocessing: crop and size.
        people: P, people in a batch.
        images: K, images of each.
        steps: batches in an epoch.
        seed: where all randomness comes from.
        augmentation: amounts; ``None`` leaves the images as they are.
        share: which equal part of each batch is made, and of how many: ``(1, 2)`` is the second
            half. All parts together are the batch that ``(0, 1)`` makes.

    Attributes:
        targets: names of a model's outputs; the labels are then a dictionary of them.

    Raises:
        InputError: fewer than P people have two images, or a batch has no equal parts.
    """

    def __init__(
        self,
        collection: Collection,
        preprocessing: Preprocessing,
        people: int = 64,
        images: int = 2,
        steps: int = 100,
        seed: int = 0,
        augmentation: Augmentation | None = None,
        share: tuple[int, int] = (0, 1),
    ) -> None:
        super().__init__(steps, seed)
        self.targets: tuple[str, ...] | None = None
        self.preprocessing = preprocessing
        self.people, self.images = people, images
        self.augmentation = augmentation
        wanted = collection.with_at_least(2)
        source = preprocessing if augmentation is None else source_preprocessing(preprocessing)
        faces = load_faces(wanted.images, source) if len(wanted) else None
        counts = [] if faces is None else _count_faces(wanted, faces.found)
        several = [rows for rows in counts if len(rows) > 1]
        if faces is None or len(several) < people:
            raise InputError(
                f"A batch of {people} people needs that many with two images or more that show a "
                f"face. Received: {len(several)}. Choose fewer people or collect more images."
            )
        self.pixels = faces.images[np.concatenate(several)]
        self.starts = np.cumsum([0, *map(len, several)])
        self.part = _equal_part(people * images, *share)

    def __getitem__(self, step: int) -> tuple[np.ndarray, Any]:
        """Images float32 ``(P*K, size, size, 3)`` in [0, 1]; person numbers int32.

        Of a share of the batch, its part of these.
        """
        rng = self.generator(step)
        chosen = rng.choice(len(self.starts) - 1, self.people, replace=False)
        rows: list[int] = []
        for person in chosen:
            own = np.arange(self.starts[person], self.starts[person + 1])
            rows.extend(rng.choice(own, self.images, replace=len(own) < self.images))
        if self.augmentation is None:
            batch = to_float(self.pixels[rows[self.part]])
        else:
            sources = [self.pixels[row] for row in rows]
            batch = augment_batch(sources, self.preprocessing, rng, self.augmentation, self.part)
        labels = np.repeat(chosen, self.images).astype(np.int32)[self.part]
        return batch, labels if self.targets is None else dict.fromkeys(self.targets, labels)


def _equal_part(images: int, number: int, parts: int) -> slice:
    """The images of part ``number`` among all of a batch."""
    size, rest = divmod(images, parts)
    if rest or not size:
        raise InputError(
            f"{parts} processes share a batch equally: its images are a multiple of {parts}. "
            f"Received: {images} images. Choose another number of people or of processes."
        )
    return slice(number * size, (number + 1) * size)


def _count_faces(collection: Collection, found: np.ndarray) -> list[np.ndarray]:
    """The numbers of each person's images that show a face, among ``collection.images``."""
    ends = np.cumsum([len(person) for person in collection.people])[:-1]
    return [rows[found[rows]] for rows in np.split(np.arange(len(found)), ends)]

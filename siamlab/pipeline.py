"""Files and pairs to tensors: decode, crop, resize, augment, cache, batch, prefetch.

Comes in: image paths, pairs, collections of people. Goes out: NumPy arrays, a ``tf.data``
pipeline of pairs (:func:`pair_dataset`), and P x K batches of people as a Keras
``PyDataset`` (:class:`PeopleBatches`), which needs no TensorFlow.

Everything random is a function of (seed, epoch, index): a run that was stopped and resumed
sees the batches that an unbroken run sees.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from siamlab.augmentation import Augmentation, augment, augment_batch, source_preprocessing
from siamlab.backend import keras
from siamlab.errors import EmptyFolderError, InputError
from siamlab.faces import Preprocessing, preprocess
from siamlab.pairs import PairSet
from siamlab.people import Collection, read_image

if TYPE_CHECKING:
    import tensorflow as tf

    class _Record(Protocol):
        @property
        def preprocessing(self) -> Preprocessing: ...

    class Embedder(Protocol):
        """What embeds images; ``siamlab.models.Siamese`` does."""

        @property
        def record(self) -> _Record:
            """Says how files become inputs."""

        def embed(self, images: np.ndarray) -> np.ndarray:
            """Images to embeddings ``(N, dimensions)``."""


def to_float(images: np.ndarray) -> np.ndarray:
    """Scale uint8 images of any shape to float32 in [0, 1]."""
    return images.astype(np.float32) / np.float32(255)


def load_images(
    paths: Sequence[Path], preprocessing: Preprocessing, workers: int = 4
) -> np.ndarray:
    """Read chips and cut them as the model sees them, in parallel.

    Args:
        paths: image files, each a face chip.
        preprocessing: crop and size.
        workers: threads; decoding releases Python's lock.

    Returns:
        uint8 RGB ``(N, size, size, 3)``.

    Raises:
        EmptyFolderError: there are no paths.
        ImageError: a file cannot be read; the message names it.
    """
    if not paths:
        raise EmptyFolderError("There are no images to load: an empty folder, or selection.")

    def load(path: Path) -> np.ndarray:
        return preprocess(read_image(path), preprocessing)

    with ThreadPoolExecutor(workers) as pool:
        return np.stack(list(pool.map(load, paths)))


def _indexed(pairs: PairSet) -> tuple[list[Path], np.ndarray, np.ndarray]:
    """The images of the pairs, each once, and the pairs as positions among them."""
    paths = sorted({*pairs.first, *pairs.second})
    place = {path: number for number, path in enumerate(paths)}
    first = np.array([place[path] for path in pairs.first])
    second = np.array([place[path] for path in pairs.second])
    return paths, first, second


def pair_dataset(
    pairs: PairSet,
    preprocessing: Preprocessing,
    batch: int = 16,
    epochs: int = 1,
    initial_epoch: int = 0,
    seed: int = 0,
    shuffle: bool = False,
    augmentation: Augmentation | None = None,
) -> tf.data.Dataset:
    """Pairs as a ``tf.data`` pipeline: decoded once and cached, shuffled, augmented, batched.

    Each image is decoded once (parallel) and kept in memory as uint8; a pair is then a look-up.

    Args:
        pairs: who is compared with whom.
        preprocessing: crop and size.
        batch: pairs in a batch; the last one of an epoch may be smaller.
        epochs: the epochs that the dataset holds end with this one.
        initial_epoch: the first epoch, for resuming.
        seed: order and augmentation depend on (seed, epoch, index) alone.
        shuffle: a new order each epoch.
        augmentation: change the images; ``None`` leaves them as they are.

    Returns:
        Dataset of ``({"anchor": …, "other": …}, labels)``: float32 ``(batch, size, size, 3)`` in
        [0, 1], and float32 ``(batch, 1)``.

    Raises:
        InputError: there are no pairs, or ``batch`` is not positive.
    """
    import tensorflow as tf

    if len(pairs) == 0 or batch < 1:
        raise InputError(f"A dataset needs pairs and a batch. Received: {len(pairs)}, {batch}.")
    paths, first, second = _indexed(pairs)
    source = preprocessing if augmentation is None else source_preprocessing(preprocessing)
    images = load_images(paths, source)
    labels = np.asarray(pairs.labels, np.float32)
    size = preprocessing.size

    def view(number: int, epoch: int, index: int, side: int) -> np.ndarray:
        if augmentation is None:
            return to_float(images[number])
        rng = np.random.default_rng((seed, epoch, index, side))
        return augment(images[number], preprocessing, rng, augmentation)

    def fetch(epoch: int, index: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        anchor = view(first[index], epoch, index, 0)
        other = view(second[index], epoch, index, 1)
        return anchor, other, labels[index : index + 1]

    def tensors(epoch: Any, index: Any) -> Any:
        kinds = (tf.float32, tf.float32, tf.float32)
        anchor, other, label = tf.numpy_function(fetch, (epoch, index), kinds, stateful=False)
        anchor = tf.ensure_shape(anchor, (size, size, 3))
        other = tf.ensure_shape(other, (size, size, 3))
        return {"anchor": anchor, "other": other}, tf.ensure_shape(label, (1,))

    def one_epoch(epoch: Any) -> Any:
        order = tf.range(len(pairs), dtype=tf.int64)
        if shuffle:
            order = tf.random.experimental.stateless_shuffle(order, (seed, epoch))
        numbers = tf.data.Dataset.from_tensor_slices(order)
        return numbers.map(
            lambda index: tensors(epoch, index), num_parallel_calls=tf.data.AUTOTUNE
        ).batch(batch)

    dataset = tf.data.Dataset.range(initial_epoch, epochs).flat_map(one_epoch)
    # Keras warns about data whose length it cannot know.
    batches = math.ceil(len(pairs) / batch) * (epochs - initial_epoch)
    dataset = dataset.apply(tf.data.experimental.assert_cardinality(batches))
    return dataset.prefetch(tf.data.AUTOTUNE)


class PeopleBatches(keras.utils.PyDataset):
    """Batches of P people with K images each, for losses over all pairs of a batch.

    Batch ``i`` of epoch ``e`` depends on (seed, e, i) alone. People are drawn evenly, whatever
    the number of their images; who has fewer than K images appears with repeats, changed
    by augmentation. Whoever iterates sets ``epoch``.

    People with a single image have no genuine pair, but they are impostors to everybody else:
    ``alone`` of them follow the others in each batch. Person numbers go over those with two images
    or more first, then over these.

    Args:
        collection: people; those with a single image count where ``alone`` is not zero.
        preprocessing: crop and size.
        people: P, people in a batch.
        images: K, images of each.
        alone: people with a single image in a batch besides; all there are when fewer.
        steps: batches in an epoch.
        seed: where all randomness comes from.
        augmentation: amounts; ``None`` leaves the images as they are.
        targets: names of a model's outputs; the labels then come as a dictionary of them.
        workers: threads that prepare batches.

    Raises:
        InputError: fewer than P people have two images.
    """

    def __init__(
        self,
        collection: Collection,
        preprocessing: Preprocessing,
        people: int = 64,
        images: int = 2,
        alone: int = 0,
        steps: int = 100,
        seed: int = 0,
        augmentation: Augmentation | None = None,
        targets: tuple[str, ...] | None = None,
        workers: int = 2,
    ) -> None:
        super().__init__(workers=workers, max_queue_size=8)
        self.targets = targets
        chosen = collection.with_at_least(2)
        if len(chosen) < people:
            raise InputError(
                f"A batch of {people} people needs that many with two images or more. "
                f"Received: {len(chosen)}. Choose fewer people or collect more images."
            )
        self.preprocessing = preprocessing
        self.people, self.images, self.steps, self.seed = people, images, steps, seed
        self.augmentation = augmentation
        self.epoch = 0
        singles = [person for person in collection.people if len(person) == 1] if alone else []
        self.alone = min(alone, len(singles))
        source = preprocessing if augmentation is None else source_preprocessing(preprocessing)
        files = [*chosen.images, *(person.images[0] for person in singles)]
        self.pixels = load_images(files, source)
        counts = [len(person.images) for person in chosen.people]
        self.starts = np.cumsum([0, *counts])

    def __len__(self) -> int:
        return self.steps

    def __getitem__(self, step: int) -> tuple[np.ndarray, Any]:
        """Images float32 ``(P*K + alone, size, size, 3)`` in [0, 1]; person numbers int32."""
        rng = np.random.default_rng((self.seed, self.epoch, step))
        several, last = len(self.starts) - 1, self.starts[-1]
        chosen = rng.choice(several, self.people, replace=False)
        rows: list[int] = []
        for person in chosen:
            own = np.arange(self.starts[person], self.starts[person + 1])
            rows.extend(rng.choice(own, self.images, replace=len(own) < self.images))
        singles = rng.choice(len(self.pixels) - last, self.alone, replace=False)
        rows.extend(last + singles)
        if self.augmentation is None:
            batch = to_float(self.pixels[rows])
        else:
            sources = [self.pixels[row] for row in rows]
            batch = augment_batch(sources, self.preprocessing, rng, self.augmentation)
        labels = np.append(np.repeat(chosen, self.images), several + singles).astype(np.int32)
        return batch, labels if self.targets is None else dict.fromkeys(self.targets, labels)


def embed_pairs(model: Embedder, pairs: PairSet, batch: int = 64) -> tuple[np.ndarray, np.ndarray]:
    """Embed both sides of pairs; each image is read and embedded once.

    Args:
        model: its record says how files become inputs.
        pairs: who is compared with whom.
        batch: images in memory and in the network at once.

    Returns:
        Two float32 arrays ``(N, dimensions)``.

    Raises:
        ImageError: a file cannot be read; the message names it.
    """
    paths, first, second = _indexed(pairs)
    parts = [
        model.embed(to_float(load_images(paths[start : start + batch], model.record.preprocessing)))
        for start in range(0, len(paths), batch)
    ]
    embeddings = np.concatenate(parts)
    return embeddings[first], embeddings[second]

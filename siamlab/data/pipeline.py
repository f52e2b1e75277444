"""Files and pairs to arrays and tensors: decode, crop, resize, augment, cache, batch, prefetch.

Everything random is a function of (seed, epoch, index): a run that was stopped and resumed
gets the same batches as one without interruption.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from siamlab.data.augmentation import Augmentation, augment, source_preprocessing
from siamlab.data.faces import load_faces
from siamlab.data.pairs import PairSet
from siamlab.errors import InputError, NoFaceError
from siamlab.faces.crop import Preprocessing
from siamlab.images.decode import ImageFile
from siamlab.system.quiet import quiet_tensorflow

if TYPE_CHECKING:
    import tensorflow as tf


def to_float(images: np.ndarray) -> np.ndarray:
    """Scale uint8 images of any shape to float32 in [0, 1]."""
    return images.astype(np.float32) / np.float32(255)


def index_images(pairs: PairSet) -> tuple[list[ImageFile], np.ndarray, np.ndarray]:
    """The images of the pairs, each once, and the pairs as indices of them."""
    paths = sorted({*pairs.first, *pairs.second}, key=str)
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

    Each image is decoded once, in parallel, and kept in memory as uint8.

    Args:
        pairs: the image files and labels.
        preprocessing: crop and size.
        batch: pairs in a batch; the last one of an epoch may be smaller.
        epochs: as in Keras' ``fit``: the dataset holds epochs ``initial_epoch`` to ``epochs - 1``.
        initial_epoch: the first epoch, for resuming.
        seed: order and augmentation depend on (seed, epoch, index) alone.
        shuffle: a new order each epoch.
        augmentation: change the images; ``None`` leaves them as they are.

    Returns:
        Dataset of ``({"anchor": ..., "other": ...}, labels)``: float32
        ``(batch, size, size, 3)`` in [0, 1], and float32 ``(batch, 1)``.

    Raises:
        InputError: there are no pairs, or ``batch`` is not positive.
        NoFaceError: no pair shows two faces; single pairs that do not are left out.
    """
    quiet_tensorflow()
    import tensorflow as tf

    if len(pairs) == 0 or batch < 1:
        raise InputError(f"A dataset needs pairs and a batch. Received: {len(pairs)}, {batch}.")
    paths, first, second = index_images(pairs)
    source = preprocessing if augmentation is None else source_preprocessing(preprocessing)
    faces = load_faces(paths, source)
    judged = faces.found[first] & faces.found[second]
    if not judged.any():
        raise NoFaceError(f"No face was found in any pair of images, such as {pairs.first[0]}.")
    first, second, images = first[judged], second[judged], faces.images
    labels = np.asarray(pairs.labels, np.float32)[judged]
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
        order = tf.range(len(labels), dtype=tf.int64)
        if shuffle:
            order = tf.random.experimental.stateless_shuffle(order, (seed, epoch))
        numbers = tf.data.Dataset.from_tensor_slices(order)
        return numbers.map(
            lambda index: tensors(epoch, index), num_parallel_calls=tf.data.AUTOTUNE
        ).batch(batch)

    dataset = tf.data.Dataset.range(initial_epoch, epochs).flat_map(one_epoch)
    # Keras warns about data whose length it cannot know.
    batches = math.ceil(len(labels) / batch) * (epochs - initial_epoch)
    dataset = dataset.apply(tf.data.experimental.assert_cardinality(batches))
    return dataset.prefetch(tf.data.AUTOTUNE)

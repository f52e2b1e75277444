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
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from siamlab.backend import keras
from siamlab.errors import EmptyFolderError, InputError
from siamlab.faces import Preprocessing, preprocess
from siamlab.opencv import import_cv2
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


# Augmentation shifts and turns a face, so its source shows more than the model's crop, and in
# more pixels, so that the one interpolation of the warp costs no sharpness.
SOURCE_MARGIN = 1.28
SOURCE_DETAIL = 1.35


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


def source_preprocessing(preprocessing: Preprocessing) -> Preprocessing:
    """The wider and finer cut from which augmentation warps the model's crop."""
    fraction = min(1.0, preprocessing.fraction * SOURCE_MARGIN)
    size = math.ceil(preprocessing.size * fraction / preprocessing.fraction * SOURCE_DETAIL)
    return replace(preprocessing, size=size, fraction=fraction)


@dataclass(frozen=True)
class Augmentation:
    """How much an image is changed in training; each value is a standard deviation unless said.

    Attributes:
        flip: probability of a mirror image.
        degrees: turn, in degrees (Koch et al. 2015, section 3.2, use up to 10).
        zoom: logarithm of the scale.
        stretch: logarithm of width over height.
        shift: move, as a share of the side.
        gamma: logarithm of the exponent of brightness.
        contrast: logarithm of the contrast.
        brightness: added light, 1.0 is white.
        tint: logarithm of each colour channel's gain.
        grey: probability of no colour at all; otherwise saturation varies by ``saturation``.
        saturation: logarithm of the saturation.
        blur: probability of a Gaussian blur of 0.4 to 1.2 pixels.
        jpeg: probability of JPEG compression with a quality of 30 to 90.
    """

    flip: float = 0.5
    degrees: float = 5.0
    zoom: float = 0.06
    stretch: float = 0.04
    shift: float = 0.022
    gamma: float = 0.2
    contrast: float = 0.2
    brightness: float = 0.08
    tint: float = 0.06
    grey: float = 0.15
    saturation: float = 0.2
    blur: float = 0.15
    jpeg: float = 0.1


def _affine(source_size: int, crop: float, size: int, how: Augmentation, rng: Any) -> np.ndarray:
    """2x3 matrix that takes source pixels to output pixels: one warp for all geometry."""
    turn = math.radians(rng.normal(0, how.degrees))
    scale = size / crop * math.exp(rng.normal(0, how.zoom))
    stretch = math.exp(rng.normal(0, how.stretch))
    side = -1.0 if rng.random() < how.flip else 1.0
    linear = np.array([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]])
    linear = np.diag([scale * stretch * side, scale]) @ linear
    centre = (source_size - 1) / 2 + rng.normal(0, how.shift * crop, 2)
    offset = (size - 1) / 2 - linear @ centre
    return np.hstack([linear, offset[:, None]])


def _recolour(image: np.ndarray, how: Augmentation, rng: Any) -> np.ndarray:
    """Light, contrast and colour of a float32 image in [0, 1]; may leave the range."""
    image = np.power(image + 1e-4, np.float32(math.exp(rng.normal(0, how.gamma))))
    mean = image.mean()
    image = (image - mean) * math.exp(rng.normal(0, how.contrast)) + mean
    image = image + rng.normal(0, how.brightness)
    image = image * np.exp(rng.normal(0, how.tint, 3)).astype(np.float32)
    saturation = 0.0 if rng.random() < how.grey else math.exp(rng.normal(0, how.saturation))
    grey = (image @ np.array([0.299, 0.587, 0.114], np.float32))[..., None]
    return grey + (image - grey) * np.float32(saturation)


def augment(
    source: np.ndarray,
    preprocessing: Preprocessing,
    rng: np.random.Generator,
    how: Augmentation | None = None,
) -> np.ndarray:
    """One random view of a face.

    Args:
        source: uint8 RGB ``(S, S, 3)``, cut by :func:`source_preprocessing`.
        preprocessing: the model's crop and size.
        rng: where all randomness comes from.
        how: amounts; the defaults when ``None``.

    Returns:
        float32 RGB ``(size, size, 3)`` in [0, 1].
    """
    cv2 = import_cv2()
    how = how or Augmentation()
    size = preprocessing.size
    crop = len(source) * preprocessing.fraction / source_preprocessing(preprocessing).fraction
    matrix = _affine(len(source), crop, size, how, rng)
    view = cv2.warpAffine(source, matrix, (size, size), borderMode=cv2.BORDER_REFLECT_101)
    if rng.random() < how.blur:
        view = cv2.GaussianBlur(view, (0, 0), rng.uniform(0.4, 1.2))
    if rng.random() < how.jpeg:
        quality = int(rng.integers(30, 91))
        _, data = cv2.imencode(".jpg", view, [cv2.IMWRITE_JPEG_QUALITY, quality])
        view = cv2.imdecode(data, cv2.IMREAD_COLOR)
    return np.clip(_recolour(to_float(view), how, rng), 0, 1).astype(np.float32)


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

    Args:
        collection: people; those with fewer than two images are left out.
        preprocessing: crop and size.
        people: P, people in a batch.
        images: K, images of each.
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
        source = preprocessing if augmentation is None else source_preprocessing(preprocessing)
        self.pixels = load_images(chosen.images, source)
        counts = [len(person.images) for person in chosen.people]
        self.starts = np.cumsum([0, *counts])

    def __len__(self) -> int:
        return self.steps

    def __getitem__(self, step: int) -> tuple[np.ndarray, Any]:
        """Images float32 ``(P*K, size, size, 3)`` in [0, 1]; person numbers int32 ``(P*K,)``."""
        rng = np.random.default_rng((self.seed, self.epoch, step))
        chosen = rng.choice(len(self.starts) - 1, self.people, replace=False)
        rows: list[int] = []
        for person in chosen:
            own = np.arange(self.starts[person], self.starts[person + 1])
            rows.extend(rng.choice(own, self.images, replace=len(own) < self.images))
        if self.augmentation is None:
            batch = to_float(self.pixels[rows])
        else:
            views = (
                augment(self.pixels[row], self.preprocessing, rng, self.augmentation)
                for row in rows
            )
            batch = np.stack(list(views))
        labels = np.repeat(chosen.astype(np.int32), self.images)
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

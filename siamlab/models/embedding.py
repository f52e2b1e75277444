"""Embedding networks by name, and how images go through one."""

from __future__ import annotations

import numpy as np

from siamlab.errors import InputError
from siamlab.models import compact, koch
from siamlab.models.embedder import embed_in_batches
from siamlab.models.layers import Mirror
from siamlab.system.backend import check_process, keras, layers

ARCHITECTURES = ("koch", "compact")


def build_embedding(
    arch: str = "koch",
    input_shape: tuple[int, int, int] = (105, 105, 3),
    width: float = 1.0,
    normalized: bool = False,
) -> keras.Model:
    """Build an embedding network, with fresh weights.

    Args:
        arch: ``koch`` (Koch, Zemel, Salakhutdinov 2015, figure 4: 38,960,448 weights at
            ``width=1``) or ``compact`` (a small residual network, 2,142,944 weights for 64x64
            pixels).
        input_shape: height, width and channels of the images, float32 in [0, 1].
        width: multiple of the channel counts.
        normalized: ``koch`` only, which in the paper has neither: with batch normalization and
            dropout, for training; :func:`siamlab.models.koch.fold_normalization` then gives the
            plain network. ``compact`` always has both.

    Returns:
        A Keras model from ``(batch, *input_shape)`` to ``(batch, dimensions)``.

    Raises:
        InputError: an unknown ``arch``, an image too small for it, or a width that is not
            positive.
        ModelError: this process was forked from one that had a model.

    Example:
        >>> import siamlab
        >>> embedding = siamlab.build_embedding("koch", input_shape=(105, 105, 3))
        >>> f"{embedding.count_params():,}"
        '38,960,448'
    """
    check_process()
    if arch not in ARCHITECTURES:
        raise InputError(f"arch is one of {', '.join(ARCHITECTURES)}. Received: arch={arch!r}.")
    if len(input_shape) != 3:
        raise InputError(f"input_shape is (height, width, 3). Received: {input_shape}.")
    if width <= 0:
        raise InputError(f"width is a positive multiple. Received: width={width}.")
    if arch == "compact":
        return compact.build_compact(input_shape, width)
    *channels, code = (max(1, round(count * width)) for count in (*koch.CHANNELS, koch.CODE))
    return koch.build_koch(input_shape, channels, code, normalized)


def embed_images(embedding: keras.Model, images: np.ndarray, batch: int = 64) -> np.ndarray:
    """Embed images with a Keras network; see :meth:`siamlab.models.embedder.FaceEmbedder.embed`."""
    shape, dimensions = tuple(embedding.input_shape[1:]), int(embedding.output_shape[-1])
    return embed_in_batches(embedding.predict_on_batch, images, shape, dimensions, batch)


def mirrored(embedding: keras.Model) -> keras.Model:
    """Average the embeddings of an image and its mirror image, for verification only.

    It costs a second pass of the same weights.

    Args:
        embedding: any network; its name within the result is its own.

    Returns:
        A model to unit embeddings.
    """
    images = keras.Input(embedding.input_shape[1:], name="image")
    total = layers.Add(name="both")([embedding(images), embedding(Mirror(name="mirror")(images))])
    return keras.Model(images, layers.UnitNormalization(name="unit")(total), name="embedding")

"""Embedding networks: Koch's, the compact one, and what is done to them after training.

Input: images as float32 ``(batch, height, width, 3)`` in [0, 1]. Output: Keras models to
embeddings ``(batch, dimensions)``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from siamlab.errors import InputError
from siamlab.models import compact, koch
from siamlab.models.embedder import embed_in_batches
from siamlab.models.layers import Mirror
from siamlab.system.backend import keras, layers, ops

ARCHITECTURES = ("koch", "compact")


def fold_normalization(trained: keras.Model) -> keras.Model:
    """Take batch normalization into the weights: plain layers, the same function, less work.

    After training, a normalization is a fixed multiple and a fixed offset of each channel
    (Ioffe and Szegedy 2015, section 3.1), and the layer before it can do both itself. So can the
    first one with the centering of the image, ``2 x - 1``.

    Args:
        trained: what :func:`build_embedding` returns with ``normalized=True``.

    Returns:
        The network of ``build_embedding(…, normalized=False)``, with equal embeddings: for
        ``koch`` it is the paper's own.

    Raises:
        InputError: the model is another one.
    """
    names = [*(f"conv{number}" for number in range(1, len(koch.CHANNELS) + 1)), "code"]
    have = {layer.name for layer in trained.layers}
    if not {"center", *(f"{name}_norm" for name in names)} <= have:
        raise InputError("Folding takes a network built with normalized=True.")
    channels = [trained.get_layer(name).filters for name in names[:-1]]
    build = compact.build_compact if "unit" in have else koch.build_koch
    plain = build(trained.input_shape[1:], channels, trained.get_layer("code").units)
    for name in names:
        kernel, *biases = map(ops.convert_to_numpy, trained.get_layer(name).weights)
        bias = biases[0] if biases else np.zeros(kernel.shape[-1], np.float32)
        norm = trained.get_layer(f"{name}_norm")
        gamma, beta, mean, variance = map(ops.convert_to_numpy, norm.weights)
        if name == names[0]:  # of 2 x - 1, the offset goes first: the kernel is still whole
            bias = bias - kernel.sum(axis=(0, 1, 2))
            kernel = 2 * kernel
        scale = gamma / np.sqrt(variance + norm.epsilon)
        plain.get_layer(name).set_weights([kernel * scale, (bias - mean) * scale + beta])
    return plain


def _scaled(counts: Sequence[int], width: float, least: int = 1) -> tuple[int, ...]:
    return tuple(max(least, round(count * width)) for count in counts)


def build_embedding(
    arch: str = "koch",
    input_shape: tuple[int, int, int] = (105, 105, 3),
    width: float = 1.0,
    normalized: bool | None = None,
) -> keras.Model:
    """Build an embedding network.

    Args:
        arch: ``koch`` (Koch, Zemel, Salakhutdinov 2015, figure 4: 38,960,448 weights at
            ``width=1``) or ``compact`` (the same design made small, for two cores).
        input_shape: height, width and channels of the images, float32 in [0, 1].
        width: multiple of the channel counts.
        normalized: with batch normalization and dropout, for training;
            :func:`fold_normalization` then gives the plain network. When ``None``, ``compact`` has
            both and ``koch``, as in the paper, neither.

    Returns:
        A Keras model from ``(batch, *input_shape)`` to ``(batch, dimensions)``.

    Raises:
        InputError: an unknown ``arch``, an image too small for it, or a width that is not
            positive.
    """
    if arch not in ARCHITECTURES:
        raise InputError(f"arch is one of {', '.join(ARCHITECTURES)}. Received: arch={arch!r}.")
    if len(input_shape) != 3:
        raise InputError(f"input_shape is (height, width, 3). Received: {input_shape}.")
    if width <= 0:
        raise InputError(f"width is a positive multiple. Received: width={width}.")
    if arch == "compact":
        narrow = _scaled(compact.CHANNELS, width, 4)
        (code,) = _scaled((compact.CODE,), width, 16)
        return compact.build_compact(input_shape, narrow, code, normalized is not False)
    *channels, code = _scaled((*koch.CHANNELS, koch.CODE), width)
    return koch.build_koch(input_shape, channels, code, normalized is True)


def project_to_pca(embedding: keras.Model, images: np.ndarray, dimensions: int) -> keras.Model:
    """Keep the principal axes of unit embeddings: shorter templates that compare alike.

    The axes are those of training people's embeddings (principal components without the centering,
    so that cosines stay), as one more layer.

    Args:
        embedding: unit embeddings come out.
        images: float32 ``(N, height, width, 3)`` of training people.
        dimensions: numbers kept, at most N and at most the embedding's own.

    Returns:
        A model to unit embeddings ``(batch, dimensions)``.
    """
    _, _, axes = np.linalg.svd(embed_images(embedding, images), full_matrices=False)
    principal = layers.Dense(dimensions, use_bias=False, name="principal")
    code = layers.UnitNormalization(name="unit_principal")(principal(embedding.output))
    principal.set_weights([axes[:dimensions].T])
    return keras.Model(embedding.input, code, name="embedding")


def embed_images(embedding: keras.Model, images: np.ndarray, batch: int = 64) -> np.ndarray:
    """Embed images with a Keras network; see :func:`siamlab.models.embedder.embed_in_batches`.

    Args:
        embedding: model from ``(batch, height, width, 3)`` to ``(batch, dimensions)``.
        images: float32 ``(N, height, width, 3)`` in [0, 1].
        batch: images embedded at once.

    Returns:
        float32 ``(N, dimensions)``.

    Raises:
        InputError: the images have another shape.
    """
    shape, dimensions = tuple(embedding.input_shape[1:]), int(embedding.output_shape[-1])
    return embed_in_batches(embedding.predict_on_batch, images, shape, dimensions, batch)


def mirrored(embedding: keras.Model) -> keras.Model:
    """Embed an image and its mirror image with the same weights, and average the two.

    For unit embeddings such as ``compact``'s: costs a second pass, and is used for
    verification only.
    """
    images = keras.Input(embedding.input_shape[1:], name="image")
    total = layers.Add(name="both")([embedding(images), embedding(Mirror(name="mirror")(images))])
    return keras.Model(images, layers.UnitNormalization(name="unit")(total), name="embedding")

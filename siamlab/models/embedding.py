"""Embedding networks, Koch's and the compact one, and what is done to them after training."""

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
    """Fold batch normalization into the weights: plain layers, the same function, less work.

    After training, a normalization is a fixed scale and offset of each channel (Ioffe and Szegedy
    2015, section 3.1), which the layer before it can apply itself. So can the first layer with
    the centering of the image, ``2 x - 1``.

    Args:
        trained: what :func:`build_embedding` returns with ``normalized=True``.

    Returns:
        The network of ``build_embedding(…, normalized=False)`` with equal embeddings; for
        ``koch`` the paper's own.

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
        if name == names[0]:  # the offset of 2 x - 1 first, while the kernel is unscaled
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
            ``width=1``) or ``compact`` (the same design, smaller, for two cores).
        input_shape: height, width and channels of the images, float32 in [0, 1].
        width: multiple of the channel counts.
        normalized: with batch normalization and dropout, for training;
            :func:`fold_normalization` then gives the plain network. ``None``: ``compact`` has
            both and ``koch``, as in the paper, neither.

    Returns:
        A Keras model from ``(batch, *input_shape)`` to ``(batch, dimensions)``.

    Raises:
        InputError: an unknown ``arch``, an image too small for it, or a width that is not
            positive.

    Example:
        >>> import siamlab
        >>> embedding = siamlab.build_embedding("koch", input_shape=(105, 105, 3))
        >>> f"{embedding.count_params():,}"
        '38,960,448'
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
    """Project unit embeddings onto their principal axes: shorter templates, similar cosines.

    The axes are those of training people's embeddings, without centering, so that cosines are
    kept.

    Args:
        embedding: unit embeddings come out.
        images: float32 ``(N, height, width, 3)`` of training people.
        dimensions: axes kept, at most N and at most the embedding's own.

    Returns:
        A model to unit embeddings ``(batch, dimensions)``.
    """
    _, _, axes = np.linalg.svd(embed_images(embedding, images), full_matrices=False)
    principal = layers.Dense(dimensions, use_bias=False, name="principal")
    code = layers.UnitNormalization(name="unit_principal")(principal(embedding.output))
    principal.set_weights([axes[:dimensions].T])
    return keras.Model(embedding.input, code, name="embedding")


def embed_images(embedding: keras.Model, images: np.ndarray, batch: int = 64) -> np.ndarray:
    """Embed images with a Keras network; see :meth:`siamlab.models.embedder.FaceEmbedder.embed`."""
    shape, dimensions = tuple(embedding.input_shape[1:]), int(embedding.output_shape[-1])
    return embed_in_batches(embedding.predict_on_batch, images, shape, dimensions, batch)


def mirrored(embedding: keras.Model) -> keras.Model:
    """Average the unit embeddings of an image and its mirror image, for verification only.

    It costs a second pass of the same weights.
    """
    images = keras.Input(embedding.input_shape[1:], name="image")
    total = layers.Add(name="both")([embedding(images), embedding(Mirror(name="mirror")(images))])
    return keras.Model(images, layers.UnitNormalization(name="unit")(total), name="embedding")

"""Embedding networks: Koch's, the compact one, and what is done to them after training.

Comes in: images as float32 ``(batch, height, width, 3)`` in [0, 1]. Goes out: Keras models to
embeddings ``(batch, dimensions)``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from siamlab.backend import keras, layers, ops
from siamlab.errors import InputError
from siamlab.gradients import GRADIENTS
from siamlab.layers import CentralView, CentredUnit, CohortNormalisation, Mirror

ARCHITECTURES = ("koch", "compact")

# Koch et al. 2015, figure 4: channels and side of each kernel; 2x2 pooling follows all but the
# last. Then the numbers in the code.
_KOCH_CHANNELS, _KOCH_KERNELS, _KOCH_CODE = (64, 128, 128, 256), (10, 7, 4, 4), 4096


def _koch(
    shape: tuple[int, int, int], channels: Sequence[int], code: int, normalised: bool = False
) -> keras.Model:
    """Koch et al. 2015, figure 4, for colour images: valid convolutions, ReLU, sigmoid code."""
    inputs = keras.Input(shape, name="image")
    x = layers.Rescaling(2.0, -1.0, name="centre")(inputs) if normalised else inputs
    for number, (count, kernel) in enumerate(zip(channels, _KOCH_KERNELS, strict=True), 1):
        if min(x.shape[1:3]) < kernel:
            raise InputError(
                f"Koch's network needs images of at least 60x60 pixels. Received: {shape}."
            )
        x = _convolution(x, count, kernel, f"conv{number}", normalised, use_bias=True)
        if number < len(channels):
            x = layers.MaxPooling2D(2, padding="same", name=f"pool{number}")(x)
    return keras.Model(inputs, _code(x, code, normalised, use_bias=True), name="embedding")


def _normalised(x: Any, name: str) -> Any:
    # 0.95 instead of Keras' 0.99: runs here are short, and the averages must have arrived
    # by the end of them.
    return layers.BatchNormalization(momentum=0.95, name=f"{name}_norm")(x)


def _convolution(
    x: Any, count: int, kernel: int, name: str, normalised: bool, use_bias: bool
) -> Any:
    """Valid convolution and ReLU; with batch normalisation between them, or plain with a bias."""
    if not normalised:
        return layers.Conv2D(count, kernel, activation="relu", name=name)(x)
    convolution = layers.Conv2D(
        count, kernel, use_bias=use_bias, kernel_initializer="he_normal", name=name
    )
    return layers.ReLU(name=f"{name}_relu")(_normalised(convolution(x), name))


def _code(x: Any, count: int, normalised: bool, use_bias: bool) -> Any:
    """The sigmoid code; with dropout and batch normalisation, or plain with a bias."""
    x = layers.Flatten(name="flatten")(x)
    if not normalised:
        return layers.Dense(count, activation="sigmoid", name="code")(x)
    x = layers.Dropout(0.3, name="dropout")(x)
    x = _normalised(layers.Dense(count, use_bias=use_bias, name="code")(x), "code")
    return layers.Activation("sigmoid", name="code_sigmoid")(x)


def fold_normalisation(trained: keras.Model) -> keras.Model:
    """Take batch normalisation into the weights: plain layers, the same function, less work.

    After training, a normalisation is a fixed multiple and a fixed offset of each channel
    (Ioffe and Szegedy 2015, section 3.1), and the layer before it can do both itself. So can the
    first one with the centring of the image, ``2 x - 1``.

    Args:
        trained: what :func:`build_embedding` returns with ``normalised=True``.

    Returns:
        The network of ``build_embedding(…, normalised=False)``, with equal embeddings: for
        ``koch`` it is the paper's own.

    Raises:
        InputError: the model is another one.
    """
    names = [*(f"conv{number}" for number in range(1, len(_KOCH_CHANNELS) + 1)), "code"]
    have = {layer.name for layer in trained.layers}
    if not {"centre", *(f"{name}_norm" for name in names)} <= have:
        raise InputError("Folding takes a network built with normalised=True.")
    channels = [trained.get_layer(name).filters for name in names[:-1]]
    build = _compact if "unit" in have else _koch
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


# The compact network: channels and side of each kernel, then the numbers in the code.
_COMPACT_CHANNELS, _COMPACT_KERNELS, _COMPACT_CODE = (32, 64, 128, 256), (7, 5, 4, 4), 1024


def _compact(
    shape: tuple[int, int, int], channels: Sequence[int], code: int, normalised: bool = False
) -> keras.Model:
    """Koch's design made small, for two cores: unit codes of 1,024 numbers."""
    if min(shape[:2]) < 16:
        raise InputError(
            f"The compact network needs images of at least 16x16 pixels. Received: {shape}."
        )
    inputs = keras.Input(shape, name="image")
    x = layers.Rescaling(2.0, -1.0, name="centre")(inputs) if normalised else inputs
    for number, (count, kernel) in enumerate(zip(channels, _COMPACT_KERNELS, strict=True), 1):
        # In small images little is left for the later kernels: they take what there is.
        side = min(kernel, *x.shape[1:3])
        x = _convolution(x, count, side, f"conv{number}", normalised, use_bias=False)
        if number < len(_COMPACT_KERNELS):
            x = layers.MaxPooling2D(2, padding="same", name=f"pool{number}")(x)
    unit = CentredUnit(name="unit")(_code(x, code, normalised, use_bias=False))
    return keras.Model(inputs, unit, name="embedding")


def _scaled(counts: Sequence[int], width: float, least: int = 1) -> tuple[int, ...]:
    return tuple(max(least, round(count * width)) for count in counts)


def build_embedding(
    arch: str = "koch",
    input_shape: tuple[int, int, int] = (105, 105, 3),
    width: float = 1.0,
    normalised: bool | None = None,
) -> keras.Model:
    """Build an embedding network.

    Args:
        arch: ``koch`` (Koch, Zemel, Salakhutdinov 2015, figure 4: 38,960,448 weights at
            ``width=1``) or ``compact`` (the same design made small, for two cores).
        input_shape: height, width and channels of the images, float32 in [0, 1].
        width: multiple of the channel counts.
        normalised: with batch normalisation and dropout, for training;
            :func:`fold_normalisation` then gives the plain network. When ``None``, ``compact`` has
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
        narrow = _scaled(_COMPACT_CHANNELS, width, 4)
        (code,) = _scaled((_COMPACT_CODE,), width, 16)
        return _compact(input_shape, narrow, code, normalised is not False)
    *channels, code = _scaled((*_KOCH_CHANNELS, _KOCH_CODE), width)
    return _koch(input_shape, channels, code, normalised is True)


def reduced(embedding: keras.Model, images: np.ndarray, dimensions: int) -> keras.Model:
    """Keep the principal axes of unit embeddings: shorter templates that compare alike.

    The axes are those of training people's embeddings (principal components without the centring,
    so that cosines stay), as one more layer.

    Args:
        embedding: unit embeddings come out.
        images: float32 ``(N, height, width, 3)`` of training people.
        dimensions: numbers kept, at most N and at most the embedding's own.

    Returns:
        A model to unit embeddings ``(batch, dimensions)``.
    """
    _, _, axes = np.linalg.svd(_embed(embedding, images), full_matrices=False)
    principal = layers.Dense(dimensions, use_bias=False, name="principal")
    code = layers.UnitNormalization(name="unit_principal")(principal(embedding.output))
    principal.set_weights([axes[:dimensions].T])
    return keras.Model(embedding.input, code, name="embedding")


def _embed(embedding: keras.Model, images: np.ndarray) -> np.ndarray:
    starts = range(0, len(images), 64)
    return np.concatenate([embedding.predict_on_batch(images[i : i + 64]) for i in starts])


def against_cohort(embedding: keras.Model, images: np.ndarray, count: int) -> keras.Model:
    """Let a cohort of strangers normalise unit embeddings, :class:`CohortNormalisation`.

    The cohort are the middles of groups of strangers (k-means), so that a model file holds no
    template of a single person.

    Args:
        embedding: unit embeddings come out.
        images: float32 ``(N, height, width, 3)``, one of each stranger: people whom the network
            was not trained on, and who are not verified.
        count: groups, at most N.

    Returns:
        A model to unit embeddings of one more number.
    """
    from sklearn.cluster import KMeans

    codes = _embed(embedding, images)
    groups = KMeans(count, n_init=1, random_state=0).fit(codes)
    normalise = CohortNormalisation(count, name="cohort")
    code = normalise(embedding.output)
    normalise.set_weights([groups.cluster_centers_, np.float32(0)])
    usual = float(ops.convert_to_numpy(normalise.likeness(codes)).mean())
    normalise.set_weights([groups.cluster_centers_, np.float32(usual)])
    return keras.Model(embedding.input, code, name="embedding")


def committee(
    members: Sequence[keras.Model],
    fractions: Sequence[float],
    votes: ArrayLike | None = None,
) -> keras.Model:
    """Join networks that see an image differently; their unit embeddings side by side.

    The cosine of two such embeddings is the mean of the members' cosines, weighed by their votes,
    so that one member can outvote what another errs in. Networks that see different parts of an
    image err more independently than networks that differ in their first weights alone (Sun et al.
    2014, "Deep Learning Face Representation from Predicting 10,000 Classes", section 3.3).

    Args:
        members: unit embeddings come out; all take images of one shape.
        fractions: what each was trained to see, as a share of a face chip's side.
        votes: how much each member's cosine counts, at least 0; alike when ``None``.

    Returns:
        A model to unit embeddings of all the members' numbers together. Its images show the
        largest of the fractions, as finely as the members see the smallest. A single member comes
        back as it is.
    """
    if len(members) == 1:
        return members[0]
    size, largest = int(members[0].input_shape[1]), max(fractions)
    side = round(size * largest / min(fractions))
    images = keras.Input((side, side, 3), name="image")
    shares = np.full(len(members), 1.0) if votes is None else np.asarray(votes, float)
    shares = shares / shares.sum()
    codes = []
    for number, (member, fraction) in enumerate(zip(members, fractions, strict=True), 1):
        view = CentralView(fraction / largest, size, name=f"view{number}")(images)
        name = member.name if member.name == GRADIENTS else f"member{number}"
        code = keras.Model(member.input, member.output, name=name)(view)
        # Lengths whose squares are the shares: so much of a cosine is each member's.
        share = float(np.sqrt(shares[number - 1]))
        codes.append(layers.Rescaling(share, name=f"vote{number}")(code))
    together = layers.Concatenate(name="members")(codes)
    return keras.Model(
        images, layers.UnitNormalization(name="unit_members")(together), name="embedding"
    )


def mirrored(embedding: keras.Model) -> keras.Model:
    """Embed an image and its mirror image with the same weights, and average the two.

    For unit embeddings such as ``compact``'s: costs a second pass, and is used for
    verification only.
    """
    images = keras.Input(embedding.input_shape[1:], name="image")
    total = layers.Add(name="both")([embedding(images), embedding(Mirror(name="mirror")(images))])
    return keras.Model(images, layers.UnitNormalization(name="unit")(total), name="embedding")

"""Koch's embedding network (Koch, Zemel, Salakhutdinov 2015, figure 4).

Plain as in the paper, or with batch normalization to train quicker, which
:func:`fold_normalization` then makes plain.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from siamlab.errors import InputError
from siamlab.system.backend import keras, layers, ops

# Channels and side of each kernel; 2x2 pooling follows all but the last. Then the length of the
# code.
CHANNELS, KERNELS, CODE = (64, 128, 128, 256), (10, 7, 4, 4), 4096


def build_koch(
    shape: tuple[int, int, int], channels: Sequence[int], code: int, normalized: bool = False
) -> keras.Model:
    """The paper's network, for color images: valid convolutions, ReLU, sigmoid code.

    With ``normalized``, batch normalization stands before each activation, and dropout before the
    code.
    """
    if min(shape[:2]) < 58:  # then the last kernel is larger than what it slides over
        raise InputError(
            f"Koch's network needs images of at least 60x60 pixels. Received: {shape}."
        )
    inputs = keras.Input(shape, name="image")
    x = layers.Rescaling(2.0, -1.0, name="center")(inputs) if normalized else inputs
    for number, (count, kernel) in enumerate(zip(channels, KERNELS, strict=True), 1):
        # Small images are smaller than the later kernels by then.
        x = _convolution(x, count, min(kernel, *x.shape[1:3]), f"conv{number}", normalized)
        if number < len(KERNELS):
            x = layers.MaxPooling2D(2, padding="same", name=f"pool{number}")(x)
    x = _sigmoid_code(layers.Flatten(name="flatten")(x), code, normalized)
    return keras.Model(inputs, x, name="embedding")


def _convolution(x: Any, count: int, side: int, name: str, normalized: bool) -> Any:
    if not normalized:
        return layers.Conv2D(count, side, activation="relu", name=name)(x)
    x = layers.Conv2D(count, side, kernel_initializer="he_normal", name=name)(x)
    return layers.ReLU(name=f"{name}_relu")(_normalize(x, name))


def _sigmoid_code(x: Any, count: int, normalized: bool) -> Any:
    if not normalized:
        return layers.Dense(count, activation="sigmoid", name="code")(x)
    x = layers.Dropout(0.3, name="dropout")(x)
    x = _normalize(layers.Dense(count, name="code")(x), "code")
    return layers.Activation("sigmoid", name="code_sigmoid")(x)


def _normalize(x: Any, name: str) -> Any:
    # 0.95 instead of Keras' 0.99: runs are short, and the averages must converge within them.
    return layers.BatchNormalization(momentum=0.95, name=f"{name}_norm")(x)


def fold_normalization(trained: keras.Model) -> keras.Model:
    """Fold batch normalization into the weights: the paper's own layers, the same function.

    After training, a normalization is a fixed scale and offset of each channel (Ioffe and Szegedy
    2015, section 3.1), which the layer before it can apply itself. So can the first layer with
    the centering of the image, ``2 x - 1``.

    Args:
        trained: Koch's network, built with ``normalized=True``.

    Returns:
        The plain network, with equal embeddings.

    Raises:
        InputError: the model is another one.
    """
    names = [*(f"conv{number}" for number in range(1, len(CHANNELS) + 1)), "code"]
    have = {layer.name for layer in trained.layers}
    if not {"center", *(f"{name}_norm" for name in names)} <= have:
        raise InputError("Folding takes Koch's network, built with normalized=True.")
    channels = [trained.get_layer(name).filters for name in names[:-1]]
    plain = build_koch(trained.input_shape[1:], channels, trained.get_layer("code").units)
    for name in names:
        kernel, bias = map(ops.convert_to_numpy, trained.get_layer(name).weights)
        norm = trained.get_layer(f"{name}_norm")
        gamma, beta, mean, variance = map(ops.convert_to_numpy, norm.weights)
        if name == names[0]:  # the offset of 2 x - 1 first, while the kernel is unscaled
            bias = bias - kernel.sum(axis=(0, 1, 2))
            kernel = 2 * kernel
        scale = gamma / np.sqrt(variance + norm.epsilon)
        plain.get_layer(name).set_weights([kernel * scale, (bias - mean) * scale + beta])
    return plain


def centered_unit(code: Any) -> Any:
    """Center sigmoid codes in (0, 1) at zero and scale them to length one, for cosines."""
    centered = layers.Rescaling(2.0, -1.0, name="code_centered")(code)
    return layers.UnitNormalization(name="unit")(centered)

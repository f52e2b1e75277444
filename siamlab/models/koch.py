"""Koch's embedding network (Koch, Zemel, Salakhutdinov 2015, figure 4), and its two parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from siamlab.errors import InputError
from siamlab.system.backend import keras, layers

# Channels and side of each kernel; 2x2 pooling follows all but the last. Then the length of the
# code.
CHANNELS, KERNELS, CODE = (64, 128, 128, 256), (10, 7, 4, 4), 4096


def build_koch(
    shape: tuple[int, int, int], channels: Sequence[int], code: int, normalized: bool = False
) -> keras.Model:
    """The paper's network, for color images: valid convolutions, ReLU, sigmoid code."""
    if min(shape[:2]) < 58:  # then the last kernel is larger than what it slides over
        raise InputError(
            f"Koch's network needs images of at least 60x60 pixels. Received: {shape}."
        )
    inputs, x = convolutions(shape, channels, KERNELS, normalized, use_bias=True)
    return keras.Model(inputs, sigmoid_code(x, code, normalized, use_bias=True), name="embedding")


def convolutions(
    shape: tuple[int, int, int],
    channels: Sequence[int],
    kernels: Sequence[int],
    normalized: bool,
    use_bias: bool,
) -> tuple[Any, Any]:
    """Images, and what valid convolutions, ReLU and pooling make of them.

    With batch normalization before each ReLU, or plain with a bias.
    """
    inputs = keras.Input(shape, name="image")
    x = layers.Rescaling(2.0, -1.0, name="center")(inputs) if normalized else inputs
    for number, (count, kernel) in enumerate(zip(channels, kernels, strict=True), 1):
        name = f"conv{number}"
        # Small images are smaller than the later kernels by then.
        side = min(kernel, *x.shape[1:3])
        if normalized:
            x = layers.Conv2D(
                count, side, use_bias=use_bias, kernel_initializer="he_normal", name=name
            )(x)
            x = layers.ReLU(name=f"{name}_relu")(_normalize(x, name))
        else:
            x = layers.Conv2D(count, side, activation="relu", name=name)(x)
        if number < len(kernels):
            x = layers.MaxPooling2D(2, padding="same", name=f"pool{number}")(x)
    return inputs, x


def sigmoid_code(x: Any, count: int, normalized: bool, use_bias: bool) -> Any:
    """The sigmoid code; with dropout and batch normalization, or plain with a bias."""
    x = layers.Flatten(name="flatten")(x)
    if not normalized:
        return layers.Dense(count, activation="sigmoid", name="code")(x)
    x = layers.Dropout(0.3, name="dropout")(x)
    x = _normalize(layers.Dense(count, use_bias=use_bias, name="code")(x), "code")
    return layers.Activation("sigmoid", name="code_sigmoid")(x)


def _normalize(x: Any, name: str) -> Any:
    # 0.95 instead of Keras' 0.99: runs are short, and the averages must converge within them.
    return layers.BatchNormalization(momentum=0.95, name=f"{name}_norm")(x)

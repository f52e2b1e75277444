"""What both networks are built of: a convolution, a code, batch normalization."""

from __future__ import annotations

from typing import Any

from siamlab.system.backend import layers


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

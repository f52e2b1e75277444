"""What both networks are built of: convolutions, a sigmoid code, batch normalization."""

from __future__ import annotations

from typing import Any

from siamlab.system.backend import layers


def batch_normalization(x: Any, name: str) -> Any:
    """Keras' layer, named after the one before it."""
    # 0.95 instead of Keras' 0.99: runs are short, and the averages must converge within them.
    return layers.BatchNormalization(momentum=0.95, name=f"{name}_norm")(x)


def convolution_block(
    x: Any, count: int, kernel: int, name: str, normalized: bool, use_bias: bool
) -> Any:
    """Valid convolution and ReLU; with batch normalization between them, or plain with a bias."""
    if not normalized:
        return layers.Conv2D(count, kernel, activation="relu", name=name)(x)
    convolution = layers.Conv2D(
        count, kernel, use_bias=use_bias, kernel_initializer="he_normal", name=name
    )
    return layers.ReLU(name=f"{name}_relu")(batch_normalization(convolution(x), name))


def sigmoid_code(x: Any, count: int, normalized: bool, use_bias: bool) -> Any:
    """The sigmoid code; with dropout and batch normalization, or plain with a bias."""
    x = layers.Flatten(name="flatten")(x)
    if not normalized:
        return layers.Dense(count, activation="sigmoid", name="code")(x)
    x = layers.Dropout(0.3, name="dropout")(x)
    x = batch_normalization(layers.Dense(count, use_bias=use_bias, name="code")(x), "code")
    return layers.Activation("sigmoid", name="code_sigmoid")(x)


def centered_unit(code: Any) -> Any:
    """Center sigmoid codes in (0, 1) at zero and scale them to length one, for cosines."""
    centered = layers.Rescaling(2.0, -1.0, name="code_centered")(code)
    return layers.UnitNormalization(name="unit")(centered)

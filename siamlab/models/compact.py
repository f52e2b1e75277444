"""The compact embedding network: a small residual network, for two cores.

He et al. 2015, "Deep Residual Learning for Image Recognition", with batch normalization (Ioffe
and Szegedy 2015) after every convolution. The last map is flattened and not averaged: aligned
faces have eyes and mouth at fixed places, so where something is seen counts.
"""

from __future__ import annotations

from typing import Any

from siamlab.errors import InputError
from siamlab.system.backend import keras, layers

SMALLEST = 16  # pixels; below, nothing is left of the last map
STEM, DIMENSIONS = 32, 128
# Filters and blocks of each level; all but the first level halve height and width.
LEVELS = ((32, 2), (64, 2), (128, 2), (256, 1))


def build_compact(shape: tuple[int, int, int], width: float = 1.0) -> keras.Model:
    """A residual network from images in [0, 1] to unit embeddings of 128 numbers.

    Args:
        shape: height, width and channels of the images, sides of 16 pixels at least.
        width: multiple of the filters of every level; an embedding keeps its 128 numbers.

    Returns:
        A Keras model; 2,142,944 weights for 64x64x3 at ``width=1``.

    Raises:
        InputError: the images are too small.
    """
    if min(shape[:2]) < SMALLEST:
        raise InputError(
            f"The compact network needs images of at least {SMALLEST}x{SMALLEST} pixels. "
            f"Received: {shape}."
        )
    image = keras.Input(shape, name="image")
    x = layers.Rescaling(2.0, -1.0, name="center")(image)
    x = _relu(_convolution(x, _scaled(STEM, width), 3, "stem", strides=2), "stem")
    for level, (filters, blocks) in enumerate(LEVELS, start=1):
        for number in range(1, blocks + 1):
            halve = level > 1 and number == 1
            x = _block(x, _scaled(filters, width), halve, f"level{level}_block{number}")
    x = layers.Dropout(0.1, name="dropout")(layers.Flatten(name="flatten")(x))
    x = _normalize(layers.Dense(DIMENSIONS, use_bias=False, name="code")(x), "code")
    return keras.Model(image, layers.UnitNormalization(name="unit")(x), name="embedding")


def _scaled(filters: int, width: float) -> int:
    return max(4, round(filters * width))


def _block(x: Any, filters: int, halve: bool, name: str) -> Any:
    """Two convolutions, added to their input; where shapes differ, that is pooled and mixed."""
    inside = _convolution(x, filters, 3, f"{name}_conv1", strides=2 if halve else 1)
    inside = _convolution(_relu(inside, f"{name}_conv1"), filters, 3, f"{name}_conv2")
    shortcut = layers.AveragePooling2D(2, padding="same", name=f"{name}_pool")(x) if halve else x
    if shortcut.shape[-1] != filters:
        shortcut = _convolution(shortcut, filters, 1, f"{name}_shortcut")
    return _relu(layers.Add(name=f"{name}_add")([inside, shortcut]), name)


def _convolution(x: Any, filters: int, side: int, name: str, strides: int = 1) -> Any:
    convolution = layers.Conv2D(
        filters, side, strides, "same", use_bias=False, kernel_initializer="he_normal", name=name
    )
    return _normalize(convolution(x), name)


def _normalize(x: Any, name: str) -> Any:
    # 0.97 instead of Keras' 0.99: runs are short, and the averages must converge within them.
    return layers.BatchNormalization(momentum=0.97, name=f"{name}_norm")(x)


def _relu(x: Any, name: str) -> Any:
    return layers.ReLU(name=f"{name}_relu")(x)

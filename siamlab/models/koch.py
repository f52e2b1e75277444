"""Koch's embedding network (Koch, Zemel, Salakhutdinov 2015, figure 4)."""

from __future__ import annotations

from collections.abc import Sequence

from siamlab.errors import InputError
from siamlab.models.blocks import convolution_block, sigmoid_code
from siamlab.system.backend import keras, layers

# Channels and side of each kernel; 2x2 pooling follows all but the last. Then the length of the
# code.
CHANNELS, KERNELS, CODE = (64, 128, 128, 256), (10, 7, 4, 4), 4096


def build_koch(
    shape: tuple[int, int, int], channels: Sequence[int], code: int, normalized: bool = False
) -> keras.Model:
    """The paper's network, for color images: valid convolutions, ReLU, sigmoid code."""
    inputs = keras.Input(shape, name="image")
    x = layers.Rescaling(2.0, -1.0, name="center")(inputs) if normalized else inputs
    for number, (count, kernel) in enumerate(zip(channels, KERNELS, strict=True), 1):
        if min(x.shape[1:3]) < kernel:
            raise InputError(
                f"Koch's network needs images of at least 60x60 pixels. Received: {shape}."
            )
        x = convolution_block(x, count, kernel, f"conv{number}", normalized, use_bias=True)
        if number < len(channels):
            x = layers.MaxPooling2D(2, padding="same", name=f"pool{number}")(x)
    return keras.Model(inputs, sigmoid_code(x, code, normalized, use_bias=True), name="embedding")

"""The compact embedding network: Koch's design, smaller."""

from __future__ import annotations

from collections.abc import Sequence

from siamlab.errors import InputError
from siamlab.models.blocks import centered_unit, convolution_block, sigmoid_code
from siamlab.system.backend import keras, layers

# Channels and side of each kernel, then the length of the code.
CHANNELS, KERNELS, CODE = (32, 64, 128, 256), (7, 5, 4, 4), 1024


def build_compact(
    shape: tuple[int, int, int], channels: Sequence[int], code: int, normalized: bool = False
) -> keras.Model:
    """A network for two cores, with unit codes of length 1,024."""
    if min(shape[:2]) < 16:
        raise InputError(
            f"The compact network needs images of at least 16x16 pixels. Received: {shape}."
        )
    inputs = keras.Input(shape, name="image")
    x = layers.Rescaling(2.0, -1.0, name="center")(inputs) if normalized else inputs
    for number, (count, kernel) in enumerate(zip(channels, KERNELS, strict=True), 1):
        # Small images are smaller than the later kernels by then.
        side = min(kernel, *x.shape[1:3])
        x = convolution_block(x, count, side, f"conv{number}", normalized, use_bias=False)
        if number < len(KERNELS):
            x = layers.MaxPooling2D(2, padding="same", name=f"pool{number}")(x)
    unit = centered_unit(sigmoid_code(x, code, normalized, use_bias=False))
    return keras.Model(inputs, unit, name="embedding")

"""The compact embedding network: Koch's design, smaller."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from siamlab.errors import InputError
from siamlab.models.koch import convolutions, sigmoid_code
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
    inputs, x = convolutions(shape, channels, KERNELS, normalized, use_bias=False)
    unit = centered_unit(sigmoid_code(x, code, normalized, use_bias=False))
    return keras.Model(inputs, unit, name="embedding")


def centered_unit(code: Any) -> Any:
    """Center sigmoid codes in (0, 1) at zero and scale them to length one, for cosines."""
    centered = layers.Rescaling(2.0, -1.0, name="code_centered")(code)
    return layers.UnitNormalization(name="unit")(centered)

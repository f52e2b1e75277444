"""Training in bfloat16, where the processor multiplies it twice as fast as float32.

Weights, statistics and losses stay float32 (Micikevicius et al. 2018, section 3; Kalamkar et al.
2019 for bfloat16).
"""

from __future__ import annotations

from pathlib import Path

from siamlab.system.backend import keras

# CPU flags in Linux: x86 with either kind of unit, and Arm.
_INSTRUCTIONS = {"avx512_bf16", "amx_bf16", "bf16"}
_IN_BFLOAT16 = (
    keras.layers.Conv2D,
    keras.layers.Dense,
    keras.layers.BatchNormalization,
    keras.layers.ReLU,
    keras.layers.Add,
    keras.layers.MaxPooling2D,
    keras.layers.AveragePooling2D,
    keras.layers.Flatten,
    keras.layers.Dropout,
)


def bfloat16_pays(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether TensorFlow trains faster in bfloat16 on this processor.

    ``False`` where the system does not tell: without the instructions bfloat16 is slower.

    Args:
        cpuinfo: Linux's description of the processor.
    """
    if keras.backend.backend() != "tensorflow" or not cpuinfo.is_file():
        return False
    lines = cpuinfo.read_text().splitlines()
    flags = [line.split(":", 1)[1] for line in lines if line.startswith(("flags", "Features"))]
    return any(_INSTRUCTIONS & set(line.split()) for line in flags)


def in_bfloat16(embedding: keras.Model) -> keras.Model:
    """Copy a network so that convolutions, dense layers and the layers between them use bfloat16.

    The last layers, from the code's activation on, stay float32: cosines of similar faces differ
    by less than bfloat16 resolves.

    Args:
        embedding: float32 layers, in a row.

    Returns:
        A network with a copy of the weights.
    """

    def copy(layer: keras.layers.Layer) -> keras.layers.Layer:
        config = layer.get_config()
        if isinstance(layer, _IN_BFLOAT16):
            config["dtype"] = "mixed_bfloat16"
        return type(layer).from_config(config)

    twin = keras.models.clone_model(embedding, clone_function=copy)
    twin.set_weights(embedding.get_weights())
    return twin

"""Training in bfloat16, where the processor multiplies such numbers twice as fast as float32.

Input: an embedding network. Output: the same network with its large sums of products in
bfloat16; weights, statistics and losses stay float32 (Micikevicius et al. 2018, section 3;
Kalamkar et al. 2019 for bfloat16).
"""

from __future__ import annotations

from pathlib import Path

from siamlab.system.backend import keras

# Names in Linux's list of what a processor can do: x86 with either kind of unit, and Arm.
_INSTRUCTIONS = {"avx512_bf16", "amx_bf16", "bf16"}
_PRODUCTS = (keras.layers.Conv2D, keras.layers.Dense)
_BETWEEN = (
    keras.layers.BatchNormalization,
    keras.layers.ReLU,
    keras.layers.MaxPooling2D,
    keras.layers.Flatten,
    keras.layers.Dropout,
)


def bfloat16_pays(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether TensorFlow trains faster in bfloat16 on this processor.

    Where the system does not say so, the answer is no: without the instructions it would be slower.

    Args:
        cpuinfo: Linux's description of the processor.
    """
    if keras.backend.backend() != "tensorflow" or not cpuinfo.is_file():
        return False
    lines = cpuinfo.read_text().splitlines()
    flags = [line.split(":", 1)[1] for line in lines if line.startswith(("flags", "Features"))]
    return any(_INSTRUCTIONS & set(line.split()) for line in flags)


def in_bfloat16(embedding: keras.Model) -> keras.Model:
    """Copy a network so that convolutions, dense layers and what stands between them use bfloat16.

    The last layers, from the code's activation on, stay float32: cosines of near faces
    differ by less than bfloat16 can hold.

    Args:
        embedding: float32 layers, in a row.

    Returns:
        A network with equal weights of its own: give them back with ``set_weights``.
    """

    def copy(layer: keras.layers.Layer) -> keras.layers.Layer:
        config = layer.get_config()
        if isinstance(layer, (*_PRODUCTS, *_BETWEEN)):
            config["dtype"] = "mixed_bfloat16"
        return type(layer).from_config(config)

    twin = keras.models.clone_model(embedding, clone_function=copy)
    twin.set_weights(embedding.get_weights())
    return twin

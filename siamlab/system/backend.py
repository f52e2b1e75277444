"""Keras, imported without the page of notices that TensorFlow prints at its start.

Output: ``keras``, ``layers`` and ``ops``, on whatever backend
``KERAS_BACKEND`` names, and the two things that backends want done differently.
"""

from __future__ import annotations

import logging
import random

from siamlab.system.quiet import silent_stderr

with silent_stderr():
    import keras
    from keras import layers, ops

    if keras.backend.backend() == "tensorflow":
        import tensorflow

        # Looking for GPUs is what prints the rest of the notices, on a machine without one.
        tensorflow.config.list_physical_devices("GPU")
        # Several models in one process set off its advice on retracing, which is about loops
        # that build one function again and again; siamlab has none.
        logging.getLogger("tensorflow").setLevel(logging.ERROR)


def set_seed(seed: int) -> None:
    """Make fresh weights, dropout and TensorFlow's data depend on ``seed`` alone.

    ``keras.utils.set_random_seed`` loads TensorFlow wherever it is installed, whatever the
    backend, which costs seconds and memory. Elsewhere Python's generator is enough: Keras draws
    the seeds of initializers and of dropout from it.
    """
    if keras.backend.backend() == "tensorflow":
        keras.utils.set_random_seed(seed)
    else:
        random.seed(seed)


def uses_xla() -> bool:
    """Whether training steps are compiled by XLA: ``jit_compile`` of ``compile``.

    JAX without it works one operation at a time. TensorFlow on a processor is several times
    quicker without it, because its own convolutions are oneDNN's.
    """
    return bool(keras.backend.backend() == "jax")


__all__ = ["keras", "layers", "ops", "set_seed", "silent_stderr", "uses_xla"]

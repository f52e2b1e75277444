"""Keras on the backend that ``KERAS_BACKEND`` names, and what differs between backends.

It is imported without the notices that TensorFlow prints when it starts. Of the user's
``keras.json`` only the backend counts: siamlab's images have their channels last and its networks
their weights in float32, whatever other work of the same user is set to.
"""

from __future__ import annotations

import gc
import logging
import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from siamlab.errors import MissingPackageError, ModelError
from siamlab.system.quiet import quiet_tensorflow, silent_stderr


@contextmanager
def _garbage_left() -> Iterator[None]:
    """Python looks for no garbage while the block runs.

    An import makes a million objects that stay. Searched again and again for what could go, they
    took a sixth of its time.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


quiet_tensorflow()
with silent_stderr(), _garbage_left():
    try:
        import keras
        from keras import layers, ops
    except Exception as error:  # of a backend that is missing, or a keras.json that is damaged
        raise MissingPackageError(
            f"Keras does not start as KERAS_BACKEND or its file keras.json asks: {error}. Set "
            "KERAS_BACKEND=tensorflow, or install what is missing."
        ) from None

    keras.config.set_image_data_format("channels_last")
    keras.config.set_floatx("float32")

    if keras.backend.backend() == "tensorflow":
        import tensorflow

        # Without a GPU, looking for one prints the rest of the notices.
        tensorflow.config.list_physical_devices("GPU")
        # Several models in one process trigger its advice on retracing, which is about loops
        # that build one function repeatedly; siamlab has none.
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


@cache
def _first_process() -> int:
    """The process that first asked, or the one that this process was forked from."""
    return os.getpid()


def check_process() -> None:
    """Refuse to work in a process forked from one with a model, where the network would hang.

    ``os.fork`` copies a process without its threads, and TensorFlow and JAX wait for theirs.

    Raises:
        ModelError: this process is such a one.
    """
    if _first_process() != os.getpid():
        raise ModelError(
            "This process was forked from one that had a model in Keras, whose threads did not "
            "come along: it would hang. Start processes with the method spawn "
            "(multiprocessing.get_context('spawn')), or load the model in them and not before."
        )


def uses_xla() -> bool:
    """Whether training steps are compiled by XLA: ``jit_compile`` of ``compile``.

    JAX without it works one operation at a time. TensorFlow on a processor is several times
    faster without it, because its own convolutions are oneDNN's.
    """
    return bool(keras.backend.backend() == "jax")


def int8_weights() -> dict[str, Any]:
    """What makes Keras' export to LiteRT store kernels in eight bits ("dynamic range").

    Kernels are rounded with one scale for each output channel, and each layer's input, while it
    runs, with one for the image (Jacob et al. 2018, section 2). TensorFlow's own converter does
    it; elsewhere it is not asked.
    """
    if keras.backend.backend() != "tensorflow":
        return {}
    return {"optimizations": [tensorflow.lite.Optimize.DEFAULT]}


__all__ = ["check_process", "int8_weights", "keras", "layers", "ops", "set_seed", "uses_xla"]

"""Keras, imported without the page of notices that TensorFlow prints at its start.

Comes in: nothing. Goes out: ``keras``, ``layers`` and ``ops``, on whatever backend
``KERAS_BACKEND`` names. An error stays an exception; only what the C++ libraries print while they
load is turned away, because a command's standard error holds one line or none.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet_start() -> Iterator[None]:
    """Send what is written to file descriptor 2 nowhere while the block runs."""
    try:
        kept = os.dup(2)
    except OSError:  # a program without standard error has nothing to silence
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(nowhere)
        os.close(kept)


with quiet_start():
    import keras
    from keras import layers, ops

    if keras.backend.backend() == "tensorflow":
        import tensorflow

        # Looking for GPUs is what prints the rest of the notices, on a machine without one.
        tensorflow.config.list_physical_devices("GPU")
        # Several models in one process set off its advice on retracing, which is about loops
        # that build one function again and again; siamlab has none.
        logging.getLogger("tensorflow").setLevel(logging.ERROR)

__all__ = ["keras", "layers", "ops", "quiet_start"]

"""Keras, imported without the page of notices that TensorFlow prints at its start.

Comes in: nothing. Goes out: ``keras``, ``layers`` and ``ops``, on whatever backend
``KERAS_BACKEND`` names.
"""

from __future__ import annotations

import logging

from siamlab.quiet import quiet_start

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

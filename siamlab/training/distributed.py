"""Training with several processes: one batch for all of them, Keras' ``DataParallel`` on JAX.

Each process makes its share of the batch and has a copy of the weights. What JAX compiles is the
step of one process on the whole batch: it gathers the embeddings for the comparison of all pairs,
the statistics of batch normalization and the gradients where they are needed. No collective is
written here, except the check that all begin at the same point.
"""

from __future__ import annotations

import atexit
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from siamlab.errors import InputError, MissingPackageError, ModelError
from siamlab.models.safety import first_line
from siamlab.system.backend import keras
from siamlab.system.quiet import silent_stdout
from siamlab.training.checkpoints import state_variables

COUNT = "KERAS_DISTRIBUTION_NUM_PROCESSES"
_FAILED = 2  # exit status


@contextmanager
def joined_processes() -> Iterator[keras.distribution.Distribution | None]:
    """Train with the processes that Keras' environment variables name, while the block runs.

    These are ``KERAS_DISTRIBUTION_JOB_ADDRESSES`` (host and port of process 0),
    ``KERAS_DISTRIBUTION_NUM_PROCESSES`` and ``KERAS_DISTRIBUTION_PROCESS_ID``. It begins before
    anything is computed, and every process has to reach its end.

    Yields:
        For :class:`~siamlab.training.settings.TrainingSettings`; ``None`` where this process is
        alone.

    Raises:
        MissingPackageError: Keras does not run on JAX.
        InputError: the processes do not find each other.
        ModelError: another process ended within the block, or JAX failed in this one.

    Example:
        ```python
        with joined_processes() as distribution:
            settings = TrainingSettings(steps=1000, distribution=distribution)
            train_people(embedding, people, preprocessing, settings)
        ```
    """
    if os.environ.get(COUNT, "1") == "1":
        yield None
        return
    if keras.backend.backend() != "jax":
        raise MissingPackageError(
            'Several processes train on JAX: pip install "siamlab[jax]", and set KERAS_BACKEND=jax.'
        )
    import jax

    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    try:
        _join()
        yield keras.distribution.DataParallel(auto_shard_dataset=False)
        jax.distributed.shutdown()
    except BaseException as error:
        # At its exit JAX would wait for the others, who wait for this process.
        atexit.register(os._exit, _FAILED)
        if isinstance(error, jax.errors.JaxRuntimeError):
            reason = first_line(error).rsplit("computation: ", 1)[-1]  # JAX repeats the rest
            raise ModelError(
                f"A step failed; if not for a reason here, another process ended ({reason})."
            ) from error
        raise


def _join() -> None:
    try:
        with silent_stdout():  # Gloo says there whom it is connected to
            keras.distribution.initialize()
    except (RuntimeError, ValueError, TypeError) as error:
        names = ("JOB_ADDRESSES", "NUM_PROCESSES", "PROCESS_ID")
        given = {name: os.environ.get(f"KERAS_DISTRIBUTION_{name}") for name in names}
        raise InputError(
            "The processes of this training do not find each other. Expected in the environment of "
            "each: KERAS_DISTRIBUTION_JOB_ADDRESSES, host:port of process 0, which the others "
            "reach; KERAS_DISTRIBUTION_NUM_PROCESSES; KERAS_DISTRIBUTION_PROCESS_ID, from 0. "
            f"Received: {given} ({first_line(error)})."
        ) from error


def share_of(distribution: keras.distribution.Distribution | None) -> tuple[int, int]:
    """The number of this process, and how many there are; process 0 writes what is kept."""
    if distribution is None:
        return 0, 1
    return distribution.data_shard_id, distribution.num_processes


def devices_of(distribution: keras.distribution.Distribution | None) -> int:
    """The devices that share a batch."""
    return 1 if distribution is None else int(distribution.device_mesh.devices.size)


def copy_to_devices(
    embedding: keras.Model, distribution: keras.distribution.Distribution
) -> keras.Model:
    """A copy of a network on all devices, with the random state of its dropout."""
    with distribution.scope():
        copy = keras.models.clone_model(embedding)
        for own, other in zip(state_variables(copy), state_variables(embedding), strict=True):
            own.assign(keras.ops.convert_to_numpy(other))
    return copy


def check_same_start(*parts: object) -> None:
    """Compare what this process begins with to what the others do; all of them must ask.

    Args:
        parts: what has to be the same; their ``repr`` is compared.

    Raises:
        InputError: they differ.
    """
    from jax.experimental import multihost_utils

    digest = np.frombuffer(hashlib.sha256(repr(parts).encode()).digest(), np.uint8)
    found = multihost_utils.process_allgather(digest)
    if (found != digest).any():
        raise InputError(
            "The processes of a training begin with the same images, settings and checkpoints. "
            "Received: different ones. Give all of them the same command and siamlab, copies of "
            "the same images, and an --out in a folder that they share."
        )

"""``siamlab train --processes N``: the processes of one training on this machine."""

from __future__ import annotations

import signal
import socket
import sys
from collections.abc import Sequence
from importlib.util import find_spec

from siamlab.cli.output import note
from siamlab.errors import MissingPackageError, ModelError
from siamlab.system.together import Ending, run_together

_OWN = "siamlab: "  # a command's own lines on standard error; JAX writes others


def train_together(words: Sequence[str], count: int) -> int:
    """Run a command line in several processes that train together, and watch them.

    Args:
        words: the command line; its last ``--processes`` counts.
        count: processes.

    Returns:
        The exit status of the processes: 0, or that of the first that failed.

    Raises:
        MissingPackageError: JAX is not installed.
        ModelError: a process was killed.
    """
    if find_spec("jax") is None:
        raise MissingPackageError(
            'Several processes train on JAX, which is not installed: pip install "siamlab[jax]".'
        )
    command = [sys.executable, "-m", "siamlab.cli.worker", *words, "--processes", "1"]
    ending = run_together(command, local_environments(count))
    said = [line.removeprefix(_OWN) for line in ending.lines if line.startswith(_OWN)]
    if ending.status and not (ending.status > 0 and said):
        raise ModelError(_describe(ending, count))
    for line in said:
        note(line)
    return ending.status


def local_environments(count: int) -> list[dict[str, str]]:
    """What :func:`~siamlab.training.distributed.joined_processes` reads, for each process here."""
    address = f"127.0.0.1:{_free_port()}"
    return [
        {
            "KERAS_BACKEND": "jax",
            "KERAS_DISTRIBUTION_JOB_ADDRESSES": address,
            "KERAS_DISTRIBUTION_NUM_PROCESSES": str(count),
            "KERAS_DISTRIBUTION_PROCESS_ID": str(number),
            "JAX_COORDINATOR_BIND_ADDRESS": address,  # not for other machines
            "JAX_LOCAL_DEVICE_IDS": str(number),  # a GPU for each process, where there are any
        }
        for number in range(count)
    ]


def _describe(ending: Ending, count: int) -> str:
    """The end of a process that had no line of its own to say."""
    which = f"Process {ending.number} of {count} (counted from 0)"
    if ending.status < 0:
        return f"{which} was ended by {signal.Signals(-ending.status).name}; the others were, too."
    last = next((line for line in reversed(ending.lines) if line.strip()), "no reason given")
    return f"{which} ended with status {ending.status}: {last}"


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])

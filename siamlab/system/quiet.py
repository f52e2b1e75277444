"""Silences the notices that C++ libraries print on standard error.

Errors stay exceptions: a command's standard error holds one line or none.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

# Standard error is one for the whole process: two threads that silence it in turns would put back
# the silence of the other.
_SILENCE = threading.RLock()


def quiet_tensorflow() -> None:
    """Keep TensorFlow's notices back, about oneDNN and processors; before it is imported.

    Its errors are exceptions. Who has set the level keeps it.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


@contextmanager
def silent_stderr() -> Iterator[None]:
    """Discard what is written to file descriptor 2, past Python, while the block runs."""
    with _SILENCE:
        try:
            kept = os.dup(2)
        except OSError:  # there is no standard error to silence
            yield
            return
        with _discarded(kept):
            yield


@contextmanager
def _discarded(kept: int) -> Iterator[None]:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(nowhere)
        os.close(kept)

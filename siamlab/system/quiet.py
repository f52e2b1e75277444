"""Silences the notices that C++ libraries print.

Errors stay exceptions: a command's standard error holds one line or none.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

# A stream is one for the whole process: two threads that silence it in turns would put back the
# silence of the other.
_SILENCE = threading.RLock()


def quiet_tensorflow() -> None:
    """Keep TensorFlow's notices back, about oneDNN and processors; before it is imported.

    Its errors are exceptions. Who has set the level keeps it.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def silent_stderr() -> AbstractContextManager[None]:
    """Discard what is written to file descriptor 2, past Python, while the block runs."""
    return _silent(2)


def silent_stdout() -> AbstractContextManager[None]:
    """Discard what is written to file descriptor 1, past Python, while the block runs."""
    return _silent(1)


@contextmanager
def _silent(stream: int) -> Iterator[None]:
    with _SILENCE:
        try:
            kept = os.dup(stream)
        except OSError:  # there is no such stream to silence
            yield
            return
        with _discarded(stream, kept):
            yield


@contextmanager
def _discarded(stream: int, kept: int) -> Iterator[None]:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, stream)
        yield
    finally:
        os.dup2(kept, stream)
        os.close(nowhere)
        os.close(kept)

"""Libraries that print notices while they load, kept from doing so.

Output: a block in which nothing reaches standard error. An error stays an
exception; only what C++ libraries print is turned away, because a command's standard error holds
one line or none.
"""

from __future__ import annotations

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

"""The list of erased people, outside the vault: an old copy must not bring them back unnoticed.

It holds random numbers only, which tell nothing about a person. Keep it apart from the backups.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from siamlab.errors import StorageError
from siamlab.system.files import storage_errors

ERASED_FILE = "erased.txt"
_ID = re.compile("[0-9a-f]{32}")


def note_erased(folder: Path, identity: bytes) -> int:
    """Add a person's id, and wait until it is on the disk.

    Returns:
        The list's length in bytes before, for :func:`shorten_erased`.
    """
    path = folder / ERASED_FILE
    with storage_errors(path):
        handle = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
        with os.fdopen(handle, "wb") as file:
            before = os.fstat(handle).st_size
            # A line of its own, even after a program that was killed within a line.
            file.write(b"\n" + identity.hex().encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
    return before


def shorten_erased(folder: Path, length: int) -> None:
    """Take ids away again, because the erasure could not be written; needs no room on the disk."""
    with storage_errors(folder / ERASED_FILE):
        os.truncate(folder / ERASED_FILE, length)


def read_erased(folder: Path) -> frozenset[bytes]:
    """The ids of erased people.

    Raises:
        StorageError: the list cannot be read.
    """
    path = folder / ERASED_FILE
    try:
        lines = path.read_text("ascii").split()
    except FileNotFoundError:
        return frozenset()
    except (OSError, UnicodeDecodeError) as error:
        raise StorageError(f"The list of erased people {path} cannot be read: {error}.") from None
    return frozenset(bytes.fromhex(line) for line in lines if _ID.fullmatch(line))

"""Files and folders written completely or not at all, with errors of one line."""

from __future__ import annotations

import errno
import hashlib
import shutil
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path

from siamlab.errors import InputError, StorageError

_STALE_SECONDS = 3600.0
PART = ".siamlab-"  # names of temporary files begin so


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn a failing write under ``path`` into one line.

    Raises:
        StorageError: instead of any ``OSError`` raised in the block.
    """
    try:
        yield
    except OSError as error:
        full = error.errno in {errno.ENOSPC, errno.EDQUOT}
        reason = error.strerror or str(error)
        reason = f"the disk is full ({reason})" if full else reason
        advice = "Free some space or choose" if full else "Choose"
        raise StorageError(f"Cannot write {path}: {reason}. {advice} another folder.") from None


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A temporary file that is renamed to ``path`` when the block ends without error.

    It is a hidden file beside ``path`` with the same suffix, so a listing of the folder never
    takes a half-written file for a whole one. Folders are made; after an error ``path`` is as it
    was. What killed programs left in the folder is removed when a program first writes there.

    Raises:
        StorageError: instead of any ``OSError`` raised in the block.
    """
    part = path.with_name(f"{PART}{uuid.uuid4().hex[:8]}-{path.name}")
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        _sweep(path.parent.absolute())
        try:
            yield part
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Call ``write`` with the temporary path of :func:`whole_file`."""
    with whole_file(path) as part:
        write(part)


def write_text(path: Path | str, text: str) -> Path:
    """Write a text file in UTF-8, see :func:`whole_file`."""
    path = Path(path)
    with whole_file(path) as part:
        part.write_text(text, encoding="utf-8")
    return path


def sha256(path: Path) -> str:
    """The SHA-256 of a file in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_text(path: Path | str) -> str:
    """Read a text file in UTF-8, with or without a byte order mark.

    Raises:
        InputError: it cannot be read, or is no such text.
    """
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{path} is not a text file in UTF-8.") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from None


@contextmanager
def new_folder(final: Path) -> Iterator[Path]:
    """A hidden folder beside ``final``, renamed to it when the block ends, removed on an error.

    Raises:
        StorageError: the disk is full or the folder is read-only.
    """
    with storage_errors(final):
        final.parent.mkdir(parents=True, exist_ok=True)
        drop_stale(final.parent, f".{final.name}-")
        part = Path(tempfile.mkdtemp(prefix=f".{final.name}-", dir=final.parent))
    try:
        yield part
        with storage_errors(final):
            part.chmod(0o755)  # mkdtemp makes it private, but a cache may be shared
            try:
                part.rename(final)
            except OSError:
                if not final.is_dir():  # else another process was faster with the same content
                    raise
    finally:
        shutil.rmtree(part, ignore_errors=True)


def drop_stale(folder: Path, prefix: str) -> None:
    """Remove what killed processes left, but nothing changed within an hour: it may be in use."""
    for part in folder.iterdir():
        if part.name.startswith(prefix):
            with suppress(OSError):  # another program was faster, or it is not ours to remove
                if time.time() - part.stat().st_mtime <= _STALE_SECONDS:
                    continue
                if part.is_dir():
                    shutil.rmtree(part, ignore_errors=True)
                else:
                    part.unlink(missing_ok=True)


@lru_cache(maxsize=256)  # once in a program: a folder may hold many thousand images
def _sweep(folder: Path) -> None:
    with suppress(OSError):  # a folder that may be written, but not listed
        drop_stale(folder, PART)

"""Files and folders written completely or not at all, with errors of one line."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import stat
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
def whole_file(path: Path, private: bool = False) -> Iterator[Path]:
    """A temporary file that is renamed to ``path`` when the block ends without error.

    It is a hidden file beside ``path`` with the same suffix, so a listing of the folder never
    takes a half-written file for a whole one. Folders are made; after an error ``path`` is as it
    was. What killed programs left in the folder is removed when a program first writes there.

    Args:
        path: where the file will be.
        private: only its owner can read it, from its first byte on.

    Raises:
        InputError: ``path`` is a folder, a pipe or a device, which a rename would destroy.
        StorageError: instead of any ``OSError`` raised in the block.
    """
    with storage_errors(path):
        target = _target(path, folder=False)
        part = target.with_name(_part_name(target))
        target.parent.mkdir(parents=True, exist_ok=True)
        _sweep(target.parent)
        try:
            if private:
                part.touch(mode=0o600)
            yield part
            with part.open("rb+") as file:  # some disks say only now that they are full
                os.fsync(file.fileno())
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)


def check_writable(path: Path, folder: bool = False) -> None:
    """Look, before any work, whether a file could be written there by :func:`whole_file`.

    Nothing stays: a temporary file is made, and removed, in the folder or in the nearest one above
    it that exists.

    Args:
        path: the file, or the folder that files will go to.
        folder: it is a folder.

    Raises:
        InputError: it is something else.
        StorageError: it cannot be written.
    """
    with storage_errors(path):
        target = _target(path, folder)
        place = target if folder else target.parent
        while not os.path.lexists(place):
            place = place.parent
        part = place / _part_name(target)
        part.touch()
        part.unlink()


def _target(path: Path, folder: bool) -> Path:
    """Where a link leads to; what is there already and is of another kind is refused."""
    target = Path(os.path.realpath(path))
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return target
    if not (stat.S_ISDIR if folder else stat.S_ISREG)(mode):
        kind = "a folder" if stat.S_ISDIR(mode) else "a file" if folder else "a pipe or a device"
        wanted = "a folder's name" if folder else "the name of a file"
        raise InputError(f"Cannot write {path}: it is {kind}. Give {wanted}.")
    return target


def _part_name(path: Path) -> str:
    return f"{PART}{uuid.uuid4().hex[:8]}-{path.name}"


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Call ``write`` with the temporary path of :func:`whole_file`."""
    with whole_file(path) as part:
        write(part)


def write_bytes(path: Path, content: bytes | memoryview, private: bool = False) -> None:
    """Write a file's content, see :func:`whole_file`."""
    with whole_file(path, private) as part:
        part.write_bytes(content)


def write_text(path: Path | str, text: str, private: bool = False) -> Path:
    """Write a text file in UTF-8, see :func:`whole_file`."""
    path = Path(path)
    with whole_file(path, private) as part:
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

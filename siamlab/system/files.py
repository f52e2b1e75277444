"""Writing safely: one-line errors, the cache, and archives unpacked once.

Input: a tar (plain or compressed) or zip file. Output: a folder in the cache that is
either complete or absent, however the unpacking ended.
"""

from __future__ import annotations

import errno
import shutil
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from siamlab.errors import StorageError

_STALE_SECONDS = 3600.0


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
        reason = "the disk is full" if full else (error.strerror or str(error))
        raise StorageError(f"Cannot write {path}: {reason}.") from None


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A place to write a file that moves to ``path`` when the block ends well.

    The place is beside ``path``, hidden, so that a listing of the folder never takes a
    half-written file for a whole one, and has the same suffix. Folders are made; when the block
    fails, ``path`` is as it was.

    Raises:
        OSError: as it comes; the caller says what could not be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{uuid.uuid4().hex[:8]}-{path.name}")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def write_text(path: Path | str, text: str) -> Path:
    """Write a text file (UTF-8) all or nothing; folders are made.

    Raises:
        StorageError: the disk is full or the folder is read-only.
    """
    path = Path(path)
    with storage_errors(path), whole_file(path) as part:
        part.write_text(text, encoding="utf-8")
    return path


@contextmanager
def new_folder(final: Path) -> Iterator[Path]:
    """Fill a folder out of sight; it appears as ``final`` when the block ends without error.

    Gives:
        The hidden folder beside ``final`` to write into; it is removed after an error.

    Raises:
        StorageError: no space, or no right to write.
    """
    with storage_errors(final):
        final.parent.mkdir(parents=True, exist_ok=True)
        drop_stale(final.parent, f".{final.name}-")
        part = Path(tempfile.mkdtemp(prefix=f".{final.name}-", dir=final.parent))
    try:
        yield part
        with storage_errors(final):
            _publish(part, final)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def drop_stale(folder: Path, prefix: str) -> None:
    """Remove what killed processes left; what changed lately may belong to one still at work."""
    for part in folder.iterdir():
        if part.name.startswith(prefix) and time.time() - part.stat().st_mtime > _STALE_SECONDS:
            if part.is_dir():
                shutil.rmtree(part, ignore_errors=True)
            else:
                part.unlink(missing_ok=True)


def _publish(part: Path, final: Path) -> None:
    part.chmod(0o755)  # mkdtemp makes it private, and others may share the cache
    try:
        part.rename(final)
    except OSError:
        if not final.is_dir():  # else another process was quicker with the same content
            raise


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file beside its place and move it there: a reader never meets half a file.

    Args:
        path: where the file shall stand.
        write: called with the temporary path, which has the same suffix.

    Raises:
        StorageError: the disk is full or the folder cannot be written.
    """
    try:
        with whole_file(path) as part:
            write(part)
    except OSError as error:
        raise StorageError(
            f"Cannot write {path}: {error.strerror or error}. Free some space or choose another "
            "folder; the former file, if any, is untouched."
        ) from error

"""Writing safely: one-line errors, the cache, and archives unpacked once.

Comes in: a tar (plain or compressed) or zip file. Goes out: a folder in the cache that is
either complete or absent, however the unpacking ended.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import tarfile
import tempfile
import time
import uuid
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from lzma import LZMAError
from pathlib import Path

from siamlab.errors import InputError, StorageError
from siamlab.profiles import default_root

Progress = Callable[[int, int], None]
_STALE_SECONDS = 3600.0
_DAMAGE = (
    tarfile.ReadError,
    zipfile.BadZipFile,
    EOFError,
    zlib.error,
    LZMAError,
    NotImplementedError,  # zip: unknown compression method
    RuntimeError,  # zip: password needed
)


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


def default_cache() -> Path:
    """The folder for unpacked archives and downloads: ``cache`` in the data folder."""
    return Path(os.environ.get("SIAMLAB_DATA") or default_root()).expanduser() / "cache"


def unpack(
    archive: Path | str, cache: Path | None = None, progress: Progress | None = None
) -> Path:
    """Unpack an archive into the cache, once.

    The folder's name carries a digest of the archive's name, size and time of change, so that
    a changed archive is unpacked afresh. Files are written to a temporary folder beside it,
    which is renamed when complete.

    Args:
        archive: a tar (plain, gzip, bzip2, xz) or zip file.
        cache: where to; ``None`` is :func:`default_cache`.
        progress: called with (bytes read, bytes in all).

    Returns:
        The folder that holds the archive's content.

    Raises:
        InputError: the file is no such archive, is damaged or truncated, or would write
            outside its folder.
        StorageError: no space, or no right to write.
    """
    archive = Path(archive)
    final = (cache or default_cache()) / _cache_name(archive)
    if not final.is_dir():
        with new_folder(final) as part:
            extract(archive, part, progress)
    return final


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


def _cache_name(archive: Path) -> str:
    stat = archive.stat()
    key = f"{archive.name} {stat.st_size} {stat.st_mtime_ns}"
    return f"{archive.name.split('.')[0]}-{hashlib.sha256(key.encode()).hexdigest()[:12]}"


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


def extract(archive: Path, target: Path, progress: Progress | None = None) -> None:
    """Write an archive's content into a folder; errors as in :func:`unpack`."""
    try:
        if zipfile.is_zipfile(archive):
            _extract_zip(archive, target, progress)
        else:
            _extract_tar(archive, target, progress)
    except tarfile.FilterError as error:
        raise InputError(f"{archive} is refused as unsafe: {error}.") from None
    except _DAMAGE as error:
        raise InputError(
            f"{archive} cannot be unpacked; it is damaged, incomplete or no archive "
            f"({_first_line(error)})."
        ) from None
    except OSError as error:
        if error.errno is None:  # gzip reports damage as an OSError without a number
            raise InputError(f"{archive} is damaged ({_first_line(error)}).") from None
        with storage_errors(target.parent):
            raise


def _first_line(error: BaseException) -> str:
    return str(error).strip().split("\n")[0].rstrip(".:") or type(error).__name__


class _StrictInfo(tarfile.TarInfo):
    """Refuses an archive that is cut or damaged between two members.

    tarfile itself takes that place for the end, and leaves the rest out without a word.
    """

    @classmethod
    def fromtarfile(cls, tarfile_: tarfile.TarFile) -> _StrictInfo:
        try:
            return super().fromtarfile(tarfile_)
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]  # the two empty blocks
            raise
        except tarfile.HeaderError as error:
            raise tarfile.ReadError(str(error)) from None


def _extract_tar(archive: Path, target: Path, progress: Progress | None) -> None:
    if not hasattr(tarfile, "data_filter"):
        raise StorageError("Unpacking tar archives safely needs Python 3.11.4 or newer.")
    total = archive.stat().st_size
    with (
        archive.open("rb") as raw,
        tarfile.open(fileobj=raw, mode="r:*", tarinfo=_StrictInfo) as tar,
    ):

        def members() -> Iterator[tarfile.TarInfo]:
            for member in tar:
                yield member
                if progress is not None:
                    progress(min(raw.tell(), total), total)

        tar.extractall(target, members=members(), filter="data")
        # tarfile stops at the empty blocks; the compression's checksum comes after them.
        while tar.fileobj is not None and tar.fileobj.read(1 << 20):
            pass


def _extract_zip(archive: Path, target: Path, progress: Progress | None) -> None:
    with zipfile.ZipFile(archive) as bundle:
        members = bundle.infolist()
        total = sum(member.file_size for member in members)
        done = 0
        for member in members:
            parts = member.filename.replace("\\", "/").split("/")
            if ".." in parts or member.filename.startswith(("/", "\\")):
                raise InputError(f"{archive} is refused as unsafe: {member.filename!r}.")
            bundle.extract(member, target)
            done += member.file_size
            if progress is not None:
                progress(done, total)


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

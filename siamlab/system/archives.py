"""Archives (tar, plain or compressed, and zip), unpacked once, completely or not at all."""

from __future__ import annotations

import errno
import hashlib
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from siamlab.errors import InputError, SiamlabError, StorageError
from siamlab.system.files import new_folder, storage_errors

Progress = Callable[[int, int], None]
# Images hardly shrink: an archive that grows more than this is made to fill the disk.
MOST_MEMBERS = 1_000_000
FREE_BYTES, MOST_TIMES = 1_000_000_000, 200
# A tar's notes (long names, further fields), which tarfile reads into memory at once.
_NOTES = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)
_MOST_NOTES = 1 << 20
# A write that fails because of the member's name, not of the disk.
_BAD_NAMES = {
    errno.ENAMETOOLONG,
    errno.EISDIR,
    errno.ENOTDIR,
    errno.EEXIST,
    errno.EINVAL,
    errno.EILSEQ,
    errno.ELOOP,
}


def unpack(archive: Path | str, cache: Path, progress: Progress | None = None) -> Path:
    """Unpack an archive into the cache, once.

    The folder's name carries a digest of the archive's name, size and time of change, so that
    a changed archive is unpacked again. Files are written to a temporary folder beside it,
    which is renamed when complete.

    Args:
        archive: a tar (plain, gzip, bzip2, xz) or zip file.
        cache: the folder that gets the archive's folder.
        progress: called with (bytes read, bytes in all).

    Returns:
        The folder that holds the archive's content.

    Raises:
        InputError: the file is not an archive, is damaged or truncated, would write outside its
            folder, holds symbolic links, or grows out of all proportion.
        StorageError: the disk is full or the cache is read-only.
    """
    archive = Path(archive)
    try:
        stat = archive.stat()
    except OSError as error:
        raise InputError(f"{archive} cannot be read: {error.strerror}.") from None
    digest = hashlib.sha256(
        f"{archive.name} {stat.st_size} {stat.st_mtime_ns}".encode("utf-8", "surrogateescape")
    ).hexdigest()
    final = cache / f"{archive.name.split('.')[0]}-{digest[:12]}"
    if not final.is_dir():
        with new_folder(final) as part:
            extract(archive, part, progress)
    return final


def extract(archive: Path, target: Path, progress: Progress | None = None) -> None:
    """Write an archive's content into a folder; errors as in :func:`unpack`."""
    try:
        raw = archive.open("rb")
    except OSError as error:
        raise InputError(f"{archive} cannot be read: {error.strerror}.") from None
    with raw:
        _extract(archive, raw, target, progress)


def _extract(archive: Path, raw: BinaryIO, target: Path, progress: Progress | None) -> None:
    try:
        if zipfile.is_zipfile(raw):
            _extract_zip(archive, raw, target, progress)
        else:
            raw.seek(0)
            _extract_tar(archive, raw, target, progress)
    except SiamlabError:
        raise
    except tarfile.FilterError as error:
        raise InputError(f"{archive} is refused as unsafe: {error}.") from None
    except OSError as error:
        if error.errno is None:  # gzip reports damage as an OSError without a number
            raise InputError(f"{archive} is damaged ({_first_line(error)}).") from None
        if error.errno in _BAD_NAMES:
            raise InputError(
                f"{archive} is refused: it holds a name that no file can have here "
                f"({error.strerror})."
            ) from None
        with storage_errors(target.parent):
            raise
    except Exception as error:  # each format raises kinds of its own for damaged files
        raise InputError(
            f"{archive} cannot be unpacked; it is damaged, incomplete or no archive "
            f"({_first_line(error)})."
        ) from None


def _check_growth(archive: Path, packed: int, members: int, unpacked: int) -> None:
    if members > MOST_MEMBERS or unpacked > FREE_BYTES + MOST_TIMES * packed:
        raise InputError(
            f"{archive} is refused: {packed / 1e6:.1f} MB would become {unpacked / 1e6:,.0f} MB or "
            f"more in {members:,} files. Unpack it yourself if it is what it seems, and give the "
            "folder."
        )


def _first_line(error: BaseException) -> str:
    return str(error).strip().split("\n")[0].rstrip(".:") or type(error).__name__


class _StrictInfo(tarfile.TarInfo):
    """Refuses an archive that is cut or damaged between two members, or whose notes are huge.

    tarfile itself takes the former place for the end and silently leaves out the rest.
    """

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> _StrictInfo:
        member = super().frombuf(buf, encoding, errors)
        if member.type in _NOTES and member.size > _MOST_NOTES:
            raise tarfile.InvalidHeaderError("a note of a member is too long")  # type: ignore[attr-defined]
        return member

    @classmethod
    def fromtarfile(cls, tarfile_: tarfile.TarFile) -> _StrictInfo:
        try:
            return super().fromtarfile(tarfile_)
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]  # the two empty blocks
            raise
        except tarfile.HeaderError as error:
            raise tarfile.ReadError(str(error)) from None


def _extract_tar(archive: Path, raw: BinaryIO, target: Path, progress: Progress | None) -> None:
    if not hasattr(tarfile, "data_filter"):
        raise StorageError("Unpacking tar archives safely needs Python 3.11.4 or newer.")
    total = archive.stat().st_size
    with tarfile.open(fileobj=raw, mode="r:*", tarinfo=_StrictInfo) as tar:

        def members() -> Iterator[tarfile.TarInfo]:
            unpacked = 0
            for number, member in enumerate(tar, start=1):
                unpacked += member.size
                _check_growth(archive, total, number, unpacked)
                if member.issym():  # Python's own filter has been got round by chains of them
                    raise InputError(
                        f"{archive} is refused as unsafe: {member.name!r} is a symbolic link."
                    )
                yield member
                if progress is not None:
                    progress(min(raw.tell(), total), total)

        tar.extractall(target, members=members(), filter="data")
        # tarfile stops at the empty blocks; the compression's checksum comes after them.
        rest = 0
        while tar.fileobj is not None and (block := tar.fileobj.read(1 << 20)):
            rest += len(block)
            _check_growth(archive, total, 0, rest)


def _extract_zip(archive: Path, raw: BinaryIO, target: Path, progress: Progress | None) -> None:
    with zipfile.ZipFile(raw) as bundle:
        members = bundle.infolist()
        total = sum(member.file_size for member in members)
        _check_growth(archive, archive.stat().st_size, len(members), total)
        done = 0
        for member in members:
            parts = member.filename.replace("\\", "/").split("/")
            if ".." in parts or member.filename.startswith(("/", "\\")):
                raise InputError(f"{archive} is refused as unsafe: {member.filename!r}.")
            bundle.extract(member, target)
            done += member.file_size
            if progress is not None:
                progress(done, total)

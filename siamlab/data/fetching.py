"""Collections on disk, made from a download, an archive or another folder."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from siamlab.config import default_cache
from siamlab.data.collections import Collection
from siamlab.errors import InputError
from siamlab.system.archives import Progress, extract
from siamlab.system.download import download, hide_bar
from siamlab.system.files import new_folder, storage_errors


@contextmanager
def downloaded(url: str, sha256: str | None, progress: bool = True) -> Iterator[Path]:
    """An archive downloaded to the cache, deleted when the block has unpacked or refused it.

    It is kept for the next try when the block fails for another reason, such as a full disk.

    Raises:
        DownloadError, StorageError: see :func:`siamlab.system.download.download`.
    """
    name = re.sub(r"[^\w.-]", "-", url.split("?")[0].rsplit("/", 1)[-1])
    name = f"{(sha256 or 'unchecked')[:12]}-{name}"
    archive = download(url, default_cache() / "downloads", name, sha256, progress)
    try:
        yield archive
    except InputError:
        archive.unlink(missing_ok=True)
        raise
    archive.unlink(missing_ok=True)


@contextmanager
def new_collection(
    destination: Path,
    source: Path,
    list_people: Callable[[Path], Collection],
    progress: bool = True,
) -> Iterator[Path]:
    """Unpack an archive or copy a folder to a new folder, completely or not at all.

    Args:
        destination: the folder to make.
        source: an archive, or a folder.
        list_people: finds the images of a folder, such as ``open_collection``.
        progress: show a bar on standard error.

    Yields:
        The filled hidden folder to check; it becomes ``destination`` when the block ends.
    """
    with new_folder(destination) as part:
        if source.is_dir():
            _copy(list_people(source), part, progress)
        else:
            with _bar(f"unpacking {source.name}", "B", progress) as report:
                extract(source, part, report)
        yield part


def _copy(collection: Collection, target: Path, progress: bool) -> None:
    names, images = collection.image_people, collection.images
    copies = [target / name / image.name for name, image in zip(names, images, strict=True)]
    with _bar(f"copying {collection.root.name}", "images", progress) as report:
        for done, (image, copy) in enumerate(zip(images, copies, strict=True), start=1):
            with storage_errors(target):
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(str(image), copy)
            report(done, len(copies))


@contextmanager
def _bar(what: str, unit: str, shown: bool) -> Iterator[Progress]:
    from tqdm import tqdm

    with tqdm(desc=what, unit=unit, unit_scale=unit == "B", disable=hide_bar(shown)) as bar:

        def report(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield report

"""Collections of image files, one folder per person, in a folder or an archive."""

from __future__ import annotations

import difflib
import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from siamlab.config import default_cache, user_path
from siamlab.errors import EmptyFolderError, InputError
from siamlab.images.decode import HEIC_ADVICE, HEIC_SUFFIXES, ImageFile, is_image_name
from siamlab.system.archives import Progress, unpack
from siamlab.system.names import composed

DIGEST_LENGTH = 12
DRAWN_MARK = ".drawn"  # a hidden file in a folder of drawn people
PUBLIC_MARK = ".public"  # and in a folder of one published person's images


def person_digest(name: str) -> str:
    """A short digest of a name, 12 hexadecimal digits; models keep those of their training."""
    encoded = composed(name).encode("utf-8", "surrogateescape")  # a folder's name need not be text
    return hashlib.sha256(encoded).hexdigest()[:DIGEST_LENGTH]


@dataclass(frozen=True)
class Person:
    """One person's image files, sorted by name; the person's own is in NFC."""

    name: str
    images: tuple[ImageFile, ...]

    def __len__(self) -> int:
        return len(self.images)


@dataclass(frozen=True)
class Collection:
    """Images of many people.

    Attributes:
        root: the folder that holds one folder per person.
        people: sorted by name, no name twice.

    Example:
        >>> lfw = siamlab.open_collection("lfw-deepfunneled.tgz")          # doctest: +SKIP
        >>> lfw.with_at_least(2).without(["George_W_Bush"])                # doctest: +SKIP
    """

    root: Path
    people: tuple[Person, ...]

    def __len__(self) -> int:
        return len(self.people)

    def __repr__(self) -> str:
        return f"Collection({len(self)} people, {len(self.images)} images, root={self.root})"

    @cached_property
    def images(self) -> tuple[ImageFile, ...]:
        """All image files, person after person."""
        return tuple(image for person in self.people for image in person.images)

    @cached_property
    def image_people(self) -> tuple[str, ...]:
        """The person's name of each of :attr:`images`."""
        return tuple(person.name for person in self.people for _ in person.images)

    @property
    def names(self) -> tuple[str, ...]:
        """The people's names."""
        return tuple(person.name for person in self.people)

    @cached_property
    def domain(self) -> str:
        """``drawings`` if the people were drawn by siamlab, else ``photographs``."""
        drawn = any((folder / DRAWN_MARK).is_file() for folder in (self.root, self.root.parent))
        return "drawings" if drawn else "photographs"

    @cached_property
    def left_out(self) -> dict[str, int]:
        """What of the root is no image of a person, kind by kind, with how many there are.

        The kinds are suffixes, ``folder`` (within a person's) and ``image of nobody`` (beside the
        people's folders).
        """
        homes = {image.parent for image in self.images if isinstance(image, Path)}
        return _count_others(self.root, homes)

    def left_out_note(self) -> str:
        """A sentence about :attr:`left_out`; empty if everything was read."""
        if not self.left_out:
            return ""
        kinds = (f"{count} {kind}" for kind, count in sorted(self.left_out.items()))
        heic = HEIC_SUFFIXES & self.left_out.keys()
        advice = f" {HEIC_ADVICE}." if heic else ""
        return f"Left out of {self.root}, as no person's image: {', '.join(kinds)}.{advice}"

    @cached_property
    def _by_name(self) -> dict[str, Person]:
        return {person.name: person for person in self.people}

    def person(self, name: str) -> Person:
        """Look up one person.

        Raises:
            InputError: nobody has this name; the message suggests similar ones.
        """
        name = composed(name)
        if name in self._by_name:
            return self._by_name[name]
        close = difflib.get_close_matches(name, self.names, n=3)
        hint = f" Did you mean {', '.join(close)}?" if close else ""
        raise InputError(f"{self.root} holds nobody named {name!r}.{hint}")

    def select(self, names: Iterable[str]) -> Collection:
        """Keep only these people (InputError for a name that is not there)."""
        chosen = {self.person(name).name for name in names}
        return Collection(self.root, tuple(p for p in self.people if p.name in chosen))

    def without(self, names: Iterable[str]) -> Collection:
        """Leave these people out; names that are not there do not matter."""
        dropped = set(map(composed, names))
        return Collection(self.root, tuple(p for p in self.people if p.name not in dropped))

    def with_at_least(self, count: int) -> Collection:
        """Keep the people with ``count`` images or more."""
        return Collection(self.root, tuple(p for p in self.people if len(p) >= count))


def open_collection(
    path: Path | str, cache: Path | str | None = None, progress: Progress | None = None
) -> Collection:
    """List a collection: a folder with one folder per person, or an archive of one.

    An archive is unpacked once into ``cache``. A single folder around the people, as in many
    archives, is skipped. Hidden files, files that are not images and people without images are
    left out (:attr:`Collection.left_out` counts them). No image is opened: see
    :func:`siamlab.data.inspection.check_images`.

    Args:
        path: a folder, or a ``.tgz``, ``.tar``, ``.tar.gz``, ``.tar.xz``, ``.tar.bz2`` or
            ``.zip`` file.
        cache: folder for unpacked archives; ``None`` is ``cache`` in the data folder.
        progress: called with (bytes read, bytes in all) while an archive is unpacked.

    Returns:
        The collection, in the same order on every machine.

    Raises:
        InputError: there is no such path, or the archive is damaged or unsafe.
        EmptyFolderError: it holds no person with an image.
        StorageError: the disk is full or the cache is read-only.

    Example:
        >>> import siamlab
        >>> from siamlab.data.synthetic import write_people
        >>> people = siamlab.open_collection(write_people("people", people=3, images=2))
        >>> len(people), len(people.images), people.names[0]
        (3, 6, 'person_0001')
    """
    source = user_path(path)
    root = source
    if not os.path.isdir(source):  # noqa: PTH112 - pathlib raises for names that cannot be
        if not os.path.exists(source):  # noqa: PTH110
            raise InputError(f"{source} does not exist; give a folder or an archive of one.")
        if not source.is_file():
            raise InputError(f"{source} is a pipe or a device; give a folder or an archive of one.")
        root = unpack(source, Path(cache) if cache else default_cache(), progress)
    root = _skip_outer_folders(root)
    listed: dict[str, tuple[Path, ...]] = {}
    for folder in _list_folders(root):  # two of them may be one name in two normalizations
        name = composed(folder.name)
        listed[name] = (*listed.get(name, ()), *list_images(folder))
    people = tuple(Person(name, listed[name]) for name in sorted(listed) if listed[name])
    if people:
        return Collection(root, people)
    if list_images(root) and not _list_folders(root):
        raise EmptyFolderError(
            f"{source} holds images but no folders; put each person's images in their own."
        )
    note = Collection(root, ()).left_out_note()
    raise EmptyFolderError(
        f"{source} holds no images; one folder per person with image files is expected."
        + f" {note}" * bool(note)
    )


def as_collection(people: Collection | Path | str) -> Collection:
    """A collection as it is, or opened from its folder or archive; see :func:`open_collection`."""
    return people if isinstance(people, Collection) else open_collection(people)


def collect_person(name: str, *folders: Path | str) -> Collection:
    """Make a collection of one person with images in several folders (anchor, positive, ...).

    Args:
        name: the person's name in the collection.
        folders: folders of images; the images keep this order, sorted within each folder.

    Raises:
        EmptyFolderError: none of the folders holds an image.
    """
    paths = [Path(folder) for folder in folders]
    images = tuple(image for folder in paths if folder.is_dir() for image in list_images(folder))
    if not images:
        raise EmptyFolderError(f"No images in {', '.join(map(str, paths)) or 'no folder'}.")
    return Collection(paths[0].parent, (Person(composed(name), images),))


def list_images(folder: Path) -> tuple[Path, ...]:
    """The image files of a folder, sorted by name; hidden ones are left out.

    Raises:
        InputError: it cannot be read.
    """
    names = (
        entry.name for entry in _entries(folder) if is_image_name(entry.name) and _is(entry.is_file)
    )
    return tuple(folder / name for name in sorted(names))


def _count_others(root: Path, homes: set[Path]) -> dict[str, int]:
    """Count what is in people's folders and is no image; ``homes`` are the folders of images."""
    found: Counter[str] = Counter()
    folders = _list_folders(root)
    for folder in {*folders, *homes} - {root}:
        for entry in _entries(folder):
            if _is(entry.is_dir):
                found["folder"] += folder / entry.name not in homes
            elif not is_image_name(entry.name):
                found[Path(entry.name).suffix.lower() or "without suffix"] += 1
    if root not in homes:
        names = (entry.name for entry in _entries(root) if _is(entry.is_file))
        found["image of nobody"] = sum(
            is_image_name(name) or Path(name).suffix.lower() in HEIC_SUFFIXES for name in names
        )
    return {kind: count for kind, count in found.items() if count}


def _list_folders(folder: Path) -> list[Path]:
    names = (e.name for e in _entries(folder) if not e.name.startswith("__") and _is(e.is_dir))
    return [folder / name for name in sorted(names)]


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return [entry for entry in entries if not entry.name.startswith(".")]
    except OSError as error:
        raise InputError(f"{folder} cannot be read: {error.strerror}.") from None


def _is(question: Callable[[], bool]) -> bool:
    try:
        return question()
    except OSError:  # a link to itself
        return False


def _skip_outer_folders(root: Path) -> Path:
    folders = _list_folders(root)
    while len(folders) == 1 and not list_images(folders[0]) and _list_folders(folders[0]):
        root = folders[0]
        folders = _list_folders(root)
    return root

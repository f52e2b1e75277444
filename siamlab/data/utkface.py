"""UTKFace: faces whose file names say age, gender and race, ``26_1_3_20170119.jpg.chip.jpg``.

Input: an archive or a folder of it. Output: :class:`LabeledFaces`. Who the people are is unknown,
and the labels are estimates that were checked by annotators: nobody in it was asked.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from siamlab.config import default_cache, user_path
from siamlab.data.collections import Collection, Person
from siamlab.data.fetching import new_collection
from siamlab.errors import EmptyFolderError, InputError
from siamlab.images.decode import is_image_name
from siamlab.system.archives import unpack
from siamlab.system.files import read_text, sha256, write_text

GENDERS = ("man", "woman")
RACES = ("White", "Black", "Asian", "Indian", "Others")
OLDEST = 116  # the oldest label of the collection
_NAME = re.compile(r"(\d{1,3})_([01])_([0-4])_\d+\.jpg(?:\.chip\.jpg)?")
_NOTE = ".sha256"


@dataclass(frozen=True, eq=False)
class LabeledFaces:
    """Images of faces and what their names say.

    Attributes:
        root: the folder that was read.
        paths: N image files, sorted by name.
        ages: int ``(N,)``, years.
        genders: int ``(N,)``, places in :data:`GENDERS`.
        races: int ``(N,)``, places in :data:`RACES`; for measuring by group, never for training.
        left_out: how many images have other names.
    """

    root: Path
    paths: tuple[Path, ...]
    ages: np.ndarray
    genders: np.ndarray
    races: np.ndarray
    left_out: int = 0

    def __len__(self) -> int:
        return len(self.paths)

    def __repr__(self) -> str:
        return f"LabeledFaces({len(self)} images, root={self.root})"

    def select(self, rows: Any) -> LabeledFaces:
        """The faces of some rows: numbers, or bool ``(N,)``."""
        chosen = np.arange(len(self))[rows]
        paths = tuple(self.paths[row] for row in chosen)
        values = (array[chosen] for array in (self.ages, self.genders, self.races))
        return LabeledFaces(self.root, paths, *values)


def read_labels(name: str) -> tuple[int, int, int] | None:
    """Age, gender and race of a file's name; ``None`` if it is not named as in UTKFace.

    Example:
        >>> from siamlab.data.utkface import read_labels
        >>> read_labels("26_1_3_20170119171319234.jpg.chip.jpg")
        (26, 1, 3)
        >>> read_labels("61_1_20170109142408075.jpg.chip.jpg") is None      # the race is missing
        True
    """
    match = _NAME.fullmatch(name)
    if match is None or int(match[1]) > OLDEST:
        return None
    age, gender, race = map(int, match.groups())
    return age, gender, race


def open_utkface(path: Path | str, cache: Path | None = None) -> LabeledFaces:
    """List labeled faces: UTKFace's, or others that are named in the same way.

    Args:
        path: a folder with the images, or an archive of it. They may also lie in folders within,
            as those of the collection's three parts do.
        cache: folder for unpacked archives; ``None`` is ``cache`` in the data folder.

    Raises:
        InputError: there is no such path, or the archive is damaged.
        EmptyFolderError: no image is named like this.
    """
    source = user_path(path)
    if not source.exists():
        raise InputError(f"{source} does not exist; give UTKFace as a folder or an archive.")
    if not (source.is_dir() or source.is_file()):
        raise InputError(f"{source} is a pipe or a device; give a folder or an archive.")
    root = unpack(source, cache or default_cache()) if source.is_file() else source
    # macOS adds hidden files to archives, such as ._26_1_3_20170119171319234.jpg.chip.jpg.
    images = [
        image
        for image in sorted(root.glob("**/*"))
        if is_image_name(image.name) and not image.name.startswith(".")
    ]
    labels = {image: read_labels(image.name) for image in images}
    named = {image: found for image, found in labels.items() if found is not None}
    if not named:
        raise EmptyFolderError(
            f"{source} holds no faces named as UTKFace's are: age_gender_race_date.jpg.chip.jpg, "
            f"such as 26_1_3_20170119171319234.jpg.chip.jpg. Received: {len(images)} images with "
            "other names."
        )
    ages, genders, races = np.array(list(named.values())).T
    return LabeledFaces(root, tuple(named), ages, genders, races, len(images) - len(named))


def fetch_utkface(
    destination: Path | str, source: Path | str | None, progress: bool = True
) -> Path:
    """Copy UTKFace to a folder, once, and keep the checksum of the archive it came from.

    Its makers give it out themselves, for research that earns no money, so there is no address to
    download it from.

    Args:
        destination: the folder to make; one that is there already is not changed.
        source: the archive, or a folder of its images.
        progress: show a bar on standard error.

    Returns:
        ``destination``.

    Raises:
        InputError: ``source`` is not given, missing or damaged, or ``destination`` came from
            another archive.
        EmptyFolderError: ``source`` holds no such images.
        StorageError: the disk is full or the folder is read-only.

    Source:
        Zhang, Song, Qi, "Age progression/regression by conditional adversarial autoencoder", CVPR
        2017; susanqq.github.io/UTKFace.
    """
    if source is None:
        raise InputError(
            "fetch utkface takes a local copy: --from UTKFace.zip or its folder (its makers give "
            "it out for research at susanqq.github.io/UTKFace)."
        )
    destination, given = user_path(destination), user_path(source)
    if not given.exists():
        raise InputError(f"{given} does not exist; give UTKFace as an archive or a folder.")
    digest = sha256(given) if given.is_file() else f"folder {given.resolve()}"
    if destination.is_dir() and any(destination.iterdir()):
        note = destination / _NOTE
        if not note.is_file() or read_text(note).strip() != digest:
            raise InputError(f"{destination} came from another copy; remove it to take {given}.")
        return destination
    with new_collection(destination, given, _as_collection, progress) as part:
        open_utkface(part)
        write_text(part / _NOTE, f"{digest}\n")
    return destination


def _as_collection(folder: Path) -> Collection:
    """All images as if they were one person's: what is copied from a folder."""
    return Collection(folder, (Person("UTKFace", open_utkface(folder).paths),))

"""Omniglot, Koch's benchmark: handwritten characters of many alphabets, twenty drawers each.

Input: Lake's ``images_background_small1.zip`` and ``..._small2.zip`` (alphabet / character /
``0108_07.png``: drawer 7), or folders unpacked from them. Output: a :class:`Collection` whose
"people" are characters, named ``Greek/character01``.

The two small sets hold five alphabets each, but Greek and Latin are in both: when one is for
training and the other for testing, these two are left out of the test
(:func:`unseen_alphabets`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path

import numpy as np

from siamlab.config import default_cache, open_workspace, user_path
from siamlab.data.collections import Collection, Person
from siamlab.data.fetching import downloaded, new_collection
from siamlab.errors import EmptyFolderError, InputError
from siamlab.images.decode import ImageFile, read_image
from siamlab.images.write import write_image
from siamlab.system.archives import unpack
from siamlab.system.files import new_folder

_ADDRESS = "https://github.com/brendenlake/omniglot/raw/master/python/"
_SHA256 = {
    "images_background_small1": "f38eb80f801274ac2b4dff5b24289016bfaba4a7d5bb50deebf27104ad6cb8a4",
    "images_background_small2": "3ccaa407515a8778e5d0861875af38b17e418f301ad5bb3b5a6b65d901a41c7f",
}
SETS = tuple(_SHA256)
REMOTE = {name: (f"{_ADDRESS}{name}.zip", sha256) for name, sha256 in _SHA256.items()}
_DRAWING = re.compile(r"(\d+)_(\d+)\.png")


def open_characters(path: Path | str, cache: Path | None = None) -> Collection:
    """List the characters of a set: ``alphabet/character01/0108_07.png``.

    Args:
        path: a folder of alphabets (or one around it), or an archive of it.
        cache: folder for unpacked archives; ``None`` is ``cache`` in the data folder.

    Returns:
        A collection; each character is a "person" named ``Alphabet/character01``, with one
        drawing by each drawer, in the drawers' order.

    Raises:
        InputError: there is no such path, or the archive is damaged.
        EmptyFolderError: no drawing is in it.
    """
    source = user_path(path)
    if not source.exists():
        raise InputError(f"{source} does not exist; give Omniglot as a folder or an archive.")
    root = unpack(source, cache or default_cache()) if source.is_file() else source
    found: dict[str, list[Path]] = {}
    for image in sorted(root.glob("**/*.png")):
        # macOS adds hidden files to archives, such as ._0108_07.png.
        if _DRAWING.fullmatch(image.name) and not image.name.startswith("."):
            found.setdefault(f"{image.parts[-3]}/{image.parts[-2]}", []).append(image)
    if not found:
        raise EmptyFolderError(
            f"{source} holds no drawings; alphabet/character01/0108_07.png is expected."
        )
    people = tuple(Person(name, tuple(images)) for name, images in sorted(found.items()))
    return Collection(root, people)


def alphabet_of(character: str) -> str:
    """``Greek`` for ``Greek/character01``."""
    return character.split("/", 1)[0]


def drawer_of(image: ImageFile) -> int:
    """The number of who drew it, 7 for ``0108_07.png``; one person in a whole alphabet.

    Raises:
        InputError: the file is not named like this.
    """
    match = _DRAWING.fullmatch(image.name)
    if match is None:
        raise InputError(f"{image} is not named as in Omniglot: 0108_07.png for drawer 7.")
    return int(match[2])


def alphabets(collection: Collection) -> tuple[str, ...]:
    """The alphabets of a collection of characters, each once, sorted."""
    return tuple(sorted({alphabet_of(name) for name in collection.names}))


def unseen_alphabets(test: Collection, train: Collection) -> Collection:
    """The test characters whose alphabets are not in the training set.

    Lake's small background sets share Greek and Latin, with the very same drawings.

    Raises:
        EmptyFolderError: every alphabet is in the training set.
    """
    known = set(alphabets(train))
    left = test.select(name for name in test.names if alphabet_of(name) not in known)
    if not left.people:
        raise EmptyFolderError(f"Every alphabet in {test.root} is in {train.root} too.")
    return left


def with_rotations(collection: Collection, folder: Path) -> Collection:
    """Add every character rotated by 90, 180 and 270 degrees as three further characters.

    Santoro et al. 2016, "Meta-learning with memory-augmented neural networks", section 4.1: four
    times as many characters to train on.

    Args:
        collection: characters, as :func:`open_characters` gives them.
        folder: gets the rotated drawings, once.

    Returns:
        The characters, and ``Greek/character01_90`` and so on.

    Raises:
        StorageError: a drawing cannot be written.
    """
    people = list(collection.people)
    for quarter in (1, 2, 3):
        target = folder / f"turned_{90 * quarter}"
        if not target.is_dir():
            with new_folder(target) as part:
                for person in collection.people:
                    for image in person.images:
                        rotated = np.ascontiguousarray(np.rot90(read_image(image), quarter))
                        write_image(part / person.name / image.name, rotated)
        for person in collection.people:
            images = tuple(target / person.name / image.name for image in person.images)
            people.append(Person(f"{person.name}_{90 * quarter}", images))
    return Collection(collection.root, tuple(sorted(people, key=lambda person: person.name)))


def find_omniglot(path: Path | str | None = None) -> tuple[Collection, Collection]:
    """Open Lake's two small background sets.

    Args:
        path: a folder with both, as archives or unpacked; ``None`` reads ``SIAMLAB_OMNIGLOT``,
            then ``omniglot`` of the workspace, where ``siamlab fetch omniglot`` puts it.

    Returns:
        The first set and the second.

    Raises:
        InputError: one of them is missing.
    """
    root = Path(path or os.environ.get("SIAMLAB_OMNIGLOT") or open_workspace().root / "omniglot")
    first, second = (open_characters(_locate(user_path(root), name)) for name in SETS)
    return first, second


def _locate(root: Path, name: str) -> Path:
    for place in (root / name, root / f"{name}.zip"):
        if place.exists():
            return place
    raise InputError(
        f"{root} holds neither {name} nor {name}.zip. Get it with siamlab fetch omniglot, or give "
        "the folder where the two archives lie."
    )


def fetch_omniglot(
    destination: Path | str,
    source: Path | str | None = None,
    progress: bool = True,
    remote: Mapping[str, tuple[str, str]] = REMOTE,
) -> Path:
    """Copy Lake's two small background sets (3 MB together) to a folder, once.

    Args:
        destination: the folder; sets that are already there are not changed.
        source: a folder with the two archives (or unpacked sets), instead of the download.
        progress: show bars on standard error.
        remote: name of each set to its address and sha256.

    Returns:
        ``destination``, which now holds one folder per set.

    Raises:
        DownloadError: the download fails, see :func:`siamlab.system.download.download`.
        InputError: ``source`` lacks a set, or an archive is damaged.
        StorageError: the disk is full or the folder is read-only.

    Source:
        Lake, Salakhutdinov, Tenenbaum, "Human-level concept learning through probabilistic
        program induction", Science 350, 2015; github.com/brendenlake/omniglot.
    """
    destination = user_path(destination)
    for name in SETS:
        if (destination / name).is_dir():
            continue
        local = None if source is None else _locate(user_path(source), name)
        with (
            nullcontext(local) if local else downloaded(*remote[name], progress) as copy,
            new_collection(destination / name, copy, open_characters, progress) as part,
        ):
            open_characters(part)
    return destination

"""Whom a model is calibrated and tested on: people it was not trained on."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import numpy as np

from siamlab.config import Workspace, user_path
from siamlab.data.collections import Collection, Person, collect_person, open_collection
from siamlab.data.negatives import PRETRAINED_SPLIT, split_negatives
from siamlab.data.splits import Split, split_by_name
from siamlab.errors import EmptyFolderError, InputError
from siamlab.models.embedder import FaceEmbedder

MOST_STRANGERS = 1000
LEAST_LEFT = 10  # people; fewer make fewer than 45 person pairs
CAPTURED = ("anchor", "positive", "probes")  # a captured person's folders


def open_own_people(path: Path | str) -> Collection:
    """Open the user's people: one folder per person, also as the capture stores them.

    The capture keeps a person's images in ``anchor``, ``positive`` and ``probes``; these three are
    one person, not three people.

    Raises:
        InputError, EmptyFolderError: see :func:`siamlab.data.collections.open_collection`.
    """
    root = user_path(path)
    folders = [root]
    if root.is_dir() and not _is_captured(root):
        folders = [one for one in sorted(root.iterdir()) if not one.name.startswith((".", "__"))]
    people: list[Person] = []
    for folder in folders if any(map(_is_captured, folders)) else ():
        kinds = [folder / kind for kind in CAPTURED] if _is_captured(folder) else [folder]
        with suppress(EmptyFolderError):
            people += collect_person(folder.name, *kinds).people
    return Collection(root, tuple(people)) if people else open_collection(root)


def _is_captured(folder: Path) -> bool:
    return folder.is_dir() and any((folder / kind).is_dir() for kind in CAPTURED)


def find_strangers(lfw: Path | str | None, workspace: Workspace) -> Collection | None:
    """Find LFW: the path given, else ``SIAMLAB_LFW``, else what ``siamlab fetch lfw`` downloaded.

    Returns:
        The collection, or ``None`` when there is none.

    Raises:
        InputError, EmptyFolderError: the path holds no people.
    """
    given = lfw or os.environ.get("SIAMLAB_LFW")
    if given:
        return open_collection(given, cache=workspace.root / "cache")
    fetched = workspace.root / "lfw"
    if fetched.is_dir() and any(fetched.iterdir()):
        return open_collection(fetched)
    return None


def unseen_people(model: FaceEmbedder, collection: Collection) -> tuple[Collection, int]:
    """The people the model was not trained on, and the number of those left out.

    Whom it was trained on in another workspace cannot be told here (``metadata.hidden_people``).
    """
    known = model.metadata.known_people(collection.names)
    return collection.without(known), len(known)


def hidden_notes(model: FaceEmbedder) -> list[str]:
    """A note about people of the model's training who cannot be told from these, if there are."""
    hidden = model.metadata.hidden_people
    if not hidden:
        return []
    return [
        f"The model was trained on {hidden} people whom only the workspace that trained it can "
        "name; whether they are among these cannot be told here."
    ]


def split_unseen(model: FaceEmbedder, negatives: Collection) -> Split:
    """A split whose validation and test people the model was not trained on.

    It is that of :func:`split_negatives`, unless its validation people were trained on, as LFW's
    were for the weights in the package: their own split, by the same digests, then chose head and
    thresholds on its validation people, and nothing on its test people.

    Raises:
        InputError: a part would have fewer than two people.
    """
    split = split_negatives(negatives)
    if unseen_people(model, split.validation)[1]:
        return split_by_name(negatives, PRETRAINED_SPLIT)
    return split


def check_left(left_out: int, people: int, left: int) -> None:
    """Refuse a calibration when people had to be left out and too few remain."""
    if left_out and left < LEAST_LEFT:
        raise InputError(
            f"The model was trained on {left_out} of these people ({people}): a threshold chosen "
            f"on them would promise too much, and {left} others are too few (expected: "
            f"{LEAST_LEFT} or more). Give people it has not seen."
        )


def choose_strangers(
    model: FaceEmbedder, own: Collection, strangers: Collection | None, seed: int
) -> tuple[Collection, list[str]]:
    """The strangers who take part, at most two images of each, and notes about them."""
    if strangers is None:
        return Collection(own.root, ()), [
            "No strangers took part, so the threshold rests on your own people alone. Give --lfw "
            "PATH, set SIAMLAB_LFW, or run siamlab fetch lfw."
        ]
    names = {name.casefold() for name in own.names}
    others = strangers.without(name for name in strangers.names if name.casefold() in names)
    same = len(strangers) - len(others)
    others, known = unseen_people(model, others)
    rng = np.random.default_rng(seed)
    chosen = rng.permutation(len(others))[:MOST_STRANGERS]
    people = tuple(_two_images(others.people[place], rng) for place in np.sort(chosen))
    notes = [
        f"Strangers: {len(people)} of {strangers.root.name}, at most two images each; left out: "
        f"{known} whom the model was trained on, {same} with the name of one of your people."
    ]
    if people:
        notes.append(
            "Strangers' images are from other cameras than yours, which alone tells them from "
            "your people: expect strangers before your camera to be let in more often than shown."
        )
    return Collection(strangers.root, people), notes


def _two_images(person: Person, rng: np.random.Generator) -> Person:
    order = np.sort(rng.permutation(len(person))[:2])
    return Person(person.name, tuple(person.images[place] for place in order))

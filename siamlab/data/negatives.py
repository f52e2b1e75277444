"""The other people of the notebooks: LFW where it is present, otherwise drawn people."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np

from siamlab.config import Profile, Workspace
from siamlab.data.collections import PUBLIC_MARK, Collection, open_collection
from siamlab.data.splits import Split, split_by_name
from siamlab.data.synthetic import write_people
from siamlab.errors import InputError
from siamlab.system.progress import countdown

SPLIT = (0.7, 0.1, 0.2)
# The split of the packaged weights (scripts/pretrain.py).
PRETRAINED_SPLIT = (0.8, 0.1, 0.1)
HALVES_SEED = 2015
DRAWN_SEED = 1


def find_negatives(workspace: Workspace, profile: Profile) -> Collection:
    """The other people: LFW where it is present, otherwise drawn people.

    ``SIAMLAB_LFW`` names an archive or folder; else LFW is taken from the workspace when
    ``siamlab fetch lfw`` put it there; else people are drawn into ``workspace.negative``, once:
    that takes a minute or two, and says so.
    A person of the collection who stands in for the user is left out.
    """
    given = os.environ.get("SIAMLAB_LFW")
    fetched = workspace.root / "lfw"
    if given:
        found = open_collection(Path(given), cache=workspace.root / "cache")
    elif fetched.is_dir() and any(fetched.iterdir()):
        found = open_collection(fetched)
    else:
        if len(list(workspace.negative.glob("*"))) < profile.drawn_people:
            write_people(
                workspace.negative,
                people=profile.drawn_people,
                images=profile.drawn_images,
                seed=DRAWN_SEED,
                progress=countdown(
                    f"drawing {profile.drawn_people} people, once for this workspace",
                    profile.drawn_people * profile.drawn_images,
                ),
            )
        found = open_collection(workspace.negative)
    return found.without([workspace.person]) if workspace.person in found.names else found


def split_negatives(negatives: Collection) -> Split:
    """The split by a digest of the name that all notebooks share.

    A person's part does not depend on the rest of the collection, so a model trained for one user
    can be evaluated with another who was not in its training.

    Raises:
        InputError: a part would have fewer than two people.
    """
    return split_by_name(negatives, SPLIT)


def halve_subject(lfw: Path, subject: str, workspace: Workspace) -> tuple[Path, Path]:
    """Let a person of LFW stand in for the user: half the images as captures, half as probes.

    Returns:
        Two folders of frames: for the captures, and for the probes.

    Raises:
        InputError: there is no such person, or there are fewer than eight images.
    """
    collection = open_collection(lfw, cache=workspace.root / "cache")
    images = collection.person(subject).images
    if len(images) < 8:
        raise InputError(
            f"{subject} has {len(images)} images; to stand in for the user, at least 8 are needed."
        )
    # Shuffled before they are halved: neighboring numbers are often one event.
    order = np.random.default_rng(HALVES_SEED).permutation(len(images))
    folders = (workspace.root / "camera" / "capture", workspace.root / "camera" / "probe")
    for folder, part in zip(folders, np.array_split(order, 2), strict=True):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for number in sorted(part):
            shutil.copy(str(images[number]), folder)
        (folder / PUBLIC_MARK).touch()
    return folders

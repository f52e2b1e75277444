"""Drawn people named as UTKFace's images are: ``34_1_4_20260101000000001.jpg.chip.jpg``.

A drawn identity has a gender and an age between 0 (young) and 1 (old), from which the folds, the
gray hair, the receding hair line and the beard follow. Here 0 is 18 years and 1 is 78. What is
learned from them says nothing about people.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from siamlab.data.collections import DRAWN_MARK
from siamlab.data.synthetic.conditions import Conditions
from siamlab.data.synthetic.drawing import encode, expose_chip
from siamlab.data.synthetic.identity import Identity
from siamlab.data.synthetic.people_files import person_identity
from siamlab.errors import InputError
from siamlab.system.files import write_bytes, write_text

YOUNGEST, YEARS = 18, 60
NO_RACE = 4  # "Others": drawn people have none


def drawn_age(who: Identity) -> int:
    """The years that stand for a drawn identity's age."""
    return round(YOUNGEST + YEARS * who.age)


def write_labeled_faces(
    folder: Path | str, people: int = 200, seed: int = 0, size: int = 200
) -> Path:
    """Write one image of each of many drawn people, with age and gender in its name.

    Args:
        folder: the target; made if missing. Images of the same names are replaced.
        people: number of people, one image each.
        seed: another seed gives other people.
        size: side of the images, pixels.

    Returns:
        The folder.

    Raises:
        InputError: ``people`` or ``size`` is too small, or ``seed`` is negative.
        StorageError: the disk is full or the folder is read-only.
    """
    if people < 1 or seed < 0:
        raise InputError(
            f"People must be 1 or more and the seed 0 or more; received {people} and {seed}."
        )
    folder = Path(folder)
    write_text(folder / DRAWN_MARK, "")
    for number in range(1, people + 1):
        who = person_identity(seed, number)
        conditions = Conditions.sample(np.random.default_rng([0xC013, seed, number]))
        data = encode(expose_chip(who, conditions, size), conditions.jpeg)
        name = f"{drawn_age(who)}_{int(who.woman)}_{NO_RACE}_{20260101000000000 + number}"
        write_bytes(folder / f"{name}.jpg.chip.jpg", data.tobytes())
    return folder

"""A collection of drawn people on disk, in LFW's layout: ``person_0001/person_0001_0001.jpg``.

Every image has its own generator, seeded with (seed, person, image): a larger collection has the
same first people and images, byte for byte.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from siamlab.data.collections import DRAWN_MARK
from siamlab.data.synthetic.conditions import Conditions
from siamlab.data.synthetic.drawing import encode, expose_chip
from siamlab.data.synthetic.identity import Identity
from siamlab.errors import InputError
from siamlab.system.files import write_bytes, write_text

MANY = 400  # images; of so many a second process draws half, because drawing holds Python's lock
_HALF = """
import sys
from siamlab.data.synthetic.people_files import draw_people
folder, people, *how = sys.argv[1:]
draw_people(folder, range(2, int(people) + 1, 2), *map(int, how))
"""


def person_name(number: int) -> str:
    """Folder name of a drawn person; numbers start at 1."""
    return f"person_{number:04d}"


def person_identity(seed: int, number: int) -> Identity:
    """The identity of one person of a collection.

    Its seed is a large number, unlike those chosen by hand for the drawn camera.

    Args:
        seed: the collection's.
        number: the person's, from 1.
    """
    state = np.random.SeedSequence([0xC011, seed, number]).generate_state(1, np.uint64)
    return Identity(int(state[0]))


def write_people(
    folder: Path | str,
    people: int = 100,
    images: int = 6,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
    size: int = 250,
) -> Path:
    """Write a collection of drawn people.

    Args:
        folder: the target; made if missing. Images of the same names are replaced.
        people: number of people.
        images: images of each.
        seed: another seed gives other people.
        progress: called with (images written, images in all) after each person, or two.
        size: side of the chips, pixels.

    Returns:
        The folder.

    Raises:
        InputError: ``people``, ``images`` or ``size`` is too small, or ``seed`` is negative.
        StorageError: the disk is full or the folder is read-only.

    Example:
        >>> write_people("drawn", people=50, images=8, seed=1)          # doctest: +SKIP
    """
    if people < 1 or images < 1:
        raise InputError(f"People and images must be 1 or more; received {people} and {images}.")
    if seed < 0:
        raise InputError(f"The seed must be 0 or more; received {seed}.")
    folder = Path(folder)
    write_text(folder / DRAWN_MARK, "")
    how = (images, seed, size)

    def tell(number: int) -> None:
        if progress is not None:
            progress(number * images, people * images)

    if people * images < MANY:
        draw_people(folder, range(1, people + 1), *how, tell)
        return folder
    half = _start_half(folder, people, *how)
    try:
        draw_people(folder, range(1, people + 1, 2), *how, tell)
        drawn = half is not None and half.wait() == 0
    finally:  # interrupted, or the disk is full
        if half is not None:
            half.kill()
            half.wait()
    if not drawn:  # where it cannot start, and to say what went wrong
        draw_people(folder, range(2, people + 1, 2), *how)
    tell(people)
    return folder


def draw_people(
    folder: Path | str,
    numbers: Sequence[int],
    images: int,
    seed: int,
    size: int,
    tell: Callable[[int], None] = lambda number: None,
) -> None:
    """Write the people of a collection with these numbers; see :func:`write_people`."""
    for number in numbers:
        who, name = person_identity(seed, number), person_name(number)
        for image in range(1, images + 1):
            conditions = Conditions.sample(np.random.default_rng([0xC012, seed, number, image]))
            data = encode(expose_chip(who, conditions, size), conditions.jpeg)
            write_bytes(Path(folder) / name / f"{name}_{image:04d}.jpg", data.tobytes())
        tell(number)


def _start_half(
    folder: Path, people: int, images: int, seed: int, size: int
) -> subprocess.Popen[bytes] | None:
    words = [sys.executable, "-c", _HALF, folder, people, images, seed, size]
    silent = subprocess.DEVNULL
    with suppress(OSError):
        return subprocess.Popen(
            [str(word) for word in words], stdin=silent, stdout=silent, stderr=silent
        )
    return None

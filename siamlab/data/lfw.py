"""The file formats of Labeled Faces in the Wild: pairs, and names of images."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from siamlab.data.collections import Collection
from siamlab.data.missing import missing_images, nearest
from siamlab.data.pairs import PairSet
from siamlab.errors import InputError
from siamlab.images.decode import ImageFile
from siamlab.system.files import read_text, write_text
from siamlab.system.names import composed


@dataclass(frozen=True)
class PairLine:
    """One comparison of a pairs file: image ``first_number`` of ``first`` with another.

    Attributes:
        first: name of the first person.
        first_number: number of the first image, from 1.
        second: name of the second person; the first's in a genuine pair.
        second_number: number of the second image, from 1.
    """

    first: str
    first_number: int
    second: str
    second_number: int

    @property
    def genuine(self) -> bool:
        """Whether both images show the same person."""
        return self.first == self.second

    @property
    def sides(self) -> tuple[tuple[str, int], tuple[str, int]]:
        """Name and number of both images."""
        return (self.first, self.first_number), (self.second, self.second_number)


def read_pairs_file(path: Path | str) -> tuple[PairLine, ...]:
    """Read a pairs file: ``name i j`` (genuine) or ``name i name j`` (impostor) on each line.

    Tabs or spaces separate; names with spaces need tabs. The first line may hold the count of
    pairs of each kind, or ``folds count`` (LFW's ``pairs.txt``: ``10 300``); then the number of
    lines must agree.

    Args:
        path: a text file in UTF-8.

    Returns:
        The comparisons in the file's order.

    Raises:
        InputError: the file is missing, empty or incomplete, or a line is damaged (its number
            is in the message).
    """
    lines = _numbered_lines(path)
    expected: int | None = None
    head = lines[0][1]
    if len(head) <= 2 and all(_is_number(field) for field in head):
        # "count" has as many impostor as genuine pairs; "folds count" has that in each fold.
        expected = 2 * int(head[0]) * (int(head[1]) if len(head) == 2 else 1)
        lines = lines[1:]
    if not lines:
        raise InputError(f"{path} holds no pairs.")
    pairs = tuple(_pair_line(path, number, fields) for number, fields in lines)
    if expected is not None and len(pairs) != expected:
        raise InputError(
            f"{path} does not fit its first line: {' '.join(head)!r} announces {expected // 2} "
            f"genuine and {expected // 2} impostor pairs, and {_counts(pairs)} follow. Correct "
            "the line, or remove it."
        )
    return pairs


def _counts(pairs: tuple[PairLine, ...]) -> str:
    genuine = sum(pair.genuine for pair in pairs)
    return f"{genuine} genuine and {len(pairs) - genuine} impostor pairs"


def _numbered_lines(path: Path | str) -> list[tuple[int, list[str]]]:
    lines = [
        (number, [field.strip() for field in (line.split("\t") if "\t" in line else line.split())])
        for number, line in enumerate(read_text(path).splitlines(), start=1)
        if line.strip()
    ]
    if not lines:
        raise InputError(f"{path} is empty.")
    return lines


def _is_number(field: str) -> bool:
    return field.isascii() and field.isdigit()


def _received(fields: list[str]) -> str:
    return f"received {' '.join(fields)[:80]!r}"


def _pair_line(path: Path | str, number: int, fields: list[str]) -> PairLine:
    if len(fields) == 3:
        fields = [fields[0], fields[1], fields[0], fields[2]]
    if len(fields) != 4 or not (_is_number(fields[1]) and _is_number(fields[3])):
        raise InputError(
            f"{path}, line {number}: expected 'name i j' or 'name i name j', {_received(fields)}."
        )
    first, second = composed(fields[0]), composed(fields[2])
    pair = PairLine(first, int(fields[1]), second, int(fields[3]))
    if min(pair.first_number, pair.second_number) < 1:
        raise InputError(f"{path}, line {number}: images are numbered from 1, {_received(fields)}.")
    if pair.genuine and pair.first_number == pair.second_number:
        raise InputError(f"{path}, line {number}: an image is paired with itself.")
    return pair


def image_path(collection: Collection, name: str, number: int) -> ImageFile:
    """Find image ``number`` of a person: ``Name/Name_0001.jpg``, with any image suffix.

    Raises:
        InputError: there is no such person or image.
    """
    stem = composed(f"{name}_{number:04d}")
    for image in collection.person(name).images:
        if composed(image.stem) == stem:
            return image
    raise InputError(f"{collection.root} holds no image {stem} of {name}.")


def image_number(image: ImageFile, name: str) -> int:
    """Read the number out of an image's name: 12 for ``Name_0012.jpg``.

    Raises:
        InputError: the file is not named like this.
    """
    match = re.fullmatch(re.escape(composed(name)) + r"_(\d{4,})", composed(image.stem))
    if match is None:
        raise InputError(f"{image} is not named as in LFW: {name}_0001{image.suffix}.")
    return int(match[1])


def pairs_from_file(path: Path | str, collection: Collection) -> PairSet:
    """Read a pairs file in LFW's format and look up its images.

    Args:
        path: the file, see :func:`read_pairs_file`.
        collection: holds ``Name/Name_0001.jpg`` for image 1 of ``Name``.

    Returns:
        The pairs in the file's order.

    Raises:
        InputError: the file is damaged, or images are missing; one line names them and what is
            nearest to them.
    """
    lines = read_pairs_file(path)
    sides = [side for line in lines for side in line.sides]
    found: dict[tuple[str, int], ImageFile] = {}
    missing: dict[str, tuple[str, int]] = {}
    for side in dict.fromkeys(sides):
        try:
            found[side] = image_path(collection, *side)
        except InputError:
            missing[f"{side[0]}/{side[0]}_{side[1]:04d}"] = side
    if missing:
        raise missing_images(
            path,
            collection.root,
            list(missing),
            lambda name: _instead(collection, *missing[name]),
        )
    return PairSet(
        tuple(found[side] for side in sides[::2]),
        tuple(found[side] for side in sides[1::2]),
        np.array([int(line.genuine) for line in lines], np.int64),
        tuple(line.first for line in lines),
        tuple(line.second for line in lines),
    )


def _instead(collection: Collection, name: str, number: int) -> str:
    """What exists in place of a missing image: of the same person, or a person."""
    if name not in collection.names:
        return f"nobody is called {name}; nearest: {nearest(name, collection.names)}"
    there = (image.name for image in collection.person(name).images)
    return f"nearest: {nearest(f'{name}_{number:04d}', there)}"


def write_pairs(path: Path | str, pairs: PairSet) -> Path:
    """Write pairs in LFW's format: ``name i j`` or ``name i name j``, separated by tabs.

    Args:
        path: the file to write.
        pairs: their files must be named as in LFW (``Name_0001.jpg``).

    Raises:
        InputError: a file has another name, which LFW's format cannot express.
        StorageError: the file cannot be written.
    """
    text = "".join(
        f"{one}\t{i}\t{j}\n" if label else f"{one}\t{i}\t{other}\t{j}\n"
        for one, other, i, j, label in zip(
            pairs.first_people,
            pairs.second_people,
            map(image_number, pairs.first, pairs.first_people),
            map(image_number, pairs.second, pairs.second_people),
            pairs.labels,
            strict=True,
        )
    )
    return write_text(path, text)

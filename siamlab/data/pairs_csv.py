"""Pairs of images as a table: two paths and a label on each line of a CSV file."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path

import numpy as np

from siamlab.data.missing import missing_images, nearest
from siamlab.data.pairs import PairSet
from siamlab.errors import InputError
from siamlab.images.decode import is_image_name
from siamlab.system.files import read_text, write_text
from siamlab.system.names import composed, decomposed

HEADER = ("first", "second", "same")
LABELS = {"1": 1, "0": 0, "true": 1, "false": 0}


def is_csv(path: Path | str) -> bool:
    """Whether a file of pairs is such a table, by its name or its first line."""
    if Path(path).suffix.lower() == ".csv":
        return True
    try:
        with Path(path).open(encoding="utf-8-sig", errors="replace") as file:
            return file.readline(4096).count(",") == 2
    except OSError:
        return False  # the reader of the other format says what is wrong


def read_pairs_csv(path: Path | str, root: Path | str) -> PairSet:
    """Read pairs from a CSV file: ``path,path,label``, the label 1 for the same person, else 0.

    A first line whose label is no label is a header. Relative paths are looked up in ``root``,
    then beside the CSV file. A person is called as the image's folder is; where the labels say
    that folders are not people, images that genuine pairs link are one person.

    Args:
        path: the file, in UTF-8.
        root: the folder of images.

    Returns:
        The pairs in the file's order.

    Raises:
        InputError: the file is missing, empty or damaged (the line is in the message), or images
            are missing; one line names them.

    Example:
        >>> from pathlib import Path
        >>> from siamlab.data.pairs_csv import read_pairs_csv
        >>> from siamlab.data.synthetic import write_people
        >>> people = write_people("people", people=2, images=2)
        >>> one, two, three, _ = sorted(people.rglob("*.jpg"))
        >>> text = f"first,second,same\\n{one},{two},1\\n{one},{three},0\\n"
        >>> Path("pairs.csv").write_text(text) > 0
        True
        >>> read_pairs_csv("pairs.csv", people)
        PairSet(1 genuine and 1 impostor pairs, 2 people, 3 images)
    """
    rows = _rows(path)
    folders = Path(root), Path(path).parent
    missing: list[str] = []
    images = [[_find(name, folders, missing) for name in names] for names, _ in rows]
    if missing:
        there = _image_names(folders[0])
        raise missing_images(path, root, missing, lambda name: f"nearest: {nearest(name, there)}")
    first, second = (tuple(side) for side in zip(*images, strict=True))
    labels = np.array([label for _, label in rows], np.int64)
    people = _name_people(first, second, labels)
    return PairSet(
        first,
        second,
        labels,
        tuple(people[image] for image in first),
        tuple(people[image] for image in second),
    )


def write_pairs_csv(path: Path | str, pairs: PairSet, root: Path | str) -> Path:
    """Write pairs as a CSV file that :func:`read_pairs_csv` reads; the first line is a header.

    Args:
        path: the file to write.
        pairs: of image files below ``root``, with any names.
        root: the folder of images; paths are relative to it.

    Raises:
        InputError: an image's name is not text in UTF-8.
        StorageError: the file cannot be written.
    """
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(HEADER)
    for one, other, label in zip(pairs.first, pairs.second, pairs.labels, strict=True):
        names = (Path(str(image)).relative_to(root).as_posix() for image in (one, other))
        table.writerow((*names, int(label)))
    try:
        text.getvalue().encode()
    except UnicodeEncodeError as error:
        line = text.getvalue()[: error.end].splitlines()[-1]
        raise InputError(f"A file's name is not text in UTF-8; rename it: {line}") from None
    return write_text(path, text.getvalue())


def _name_people(
    first: tuple[Path, ...], second: tuple[Path, ...], labels: np.ndarray
) -> dict[Path, str]:
    """The person on each image: its folder, or the first image that genuine pairs link it to."""
    pairs = list(zip(first, second, labels, strict=True))
    if all((one.parent == other.parent) == bool(same) for one, other, same in pairs):
        return {image: composed(image.parent.name) for image in (*first, *second)}
    linked = {image: image for image in (*first, *second)}

    def origin(image: Path) -> Path:
        while linked[image] != image:
            image = linked[image]
        return image

    for one, other, same in pairs:
        if same:
            linked[origin(other)] = origin(one)
    return {image: str(origin(image)) for image in linked}


def _rows(path: Path | str) -> list[tuple[tuple[str, str], int]]:
    rows: list[tuple[tuple[str, str], int]] = []
    header = True
    reader = csv.reader(io.StringIO(read_text(path)))
    for fields in reader:
        if not any(field.strip() for field in fields):
            continue
        label = fields[-1].strip().lower()
        if len(fields) == 3 and label in LABELS and fields[0].strip() and fields[1].strip():
            rows.append(((fields[0], fields[1]), LABELS[label]))
        elif not header or len(fields) != 3:
            raise InputError(
                f"{path}, line {reader.line_num}: expected 'path,path,1' (same person) or "
                f"'path,path,0', received {','.join(fields)[:80]!r}."
            )
        header = False
    if not rows:
        raise InputError(f"{path} holds no pairs.")
    return rows


def _find(name: str, folders: tuple[Path, Path], missing: list[str]) -> Path:
    for folder in folders:
        # Spaces around commas are no part of a name, mostly; macOS writes letters in two parts.
        for text in (name, name.strip(), composed(name.strip()), decomposed(name.strip())):
            if os.path.isfile(folder / text):  # noqa: PTH113 - pathlib raises for some names
                return folder / text  # an absolute name stays what it is
    missing.append(name.strip())
    return Path(name)


def _image_names(root: Path) -> list[str]:
    """The images below a folder, as a table would name them."""
    found = []
    for folder, _, names in os.walk(root):
        inside = Path(folder).relative_to(root)
        found += [(inside / name).as_posix() for name in names if is_image_name(name)]
    return sorted(found)

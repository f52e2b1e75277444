"""What a collection holds: counts, and images that cannot be used."""

from __future__ import annotations

import os
import statistics
from dataclasses import dataclass
from pathlib import Path

from siamlab.data.collections import Collection
from siamlab.errors import EmptyFolderError, ImageError
from siamlab.images.decode import read_image
from siamlab.images.digest import content_digests
from siamlab.system.archives import Progress
from siamlab.system.table import Table


@dataclass(frozen=True)
class ImageProblem:
    """An image file that cannot be used, and why."""

    path: Path
    reason: str


def check_images(
    collection: Collection, progress: Progress | None = None
) -> tuple[ImageProblem, ...]:
    """Read every image once and list those that cannot be used.

    Args:
        collection: what to check.
        progress: called with (images done, images in all).

    Returns:
        One entry per unusable file, in the collection's order.
    """
    from concurrent.futures import ThreadPoolExecutor

    problems = []
    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
        for done, problem in enumerate(pool.map(_problem, collection.images), start=1):
            if problem is not None:
                problems.append(problem)
            if progress is not None:
                progress(done, len(collection.images))
    return tuple(problems)


def _problem(path: Path) -> ImageProblem | None:
    try:
        read_image(path)
    except ImageError as error:
        return ImageProblem(path, str(error))
    return None


def copies_note(collection: Collection) -> str:
    """A line that counts the files with the same content as an earlier one; empty for none.

    Copies teach nothing new, and a copy under another person's name teaches what is wrong.
    """
    owners: dict[str, str] = {}
    others = 0
    digests = content_digests(collection.images)
    for digest, name in zip(digests, collection.image_people, strict=True):
        owner = owners.setdefault(digest, name)
        others += owner != name
    copies = len(digests) - len(owners)
    if not copies:
        return ""
    note = f"{copies} of {len(digests)} images are copies of others"
    return f"{note}, {others} of them under another person's name" if others else note


@dataclass(frozen=True)
class CollectionSummary:
    """Counts of a collection, shown as a table in notebooks.

    Attributes:
        people: how many people.
        images: how many images in all.
        with_two: people with two images or more, the only ones with a genuine pair.
        median: median images of a person.
        most: the largest number of images of a person.
        most_name: that person.
    """

    people: int
    images: int
    with_two: int
    median: float
    most: int
    most_name: str

    def to_table(self) -> Table:
        """What is counted, and the counts."""
        rows = (
            ("people", f"{self.people:,}"),
            ("images", f"{self.images:,}"),
            ("people with two or more images", f"{self.with_two:,}"),
            ("median images of a person", f"{self.median:g}"),
            ("most images", f"{self.most:,} ({self.most_name})"),
        )
        return Table(rows)

    def __str__(self) -> str:
        return str(self.to_table())

    def _repr_html_(self) -> str:
        return self.to_table()._repr_html_()


def describe(collection: Collection) -> CollectionSummary:
    """Count people and images.

    Args:
        collection: anything :func:`open_collection` gives, or a part of it.

    Raises:
        EmptyFolderError: it is empty.
    """
    if not collection.people:
        raise EmptyFolderError(f"The collection from {collection.root} has no people.")
    counts = [len(person) for person in collection.people]
    most = max(collection.people, key=len)
    return CollectionSummary(
        people=len(collection),
        images=sum(counts),
        with_two=sum(count >= 2 for count in counts),
        median=float(statistics.median(counts)),
        most=len(most),
        most_name=most.name,
    )

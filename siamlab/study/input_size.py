"""Training time and quality against input size: resolution, and number of images."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from siamlab.data.collections import Collection
from siamlab.data.pairs import PairSet
from siamlab.errors import InputError
from siamlab.study.training_run import cosine_scores, rates_with_intervals, train_embedding
from siamlab.system.files import write_text
from siamlab.system.machine import machine_name
from siamlab.system.progress import countdown


@dataclass(frozen=True)
class StudyPoint:
    """One training run of a study.

    Attributes:
        arch: the architecture.
        size: side of the input in pixels.
        images: number of different training images.
        steps: batches trained on.
        seconds: wall-clock time of the steps, without building and compiling.
        images_per_second: images trained on per second.
        auc: area under the ROC curve on the test pairs.
        auc_low: lower end of its 95 % interval, people resampled.
        auc_high: upper end of it.
    """

    arch: str
    size: int
    images: int
    steps: int
    seconds: float
    images_per_second: float
    auc: float
    auc_low: float
    auc_high: float


def limit_images(collection: Collection, count: int) -> Collection:
    """The first people of a collection that together have about ``count`` images.

    Raises:
        InputError: fewer than two people are left.
    """
    several = collection.with_at_least(2)
    totals = np.cumsum([len(person.images) for person in several.people])
    people = max(2, int(np.searchsorted(totals, count, side="right")))
    if len(several) < 2:
        raise InputError(f"{collection.root} has fewer than two people with two images.")
    return several.select(several.names[:people])


def study_point(
    train: Collection,
    test: PairSet,
    size: int,
    steps: int,
    people: int = 32,
    width: float = 1.0,
    seed: int = 0,
) -> StudyPoint:
    """Train the compact network once and measure it on pairs of other people."""
    several = train.with_at_least(2)
    batch = min(people, len(several))
    embedding, preprocessing, seconds = train_embedding(several, size, width, steps, batch, seed)
    scores = cosine_scores(embedding, preprocessing, test)
    return StudyPoint(
        arch="compact",
        size=size,
        images=len(several.images),
        steps=steps,
        seconds=round(seconds, 2),
        images_per_second=round(2 * batch * steps / seconds, 1),
        **rates_with_intervals(test, scores, 0.5, ("auc",)),
    )


def study_resolution(
    train: Collection, test: PairSet, sizes: Sequence[int], steps: int, width: float = 1.0
) -> tuple[StudyPoint, ...]:
    """One run per input side, everything else equal."""
    return _each_point([(train, size, steps) for size in sizes], test, width)


def study_images(
    train: Collection,
    test: PairSet,
    counts: Sequence[int],
    size: int,
    steps: int,
    width: float = 1.0,
) -> tuple[StudyPoint, ...]:
    """One run per number of training images; each image is used equally often.

    ``steps`` is for the largest count; smaller ones train on proportionally fewer batches.
    """
    most = max(counts)
    runs = [(limit_images(train, count), size, max(1, steps * count // most)) for count in counts]
    return _each_point(runs, test, width)


def _each_point(
    runs: Sequence[tuple[Collection, int, int]], test: PairSet, width: float
) -> tuple[StudyPoint, ...]:
    """One point for each training people, input side and steps, with lines on the progress."""
    report = countdown("training small networks", len(runs))
    points = []
    for train, size, steps in runs:
        points.append(study_point(train, test, size, steps, width=width))
        report(len(points), len(runs))
    return tuple(points)


def save_points(points: Sequence[StudyPoint], path: Path) -> None:
    """Write points and the machine's name as JSON."""
    values = {"machine": machine_name(), "points": [asdict(point) for point in points]}
    write_text(path, json.dumps(values, indent=1))


def load_points(path: Path) -> tuple[tuple[StudyPoint, ...], str]:
    """Points and the machine's name from :func:`save_points`."""
    values = json.loads(path.read_text())
    return tuple(StudyPoint(**point) for point in values["points"]), values["machine"]

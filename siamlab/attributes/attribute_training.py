"""Training of a head for age and gender: labeled faces in, a head out.

The network stays frozen: what is trained has one hidden layer. Copies of a photograph are removed
first, a tenth of the rest chooses when to stop, and the faces' race labels are never looked at.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from siamlab.attributes.attribute_errors import AttributeEvaluation, measure_errors
from siamlab.attributes.attribute_head import AttributeHead
from siamlab.attributes.face_features import FaceFeatures, Report, read_features
from siamlab.attributes.head_fitting import HeadSettings, fit_head
from siamlab.attributes.near_duplicates import keep_first
from siamlab.attributes.ready_made import ReadyMadeHeads
from siamlab.data.utkface import LabeledFaces
from siamlab.errors import InputError
from siamlab.images.digest import content_digests

FEWEST = 40  # faces; of fewer no tenth could say when to stop
VALIDATION = 0.1
_NEWS = 20.0  # seconds between two lines of progress
Say = Callable[[str], None]


def train_attributes(
    labels: LabeledFaces,
    seed: int = 0,
    say: Say = lambda line: None,
    settings: HeadSettings | None = None,
) -> tuple[AttributeHead, AttributeEvaluation]:
    """Train a head for age and gender.

    Args:
        labels: the faces, see :func:`siamlab.data.utkface.open_utkface`.
        seed: of the split, the fresh weights and the order of training.
        say: gets a line about each step, and how long it will take.
        settings: how it is fitted.

    Returns:
        The head, and its errors on the validation part, which chose when to stop: on other faces
        they are a little larger.

    Raises:
        InputError: there are too few faces, or all of them are of one gender.
        ImageError: a file cannot be read; the message names it.
        ModelError: dlib's file is not here.
    """
    _check_labels(labels)
    features = read_features(labels.paths, progress_lines(say, "faces seen"))
    kept = keep_first(labels.paths, features.embeddings)
    say(f"{np.count_nonzero(~kept)} copies of other images left out, {kept.sum()} faces remain")
    return train_on_features(features.select(kept), labels.select(kept), seed, say, settings)


def train_on_features(
    features: FaceFeatures,
    labels: LabeledFaces,
    seed: int = 0,
    say: Say = lambda line: None,
    settings: HeadSettings | None = None,
) -> tuple[AttributeHead, AttributeEvaluation]:
    """As :func:`train_attributes`, of faces that were read and are different photographs."""
    _check_labels(labels)
    rows = np.random.default_rng(seed).permutation(len(labels))
    chosen, rest = np.split(rows, [max(1, round(VALIDATION * len(rows)))])
    valid = features.select(chosen), labels.select(chosen)
    head = fit_head(
        (features.select(rest), labels.select(rest)), valid, settings or HeadSettings(seed=seed),
        say,
    )  # fmt: skip
    head.about["trained_on"] = _marks(labels.select(rest).paths)
    return head, measure_errors(valid[1], head.predict(valid[0]))


def evaluate_attributes(
    head: AttributeHead | ReadyMadeHeads, labels: LabeledFaces, say: Say = lambda line: None
) -> AttributeEvaluation:
    """Measure a head on labeled faces: every face counts, also where no detector finds one.

    Args:
        head: see :func:`train_attributes`, or
            :func:`siamlab.attributes.ready_made.open_ready_made`.
        labels: faces that it was not trained on.
        say: gets a line about the progress.

    Raises:
        ImageError: a file cannot be read; the message names it.
        ModelError: dlib's file is not here.
    """
    prediction = head.judge(labels.paths, progress_lines(say, "faces seen"))
    known = set(head.about.get("trained_on", ()))
    seen = sum(mark in known for mark in _marks(labels.paths)) if known else 0
    return measure_errors(labels, prediction, seen)


def progress_lines(say: Say, what: str) -> Report:
    """A report that says at most every 20 seconds how much is done, and how long the rest takes."""
    began = last = time.monotonic()

    def report(done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last < _NEWS:
            return
        last = now
        left = (now - began) * (total - done) / done
        say(f"{done:,} of {total:,} {what}, about {left / 60:.1f} minutes left")

    return report


def _marks(paths: tuple[Path, ...]) -> list[str]:
    """What tells later whether a file was trained on: no picture can be made of it."""
    return [digest[:16] for digest in content_digests(paths)]


def _check_labels(labels: LabeledFaces) -> None:
    if len(labels) < FEWEST or len(set(labels.genders.tolist())) < 2:
        women = int(labels.genders.sum())
        raise InputError(
            f"A head needs {FEWEST} different faces of both genders at least. Received: "
            f"{len(labels) - women} of men and {women} of women."
        )

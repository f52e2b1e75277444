"""A head for age and gender on the features of a face, and the file it is kept in.

Input: features of faces (:mod:`siamlab.attributes.face_features`). Output: for each face a
distribution over years and a probability. The file is plain arrays (``.npz``): NumPy alone reads
it, and nothing in it can run.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from siamlab.attributes.age import YEARS, age_interval, expected_age
from siamlab.attributes.face_features import FaceFeatures, Report, read_features
from siamlab.errors import InputError, ModelError
from siamlab.system.dlib_files import RESNET
from siamlab.system.files import whole_file

KIND = "siamlab attributes 1"
UNSURE = "unsure"
CALIBRATED = ("level", "mass", "sure_from")
ARRAYS = ("mean", "scale", "hidden", "hidden_bias", "age", "age_bias", "gender", "gender_bias")


@dataclass(frozen=True, eq=False)
class AttributePrediction:
    """What a head says about N faces.

    Attributes:
        age_probabilities: float ``(N, 101)``: how probable each year from 0 to 100 is.
        woman_probabilities: float ``(N,)``.
        found: bool ``(N,)``; where no face was found, the whole image was judged.
        level: share of the ages that :attr:`intervals` should hold.
        mass: share of a distribution between the ends of its interval. On the validation part this
            one held ``level`` of the ages; a network's distributions are seldom that honest.
        sure_from: the more probable gender is given from this probability on.
    """

    age_probabilities: np.ndarray
    woman_probabilities: np.ndarray
    found: np.ndarray
    level: float
    mass: float
    sure_from: float

    @property
    def ages(self) -> np.ndarray:
        """The expected age of each face, years."""
        return expected_age(self.age_probabilities)

    @property
    def intervals(self) -> np.ndarray:
        """``(N, 2)``: years between which ``mass`` of each distribution lies."""
        return age_interval(self.age_probabilities, self.mass)

    @property
    def women(self) -> np.ndarray:
        """bool ``(N,)``: the more probable gender, however unsure."""
        return self.woman_probabilities >= 0.5

    @property
    def sure(self) -> np.ndarray:
        """bool ``(N,)``: where the gender is probable enough to be given."""
        most = np.maximum(self.woman_probabilities, 1 - self.woman_probabilities)
        return most >= self.sure_from

    @property
    def genders(self) -> list[str]:
        """``man``, ``woman`` or ``unsure`` for each face."""
        names = np.where(self.women, "woman", "man")
        return [str(name) for name in np.where(self.sure, names, UNSURE)]


@dataclass(frozen=True, eq=False)
class AttributeHead:
    """One hidden layer on standardized features, and two outputs.

    Attributes:
        arrays: the weights by name, see :data:`ARRAYS`.
        about: ``level``, ``mass`` and ``sure_from`` of its predictions, and ``trained_on``, the
            digests of its training files.
    """

    arrays: dict[str, np.ndarray]
    about: dict[str, Any]

    def judge(self, paths: Sequence[Path], report: Report | None = None) -> AttributePrediction:
        """Find, align and judge the face in each image; see :func:`read_features` for errors."""
        return self.predict(read_features(paths, report))

    def predict(self, features: FaceFeatures) -> AttributePrediction:
        """Judge faces; each is seen as it is and mirrored, and the probabilities averaged.

        Raises:
            InputError: the features have another length than the head's.
        """
        expected = len(self.arrays["mean"])
        if features.values.shape[-1] != expected:
            raise InputError(
                f"This head takes {expected} features of a face. Received: "
                f"{features.values.shape[-1]}."
            )
        seen = [self._outputs(features.values[:, side]) for side in range(2)]
        ages, women = (np.mean(parts, axis=0) for parts in zip(*seen, strict=True))
        level, mass, sure_from = (float(self.about[name]) for name in CALIBRATED)
        return AttributePrediction(ages, women, features.found, level, mass, sure_from)

    def _outputs(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        part = self.arrays
        x = (values.astype(np.float32) - part["mean"]) * part["scale"]
        hidden = np.maximum(x @ part["hidden"] + part["hidden_bias"], 0)
        ages = _softmax(hidden @ part["age"] + part["age_bias"])
        logits = (hidden @ part["gender"] + part["gender_bias"])[:, 0]
        return ages, 1 / (1 + np.exp(-np.clip(logits, -50, 50)))


def _softmax(logits: np.ndarray) -> np.ndarray:
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True))


def save_attributes(head: AttributeHead, path: Path | str) -> Path:
    """Write a head to a file of any name.

    Raises:
        StorageError: the file cannot be written; nothing half-written stays.
    """
    path = Path(path)
    about = {"kind": KIND, "network": RESNET.sha256, **head.about}
    text = np.frombuffer(json.dumps(about, allow_nan=False).encode(), np.uint8)
    with whole_file(path) as part, part.open("wb") as file:  # savez adds .npz to a name
        np.savez(file, allow_pickle=False, about=text, **head.arrays)
    return path


def load_attributes(path: Path | str) -> AttributeHead:
    """Read what :func:`save_attributes` wrote.

    Raises:
        ModelError: there is no such file, it is damaged, or it is no head of siamlab's.
    """
    path = Path(path)
    if not path.is_file():
        raise ModelError(
            f"No head at {path}. Train one: siamlab attributes train --images DIR --out {path}"
        )
    try:
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            about = json.loads(file["about"].tobytes())
            arrays = {name: file[name].astype(np.float32) for name in ARRAYS}
        head = AttributeHead(arrays, about)
        _check_head(head)
    except (OSError, ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile) as error:
        reason = str(error).split("\n")[0] or type(error).__name__
        raise ModelError(
            f"{path} is no head for age and gender, or damaged ({reason}). Train one: siamlab "
            "attributes train."
        ) from None
    return head


def _check_head(head: AttributeHead) -> None:
    """Raise a ValueError where the parts of a file do not belong together."""
    about, part = head.about, head.arrays
    if about["kind"] != KIND or about["network"] != RESNET.sha256:
        raise ValueError("it is of another kind or for another network")
    inputs, units = part["hidden"].shape
    years = len(YEARS)
    shapes: tuple[tuple[int, ...], ...] = (
        (inputs,), (inputs,), (inputs, units), (units,), (units, years), (years,), (units, 1), (1,)
    )  # fmt: skip
    for name, shape in zip(ARRAYS, shapes, strict=True):
        if part[name].shape != shape or not np.isfinite(part[name]).all():
            raise ValueError(f"{name} is not {shape} finite numbers")
    level, mass, least = (float(about[name]) for name in CALIBRATED)
    if not (0 < level < 1 and 0 <= mass < 1 and 0.5 <= least <= 1):
        raise ValueError("level, mass or sure_from is out of range")

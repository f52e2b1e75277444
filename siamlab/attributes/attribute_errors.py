"""How wrong age and gender are: over all faces, and by decade, gender and race label.

Input: labels and predictions. Output: :class:`AttributeEvaluation`. A mean over everybody hides
that the error at 70 is twice that at 25, and that nobody can see a baby's gender.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from siamlab.attributes.attribute_head import AttributePrediction
from siamlab.data.utkface import GENDERS, RACES, LabeledFaces
from siamlab.evaluation.intervals import Interval, wilson_interval

ADULT = 18
ADULTS = "from 18"
DECADES = 9  # the last one has everybody from 80 on


@dataclass(frozen=True)
class GroupErrors:
    """The errors of one group of faces.

    Attributes:
        n: how many faces.
        age_mae: mean absolute error of the age, years.
        gender_accuracy: share of right genders when the more probable one is taken.
        age_mae_interval: 95 % interval of the mean over other faces; ``None`` for a single one.
        gender_interval: 95 % interval of the share (Wilson).
    """

    n: int
    age_mae: float
    gender_accuracy: float
    age_mae_interval: Interval | None
    gender_interval: Interval

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        age = self.age_mae_interval
        return {
            "n": self.n,
            "age_mae": self.age_mae,
            "gender_accuracy": self.gender_accuracy,
            "intervals": {
                "age_mae": None if age is None else list(age),
                "gender_accuracy": list(self.gender_interval),
            },
        }

    def __str__(self) -> str:
        ends = self.age_mae_interval
        years = "" if ends is None else f" ({ends.low:.2f} to {ends.high:.2f})"
        return (
            f"{self.n} faces: age off by {self.age_mae:.2f} years{years}, gender right "
            f"{self.gender_accuracy:.3f} ({self.gender_interval})"
        )


@dataclass(frozen=True)
class AttributeEvaluation:
    """A head measured on labeled faces.

    Attributes:
        overall: all faces.
        by_group: name of a group (``from 18``, ``0-9``, ``woman``, ``Asian``) to its errors.
        no_face: faces of ``overall`` that no detector found: judged by the whole image.
        age_coverage: share of ages within the given interval.
        age_level: what that share should be.
        gender_sure: share of faces whose gender is not "unsure".
        gender_sure_accuracy: share of right genders among them; ``None`` if there are none.
        trained_on: how many of the images the head was trained on.
    """

    overall: GroupErrors
    by_group: dict[str, GroupErrors]
    no_face: int
    age_coverage: float
    age_level: float
    gender_sure: float
    gender_sure_accuracy: float | None
    trained_on: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        adults = self.by_group.get(ADULTS)
        rest = "no_face age_coverage age_level gender_sure gender_sure_accuracy trained_on"
        return {
            **self.overall.to_dict(),
            "gender_accuracy_from_18": None if adults is None else adults.gender_accuracy,
            **{name: getattr(self, name) for name in rest.split()},
            "by_group": {name: one.to_dict() for name, one in self.by_group.items()},
        }

    def __str__(self) -> str:
        lines = [f"all: {self.overall}"]
        lines += [f"{name}: {one}" for name, one in self.by_group.items()]
        lines.append(
            f"{self.age_coverage:.0%} of the ages are within the interval given "
            f"({self.age_level:.0%} should be); gender is unsure for {1 - self.gender_sure:.0%}"
        )
        if self.no_face:
            lines.append(f"{self.no_face} without a face: judged by the whole image")
        return "\n".join(lines)


def measure_errors(
    labels: LabeledFaces, prediction: AttributePrediction, trained_on: int = 0
) -> AttributeEvaluation:
    """Compare predictions with the labels of the same faces.

    Args:
        labels: N faces.
        prediction: of the same N faces.
        trained_on: how many of them the head was trained on.
    """
    right = prediction.women == (labels.genders == 1)
    off = np.abs(prediction.ages - labels.ages)
    groups = {name: group_errors(off[rows], right[rows]) for name, rows in _groups(labels).items()}
    low, high = prediction.intervals.T
    sure = prediction.sure
    return AttributeEvaluation(
        overall=group_errors(off, right),
        by_group=groups,
        no_face=int(np.count_nonzero(~prediction.found)),
        age_coverage=float(np.mean((low <= labels.ages) & (labels.ages <= high))),
        age_level=prediction.level,
        gender_sure=float(sure.mean()),
        gender_sure_accuracy=float(right[sure].mean()) if sure.any() else None,
        trained_on=trained_on,
    )


def group_errors(off: np.ndarray, right: np.ndarray) -> GroupErrors:
    """The errors of faces whose ages are off by ``off`` years and whose genders are ``right``.

    Nobody knows who the people are, so images are taken as independent, and the intervals are a
    little too narrow where one person has several.

    Args:
        off: float ``(N,)``, N at least 1.
        right: bool ``(N,)``.
    """
    n, mean = len(off), float(np.mean(off))
    ends = None
    if n > 1:
        half = 1.96 * float(np.std(off, ddof=1)) / n**0.5
        ends = Interval(max(0.0, mean - half), mean + half)
    hits = int(np.count_nonzero(right))
    return GroupErrors(n, mean, hits / n, ends, wilson_interval(hits, n))


def _groups(labels: LabeledFaces) -> dict[str, np.ndarray]:
    """Name of each group that has a face to its rows."""
    decades = np.minimum(labels.ages // 10, DECADES - 1)
    rows = {ADULTS: labels.ages >= ADULT}
    for decade in range(DECADES):
        name = f"{10 * decade}-{10 * decade + 9}" if decade < DECADES - 1 else f"{10 * decade}+"
        rows[name] = decades == decade
    rows |= {name: labels.genders == place for place, name in enumerate(GENDERS)}
    rows |= {name: labels.races == place for place, name in enumerate(RACES)}
    return {name: chosen for name, chosen in rows.items() if chosen.any()}

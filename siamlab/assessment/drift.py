"""Each person's scores since enrollment: do they fall, and when will they reach the threshold?

Input: records of accepted or refused tries, as arrays. Output: a trend for each person, with its
interval, and who is falling. Faces age, glasses and hair change, a camera gets dirty: a template
that is right today is refused one day, and it is better to know before.

Scores are looked at as log-odds above the threshold. A score is a probability close to 1 for most
people, where a fall does not show; its log-odds fall in step with the embeddings' distance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from siamlab.assessment.measured import Measured, Values, wilson
from siamlab.errors import InputError
from siamlab.evaluation import Interval, quantiles

LEAST = 8  # records of a person, or an interval of the slope is too narrow to be trusted
HORIZON = 365.0  # days; a fall that reaches the threshold later is of no concern yet
DAY = 86_400.0
MONTH = 30.0  # days, the unit of a slope
EDGE = 1e-6  # scores are kept this far from 0 and 1, whose log-odds are infinite


@dataclass(frozen=True)
class PersonDrift:
    """The trend of one person's scores.

    Attributes:
        person: the name.
        records: how many tries.
        days: from the first to the last.
        margin: log-odds above the threshold at the last try, on the fitted line; negative where
            the line is below the threshold.
        slope: change of the log-odds in 30 days.
        interval: its 95 % interval, the person's tries resampled.
        days_left: until the line reaches the threshold; 0 where it did already, ``None`` where
            it does not fall.
    """

    person: str
    records: int
    days: float
    margin: float
    slope: float
    interval: Interval | None
    days_left: float | None

    @property
    def falling(self) -> bool:
        """Whether the scores fall for sure (at 95 %), and reach the threshold within a year."""
        sure = self.interval is not None and self.interval.high < 0
        return sure and self.days_left is not None and self.days_left <= HORIZON

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        ends = None if self.interval is None else list(self.interval)
        return {**asdict(self), "interval": ends, "falling": self.falling}

    def __str__(self) -> str:
        left = "rising" if self.days_left is None else f"{self.days_left:.0f} days left"
        spread = "" if self.interval is None else f" ({self.interval})"
        return f"{self.person}: {self.slope:+.3f}{spread} in 30 days, {left}"


@dataclass(frozen=True)
class Drift:
    """The trends of all people.

    Attributes:
        people: those with enough records, the one who falls soonest first.
        left_out: how many people have too few records, or all of them at one moment.
        slope: the mean of the people's slopes, people resampled.
    """

    people: tuple[PersonDrift, ...]
    left_out: int
    slope: Measured

    @property
    def falling(self) -> tuple[PersonDrift, ...]:
        """Those who fall toward the threshold."""
        return tuple(one for one in self.people if one.falling)

    def values(self) -> Values:
        """``drift.slope``, and ``drift.falling``, the share of people who fall."""
        falling = wilson(len(self.falling), len(self.people))
        return {"drift.slope": self.slope, "drift.falling": falling}

    def notes(self) -> tuple[str, ...]:
        """What a reader must know, in sentences."""
        found = []
        if self.left_out:
            found.append(
                f"{self.left_out} people have fewer than {LEAST} records, or all at one moment: "
                "nothing is said about them."
            )
        if len(self.people) >= 20:
            chance = round(len(self.people) / 40)
            found.append(
                f"Of {len(self.people)} people whose scores do not change at all, about {chance} "
                "would seem to fall by chance (2.5 %)."
            )
        return tuple(found)

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        people = [one.to_dict() for one in self.people]
        return {"people": people, "left_out": self.left_out, "notes": list(self.notes())}


def measure_drift(
    people: Sequence[str],
    times: ArrayLike,
    scores: ArrayLike,
    threshold: float,
    seed: int = 0,
    rounds: int = 500,
) -> Drift:
    """The trend of each person's scores: a line through the log-odds, by least squares.

    The interval resamples the person's tries (Efron and Tibshirani 1993, chapter 9, "bootstrapping
    pairs"), so it holds for tries that scatter more at one time than at another.

    Args:
        people: N names, whom the tries were compared with and who made them: genuine tries only.
        times: ``(N,)`` seconds, from any moment on; in any order.
        scores: ``(N,)`` in [0, 1], of one model.
        threshold: of the verdict, above 0 and below 1.
        seed, rounds: of the resampling.

    Returns:
        A trend for each person with ``LEAST`` records or more.

    Raises:
        InputError: unequal lengths, numbers that are not finite, or out of range.

    Example:
        >>> import numpy as np
        >>> from siamlab.assessment.drift import measure_drift
        >>> weeks = np.arange(20)
        >>> scores = 1 / (1 + np.exp(-(4 - 0.1 * weeks)))
        >>> found = measure_drift(["Ada"] * 20, weeks * 7 * 86_400, scores, threshold=0.5)
        >>> print(found.falling[0])
        Ada: -0.429 (-0.429 to -0.429) in 30 days, 147 days left
    """
    names = np.asarray(people, dtype=str)
    when, values = np.asarray(times, np.float64), np.asarray(scores, np.float64)
    if not names.shape == when.shape == values.shape or names.ndim != 1:
        raise InputError(
            "Each record has a person, a time and a score. Received: shapes "
            f"{names.shape}, {when.shape}, {values.shape}."
        )
    if not (np.isfinite(when).all() and ((values >= 0) & (values <= 1)).all()):
        raise InputError("Times are finite numbers, and scores are in [0, 1].")
    if not 0 < threshold < 1:
        raise InputError(f"A threshold is above 0 and below 1 here. Received: {threshold}.")
    margins = _log_odds(values) - _log_odds(np.array(threshold))
    rng = np.random.default_rng(seed)
    found, left_out = [], 0
    for name in np.unique(names):
        own = names == name
        days = (when[own] - when[own].min()) / DAY
        if len(days) < LEAST or np.ptp(days) == 0:
            left_out += 1
        else:
            found.append(_trend(str(name), days, margins[own], rng, rounds))
    found.sort(key=lambda one: (not one.falling, one.days_left is None, one.days_left, one.person))
    return Drift(tuple(found), left_out, _mean_slope(found, rng, rounds))


def _log_odds(scores: np.ndarray) -> np.ndarray:
    inside = np.clip(scores, EDGE, 1 - EDGE)
    return np.asarray(np.log(inside) - np.log1p(-inside))


def _trend(
    person: str, days: np.ndarray, margins: np.ndarray, rng: np.random.Generator, rounds: int
) -> PersonDrift:
    rows = rng.integers(len(days), size=(rounds, len(days)))
    slope = float(_slopes(days[None], margins[None])[0])
    last = float(margins.mean() + slope * (days.max() - days.mean()))
    left = 0.0 if last <= 0 else None
    if slope < 0 < last:
        left = -last / slope
    return PersonDrift(
        person=person,
        records=len(days),
        days=float(days.max()),
        margin=last,
        slope=slope * MONTH,
        interval=quantiles(_slopes(days[rows], margins[rows]) * MONTH),
        days_left=left,
    )


def _slopes(days: np.ndarray, margins: np.ndarray) -> np.ndarray:
    """Slopes ``(R,)`` of lines through the rows of ``(R, n)``; NaN where all days are equal."""
    across = days - days.mean(axis=1, keepdims=True)
    spread = (across**2).sum(axis=1)
    return np.divide(
        (across * margins).sum(axis=1), spread, out=np.full(len(days), np.nan), where=spread > 0
    )


def _mean_slope(found: Sequence[PersonDrift], rng: np.random.Generator, rounds: int) -> Measured:
    slopes = np.array([one.slope for one in found])
    if len(slopes) < 2:  # nobody to resample
        return Measured(float(slopes[0]) if len(slopes) else None, None, len(slopes))
    means = slopes[rng.integers(len(slopes), size=(rounds, len(slopes)))].mean(axis=1)
    return Measured(float(slopes.mean()), quantiles(means), len(slopes))

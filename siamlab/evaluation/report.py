"""Everything about a set of scores in one result: ``siamlab evaluate`` and notebook 06.

Input: labels, scores, a threshold and the people of each pair. Output: ``Evaluation``,
as text, HTML or JSON, and a table with one row per model.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from siamlab.errors import InputError
from siamlab.evaluation.calibration import FMRS, RULE_OF_3
from siamlab.evaluation.curves import area_under_roc, brier_score, reliability
from siamlab.evaluation.intervals import STATISTICS, Interval, bootstrap_all
from siamlab.evaluation.rates import (
    RATES,
    OperatingPoint,
    check_scores,
    equal_error,
    operating_point,
    show,
    threshold_at_fmr,
)


@dataclass(frozen=True)
class Evaluation:
    """How well scores tell genuine from impostor pairs; ``None`` where it cannot be known.

    Attributes:
        point: counts and rates at the threshold asked for.
        auc: area under the ROC curve.
        eer: equal error rate.
        tar_at_far: FMR as text (``"0.01"``) to the true match rate at
            :func:`threshold_at_fmr` of these pairs.
        half: the operating point at 0.5.
        eer_point: the operating point with equal errors, found on these very pairs.
        brier: Brier score.
        calibration_error: expected calibration error in ten bins.
        intervals: statistic to its 95 % interval, people resampled.
        people: number of people, or ``None`` when they were not given.
        notes: what a reader must know, in sentences.
    """

    point: OperatingPoint
    auc: float | None
    eer: float | None
    tar_at_far: dict[str, float | None]
    half: OperatingPoint
    eer_point: OperatingPoint | None
    brier: float
    calibration_error: float
    intervals: dict[str, Interval | None] = field(default_factory=dict)
    people: int | None = None
    notes: tuple[str, ...] = ()

    @property
    def pairs(self) -> int:
        """Number of pairs."""
        return self.genuine + self.impostor

    @property
    def genuine(self) -> int:
        """Number of genuine pairs."""
        return self.point.genuine

    @property
    def impostor(self) -> int:
        """Number of impostor pairs."""
        return self.point.impostor

    @property
    def threshold(self) -> float:
        """The threshold asked for."""
        return self.point.threshold

    @property
    def accuracy(self) -> float:
        """Share of pairs decided rightly."""
        return self.point.accuracy

    @property
    def precision(self) -> float | None:
        """Share of matches that are genuine."""
        return self.point.precision

    @property
    def recall(self) -> float | None:
        """Share of genuine pairs that match."""
        return self.point.recall

    @property
    def f1(self) -> float | None:
        """Harmonic mean of precision and recall."""
        return self.point.f1

    @property
    def fmr(self) -> float | None:
        """Share of impostor pairs that match."""
        return self.point.fmr

    @property
    def fnmr(self) -> float | None:
        """Share of genuine pairs that do not match."""
        return self.point.fnmr

    def to_dict(self) -> dict[str, Any]:
        """Plain values: what :meth:`to_json` writes."""
        return {
            "pairs": self.pairs,
            "genuine": self.genuine,
            "impostor": self.impostor,
            "people": self.people,
            "threshold": self.threshold,
            **{name: getattr(self, name) for name in RATES},
            "auc": self.auc,
            "eer": self.eer,
            "tar_at_far": dict(self.tar_at_far),
            "intervals": {
                name: None if interval is None else [interval.low, interval.high]
                for name, interval in self.intervals.items()
            },
            "brier": self.brier,
            "calibration_error": self.calibration_error,
            "operating_points": {
                "threshold": self.point.to_dict(),
                "half": self.half.to_dict(),
                "eer": None if self.eer_point is None else self.eer_point.to_dict(),
            },
            "notes": list(self.notes),
        }

    def to_json(self) -> str:
        """JSON text; a value that cannot be known is ``null``."""
        return json.dumps(self.to_dict(), indent=2, allow_nan=False)

    def _lines(self) -> list[tuple[str, str]]:
        """Name, and value with its interval, of every headline number."""
        lines = [
            ("pairs", f"{self.pairs} ({self.genuine} genuine, {self.impostor} impostor)"),
            ("threshold", f"{self.threshold:.4f}"),
        ]
        named = [(name, name, getattr(self, name)) for name in (*RATES, "auc", "eer")]
        named += [
            (f"TAR at FAR {rate}", f"tar_at_far_{rate}", tar)
            for rate, tar in self.tar_at_far.items()
        ]
        for title, name, value in named:
            interval = self.intervals.get(name)
            text = show(value) if interval is None else f"{show(value)} ({interval})"
            lines.append((title, text))
        lines.append(("Brier score", show(self.brier)))
        return lines

    def __str__(self) -> str:
        lines = [f"{name:<18}{value}" for name, value in self._lines()]
        return "\n".join([*lines, *(f"Note: {note}" for note in self.notes)])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th style='text-align:left'>{escape(name)}</th>"
            f"<td style='text-align:left'>{escape(value)}</td></tr>"
            for name, value in self._lines()
        )
        notes = "".join(f"<p>{escape(note)}</p>" for note in self.notes)
        return f"<table>{rows}</table>{notes}"


def evaluate_scores(
    labels: ArrayLike,
    scores: ArrayLike,
    threshold: float = 0.5,
    first_people: Sequence[str] | None = None,
    second_people: Sequence[str] | None = None,
    seed: int = 0,
    rounds: int = 500,
) -> Evaluation:
    """Everything about a set of scores.

    With one kind of pairs only, what needs the other kind is ``None`` and a note says so.

    Args:
        labels: ``(N,)``, 1 genuine, 0 impostor.
        scores: ``(N,)`` in [0, 1].
        threshold: chosen on other people; a pair matches when its score is at least this.
        first_people: N names, for the intervals; without them there are none.
        second_people: N names.
        seed: of the resampling.
        rounds: of the resampling.

    Raises:
        InputError: see :func:`check_scores`.
    """
    truth, values = check_scores(labels, scores)
    both = bool(truth.any() and not truth.all())
    eer, eer_threshold = equal_error(truth, values) if both else (None, None)
    intervals, people = _intervals(
        truth, values, threshold, first_people, second_people, seed, rounds
    )
    return Evaluation(
        point=operating_point(truth, values, threshold),
        auc=area_under_roc(truth, values) if both else None,
        eer=eer,
        tar_at_far={str(rate): _tar(truth, values, rate) if both else None for rate in FMRS},
        half=operating_point(truth, values, 0.5),
        eer_point=None if eer_threshold is None else operating_point(truth, values, eer_threshold),
        brier=brier_score(truth, values),
        calibration_error=reliability(truth, values).error,
        intervals=intervals,
        people=people,
        notes=_notes(truth, intervals, people),
    )


def _tar(truth: np.ndarray, values: np.ndarray, fmr: float) -> float | None:
    return operating_point(truth, values, threshold_at_fmr(truth, values, fmr)).recall


def _intervals(
    truth: np.ndarray,
    values: np.ndarray,
    threshold: float,
    first: Sequence[str] | None,
    second: Sequence[str] | None,
    seed: int,
    rounds: int,
) -> tuple[dict[str, Interval | None], int | None]:
    if (first is None) != (second is None):
        raise InputError("Give the people of both sides of the pairs, or of neither.")
    if first is None or second is None:
        return dict.fromkeys(STATISTICS), None
    found = bootstrap_all(
        truth, values, first, second, seed=seed, rounds=rounds, threshold=threshold
    )
    return found, len({*first, *second})


def _notes(
    truth: np.ndarray, intervals: Mapping[str, Interval | None], people: int | None
) -> tuple[str, ...]:
    notes = []
    genuine, impostor = int(truth.sum()), int((~truth).sum())
    if not genuine or not impostor:
        absent = "impostor" if genuine else "genuine"
        notes.append(f"There are no {absent} pairs, so what needs them is unknown.")
    poor = [f"{rate:g}" for rate in FMRS if 0 < impostor < RULE_OF_3 / rate]
    if genuine and poor:
        notes.append(
            f"{impostor} impostor pairs cannot show an FMR of {' or '.join(poor)}: even with no "
            f"false match the rate may be {RULE_OF_3 / impostor:.2g} (rule of 3)."
        )
    if people is None:
        notes.append("Without the people of the pairs there are no intervals.")
    elif people < 20:
        notes.append(f"The intervals rest on {people} people only and are rough.")
    unknown = [name for name, interval in intervals.items() if interval is None]
    if people is not None and genuine and impostor and unknown:
        notes.append(
            f"No interval for {', '.join(unknown)}: the pairs behind it show one person, or it is "
            "undefined in most resamples."
        )
    return tuple(notes)


@dataclass(frozen=True)
class ResultsTable:
    """One row per model.

    Attributes:
        rows: name of a model to its evaluation.
    """

    rows: Mapping[str, Evaluation]

    COLUMNS = ("threshold", "accuracy", "precision", "recall", "fmr", "fnmr", "eer", "auc")

    def cells(self) -> list[list[str]]:
        """Text of the table, header first."""
        header = ["model", "pairs", *self.COLUMNS]
        body = [
            [name, str(result.pairs), *(show(getattr(result, column)) for column in self.COLUMNS)]
            for name, result in self.rows.items()
        ]
        return [header, *body]

    def __str__(self) -> str:
        cells = self.cells()
        widths = [max(len(row[place]) for row in cells) for place in range(len(cells[0]))]
        return "\n".join(
            "  ".join(
                [row[0].ljust(widths[0])]
                + [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
            ).rstrip()
            for row in cells
        )

    __repr__ = __str__

    def to_markdown(self) -> str:
        """The table for a README."""
        header, *body = self.cells()
        rule = ["---", *("---:" for _ in header[1:])]
        return "\n".join(f"| {' | '.join(row)} |" for row in (header, rule, *body))

    def _repr_html_(self) -> str:
        def line(row: list[str], tag: str) -> str:
            first = f"<th style='text-align:left'>{escape(row[0])}</th>"
            return (
                f"<tr>{first}{''.join(f'<{tag}>{escape(cell)}</{tag}>' for cell in row[1:])}</tr>"
            )

        header, *body = self.cells()
        rows = "".join(line(row, "td") for row in body)
        return f"<table><thead>{line(header, 'th')}</thead><tbody>{rows}</tbody></table>"

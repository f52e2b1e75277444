"""All metrics of a set of scores in one result, and models side by side in a table."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from html import escape
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from siamlab.data.pairs import PairSet
from siamlab.errors import InputError
from siamlab.evaluation.calibration import RULE_OF_3
from siamlab.evaluation.curves import area_under_roc, brier_score, reliability
from siamlab.evaluation.intervals import STATISTICS, Interval, bootstrap_all
from siamlab.evaluation.rates import (
    FMRS,
    RATES,
    OperatingPoint,
    check_scores,
    equal_error,
    format_rate,
    operating_point,
    threshold_at_fmr,
)
from siamlab.evaluation.scoring import Judgement
from siamlab.system.table import Table

JUDGED = ("pairs", "accuracy", "fmr", "fnmr", "auc", "eer", "tar_at_far")
RANKS = ("auc", "eer", "eer_point", "tar_at_far", "brier", "calibration_error")  # of the scores
COLUMNS = ("threshold", "accuracy", "precision", "recall", "fmr", "fnmr", "eer", "auc")


@dataclass(frozen=True, repr=False)
class Evaluation(OperatingPoint):
    """How well scores separate genuine from impostor pairs; ``None`` for what is unknown.

    It is the operating point at a threshold, with the rates that depend on no threshold.

    Attributes:
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
        no_face: how many images show no face.
        unusable: how many show one that is too poor to judge.
        rejected: how many pairs could not be judged: "no" in all rates at a threshold. In AUC,
            EER and TAR a face that is too poor has its score, no face has 0.
        several: how many images show several faces; the one nearest to the middle counted.
        judged: rates over the judged pairs alone: ``pairs``, ``accuracy``, ``fmr``, ``fnmr``,
            ``auc``, ``eer`` and ``tar_at_far``; empty where only scores were given.
    """

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
    no_face: int = 0
    unusable: int = 0
    rejected: int = 0
    several: int = 0
    judged: dict[str, Any] = field(default_factory=dict)

    @property
    def pairs(self) -> int:
        """Number of pairs."""
        return self.genuine + self.impostor

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
            "intervals": {name: ends and list(ends) for name, ends in self.intervals.items()},
            "no_face": self.no_face,
            "unusable": self.unusable,
            "rejected": self.rejected,
            "several": self.several,
            "judged": dict(self.judged),
            "brier": self.brier,
            "calibration_error": self.calibration_error,
            "operating_points": {
                "threshold": super().to_dict(),
                "half": self.half.to_dict(),
                "eer": self.eer_point and self.eer_point.to_dict(),
            },
            "notes": list(self.notes),
        }

    def to_json(self) -> str:
        """JSON text; an unknown value is ``null``."""
        return json.dumps(self.to_dict(), indent=2, allow_nan=False)

    def to_table(self) -> Table:
        """Name and value, with its interval, of every headline number."""
        rates = {name: (name, getattr(self, name)) for name in (*RATES, "auc", "eer")}
        for rate, tar in self.tar_at_far.items():
            rates[f"tar_at_far_{rate}"] = (f"TAR at FAR {rate}", tar)
        rows = [
            ("pairs", f"{self.pairs} ({self.genuine} genuine, {self.impostor} impostor)"),
            ("threshold", f"{self.threshold:.4f}"),
        ]
        for name, (title, value) in rates.items():
            rows.append((title, format_rate(value, self.intervals.get(name))))
        return Table([*rows, ("Brier score", format_rate(self.brier))])

    def __str__(self) -> str:
        return "\n".join([str(self.to_table()), *(f"Note: {note}" for note in self.notes)])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        notes = "".join(f"<p>{escape(note)}</p>" for note in self.notes)
        return self.to_table()._repr_html_() + notes


def evaluate_scores(
    labels: ArrayLike,
    scores: ArrayLike,
    threshold: float = 0.5,
    first_people: Sequence[str] | None = None,
    second_people: Sequence[str] | None = None,
    seed: int = 0,
    rounds: int = 500,
) -> Evaluation:
    """Compute all metrics of a set of scores.

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
    if (first_people is None) != (second_people is None):
        raise InputError("Give the people of both sides of the pairs, or of neither.")
    intervals: dict[str, Interval | None] = dict.fromkeys(STATISTICS)
    people = None
    if first_people is not None and second_people is not None:
        intervals = bootstrap_all(
            truth, values, first_people, second_people,
            seed=seed, rounds=rounds, threshold=threshold,
        )  # fmt: skip
        people = len({*first_people, *second_people})
    return Evaluation(
        **vars(operating_point(truth, values, threshold)),
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


def evaluate_pairs(
    pairs: PairSet, scores: ArrayLike, threshold: float = 0.5, seed: int = 0, rounds: int = 500
) -> Evaluation:
    """:func:`evaluate_scores` with the labels and the people of a set of pairs."""
    return evaluate_scores(
        pairs.labels, scores, threshold, pairs.first_people, pairs.second_people, seed, rounds
    )


def evaluate_judgement(
    pairs: PairSet, judgement: Judgement, threshold: float = 0.5, seed: int = 0, rounds: int = 500
) -> Evaluation:
    """:func:`evaluate_pairs` with what could not be judged.

    Rates at a threshold are those of the answers: a pair that could not be judged is a "no". Rates
    without one (AUC, EER, TAR) are those of the scores, which only images without a face lack.
    ``judged`` holds the rates without these pairs.
    """
    found = evaluate_pairs(pairs, judgement.answers, threshold, seed, rounds)
    if judgement.unusable:
        scored = evaluate_pairs(pairs, judgement.scores, threshold, seed, rounds)
        found = _take_ranks(found, scored)
    kept = judgement.judged
    judged: dict[str, Any] = {**dict.fromkeys(JUDGED), "pairs": 0}
    if kept.any():
        alone = evaluate_scores(pairs.labels[kept], judgement.scores[kept], threshold)
        judged = {name: getattr(alone, name) for name in JUDGED}
    notes = _face_notes(judgement, len(pairs.images))
    return replace(
        found,
        no_face=judgement.no_face,
        unusable=judgement.unusable,
        rejected=judgement.rejected,
        several=judgement.several,
        judged=judged,
        notes=(*notes, *found.notes),
    )


def _take_ranks(answers: Evaluation, scored: Evaluation) -> Evaluation:
    """The rates of the answers, and what depends on no threshold from the scores."""
    ends = {
        name: (answers if name in RATES else scored).intervals[name] for name in answers.intervals
    }
    ranks = {name: getattr(scored, name) for name in RANKS}
    return replace(answers, intervals=ends, **ranks)


def _face_notes(judgement: Judgement, images: int) -> list[str]:
    """Sentences about images with no face, with a poor one, and with several."""
    poor = [f"{count:,} of {images:,} images {what}" for count, what in judgement.nothing_to_judge]
    notes = []
    if poor:
        pairs = judgement.rejected
        counted = f"{pairs:,} pair{'s' * (pairs != 1)} count{'s' * (pairs == 1)} as no"
        notes.append(f"{', '.join(poor)}: {counted}.")
    if judgement.several:
        notes.append(
            f"{judgement.several:,} of {images:,} images show several faces; the one nearest to "
            "the middle counts."
        )
    return notes


def _tar(truth: np.ndarray, values: np.ndarray, fmr: float) -> float | None:
    return operating_point(truth, values, threshold_at_fmr(truth, values, fmr)).recall


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


def comparison_table(results: Mapping[str, Evaluation]) -> Table:
    """A row for each model: name, number of pairs, and its rates.

    Args:
        results: name of a model to its evaluation.
    """
    rows = [
        (name, str(one.pairs), *(format_rate(getattr(one, column)) for column in COLUMNS))
        for name, one in results.items()
    ]
    return Table(rows, ("model", "pairs", *COLUMNS), "<>")

"""A threshold is the result of a calibration, on people unseen in training."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from html import escape
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from siamlab.errors import InputError
from siamlab.evaluation.intervals import (
    EQUAL_THRESHOLD,
    STATISTICS,
    Interval,
    Statistic,
    at_threshold,
    bootstrap_all,
    threshold_statistic,
)
from siamlab.evaluation.rates import (
    FMRS,
    balanced_threshold,
    check_scores,
    equal_error,
    format_rate,
    operating_point,
    threshold_at_fmr,
)
from siamlab.system.table import Table

RULE_OF_3, RULE_OF_30 = 3, 30
STRICT_FMR = 0.0001  # what a search among a hundred people asks of each comparison


@dataclass(frozen=True)
class Calibration:
    """A threshold and where it comes from; the model file stores it.

    Attributes:
        threshold: a pair matches when its score is at least this.
        target_fmr: the target false match rate; ``None`` for the equal-error point.
        fmr: false match rate of ``threshold`` on the calibration pairs.
        fnmr: false non-match rate there.
        eer: equal error rate on the calibration pairs.
        eer_threshold: the threshold of the equal-error point.
        thresholds: false match rate as text (``"0.01"``) to the threshold for it.
        fnmrs: the same texts to the false non-match rate at these thresholds.
        genuine: number of genuine pairs.
        impostor: number of impostor pairs.
        people: number of people in the pairs.
        person_pairs: number of different person pairs behind the impostor pairs; ``None`` when
            the people of each side were not given.
        enough: the threshold rests on at least 30 errors (the rule of 30).
        note: what the calibration pairs can show, in words.
        balanced: the threshold with the fewest errors, both kinds weighing alike
            (:func:`balanced_threshold`); ``None`` in files of siamlab 0.2.
        intervals: 95 % intervals, people resampled, of ``threshold``, ``fmr``, ``fnmr``, ``eer``,
            and of ``threshold_0.01`` and ``fnmr_0.01`` for each rate of ``thresholds``; ``None``
            where all pairs show one person. An FNMR's interval is that at the threshold as it was
            set; a threshold's shows how much other people would have moved it.
    """

    threshold: float
    target_fmr: float | None
    fmr: float
    fnmr: float
    eer: float
    eer_threshold: float
    thresholds: dict[str, float] = field(default_factory=dict)
    genuine: int = 0
    impostor: int = 0
    people: int = 0
    enough: bool = False
    note: str = ""
    fnmrs: dict[str, float] = field(default_factory=dict)
    person_pairs: int | None = None
    intervals: dict[str, Interval | None] = field(default_factory=dict)
    balanced: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for a model file; an interval is ``[low, high]``."""
        return {**asdict(self), "intervals": {k: v and list(v) for k, v in self.intervals.items()}}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Calibration:
        """The inverse of :meth:`to_dict`.

        Raises:
            InputError: a value is missing, or one is unknown.
        """
        known = {item.name for item in fields(cls)}
        # "couples" in files of siamlab 0.1.0.
        values = {"person_pairs" if name == "couples" else name: v for name, v in values.items()}
        try:
            if set(values) - known:
                raise TypeError(f"unknown: {', '.join(sorted(set(values) - known))}")
            intervals = {
                name: None if ends is None else Interval(*ends)
                for name, ends in values.get("intervals", {}).items()
            }
            tables = {name: dict(values.get(name, {})) for name in ("thresholds", "fnmrs")}
            return cls(**{**values, **tables, "intervals": intervals})
        except TypeError as error:
            raise InputError(f"These values are no calibration ({error}).") from None

    @property
    def summary(self) -> str:
        """The threshold, its error rates, and the pairs behind them, in a sentence."""
        aim = "equal errors" if self.target_fmr is None else f"FMR of at most {self.target_fmr:g}"
        return (
            f"threshold {self.threshold:.4f} for {aim}: FMR {format_rate(self.fmr)}, FNMR "
            f"{format_rate(self.fnmr)}, EER {format_rate(self.eer)} on {self.genuine} genuine and "
            f"{self.impostor} impostor pairs of {self.people} people"
        )

    def __str__(self) -> str:
        lines = [self.summary]
        if self.balanced is not None:
            lines.append(f"balanced   threshold {self.balanced:.3f}  (fewest errors)")
        for rate in self.fnmrs:
            threshold, fnmr = self._at(rate)
            lines.append(f"FMR {rate:<7}threshold {threshold}  FNMR {fnmr}")
        return "\n".join([*lines, self.note])

    def _repr_html_(self) -> str:
        rows = [(f"FMR {rate}", *self._at(rate)) for rate in self.fnmrs]
        if self.balanced is not None:
            rows.insert(0, ("fewest errors", f"{self.balanced:.3f}", ""))
        table = Table(rows, ("aim", "threshold (95 %)", "FNMR (95 %)"))
        before, after = (f"<p>{escape(text)}</p>" for text in (self.summary, self.note))
        return f"{before}{table._repr_html_()}{after}"

    def _at(self, rate: str) -> tuple[str, str]:
        """The threshold for a false match rate and the FNMR there, with their intervals."""
        ends = [self.intervals.get(f"{name}_{rate}") for name in ("threshold", "fnmr")]
        return format_rate(self.thresholds[rate], ends[0]), format_rate(self.fnmrs[rate], ends[1])


def calibrate_scores(
    labels: ArrayLike,
    scores: ArrayLike,
    people: Collection[str],
    fmr: float | None = 0.01,
    first_people: Sequence[str] | None = None,
    second_people: Sequence[str] | None = None,
    strata: Mapping[str, str] | None = None,
    seed: int = 0,
    rounds: int = 500,
    at_least: float = 0.0,
) -> Calibration:
    """Choose a threshold on calibration pairs.

    Two rules of thumb say what the pairs can show (Doddington et al. 2000; Mansfield and Wayman
    2002, "Best practices in testing and reporting performance of biometric devices"):

    - rule of 3: when no error is seen in N independent trials, the rate is below 3 / N with
      95 % confidence; fewer than ``3 / fmr`` impostor pairs cannot show ``fmr``;
    - rule of 30: 30 errors put the rate within 30 % with 90 % confidence; that takes
      ``30 / fmr`` impostor pairs.

    Both need independent trials. A hundred pairs of Ada's images with Bob's are one person pair
    seen a hundred times, not a hundred trials, so with ``first_people`` and ``second_people`` both
    rules apply to the person pairs too. Person pairs that share a person are not independent
    either: both rules give a lower limit.

    Args:
        labels: ``(N,)``, both kinds present.
        scores: ``(N,)`` in [0, 1].
        people: names of the people in the pairs, repeated or not; they are only counted.
        fmr: the target false match rate; ``None`` takes the equal-error point.
        first_people: N names, for the intervals; without them there are none.
        second_people: N names.
        strata: see :func:`person_weights`.
        seed: of the resampling.
        rounds: of the resampling.
        at_least: lower limit of the threshold, which a part of the pairs may need.

    Returns:
        The threshold and those for other rates, their error rates, and a note on what the pairs
        can show.

    Raises:
        InputError: one kind of pairs only, or ``fmr`` is no rate above 0.
    """
    truth, values = check_scores(labels, scores, "A calibration")
    if fmr == 0:
        raise InputError("fmr is above 0: no number of pairs can promise a rate of 0. Try 0.001.")
    eer, eer_threshold = equal_error(truth, values)
    threshold = eer_threshold if fmr is None else threshold_at_fmr(truth, values, fmr)
    threshold = max(threshold, at_least)
    point = operating_point(truth, values, threshold)
    person_pairs, intervals = None, {}
    if first_people is not None and second_people is not None:
        person_pairs = count_person_pairs(truth, first_people, second_people)
    independent = point.impostor if person_pairs is None else person_pairs
    rates = FMRS if independent < RULE_OF_3 / STRICT_FMR else (*FMRS, STRICT_FMR)
    thresholds = {str(rate): threshold_at_fmr(truth, values, rate) for rate in rates}
    fnmrs = {
        rate: float(operating_point(truth, values, cut).fnmr or 0.0)
        for rate, cut in thresholds.items()
    }
    if first_people is not None and second_people is not None:
        statistics = _statistics(fmr, threshold, thresholds)
        if threshold == at_least:  # it does not follow from these pairs
            del statistics["threshold"]
        intervals = bootstrap_all(
            truth, values, first_people, second_people, statistics, seed, rounds, strata=strata
        )
    enough, note = _promise(point.genuine, point.impostor, eer, fmr)
    # Nine tenths will do: of 3,000 person pairs drawn at random some are drawn twice.
    if fmr is not None and person_pairs is not None and person_pairs < 0.9 * RULE_OF_30 / fmr:
        enough, note = False, f"{note} {person_pairs_note(person_pairs, fmr)}"
    if threshold > 1:
        note += " Impostor pairs score 1.0, so this threshold verifies nobody: train the model on."
    return Calibration(
        threshold=threshold,
        target_fmr=fmr,
        fmr=float(point.fmr or 0.0),
        fnmr=float(point.fnmr or 0.0),
        eer=eer,
        eer_threshold=eer_threshold,
        thresholds=thresholds,
        genuine=point.genuine,
        impostor=point.impostor,
        people=len(set(people)),
        enough=enough,
        note=note,
        fnmrs=fnmrs,
        person_pairs=person_pairs,
        intervals=intervals,
        balanced=balanced_threshold(truth, values),
    )


def _statistics(
    target: float | None, threshold: float, thresholds: Mapping[str, float]
) -> dict[str, Statistic]:
    """The statistics that get an interval."""
    statistics = {
        "threshold": EQUAL_THRESHOLD if target is None else threshold_statistic(target),
        "fmr": at_threshold("fmr", threshold),
        "fnmr": at_threshold("fnmr", threshold),
        "eer": STATISTICS["eer"],
    }
    for rate, cut in thresholds.items():
        statistics[f"threshold_{rate}"] = threshold_statistic(float(rate))
        statistics[f"fnmr_{rate}"] = at_threshold("fnmr", cut)
    return statistics


def count_person_pairs(truth: np.ndarray, first: Sequence[str], second: Sequence[str]) -> int:
    """Number of different person pairs among the impostor pairs."""
    return len(
        {frozenset(sides) for *sides, same in zip(first, second, truth, strict=True) if not same}
    )


def person_pairs_note(person_pairs: int, fmr: float) -> str:
    """A sentence about what this number of person pairs can show of a rate, by both rules."""
    least, needed = (math.ceil(rule / fmr - 1e-9) for rule in (RULE_OF_3, RULE_OF_30))
    if person_pairs >= least:
        return (
            f"They show {person_pairs} person pairs: an FMR of {fmr:g} between others is known "
            f"only roughly (rule of 30: {needed} person pairs)."
        )
    return (
        f"They show {person_pairs} person pair{'s' * (person_pairs != 1)}, so nothing can be "
        f"promised for an FMR of {fmr:g} between others: even with no false match it may be "
        f"{min(1.0, RULE_OF_3 / max(person_pairs, 1)):.2g} (rule of 3: {least} person pairs)."
    )


def _promise(genuine: int, impostor: int, eer: float, fmr: float | None) -> tuple[bool, str]:
    """Whether the pairs are enough, and a sentence about it."""
    if fmr is None:
        errors = math.floor(min(genuine, impostor) * eer + 1e-9)
        enough = errors >= RULE_OF_30
        verdict = "within about 30 %" if enough else "only roughly"
        return enough, (
            f"About {errors} errors of the rarer kind stand behind the equal-error point: "
            f"it is known {verdict} (rule of 30)."
        )
    needed, least = math.ceil(RULE_OF_30 / fmr - 1e-9), math.ceil(RULE_OF_3 / fmr - 1e-9)
    if impostor >= needed:
        return True, (
            f"{impostor} impostor pairs are enough for an FMR of {fmr:g} (rule of 30: {needed})."
        )
    if impostor >= least:
        return False, (
            f"{impostor} impostor pairs show an FMR of {fmr:g} only roughly: the rule of 30 asks "
            f"for {needed}."
        )
    return False, (
        f"{impostor} impostor pairs are too few for an FMR of {fmr:g}: even with no false match "
        f"the rate may be {RULE_OF_3 / impostor:.2g} (rule of 3: {least} pairs at least, rule of "
        f"30: {needed})."
    )

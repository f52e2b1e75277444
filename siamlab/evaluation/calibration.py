"""A threshold is the result of a calibration, on people unseen in training.

Comes in: labels and scores of calibration pairs. Goes out: ``Calibration``, which the model
file carries.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from numpy.typing import ArrayLike

from siamlab.errors import InputError
from siamlab.evaluation.rates import (
    check_both_kinds,
    check_rate,
    check_scores,
    equal_error,
    operating_point,
    show,
    threshold_at_fmr,
)

FMRS = (0.1, 0.01, 0.001)
RULE_OF_3, RULE_OF_30 = 3, 30


@dataclass(frozen=True)
class Calibration:
    """A threshold and where it comes from.

    Attributes:
        threshold: a pair matches when its score is at least this.
        target_fmr: the false match rate aimed at; ``None`` for the equal-error point.
        fmr: false match rate of ``threshold`` on the calibration pairs.
        fnmr: false non-match rate there.
        eer: equal error rate on the calibration pairs.
        eer_threshold: the threshold of the equal-error point.
        thresholds: false match rate as text (``"0.01"``) to the threshold for it.
        genuine: number of genuine pairs.
        impostor: number of impostor pairs.
        people: number of people in the pairs.
        enough: at least 30 errors stand behind the threshold (the rule of 30).
        note: what can be promised, in words.
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

    def to_dict(self) -> dict[str, Any]:
        """Plain values for a model file."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Calibration:
        """The inverse of :meth:`to_dict`.

        Raises:
            InputError: a value is missing, or one is unknown.
        """
        known = {item.name for item in fields(cls)}
        try:
            if set(values) - known:
                raise TypeError(f"unknown: {', '.join(sorted(set(values) - known))}")
            return cls(**{**values, "thresholds": dict(values.get("thresholds", {}))})
        except TypeError as error:
            raise InputError(f"These values are no calibration ({error}).") from None

    def __str__(self) -> str:
        aim = "equal errors" if self.target_fmr is None else f"FMR of at most {self.target_fmr:g}"
        return (
            f"threshold {self.threshold:.4f} for {aim}: FMR {show(self.fmr)}, FNMR "
            f"{show(self.fnmr)}, EER {show(self.eer)} on {self.genuine} genuine and "
            f"{self.impostor} impostor pairs of {self.people} people\n{self.note}"
        )


def calibrate(
    labels: ArrayLike,
    scores: ArrayLike,
    people: Collection[str],
    fmr: float | None = 0.01,
) -> Calibration:
    """Choose a threshold on calibration pairs.

    Two rules of thumb say what the pairs can promise (Doddington et al. 2000; Mansfield and
    Wayman 2002, "Best practices in testing and reporting performance of biometric devices"):

    - rule of 3: when no error is seen in N independent trials, the rate is below 3 / N with
      95 % confidence; with fewer than ``3 / fmr`` impostor pairs no threshold can promise ``fmr``;
    - rule of 30: 30 errors put the rate within 30 % with 90 % confidence; that takes
      ``30 / fmr`` impostor pairs.

    Pairs that share people are not independent, so both are the least that is needed.

    Args:
        labels: ``(N,)``, both kinds present.
        scores: ``(N,)`` in [0, 1].
        people: names of the people in the pairs, repeated or not; they are only counted.
        fmr: the false match rate aimed at; ``None`` takes the equal-error point.

    Returns:
        The threshold, the ones for other rates, and a note on what they are worth.

    Raises:
        InputError: one kind of pairs only, or ``fmr`` is no rate above 0.
    """
    truth, values = check_scores(labels, scores)
    check_both_kinds(truth, "A calibration")
    if fmr is not None:
        check_rate(fmr, "fmr")
    if fmr == 0:
        raise InputError("fmr is above 0: no number of pairs can promise a rate of 0. Try 0.001.")
    eer, eer_threshold = equal_error(truth, values)
    threshold = eer_threshold if fmr is None else threshold_at_fmr(truth, values, fmr)
    point = operating_point(truth, values, threshold)
    enough, note = _promise(point.genuine, point.impostor, eer, fmr)
    if threshold > 1:
        note += " Impostor pairs score 1.0, so this threshold verifies nobody: train the model on."
    return Calibration(
        threshold=threshold,
        target_fmr=fmr,
        fmr=float(point.fmr or 0.0),
        fnmr=float(point.fnmr or 0.0),
        eer=eer,
        eer_threshold=eer_threshold,
        thresholds={str(rate): threshold_at_fmr(truth, values, rate) for rate in FMRS},
        genuine=point.genuine,
        impostor=point.impostor,
        people=len(set(people)),
        enough=enough,
        note=note,
    )


def _promise(genuine: int, impostor: int, eer: float, fmr: float | None) -> tuple[bool, str]:
    """Whether the pairs are enough, and a sentence that says so."""
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

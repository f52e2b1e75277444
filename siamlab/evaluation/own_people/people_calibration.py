"""Calibrate a model's threshold on people it has not seen: the user's own, and strangers.

Which pairs count. A false match is either one of the user's own people taken for another, or a
stranger taken for one of them. Pairs of strangers show the tail of the impostor scores, which a
handful of own people cannot, and come from one kind of camera, where only the faces differ. The
threshold holds the false match rate on all three groups together; the rate of each group is
reported too, since many strangers outnumber a few relatives. Genuine pairs come from the user's
own people, who are the ones a false non-match turns away.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from siamlab.data.collections import Collection
from siamlab.data.pairs import PairSet, join_pairs
from siamlab.errors import InputError
from siamlab.evaluation.calibration import Calibration, calibrate_scores
from siamlab.evaluation.group_rates import Confusion, GroupRate, group_rate, worst_confusion
from siamlab.evaluation.own_people.messages import cost_notes, family_notes
from siamlab.evaluation.own_people.pair_groups import GROUPS, draw_groups
from siamlab.evaluation.own_people.selection import (
    check_left,
    choose_strangers,
    hidden_notes,
    unseen_people,
)
from siamlab.evaluation.rates import format_rate, operating_point, threshold_at_fmr
from siamlab.evaluation.scoring import judge_pairs
from siamlab.system.table import Table

if TYPE_CHECKING:
    from siamlab.models.siamese import Siamese


@dataclass(frozen=True)
class PeopleCalibration:
    """A threshold calibrated on the user's own people and strangers, and its errors.

    Names are kept here only: the model file, which may be shared, contains none of them.

    Attributes:
        calibration: what the model's metadata holds.
        groups: errors of each group of pairs at the threshold; see ``GROUPS``.
        worst: the two own people most often taken for each other; ``None`` for one person.
        strict: the threshold that holds the rate in every group, and own people's FNMR there;
            ``None`` when the chosen one holds it among own people.
        own: number of own people.
        strangers: number of strangers.
        notes: what the user must know, in sentences.
    """

    calibration: Calibration
    groups: dict[str, GroupRate]
    worst: Confusion | None
    strict: tuple[float, float | None] | None
    own: int
    strangers: int
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            **self.calibration.to_dict(),
            "groups": {name: group.to_dict() for name, group in self.groups.items()},
            "worst": None if self.worst is None else str(self.worst),
            "strict": None if self.strict is None else list(self.strict),
            "own_people": self.own,
            "strangers": self.strangers,
            "notes": list(self.notes),
        }

    def __str__(self) -> str:
        rows = []
        for one in self.groups.values():
            if one.pairs:
                interval = one.interval and f"{one.interval}{', rough' * one.rough}"
                counts = map(str, (one.pairs, one.people, one.errors))
                rows.append((one.name, *counts, format_rate(one.rate, interval)))
        header = ("", "pairs", "people", "errors", "rate (95 % interval)")
        table = Table(rows, header, "<>>><", gap=(3, 1, 1, 2))
        return "\n".join([str(self.calibration), str(table), *self.notes])


def calibrate_people(
    model: Siamese,
    own: Collection,
    strangers: Collection | None = None,
    fmr: float = 0.01,
    seed: int = 0,
    strict: bool = False,
) -> PeopleCalibration:
    """Choose a model's threshold on the user's own people and on strangers together.

    People the model was trained on are left out. The intervals resample own people and strangers
    separately.

    Args:
        model: its metadata gets the calibration.
        own: the user's people: photographs, or faces as the capture cuts them. The face is
            found again in each; pairs with an image that shows none are left out.
        strangers: other people, usually LFW; nobody when ``None``. Those with the name of an own
            person are left out.
        fmr: the target false match rate, in (0, 1].
        seed: fixes strangers and pairs.
        strict: hold the rate in each group, not only on all pairs together.

    Returns:
        Threshold, rates by group, and notes.

    Raises:
        InputError: too few people are left, or one kind of pairs is missing.
        NoFaceError: no pair shows two faces.
    """
    if not 0 < fmr <= 1:
        raise InputError(
            f"fmr is above 0 and at most 1: no number of pairs can promise 0. Received: {fmr:g}. "
            "Try 0.001."
        )
    people, known = unseen_people(model, own)
    others, notes = choose_strangers(model, own, strangers, seed)
    check_left(known, len(own), len(people) and len(people) + len(others))
    if known:
        notes.insert(0, f"Left out of your people: {known}, whom the model was trained on.")
    notes += hidden_notes(model)
    drawn = draw_groups(people, others, fmr, seed)
    drawn, parts, left_out = _judge_groups(model, drawn)
    notes += left_out
    genuine_group = "own_genuine" if len(drawn["own_genuine"]) else "stranger_genuine"
    used = [genuine_group, *(name for name, (genuine, _) in GROUPS.items() if not genuine)]
    pairs = join_pairs(*(drawn[name] for name in used))
    if not pairs.genuine or not pairs.impostor:
        raise InputError(
            "A threshold needs two people at least, and two images of one. Received: "
            f"{len(people)} people with {len(people.images)} images, and {len(others)} strangers. "
            "Collect more images, or give strangers (--lfw)."
        )
    strata = {**dict.fromkeys(people.names, "own"), **dict.fromkeys(others.names, "strangers")}
    calibration = calibrate_scores(
        pairs.labels,
        np.concatenate([parts[name] for name in used]),
        pairs.people,
        fmr,
        pairs.first_people,
        pairs.second_people,
        strata,
        seed,
        rounds=500 if len(pairs) <= 20_000 else 200,
        at_least=_strict_threshold(parts, fmr) if strict else 0.0,
    )
    groups = {}
    for name, (genuine, words) in GROUPS.items():
        one = drawn[name]
        groups[name] = group_rate(
            words,
            genuine,
            parts[name],
            one.first_people,
            one.second_people,
            calibration.threshold,
            (list(map(str, one.first)), list(map(str, one.second))),
            strata if name == "between" else None,
            seed,
        )
    family = drawn["own_impostor"]
    worst = worst_confusion(
        parts["own_impostor"], family.first_people, family.second_people, calibration.threshold
    )
    strict_point = _strict_point(parts, groups["own_impostor"], fmr)
    model.with_metadata(calibration=calibration.to_dict())
    notes = [
        *cost_notes(groups),
        *family_notes(groups["own_impostor"], worst, strict_point, fmr),
        *notes,
    ]
    return PeopleCalibration(
        calibration, groups, worst, strict_point, len(people), len(others), tuple(notes)
    )


def _judge_groups(
    model: Siamese, drawn: dict[str, PairSet]
) -> tuple[dict[str, PairSet], dict[str, np.ndarray], list[str]]:
    """The pairs of each group that could be judged, their scores, and a note on the others."""
    # Every image is embedded once, even if several groups have it.
    judgement = judge_pairs(model, join_pairs(*drawn.values()))
    ends = np.cumsum([len(pairs) for pairs in drawn.values()])[:-1]
    scores, judged = np.split(judgement.scores, ends), np.split(judgement.judged, ends)
    kept = {name: one.subset(mask) for (name, one), mask in zip(drawn.items(), judged, strict=True)}
    parts = {name: one[mask] for name, one, mask in zip(drawn, scores, judged, strict=True)}
    return kept, parts, list(filter(None, [judgement.left_out_note()]))


def _strict_threshold(parts: dict[str, np.ndarray], fmr: float) -> float:
    """The highest of the groups' own thresholds for the rate."""
    scores = [parts[name] for name, (genuine, _) in GROUPS.items() if not genuine]
    return max(threshold_at_fmr(np.zeros(len(one)), one, fmr) for one in scores if len(one))


def _strict_point(
    parts: dict[str, np.ndarray], family: GroupRate, fmr: float
) -> tuple[float, float | None] | None:
    """See ``PeopleCalibration.strict``."""
    if not family.pairs or family.errors <= fmr * family.pairs + 1e-9:
        return None
    genuine, threshold = parts["own_genuine"], _strict_threshold(parts, fmr)
    if not len(genuine):
        return threshold, None
    return threshold, operating_point(np.ones(len(genuine)), genuine, threshold).fnmr

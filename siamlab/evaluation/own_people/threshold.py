"""A model's threshold, set on people it has not seen: the user's own, and strangers beside them.

Input: a model, the user's people, and LFW strangers where there are any. Output: the
:class:`~siamlab.evaluation.calibration.Calibration` in the model's metadata, and :class:`PeopleCalibration`,
which says what the threshold will cost the user and what it cannot promise.

Which pairs count. Who is let in by mistake is either one of the user's own people taken for
another (the family), or a stranger taken for one of them. Strangers among each other show the
tail of the scores that a handful of own people cannot, from one kind of camera, where nothing but
the face tells people apart. The threshold holds the false match rate on all three together; each
group's own rate is told beside it, since many strangers outvote a few relatives. Genuine pairs
come from the user's own people: it is they who are turned away.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from siamlab.data.collections import Collection
from siamlab.data.pairs import PairSet, join_pairs
from siamlab.errors import InputError
from siamlab.evaluation.calibration import Calibration, calibrate
from siamlab.evaluation.groups import Confusion, GroupRate, group_rate, worst_confusion
from siamlab.evaluation.own_people.messages import cost_notes, family_notes
from siamlab.evaluation.own_people.pair_groups import GROUPS, MOST_PAIRS, draw_groups, spread_pairs
from siamlab.evaluation.own_people.selection import check_left, choose_strangers, unseen_people
from siamlab.evaluation.rates import operating_point, threshold_at_fmr
from siamlab.evaluation.scoring import score_pairs

if TYPE_CHECKING:
    from siamlab.models.siamese import Siamese

OWN, STRANGERS = "own", "strangers"


def calibrate_model(
    model: Siamese,
    collection: Collection,
    fmr: float | None = None,
    seed: int = 0,
    most: int = 2 * MOST_PAIRS,
) -> Calibration:
    """Choose a model's threshold on people that it was not trained on.

    Args:
        model: its metadata gets the calibration.
        collection: people; those whom the model was trained on are left out.
        fmr: the false match rate aimed at; ``None`` takes the equal-error point.
        seed: draws the pairs.
        most: pairs at the most.

    Returns:
        The calibration, which says when there were too few pairs to promise anything.

    Raises:
        InputError: too few people are left, or there are too few.
    """
    people, left_out = unseen_people(model, collection)
    check_left(left_out, len(collection), len(people))
    pairs = spread_pairs(people, most, seed)
    calibration = calibrate(
        pairs.labels,
        score_pairs(model, pairs),
        pairs.people,
        fmr=fmr,
        first_people=pairs.first_people,
        second_people=pairs.second_people,
        seed=seed,
    )
    if left_out:
        note = f"{left_out} people were left out: the model was trained on them."
        calibration = replace(calibration, note=f"{calibration.note} {note}")
    model.with_metadata(calibration=calibration.to_dict())
    return calibration


@dataclass(frozen=True)
class PeopleCalibration:
    """A threshold on the user's own people and strangers, and what it will cost them.

    Names stand here only: the model file may be passed on, and gets none of them.

    Attributes:
        calibration: what the model's metadata holds.
        groups: errors of each group of pairs at the threshold; see ``GROUPS``.
        worst: the two own people most often taken for each other; ``None`` for one person.
        apart: the threshold that holds the rate in every group, and own people's FNMR there;
            ``None`` when the chosen one holds it among own people.
        own: how many own people the threshold rests on.
        strangers: how many strangers.
        notes: what the user must know, in sentences.
    """

    calibration: Calibration
    groups: dict[str, GroupRate]
    worst: Confusion | None
    apart: tuple[float, float | None] | None
    own: int
    strangers: int
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            **self.calibration.to_dict(),
            "groups": {name: group.to_dict() for name, group in self.groups.items()},
            "worst": None if self.worst is None else str(self.worst),
            "apart": None if self.apart is None else list(self.apart),
            "own_people": self.own,
            "strangers": self.strangers,
            "notes": list(self.notes),
        }

    def __str__(self) -> str:
        shown = [group for group in self.groups.values() if group.pairs]
        width = max(len(group.name) for group in shown)
        table = [f"{'':<{width}}  {'pairs':>6} {'people':>6} {'errors':>6}  rate (95 % interval)"]
        table += [
            f"{one.name:<{width}}  {one.pairs:>6} {one.people:>6} {one.errors:>6}  "
            f"{one.rate:.3f}"
            + (f" ({one.interval}{', rough' * one.rough})" if one.interval else "")
            for one in shown
        ]
        return "\n".join([str(self.calibration), *table, *self.notes])


def calibrate_people(
    model: Siamese,
    own: Collection,
    strangers: Collection | None = None,
    fmr: float = 0.01,
    seed: int = 0,
    strict: bool = False,
) -> PeopleCalibration:
    """Choose a model's threshold on the user's own people and on strangers together.

    Nobody the model was trained on takes part. The intervals draw own people among own people
    and strangers among strangers.

    Args:
        model: its metadata gets the calibration.
        own: the user's people, face chips as the capture makes them.
        strangers: other people, LFW as a rule; nobody when ``None``. Who has the name of an own
            person is left out.
        fmr: the false match rate aimed at, in (0, 1].
        seed: draws strangers and pairs.
        strict: hold the rate in each group, not only on all pairs together.

    Returns:
        Threshold, rates by group, cost, and notes.

    Raises:
        InputError: nobody unseen is left, too few are, or there are not both kinds of pairs.
    """
    if not 0 < fmr <= 1:
        raise InputError(
            f"fmr is above 0 and at most 1: no number of pairs can promise 0. Received: {fmr:g}. "
            "Try 0.001."
        )
    people, known = unseen_people(model, own)
    others, notes = choose_strangers(model, own, strangers, seed)
    if known and not people.people:
        check_left(known, len(own), 0)
    check_left(known, len(own), len(people) + len(others))
    if known:
        notes.insert(0, f"Left out of your people: {known}, whom the model was trained on.")
    drawn = draw_groups(people, others, fmr, seed)
    parts = _scored(model, drawn)
    paying = "own_genuine" if len(drawn["own_genuine"]) else "stranger_genuine"
    used = [paying, *(name for name, (genuine, _) in GROUPS.items() if not genuine)]
    pairs = join_pairs(*(drawn[name] for name in used))
    scores = np.concatenate([parts[name] for name in used])
    _check_kinds(pairs, people, others)
    strata = {**dict.fromkeys(people.names, OWN), **dict.fromkeys(others.names, STRANGERS)}
    floor = _strictest(parts, fmr) if strict else 0.0
    calibration = calibrate(
        pairs.labels,
        scores,
        pairs.people,
        fmr,
        pairs.first_people,
        pairs.second_people,
        strata,
        seed,
        rounds=500 if len(pairs) <= 20_000 else 200,
        at_least=floor,
    )
    groups = {
        name: _group(name, drawn[name], parts[name], calibration.threshold, strata, seed)
        for name in GROUPS
    }
    family = drawn["own_impostor"]
    worst = worst_confusion(
        parts["own_impostor"], family.first_people, family.second_people, calibration.threshold
    )
    apart = _apart(parts, groups["own_impostor"], fmr)
    model.with_metadata(calibration=calibration.to_dict())
    said = [*cost_notes(groups), *family_notes(groups["own_impostor"], worst, apart, fmr), *notes]
    return PeopleCalibration(
        calibration, groups, worst, apart, len(people), len(others), tuple(said)
    )


def _scored(model: Siamese, drawn: dict[str, PairSet]) -> dict[str, np.ndarray]:
    """Scores of each group; every image is embedded once, whatever groups it is in."""
    scores = score_pairs(model, join_pairs(*drawn.values()))
    ends = np.cumsum([len(pairs) for pairs in drawn.values()])[:-1]
    return dict(zip(drawn, np.split(scores, ends), strict=True))


def _check_kinds(pairs: PairSet, own: Collection, strangers: Collection) -> None:
    if not pairs.genuine or not pairs.impostor:
        raise InputError(
            "A threshold needs two people at least, and two images of one. Received: "
            f"{len(own)} people with {len(own.images)} images, and {len(strangers)} strangers. "
            "Collect more images, or give strangers (--lfw)."
        )


def _strictest(parts: dict[str, np.ndarray], fmr: float) -> float:
    """The highest of the groups' own thresholds for the rate."""
    scores = [parts[name] for name, (genuine, _) in GROUPS.items() if not genuine]
    return max(threshold_at_fmr(np.zeros(len(one)), one, fmr) for one in scores if len(one))


def _group(
    name: str,
    pairs: PairSet,
    scores: np.ndarray,
    threshold: float,
    strata: dict[str, str],
    seed: int,
) -> GroupRate:
    genuine, words = GROUPS[name]
    images = ([str(path) for path in pairs.first], [str(path) for path in pairs.second])
    return group_rate(
        words,
        genuine,
        scores,
        pairs.first_people,
        pairs.second_people,
        threshold,
        images,
        strata if name == "between" else None,
        seed,
    )


def _apart(
    parts: dict[str, np.ndarray], family: GroupRate, fmr: float
) -> tuple[float, float | None] | None:
    if not family.pairs or family.errors <= fmr * family.pairs + 1e-9:
        return None
    genuine, threshold = parts["own_genuine"], _strictest(parts, fmr)
    if not len(genuine):
        return threshold, None
    return threshold, operating_point(np.ones(len(genuine)), genuine, threshold).fnmr

"""What light, blur, pose and the rest cost: rates of the same pairs under each condition.

Input: the scores of :mod:`siamlab.assessment.condition_scores`. Output: accuracy, FMR, FNMR and
the share of images without a face, each with its interval, by name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from siamlab.assessment.condition_scores import ConditionScores, Level
from siamlab.assessment.measured import Measured, Values, measured_rate, wilson
from siamlab.data.pairs import PairSet, join_pairs
from siamlab.evaluation import bootstrap_all
from siamlab.evaluation.calibration import count_person_pairs

RATES = ("accuracy", "fmr", "fnmr", "no_face")


def condition_rates(
    pairs: PairSet,
    scored: Mapping[Level, ConditionScores],
    threshold: float,
    seed: int = 0,
    rounds: int = 500,
) -> Values:
    """Accuracy, FMR, FNMR and the share of images without a face, at every level.

    Rates count every pair: one that could not be judged is a "no".

    Args:
        pairs: as given to :func:`siamlab.assessment.condition_scores.score_conditions`.
        scored: what it returned.
        threshold: a pair matches when its score is at least this.
        seed, rounds: of the resampling of people.

    Returns:
        ``fnmr`` of the pairs as they are, ``dark@4.fnmr`` of one level, and ``dark.fnmr`` of all
        levels of a condition together; the same for the other ``RATES``.
    """
    values: Values = {}
    together: dict[str, list[ConditionScores]] = {}
    for (name, level), one in scored.items():
        key = level_key(name, level)
        values |= _rates(key, pairs, [one], threshold, seed, rounds)
        if name:
            together.setdefault(name, []).append(one)
    for name, levels in together.items():
        values |= _rates(level_key(name), pairs, levels, threshold, seed, rounds)
    return values


def level_key(name: str, level: float | None = None) -> str:
    """What stands before the name of a rate: ``dark@4.``; nothing for pairs as they are."""
    if not name:
        return ""
    return f"{name}." if level is None else f"{name}@{level:g}."


def _rates(
    key: str,
    pairs: PairSet,
    scored: Sequence[ConditionScores],
    threshold: float,
    seed: int,
    rounds: int,
) -> Values:
    """The rates of the pairs at one level, or at several together."""
    several = join_pairs(*[pairs] * len(scored))
    scores = np.concatenate([one.judgement.scores for one in scored])
    same, match = np.asarray(several.labels) == 1, scores >= threshold
    intervals = bootstrap_all(
        same, scores, several.first_people, several.second_people,
        ("accuracy", "fmr", "fnmr"), seed, rounds, threshold,
    )  # fmt: skip
    people = len(pairs.people)
    genuine = len({name for name, own in zip(pairs.first_people, pairs.labels, strict=True) if own})
    impostor = count_person_pairs(
        np.asarray(pairs.labels) == 1, pairs.first_people, pairs.second_people
    )
    wrong, all_pairs = int((match != same).sum()), len(same)
    right = measured_rate(all_pairs - wrong, all_pairs, intervals["accuracy"], people)
    false_matches, false_non_matches = int((match & ~same).sum()), int((~match & same).sum())
    return {
        f"{key}accuracy": right,
        f"{key}fmr": measured_rate(false_matches, int((~same).sum()), intervals["fmr"], impostor),
        f"{key}fnmr": measured_rate(false_non_matches, int(same.sum()), intervals["fnmr"], genuine),
        f"{key}no_face": _no_face(scored),
    }


def _no_face(scored: Sequence[ConditionScores]) -> Measured:
    missing, images = (
        sum(counts)
        for counts in zip(*((one.judgement.no_face, one.images) for one in scored), strict=True)
    )
    share = wilson(missing, images)
    # Several levels show the same images: they are not independent.
    return share if len(scored) == 1 else replace(share, interval=None)

"""What a threshold costs, in words: strangers let in, and own tries refused.

Both rates are the model's own calibration's (:class:`siamlab.evaluation.calibration.Calibration`):
it has measured them at a few thresholds. Between two of these the logarithm of the rate of
strangers, and the other rate itself, are taken as linear in the log-odds of the threshold; beyond
the last nothing is known but the direction. Where the pairs behind it are too few for a rate, the
sentence says so (rule of 3).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from siamlab.models.metadata import ModelMetadata, log_odds


@dataclass(frozen=True)
class ThresholdCost:
    """The two error rates of a threshold for one comparison, as far as a calibration knows them.

    Attributes:
        strangers: share of strangers who match: the false match rate.
        refused: share of own tries that do not match: the false non-match rate.
        beyond: -1 below all calibrated thresholds, 1 above them, else 0: then ``strangers`` is at
            most (above) or at least (below) what it says, and ``refused`` the other way round.
        least: the smallest rate of strangers that the calibration's pairs can promise.
    """

    strangers: float
    refused: float
    beyond: int
    least: float


def threshold_cost(metadata: ModelMetadata, threshold: float) -> ThresholdCost | None:
    """What the model's calibration knows about a threshold; ``None`` without one that tells.

    Args:
        metadata: of the model.
        threshold: a score in [0, 1].

    Example:
        >>> found = {"threshold": 0.5, "thresholds": {"0.1": 0.5, "0.001": 0.99},
        ...          "fnmrs": {"0.1": 0.0, "0.001": 0.2}, "impostor": 900}
        >>> threshold_cost(ModelMetadata(calibration=found), 0.99)
        ThresholdCost(strangers=0.001, refused=0.2, beyond=0, least=0.0033333333333333335)
    """
    points = _points(metadata.calibration or {})
    if len(points) < 2:
        return None
    odds, strangers, refused = np.array(points).T
    place = log_odds(threshold)
    beyond = int(place > odds[-1] + 1e-9) - int(place < odds[0] - 1e-9)
    return ThresholdCost(
        float(np.exp(np.interp(place, odds, np.log(strangers)))),
        float(np.interp(place, odds, refused)),
        beyond,
        1.0 if metadata.least_fmr is None else metadata.least_fmr,
    )


def _points(found: dict[str, Any]) -> list[tuple[float, float, float]]:
    """Calibrated thresholds' log-odds, rates of strangers and of refused tries, in order."""
    thresholds, refused = found.get("thresholds", {}), found.get("fnmrs", {})
    return sorted(
        (log_odds(float(thresholds[rate])), float(rate), float(refused[rate]))
        for rate in thresholds
        if rate in refused and 0 <= float(thresholds[rate]) <= 1
    )


def describe_detection(cost: ThresholdCost | None) -> str:
    """A sentence on the detection threshold: what one comparison costs.

    Args:
        cost: of :func:`threshold_cost`; ``None`` where it is not known.
    """
    if cost is None:
        return "What this costs is not known: the model was not calibrated on such images."
    let_in, refused = in_words(cost.strangers), in_words(cost.refused)
    if cost.beyond > 0:
        let_in, refused = f"at most {let_in}", f"{refused} or more"
    elif cost.beyond < 0:
        let_in = f"{let_in} or more"
        refused = f"at most {refused}" if cost.refused else refused
    text = f"{let_in} strangers let in, {refused} of your own tries refused, by one image."
    if cost.strangers < cost.least:
        text += (
            f" The calibration compared too few people to promise that: it may be "
            f"{in_words(min(1.0, cost.least))} strangers."
        )
    return text[0].upper() + text[1:]


def describe_verification(cost: ThresholdCost | None, share: float, templates: int) -> str:
    """A sentence on the verification threshold: how many stored images must match, and the cost.

    Images of one person are not independent, so only bounds hold whatever they have in common: if
    each of ``n`` matches a stranger at a rate ``p``, at least ``k`` do at a rate of at most
    ``n p / k`` (Markov's inequality).

    Args:
        cost: of one comparison; ``None`` where it is not known.
        share: of the stored images that must match, in (0, 1].
        templates: number of stored images.
    """
    if not templates:
        return "Nobody is enrolled."
    needed = max(1, math.ceil(share * templates - 1e-9))
    images = "image" if templates == 1 else "images"
    text = f"{needed} of {templates} stored {images} must match"
    if cost is None or cost.beyond or templates == 1:
        return f"{text}."
    let_in = min(1.0, cost.strangers * templates / needed)
    refused = min(1.0, cost.refused * templates / (templates - needed + 1))
    return (
        f"{text}: at most {in_words(let_in)} strangers let in, at most {in_words(refused)} of your "
        "own tries refused."
    )


def in_words(rate: float) -> str:
    """A rate as a small number of tries.

    Example:
        >>> [in_words(rate) for rate in (0.0, 0.0004, 0.001, 0.026, 0.12, 1.0)]
        ['none', '4 in 10,000', '1 in 1,000', '26 in 1,000', '12 in 100', 'all']
    """
    if rate <= 0:
        return "none"
    if rate >= 0.995:
        return "all"
    for whole in (100, 1_000, 10_000):
        if rate * whole >= 0.95:
            break
    number = round(rate * whole)
    if whole == 100 and abs(number / whole - rate) > 0.1 * rate:
        whole, number = 1_000, round(rate * 1_000)
    return f"{max(1, number)} in {whole:,}"

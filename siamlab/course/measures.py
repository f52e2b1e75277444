"""What the chapters measure more than once, each as a row of a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from siamlab.data.collections import Collection
from siamlab.data.pairs import PairSet
from siamlab.evaluation.evaluate import evaluate
from siamlab.evaluation.intervals import wilson_interval
from siamlab.evaluation.rates import format_rate
from siamlab.images.decode import ImageFile
from siamlab.models.siamese import Siamese
from siamlab.verification.verifier import Verifier


def stage_row(
    stage: str, model: Siamese, people: Collection, tests: Mapping[str, PairSet]
) -> dict[str, Any]:
    """AUC and accuracy of a model as it is now, at its own threshold.

    Args:
        stage: what was last done to the model.
        model: calibrated.
        people: whom the pairs are of.
        tests: name to pairs.
    """
    row: dict[str, Any] = {"stage": stage}
    for name, pairs in tests.items():
        result = evaluate(model, people, pairs)
        auc = format_rate(result.auc, result.intervals["auc"])
        row |= {f"{name}: AUC (95 %)": auc, f"{name}: accuracy": result.accuracy}
    return row


def judged_row(model: str, result: Mapping[str, Any]) -> dict[str, Any]:
    """The headline rates of an evaluation.

    Args:
        model: its name.
        result: what ``Evaluation.to_dict`` gives, from memory or from a file.
    """
    low, high = result["intervals"]["auc"]
    return {
        "model": model,
        "AUC": result["auc"],
        "95 %": f"{low:.3f} to {high:.3f}",
        "accuracy": result["accuracy"],
        "FMR": result["fmr"],
        "FNMR": result["fnmr"],
        "TAR at FAR 0.01": result["tar_at_far"]["0.01"],
    }


def share_verified(verifier: Verifier, person: str, images: Sequence[ImageFile]) -> float:
    """The share of images that are verified as a person; unknown is no."""
    return sum(verifier.verify(image, person).verified is True for image in images) / len(images)


def acceptance_row(
    model: str, accepted: float, probes: int, falsely: float, impostors: int
) -> dict[str, Any]:
    """How many probes and impostors are let in, with 95 % intervals for images apart.

    Args:
        model: its name.
        accepted: share of the person's own images that were let in.
        probes: how many these are.
        falsely: share of the impostors that were let in.
        impostors: how many these are, one image of each.

    Example:
        >>> acceptance_row("compact", 1.0, 20, 0.0, 37)["accepted (95 %)"]
        '1.000 (0.839 to 1.000)'
    """
    row: dict[str, Any] = {"model": model}
    tries = (("probes", "accepted", accepted, probes),
             ("impostors", "falsely accepted", falsely, impostors))  # fmt: skip
    for kind, name, share, count in tries:
        interval = wilson_interval(round(share * count), count)
        row |= {kind: count, f"{name} (95 %)": format_rate(share, interval)}
    return row

"""Measure a model: on pairs as they are, under hard conditions, by group, over time.

Input: a model and pairs of photographs; or no pairs, and drawn people are made. Output: an
:class:`~siamlab.assessment.dated_report.Assessment`. The threshold is the model's own, chosen on
other people; nothing is chosen here.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from siamlab import __version__
from siamlab.assessment.by_condition import condition_rates
from siamlab.assessment.by_group import group_sizes, rates_by_group, unlabeled_notes
from siamlab.assessment.condition_scores import AS_IT_IS, Progress, score_conditions
from siamlab.assessment.dated_report import Assessment
from siamlab.assessment.drift import Drift
from siamlab.assessment.measured import Measured, Values
from siamlab.assessment.perturbations import PERTURBATIONS, Perturbation
from siamlab.config import default_cache
from siamlab.data.collections import Collection, open_collection
from siamlab.data.pairs import PairSet, draw_pairs
from siamlab.data.synthetic import write_people
from siamlab.evaluation.report import Evaluation, evaluate_judgement
from siamlab.faces.detectors import open_detector
from siamlab.models.embedder import FaceEmbedder
from siamlab.models.metadata import VERIFICATION
from siamlab.system.machine import machine_name

DRAWN_PEOPLE, DRAWN_SEED = 40, 12  # not the seed of any people that are trained on
WHOLE = ("auc", "eer")


@dataclass(frozen=True)
class AttackRate:
    """How often one kind of attack succeeded.

    Attributes:
        name: a word without spaces; the value is called ``attack.NAME``.
        title: in words: what was attacked and how strongly.
        success: share of the tries that succeeded, its interval, and how many there were.
    """

    name: str
    title: str
    success: Measured


# What tries attacks: model, pairs and threshold to the share of successes of each attack. Most
# need a Keras model, whose gradients they follow.
Attacks = Callable[[Any, PairSet, float], Sequence[AttackRate]]


def drawn_people(people: int = DRAWN_PEOPLE) -> Collection:
    """People who were drawn for assessments, two images of each; drawn once, kept in the cache.

    Args:
        people: how many.
    """
    folder = default_cache() / f"assessment-people-{people}"
    if len(list(folder.glob("*/*.jpg"))) != 2 * people:
        write_people(folder, people=people, images=2, seed=DRAWN_SEED)
    return open_collection(folder)


def drawn_pairs(people: int = DRAWN_PEOPLE, seed: int = 0) -> tuple[Collection, PairSet]:
    """Pairs of drawn people: a genuine and an impostor pair for each."""
    collection = drawn_people(people)
    return collection, draw_pairs(collection, 2 * people, seed)


def assess(
    model: FaceEmbedder,
    collection: Collection,
    pairs: PairSet,
    name: str = "",
    groups: Mapping[str, str] | None = None,
    attacks: Attacks | None = None,
    drift: Drift | None = None,
    perturbations: Sequence[Perturbation] = PERTURBATIONS,
    side: str = "second",
    seed: int = 0,
    now: datetime | None = None,
    progress: Progress | None = None,
) -> Assessment:
    """Measure a model on pairs of images.

    Args:
        model: as :func:`siamlab.load_model` returns it.
        collection: what the pairs are from.
        pairs: the comparisons; a pair without a face counts as "no".
        name: of the model, for the report.
        groups: a person's name to a group, see :func:`siamlab.assessment.by_group.read_groups`.
        attacks: tries attacks on the model; ``None`` tries none, and the report says so.
        drift: of enrolled people, see :func:`siamlab.assessment.drift.measure_drift`.
        perturbations: the conditions.
        side: which photographs of a pair are changed, ``second`` or ``both``.
        seed: of noise, sides and resampling.
        now: the date; ``None`` asks the clock.
        progress: called with (photographs done, photographs in all).

    Returns:
        Everything that was measured.

    Raises:
        InputError: there are no pairs, or nobody has a label.
        ImageError: a file cannot be read; the message names it.

    Example:
        >>> import siamlab
        >>> from siamlab.assessment.assessing import assess, drawn_pairs
        >>> collection, pairs = drawn_pairs(people=4)
        >>> found = assess(siamlab.load_model("pretrained"), collection, pairs, perturbations=())
        >>> found.values["accuracy"].count
        8
    """
    began = time.perf_counter()
    sizes = {} if groups is None else group_sizes(pairs, groups)  # refused before the long part
    date = (now or datetime.now().astimezone()).isoformat(timespec="seconds")
    threshold, point = model.metadata.choose_threshold(None, VERIFICATION)
    scored = score_conditions(model, pairs, perturbations, side, seed, progress)
    judgement = scored[AS_IT_IS].judgement
    whole = evaluate_judgement(pairs, judgement, threshold, seed)
    labeled = () if groups is None else rates_by_group(pairs, judgement.scores, groups, threshold)
    tried = () if attacks is None else tuple(attacks(model, pairs, threshold))
    values = _whole_values(whole) | condition_rates(pairs, scored, threshold, seed)
    for group in labeled:
        values |= group.values()
    values |= {f"attack.{one.name}": one.success for one in tried}
    values |= {} if drift is None else drift.values()
    return Assessment(
        date=date,
        model=_describe_model(model, name),
        data={**_describe_data(model, collection, pairs), "side": side, "seed": seed},
        threshold=threshold,
        operating_point=point,
        values=values,
        conditions=tuple(perturbations),
        groups=sizes,
        attacks={one.name: one.title for one in tried},
        drift=drift,
        notes=(
            *_notes(model, collection, pairs, point),
            *whole.notes,
            *(unlabeled_notes(pairs, groups) if groups else ()),
        ),
        version=__version__,
        machine=machine_name(),
        seconds=time.perf_counter() - began,
    )


def _whole_values(whole: Evaluation) -> Values:
    """What depends on no threshold, of the pairs as they are."""
    numbers = {name: getattr(whole, name) for name in WHOLE}
    numbers |= {f"tar_at_far_{rate}": tar for rate, tar in whole.tar_at_far.items()}
    return {
        name: Measured(value, whole.intervals.get(name), whole.pairs)
        for name, value in numbers.items()
    }


def _describe_model(model: FaceEmbedder, name: str) -> dict[str, object]:
    metadata = model.metadata
    return {
        "name": name or metadata.arch,
        "arch": metadata.arch,
        "id": model.model_id,
        "alignment": metadata.preprocessing.alignment,
        "domain": metadata.domain,
    }


def _describe_data(
    model: FaceEmbedder, collection: Collection, pairs: PairSet
) -> dict[str, object]:
    preprocessing = model.metadata.preprocessing
    finds = preprocessing.alignment != "none"
    return {
        "domain": collection.domain,
        "pairs": len(pairs),
        "genuine": pairs.genuine,
        "impostor": pairs.impostor,
        "people": len(pairs.people),
        "images": len(pairs.images),
        "digest": pairs_digest(pairs),
        "detector": open_detector(preprocessing.detector).name if finds else "none",
    }


def pairs_digest(pairs: PairSet) -> str:
    """Equal for equal comparisons: 12 hexadecimal digits of people, files and labels."""
    first, second = (
        [f"{person}/{image.name}" for person, image in zip(people, images, strict=True)]
        for people, images in (
            (pairs.first_people, pairs.first),
            (pairs.second_people, pairs.second),
        )
    )
    sides = zip(first, second, pairs.labels, strict=True)
    lines = (f"{one}\t{other}\t{label}\n" for one, other, label in sides)
    return hashlib.sha256("".join(lines).encode()).hexdigest()[:12]


def _notes(model: FaceEmbedder, collection: Collection, pairs: PairSet, point: str) -> list[str]:
    found = []
    if collection.domain == "drawings":
        found.append(
            "These people are drawn. Their rates show whether the system changed since the last "
            "assessment, and what hurts it; they do not say how it does on living people."
        )
        if model.metadata.domain != "drawings":
            found.append(
                "The model's threshold was chosen on photographs, and drawn people look more alike "
                "than living ones: read its FMR and FNMR here together."
            )
    else:
        known = sum(map(model.metadata.trained_on, pairs.people))
        if known:
            found.append(
                f"The model was trained on {known} of these {len(pairs.people)} people; on people "
                "that it was not trained on it will do worse."
            )
    if point == "default":
        found.append("The model was never calibrated: the threshold 0.5 means little.")
    return found

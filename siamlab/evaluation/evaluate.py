"""Evaluate and calibrate a model on people: the functions behind the public names."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from siamlab.data.collections import Collection, as_collection
from siamlab.data.lfw import pairs_from_file
from siamlab.data.pairs import PairSet
from siamlab.evaluation.calibration import Calibration, calibrate_scores
from siamlab.evaluation.own_people.pair_groups import MOST_PAIRS, spread_pairs
from siamlab.evaluation.own_people.selection import check_left, unseen_people
from siamlab.evaluation.report import Evaluation, evaluate_pairs
from siamlab.evaluation.scoring import score_pairs

if TYPE_CHECKING:
    from siamlab.models.siamese import Siamese

People = Collection | Path | str


def evaluate(
    model: Siamese,
    images: People,
    pairs: PairSet | Path | str,
    threshold: float | None = None,
) -> Evaluation:
    """Evaluate a model on pairs of images.

    Args:
        model: as :func:`siamlab.load_model` returns it.
        images: a collection, or its folder or archive: one folder for each person.
        pairs: the pairs, or a file of them in LFW's format.
        threshold: in [0, 1], chosen on other people; ``None`` takes the model's own.

    Returns:
        Accuracy, precision, recall, AUC, EER and more, with 95 % intervals.

    Raises:
        InputError: the file of pairs is damaged, or images are missing.
        ImageError: an image cannot be read.

    Example:
        >>> import siamlab
        >>> from siamlab.data.pairs import draw_pairs
        >>> from siamlab.data.synthetic import write_people
        >>> people = siamlab.open_collection(write_people("people", people=12, images=2))
        >>> pairs = draw_pairs(people, 24, seed=0)
        >>> siamlab.evaluate(siamlab.load_model("pretrained"), people, pairs).pairs
        24
    """
    collection = as_collection(images)
    chosen = pairs if isinstance(pairs, PairSet) else pairs_from_file(pairs, collection)
    return evaluate_pairs(
        chosen, score_pairs(model, chosen), model.metadata.choose_threshold(threshold)[0]
    )


def calibrate(
    model: Siamese,
    images: People,
    fmr: float | None = 0.01,
    seed: int = 0,
    most: int = 2 * MOST_PAIRS,
) -> Calibration:
    """Choose a model's threshold on people that it was not trained on.

    Args:
        model: as :func:`siamlab.load_model` returns it; its metadata gets the calibration.
        images: a collection, or its folder or archive: one folder for each person. People whom
            the model was trained on are left out.
        fmr: the target false match rate; ``None`` takes the equal-error point.
        seed: fixes the pairs.
        most: number of pairs at most.

    Returns:
        The threshold, its error rates, and a note on what the pairs can show.

    Raises:
        InputError: too few people, or the model was trained on too many of them.

    Example:
        >>> import siamlab
        >>> from siamlab.data.synthetic import write_people
        >>> model = siamlab.load_model("pretrained")
        >>> people = write_people("people", people=12, images=2)
        >>> siamlab.calibrate(model, people, fmr=0.1).threshold == model.metadata.threshold
        True
    """
    collection = as_collection(images)
    people, left_out = unseen_people(model, collection)
    check_left(left_out, len(collection), len(people))
    pairs = spread_pairs(people, most, seed)
    calibration = calibrate_scores(
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

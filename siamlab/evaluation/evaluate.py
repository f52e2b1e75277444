"""Evaluate and calibrate a model on people: the functions behind the public names."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from siamlab.data.collections import Collection, as_collection
from siamlab.data.lfw import pairs_from_file
from siamlab.data.pairs import PairSet
from siamlab.data.pairs_csv import is_csv, read_pairs_csv
from siamlab.evaluation.calibration import Calibration, calibrate_scores
from siamlab.evaluation.own_people.pair_groups import MOST_STRICT, calibration_pairs
from siamlab.evaluation.own_people.selection import check_left, hidden_notes, unseen_people
from siamlab.evaluation.report import Evaluation, evaluate_judgement
from siamlab.evaluation.scoring import judge_pairs

if TYPE_CHECKING:
    from siamlab.models.siamese import Siamese

People = Collection | Path | str


def evaluate(
    model: Siamese,
    images: People,
    pairs: PairSet | Path | str,
    threshold: float | None = None,
    aligned: bool = False,
) -> Evaluation:
    """Evaluate a model on pairs of images.

    The face in each image is found and aligned as in verification. A pair of which an image shows
    no face counts as "no".

    Args:
        model: as :func:`siamlab.load_model` returns it.
        images: a collection, or its folder or archive: one folder for each person.
        pairs: the pairs, or a file of them: in LFW's format, or a CSV of two paths and a label.
        threshold: in [0, 1], chosen on other people; ``None`` takes the model's operating point
            ``balanced``.
        aligned: the images are cut to the aligned face already; no face is searched.

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
    chosen = pairs if isinstance(pairs, PairSet) else open_pairs(pairs, collection)
    limit, _ = model.metadata.choose_threshold(threshold, "balanced")
    return evaluate_judgement(chosen, judge_pairs(model, chosen, aligned), limit)


def open_pairs(path: Path | str, collection: Collection) -> PairSet:
    """Read a file of pairs, in LFW's format or as a CSV of two paths and a label.

    Raises:
        InputError: the file is missing or damaged, or images are missing.
    """
    if is_csv(path):
        return read_pairs_csv(path, collection.root)
    return pairs_from_file(path, collection)


def calibrate(
    model: Siamese,
    images: People,
    fmr: float | None = 0.01,
    seed: int = 0,
    most: int = MOST_STRICT,
) -> Calibration:
    """Choose a model's threshold on people that it was not trained on.

    All named operating points (``balanced``, ``fmr_0.01``, ``fmr_0.001``) are found, and the
    threshold of an FMR of 0.0001 where enough people are compared; ``fmr`` says which threshold is
    the model's own. Pairs with an image that shows no face are left out.

    Args:
        model: as :func:`siamlab.load_model` returns it; its metadata gets the calibration.
        images: a collection, or its folder or archive: one folder for each person. People whom
            the model was trained on are left out.
        fmr: the false match rate that verification holds from now on; ``None`` takes the
            equal-error point, and verification the point ``fmr_0.001``.
        seed: fixes the pairs.
        most: number of impostor pairs at most; of genuine ones there are 3,000 at most.

    Returns:
        The threshold, its error rates, and a note on what the pairs can show.

    Raises:
        InputError: too few people, or the model was trained on too many of them.
        NoFaceError: no pair shows two faces.

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
    drawn = calibration_pairs(people, most, seed)
    judgement = judge_pairs(model, drawn)
    pairs = judgement.keep_judged(drawn)
    calibration = calibrate_scores(
        pairs.labels,
        judgement.scores[judgement.judged],
        pairs.people,
        fmr=fmr,
        first_people=pairs.first_people,
        second_people=pairs.second_people,
        seed=seed,
    )
    notes = [calibration.note, judgement.left_out_note()]
    if left_out:
        notes.append(f"{left_out} people were left out: the model was trained on them.")
    notes += hidden_notes(model)
    calibration = replace(calibration, note=" ".join(filter(None, notes)))
    model.with_metadata(calibration=calibration.to_dict(), domain=collection.domain)
    return calibration

"""Evaluate and calibrate a model on people: the functions behind the public names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from siamlab.data.collections import Collection, as_collection
from siamlab.data.lfw import pairs_from_file
from siamlab.data.pairs import PairSet
from siamlab.evaluation.calibration import Calibration
from siamlab.evaluation.own_people.people_calibration import calibrate_model
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


def calibrate(model: Siamese, images: People, fmr: float | None = 0.01) -> Calibration:
    """Choose a model's threshold on people that it was not trained on.

    Args:
        model: as :func:`siamlab.load_model` returns it; its metadata gets the calibration.
        images: a collection, or its folder or archive: one folder for each person.
        fmr: the target false match rate; ``None`` takes the equal-error point.

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
    return calibrate_model(model, as_collection(images), fmr)

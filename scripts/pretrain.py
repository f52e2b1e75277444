"""Make the weights in the package again: python scripts/pretrain.py --images lfw-deepfunneled.tgz

Trains two compact networks on LFW from scratch, joins them with HOG-LDA in an ensemble, normalizes
scores by a cohort of strangers, quantizes the weights to seven bits, fits weights of the ensemble,
head and thresholds on validation people, and measures the model on test people. Writes
siamlab/models/weights/compact.npz, its checksum, and card.json with every number of the model card.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from siamlab.data.collections import open_collection
from siamlab.data.negatives import PRETRAINED_SPLIT
from siamlab.data.pairs import PairSet, draw_pairs
from siamlab.data.splits import split_by_name
from siamlab.evaluation import Evaluation, evaluate_pairs, quality_groups, score_pairs
from siamlab.evaluation.evaluate import calibrate
from siamlab.evaluation.own_people import MOST_PAIRS, spread_pairs
from siamlab.models.exported import usable_cores
from siamlab.models.locations import PRETRAINED
from siamlab.models.saving import load_model, save_quantized
from siamlab.models.siamese import Siamese
from siamlab.plotting import plot_curves, plot_reliability, plot_scores, save_figure
from siamlab.system.files import write_text
from siamlab.system.machine import machine_name
from siamlab.training.checkpoints import TrainingHistory
from siamlab.training.head import fit_head
from siamlab.training.mixed_precision import bfloat16_pays
from siamlab.training.recipes import train_compact
from siamlab.training.settings import TrainingSettings

TEST_PAIRS = 1000
SEED = 0
STEPS = 4500  # batches of 128 images: about 28 minutes on two cores that multiply bfloat16
FIGURES = Path(__file__).resolve().parents[1] / "figures" / "full"


def minutes(history: TrainingHistory) -> float:
    """Wall-clock time of a training."""
    return round(sum(history.seconds) / 60, 1)


def measure(model: Siamese, pairs: PairSet) -> tuple[Evaluation, np.ndarray]:
    """The model at its own threshold, and its scores."""
    scores = score_pairs(model, pairs)
    return evaluate_pairs(pairs, scores, model.metadata.threshold), scores


def main() -> None:
    """Train, quantize, calibrate, measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=Path, required=True, help="LFW, archive or folder")
    parser.add_argument("--cache", type=Path, default=Path("out/cache"), help="unpacked here")
    parser.add_argument("--steps", type=int, default=STEPS, help="batches of each network")
    parser.add_argument("--models", type=int, default=2, help="networks; the package has two")
    parser.add_argument(
        "--checkpoints",
        type=Path,
        default=Path("out/pretrain"),
        help="an interrupted run resumes here",
    )
    parser.add_argument("--out", type=Path, default=PRETRAINED)
    options = parser.parse_args()
    # The test people of the series (the last fifth) are not trained on: half of them are for the
    # head and the thresholds, half for the test.
    split = split_by_name(open_collection(options.images, cache=options.cache), PRETRAINED_SPLIT)
    settings = TrainingSettings(
        steps=options.steps,
        folder=options.checkpoints,
        seed=SEED,
        bfloat16=bfloat16_pays(),
        verbose=2,
    )
    model, history = train_compact(split.train, split.validation, settings, models=options.models)
    model = load_model(save_quantized(model, options.out))  # quantized, as in the package
    fit_head(model, spread_pairs(split.validation, 2 * MOST_PAIRS, SEED))
    calibration = calibrate(model, split.validation, None, SEED + 1)
    save_quantized(model, options.out)
    test = draw_pairs(split.test, TEST_PAIRS, SEED)
    evaluation, scores = measure(model, test)
    # Validation and test people exchanged. From the checkpoints: nothing is trained again.
    swapped, _ = train_compact(split.train, split.test, settings, models=options.models)
    exchanged, _ = measure(swapped, draw_pairs(split.validation, TEST_PAIRS, SEED))
    several = split.train.with_at_least(2)
    card = {
        "machine": f"{machine_name()}, {usable_cores()} used",
        "bfloat16": settings.bfloat16,
        "steps": options.steps,
        "minutes": minutes(history),
        "people": {
            "training": len(several),
            "training_images": len(several.images),
            "strangers": len(split.train) - len(several),
            "validation": len(split.validation),
            "test": len(split.test),
        },
        "megabytes": round(options.out.stat().st_size / 1e6, 2),
        "calibration": calibration.to_dict(),
        "test": evaluation.to_dict(),
        "exchanged": exchanged.to_dict(),
        "quality": [asdict(group) for group in quality_groups(test, scores, calibration.threshold)],
    }
    text = json.dumps(card, indent=1) + "\n"
    target = options.out.with_name("card.json")
    write_text(target, text)
    print(evaluation)
    if options.out == PRETRAINED:
        draw(calibration.threshold, test.labels, scores)


def draw(threshold: float, labels: Sequence[int], scores: np.ndarray) -> None:
    """The model card's figures."""
    named = {"equal errors on validation people": threshold}
    for name, figure in (
        ("pretrained_curves", plot_curves(labels, scores, named)),
        ("pretrained_reliability", plot_reliability(labels, scores)),
        ("pretrained_scores", plot_scores(labels, scores, threshold)),
    ):
        save_figure(figure, name, FIGURES)


if __name__ == "__main__":
    main()

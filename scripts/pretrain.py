"""Make the weights in the package again: python scripts/pretrain.py --images lfw-deepfunneled.tgz

Trains the compact network on LFW's people from scratch, on nothing else, rounds its weights to one
byte each, fits head and thresholds on other people, and measures it on people that neither saw.
Writes siamlab/weights/compact.npz, its checksum, and card.json with every number of the model card.
"""

from __future__ import annotations

import argparse
import json
import os
from dataclasses import asdict
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from siamlab.calibrating import MOST_PAIRS, calibrate_model, spread_pairs
from siamlab.evaluation import evaluate_scores, score_pairs
from siamlab.models import load_model, save_packed
from siamlab.pairs import person_pairs, split_by_name
from siamlab.people import open_collection
from siamlab.plotting import plot_curves, plot_reliability, plot_scores, save_figure
from siamlab.quality import quality_groups
from siamlab.recipes import train_compact
from siamlab.record import PRETRAINED
from siamlab.runtime import usable_cores
from siamlab.series import PRETRAINED_SPLIT
from siamlab.storage import write_whole
from siamlab.studies import machine_name
from siamlab.training import fit_head

TEST_PAIRS = 1000
SEED = 0
FIGURES = Path(__file__).resolve().parents[1] / "figures" / "full"


def main() -> None:
    """Train, pack, calibrate, measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=Path, required=True, help="LFW, archive or folder")
    parser.add_argument("--cache", type=Path, default=Path("out/cache"), help="unpacked here")
    parser.add_argument("--steps", type=int, default=10000, help="batches of 128 images")
    parser.add_argument("--checkpoints", type=Path, help="a killed run goes on from here")
    parser.add_argument("--out", type=Path, default=PRETRAINED)
    options = parser.parse_args()
    # The series' own test people (the last fifth) are not trained on: half of them choose the head
    # and the thresholds, half are the test.
    split = split_by_name(open_collection(options.images, cache=options.cache), PRETRAINED_SPLIT)
    model, history = train_compact(
        split.train,
        split.validation,
        steps=options.steps,
        folder=options.checkpoints,
        seed=SEED,
        alone=0,  # as the weights in the package were trained: one network, people with two images
        verbose=2,
    )
    model = load_model(save_packed(model, options.out))  # rounded, as everybody will have it
    fit_head(model, spread_pairs(split.validation, 2 * MOST_PAIRS, SEED))
    calibration = calibrate_model(model, split.validation, seed=SEED + 1)
    save_packed(model, options.out)
    test = person_pairs(split.test, TEST_PAIRS, SEED)
    scores = score_pairs(model, test)
    names = (test.first_people, test.second_people)
    evaluation = evaluate_scores(test.labels, scores, calibration.threshold, *names)
    card = {
        "machine": f"{machine_name()}, {usable_cores()} used",
        "minutes": round(sum(history.seconds) / 60, 1),
        "steps": options.steps,
        "people": {
            "training": len(split.train.with_at_least(2)),
            "training_images": len(split.train.with_at_least(2).images),
            "validation": len(split.validation),
            "test": len(split.test),
        },
        "megabytes": round(options.out.stat().st_size / 1e6, 2),
        "calibration": calibration.to_dict(),
        "test": evaluation.to_dict(),
        "quality": [asdict(group) for group in quality_groups(test, scores, calibration.threshold)],
    }
    text = json.dumps(card, indent=1) + "\n"
    target = options.out.with_name("card.json")
    write_whole(target, lambda temporary: temporary.write_text(text))
    threshold = {"equal errors on validation people": calibration.threshold}
    for name, figure in (
        ("pretrained_curves", plot_curves(test.labels, scores, threshold)),
        ("pretrained_reliability", plot_reliability(test.labels, scores)),
        ("pretrained_scores", plot_scores(test.labels, scores, calibration.threshold)),
    ):
        save_figure(figure, name, FIGURES)
    print(evaluation)


if __name__ == "__main__":
    main()

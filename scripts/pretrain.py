"""Make both models of the package again: python scripts/pretrain.py --images lfw-deepfunneled.tgz

Fits head and thresholds of pretrained on LFW's validation people, lets it teach the compact
network with the photographs of the training people, and measures both on test people. Writes
siamlab/models/weights/pretrained.json, compact.npz with its checksum, and card.json with every
number of the model card, and pins the digests of the former two in siamlab/models/pins.py: look at
what changed before you commit it. --student takes a network that was taught before, such as
the packaged compact.npz: then only heads, thresholds and figures are made again.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import pin_weights  # beside this script

from siamlab.data.collections import Collection, open_collection
from siamlab.data.negatives import PRETRAINED_SPLIT
from siamlab.data.pairs import PairSet, draw_pairs
from siamlab.data.splits import split_by_name
from siamlab.evaluation import quality_groups, score_pairs
from siamlab.evaluation.evaluate import calibrate, evaluate
from siamlab.evaluation.own_people import MOST_PAIRS, spread_pairs
from siamlab.faces.crop import Preprocessing
from siamlab.faces.detectors.yunet import yunet_file
from siamlab.models.embedding import build_embedding, mirrored
from siamlab.models.exported import usable_cores
from siamlab.models.locations import COMPACT, HEAD
from siamlab.models.metadata import ModelMetadata, digests
from siamlab.models.packed import load_packed, save_packed
from siamlab.models.pretrained import load_pretrained, save_head
from siamlab.models.siamese import Siamese, build_siamese
from siamlab.plotting import plot_curves, plot_reliability, plot_scores, save_figure
from siamlab.system.files import write_text
from siamlab.system.machine import machine_name
from siamlab.training.head import fit_head
from siamlab.training.mixed_precision import bfloat16_pays
from siamlab.training.recipes import FRACTIONS, SIZES, train_compact, train_resnet
from siamlab.training.settings import TrainingSettings

TEST_PAIRS, SEED, STEPS = 1000, 0, 8000
IMPOSTOR_PAIRS = 100_000  # nearly all pairs of validation people: 10 errors at an FMR of 0.0001
CARD = HEAD.with_name("card.json")
FIGURES = Path(__file__).resolve().parents[1] / "figures" / "full"


def taught_before(weights: Path, people: Collection, minutes: float) -> Siamese:
    """The compact model around a network whose weights are in a file of Keras or packed."""
    if weights.suffix == COMPACT.suffix:
        return load_packed(weights)
    network = build_embedding("compact", (SIZES["compact"],) * 2 + (3,))
    network.load_weights(weights)
    metadata = ModelMetadata(
        arch="compact",
        preprocessing=Preprocessing(SIZES["compact"], FRACTIONS["compact"]),
        people=digests(people.names),
        notes=f"taught by pretrained in {minutes:.0f} minutes, {STEPS} steps, seed {SEED}",
    )
    return build_siamese(mirrored(network), "squared", metadata)


def measure(model: Siamese, people: Collection, pairs: PairSet) -> dict[str, Any]:
    """The model on test people, with each detector that is at hand."""
    seen, found = model.metadata.preprocessing, {}
    for kind in ("mmod", *(["yunet"] if yunet_file() else [])):
        model.with_metadata(preprocessing=replace(seen, detector=kind))
        found[kind] = evaluate(model, people, pairs).to_dict()
    model.with_metadata(preprocessing=seen)
    return found


def main() -> None:
    """Fit, teach, calibrate, measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=Path, required=True, help="LFW, archive or folder")
    parser.add_argument("--yunet", help="YuNet's file: measured with it, too, but not calibrated")
    parser.add_argument("--cache", type=Path, default=Path("out/cache"), help="unpacked here")
    parser.add_argument("--student", type=Path, help="weights of a network that was taught before")
    parser.add_argument("--minutes", type=float, default=0.0, help="how long that took")
    parser.add_argument("--out", type=Path, default=Path("out/weights"), help="made here first")
    options = parser.parse_args()
    # The package refuses other files than those pinned: they are made beside it, and moved last.
    head, small = options.out / HEAD.name, options.out / COMPACT.name
    split = split_by_name(open_collection(options.images, cache=options.cache), PRETRAINED_SPLIT)
    pairs = draw_pairs(split.test, TEST_PAIRS, SEED)

    strong = train_resnet(split.validation, SEED)
    calibrate(strong, split.validation, None, SEED + 1, IMPOSTOR_PAIRS)
    save_head(strong, head)
    minutes = options.minutes
    if options.student:
        compact = taught_before(options.student, split.train, minutes)
    else:
        settings = TrainingSettings(
            steps=STEPS, steps_per_epoch=200, seed=SEED, bfloat16=bfloat16_pays(), verbose=2
        )
        compact, history = train_compact(
            split.train, split.validation, settings, teacher=load_pretrained(head)
        )
        minutes = sum(history.seconds) / 60
        # Of a public collection, by a public rule: everybody may ask who was trained on.
        compact.with_metadata(people=digests(split.train.names))
    save_packed(compact, small)
    compact = load_packed(small)  # rounded, as in the package
    fit_head(compact, spread_pairs(split.validation, 2 * MOST_PAIRS, SEED))
    calibrate(compact, split.validation, None, SEED + 1, IMPOSTOR_PAIRS)
    save_packed(compact, small)

    if options.yunet:  # only now: the thresholds are for a fresh installation, which lacks it
        os.environ["SIAMLAB_YUNET"] = options.yunet
    models = {"pretrained": load_pretrained(head), "compact": load_packed(small)}
    card: dict[str, Any] = {
        "machine": f"{machine_name()}, {usable_cores()} used",
        "steps": STEPS,
        "minutes": round(minutes, 1),
        "people": {part: len(getattr(split, part)) for part in split._fields},
        "images": len(split.train.images),
        "megabytes": round(small.stat().st_size / 1e6, 2),
        "models": {},
    }
    for name, model in models.items():
        scores = score_pairs(model, pairs)
        threshold = model.metadata.choose_threshold(point="balanced")[0]
        groups = quality_groups(pairs, scores, threshold)
        card["models"][name] = {
            "calibration": model.metadata.calibration,
            "test": measure(model, split.test, pairs),
            "quality": [asdict(group) for group in groups],
        }
        for what, figure in (
            ("curves", plot_curves(pairs.labels, scores, {"fewest errors": threshold})),
            ("reliability", plot_reliability(pairs.labels, scores)),
            ("scores", plot_scores(pairs.labels, scores, threshold)),
        ):
            save_figure(figure, f"{name}_{what}", FIGURES)
    write_text(CARD, json.dumps(card, indent=1) + "\n")
    for file in options.out.glob("*.*"):
        shutil.copyfile(file, HEAD.with_name(file.name))
    pin_weights.main()


if __name__ == "__main__":
    main()

"""What makes Koch's network recognize strangers: python benchmarks/koch.py --lfw PATH

Trains Koch's network from scratch, once for each variant, on the same people and on equally many
images, and measures each on pairs of other people. The parts of the recipe are added one after
another, then removed one at a time. Writes koch.json beside this script after every run.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from siamlab.data.augmentation import Augmentation
from siamlab.data.collections import open_collection
from siamlab.data.negatives import split_negatives
from siamlab.data.pairs import PairSet, draw_pairs
from siamlab.data.splits import Split
from siamlab.evaluation import score_pairs
from siamlab.evaluation.evaluate import calibrate
from siamlab.evaluation.own_people import MOST_PAIRS, spread_pairs
from siamlab.faces.align import FACE_SHARE
from siamlab.faces.crop import Preprocessing
from siamlab.models.embedding import build_embedding
from siamlab.models.koch import centered_unit, fold_normalization
from siamlab.models.metadata import ModelMetadata
from siamlab.models.siamese import Siamese, build_siamese
from siamlab.study.objectives import RECIPE, find_objective, with_head
from siamlab.study.training_run import rates_with_intervals
from siamlab.system.backend import keras, set_seed
from siamlab.system.files import write_text
from siamlab.system.machine import machine_name
from siamlab.training.fit import train_pairs, train_people
from siamlab.training.head import fit_head
from siamlab.training.recipes import SIZES, new_koch
from siamlab.training.settings import TrainingSettings

UNCHANGED = Augmentation(**{item.name: 0.0 for item in fields(Augmentation)})


@dataclass(frozen=True)
class Variant:
    """One way to train Koch's network.

    Attributes:
        name: on the command line and in the file.
        what: in words.
        loss: an objective of ``siamlab.study``, or ``pairs`` for the report's loop.
        normalized: batch normalization and dropout while training.
        augmented: images are changed while training.
        rate: the learning rate after the warm-up.
    """

    name: str
    what: str
    loss: str
    normalized: bool
    augmented: bool
    rate: float


VARIANTS = (
    Variant("report", "the report: cross-entropy on 16 pairs, Adam", "pairs", False, False, 1e-4),
    Variant("augmented", "+ augmentation", "pairs", False, True, 1e-4),
    Variant("all_pairs", "+ all pairs of a batch", "bce_all_pairs", False, True, 1e-4),
    Variant("contrast", "+ contrast and margin for cross-entropy", RECIPE, False, True, 1e-4),
    Variant("recipe", "+ normalized while training, rate 1e-3", RECIPE, True, True, 1e-3),
    Variant("no_margin", "recipe without the margin", "supervised_contrastive", True, True, 1e-3),
    Variant("cross_entropy", "recipe with cross-entropy", "bce_all_pairs", True, True, 1e-3),
    Variant("not_augmented", "recipe without augmentation", RECIPE, True, False, 1e-3),
    Variant("fast_plain", "recipe without normalizing, rate 1e-3", RECIPE, False, True, 1e-3),
)


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    parser.add_argument("--lfw", type=Path, required=True, help="an archive or folder")
    parser.add_argument("--cache", type=Path, default=Path("out/cache"), help="unpacked here")
    parser.add_argument("--width", type=float, default=0.5, help="multiple of Koch's channels")
    parser.add_argument("--images", type=int, default=19200, help="images seen by each run")
    parser.add_argument("--only", nargs="+", choices=[v.name for v in VARIANTS], help="some runs")
    parser.add_argument("--people", type=int, default=48, help="people in a batch, two images each")
    parser.add_argument("--test-pairs", type=int, default=1000)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "koch.json")
    return parser.parse_args(given)


def by_pairs(variant: Variant, split: Split, given: argparse.Namespace) -> Siamese:
    """The report's loop: pairs, each with two passes through the network."""
    count = given.images // 2
    pairs = spread_pairs(split.train, count, 0)
    model = new_koch(SIZES["koch"], given.width, pairs.people, 0)
    train_pairs(
        model,
        pairs,
        spread_pairs(split.validation, 32, 0),
        TrainingSettings(
            epochs=math.ceil(count / len(pairs)),
            learning_rate=variant.rate,
            augmentation=Augmentation() if variant.augmented else None,
            verbose=0,
        ),
    )
    return model


def by_people(variant: Variant, split: Split, given: argparse.Namespace) -> Siamese:
    """All pairs of batches of people, through the centered code; then the L1 head."""
    size = SIZES["koch"]
    train = split.train.with_at_least(2)
    preprocessing = Preprocessing(size=size, fraction=FACE_SHARE)
    objective = find_objective(variant.loss)
    set_seed(0)
    base = build_embedding("koch", (size, size, 3), given.width, variant.normalized)
    unit = keras.Model(base.input, centered_unit(base.output))
    steps = given.images // (2 * given.people)
    train_people(
        with_head(unit, objective, len(train)),
        train,
        preprocessing,
        TrainingSettings(
            steps=steps,
            people=given.people,
            loss=None if objective.loss is None else objective.loss(),
            learning_rate=variant.rate,
            steps_per_epoch=steps,
            augmentation=Augmentation() if variant.augmented else UNCHANGED,
            verbose=0,
        ),
    )
    plain = fold_normalization(base) if variant.normalized else base
    model = build_siamese(plain, "l1", ModelMetadata(arch="koch", preprocessing=preprocessing))
    return fit_head(model, spread_pairs(split.validation, 2 * MOST_PAIRS, 0))


def measure(
    variant: Variant, split: Split, test: PairSet, given: argparse.Namespace
) -> dict[str, Any]:
    """Train one variant; its rates at the threshold of the validation people."""
    began = time.perf_counter()
    model = (by_pairs if variant.loss == "pairs" else by_people)(variant, split, given)
    seconds = time.perf_counter() - began
    calibrate(model, split.validation, None, seed=1)
    threshold, _ = model.metadata.choose_threshold(None, "balanced")
    scores = score_pairs(model, test)
    rates = rates_with_intervals(test, scores, threshold, ("auc", "accuracy", "eer"))
    return {**asdict(variant), "images": given.images, "seconds": round(seconds, 1), **rates}


def main(given: Sequence[str] | None = None) -> None:
    """Run the variants and save each when it ends."""
    options = arguments(given)
    split = split_negatives(open_collection(options.lfw, cache=options.cache))
    test = draw_pairs(split.test, options.test_pairs, 1)
    former = json.loads(options.out.read_text())["runs"] if options.out.exists() else []
    runs = {run["variant"]: run for run in former} if options.only else {}
    for variant in VARIANTS:
        if options.only and variant.name not in options.only:
            continue
        run = measure(variant, split, test, options)
        runs[variant.name] = {"variant": run.pop("name"), **run}
        print(
            f"{variant.what:45s} AUC {run['auc']:.3f}  accuracy {run['accuracy']:.3f}", flush=True
        )
        ordered = [runs[v.name] for v in VARIANTS if v.name in runs]
        about = {"machine": machine_name(), "width": options.width, "size": SIZES["koch"]}
        text = json.dumps({**about, "runs": ordered}, indent=1) + "\n"
        write_text(options.out, text)


if __name__ == "__main__":
    main()

"""Measure one-shot recognition: characters, faces, and classical baselines and networks.

python benchmarks/oneshot.py --omniglot DIR --lfw PATH [--model MODEL] [--steps N | --minutes M]

With --omniglot: the compact network is trained on each of Lake's two small background sets and
tested, within alphabets, on the other one's alphabets that it was not trained on (Greek and Latin
are in both sets). With --lfw: 5- and 20-way on people who were never trained on, and baselines
and the model on the same pairs. Each part replaces its own part of oneshot.json.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from siamlab.data.collections import Collection, open_collection
from siamlab.data.faces import load_faces
from siamlab.data.negatives import split_negatives
from siamlab.data.omniglot import alphabets, find_omniglot, unseen_alphabets, with_rotations
from siamlab.data.pairs import draw_pairs, possible_genuine
from siamlab.data.pipeline import to_float
from siamlab.data.splits import Split
from siamlab.errors import InputError, ModelError
from siamlab.evaluation import evaluate_pairs, score_pairs
from siamlab.faces.align import FACE_SHARE
from siamlab.faces.crop import Preprocessing
from siamlab.models.saving import load_model
from siamlab.models.siamese import Siamese
from siamlab.study.baselines import SIZE as BASELINE_SIZE
from siamlab.study.baselines import classical_baselines, evaluate_baselines, hog, raw_pixels
from siamlab.study.characters import (
    SIZE,
    Fold,
    measure_characters,
    network_descriptor,
    train_characters,
)
from siamlab.study.oneshot import OneShot, answer_trials, class_trials, judge_trials
from siamlab.system.files import write_text
from siamlab.system.machine import machine_name
from siamlab.training.settings import TrainingSettings

WAYS = (5, 20)
RUNS = 40  # of each alphabet; Lake has two of each of ten
TURNS = 10  # trials of each person
PAIRS = 2000
STEPS = 4000
CLASSICAL = {"HOG": (hog, BASELINE_SIZE), "raw pixels": (raw_pixels, BASELINE_SIZE)}


def characters(root: Path, length: dict[str, Any], seed: int) -> dict[str, Any]:
    """Train on either set, test on the other's alphabets that are not in it."""
    first, second = find_omniglot(root)
    folds, seconds = [], []
    with tempfile.TemporaryDirectory() as folder:
        for number, (train, test) in enumerate(((first, second), (second, first))):
            turned = with_rotations(train, Path(folder) / str(number))
            print(f"training on {len(turned)} characters of {', '.join(alphabets(train))}")
            network, history = train_characters(
                turned, TrainingSettings(seed=seed, verbose=0, **length)
            )
            seconds.append(round(sum(history.seconds), 1))
            methods = {"compact": (network_descriptor(network), SIZE), **CLASSICAL}
            folds.append(Fold(unseen_alphabets(test, train), methods))
    results = measure_characters(folds, WAYS, RUNS, seed)
    return {
        "machine": machine_name(),
        "training": {**length, "seconds": seconds},
        "methods": plain(results),
    }


def plain(results: dict[str, Any]) -> dict[str, Any]:
    """Results as JSON holds them."""
    return {name: [one.to_dict() for one in rows] for name, rows in results.items()}


def faces(split: Split, model: Siamese | None, seed: int) -> dict[str, Any]:
    """N-way on test people's images that show a face, one enrolled image each."""
    preprocessing = Preprocessing(size=BASELINE_SIZE, fraction=FACE_SHARE)
    loaded = load_faces(split.test.images, preprocessing)
    owners = np.array(split.test.image_people)[loaded.found]
    _, counts = np.unique(owners, return_counts=True)
    able = int(np.count_nonzero(counts >= 2))
    trials = [class_trials(owners.tolist(), ways, TURNS * able, seed) for ways in WAYS]
    results: dict[str, list[OneShot]] = {}
    if model is not None:
        seen = load_faces(split.test.images, model.metadata.preprocessing).images[loaded.found]
        rows = model.embed(to_float(seen))
        results["network"] = [
            judge_trials(one, answer_trials(rows, one, model.score_pairs), seed) for one in trials
        ]
    images = loaded.images[loaded.found]
    for name, describe in classical_baselines(split.train, preprocessing, seed=seed).items():
        rows = describe(images)
        results[name] = [judge_trials(one, answer_trials(rows, one), seed) for one in trials]
    people = len(split.test)
    return {
        "people": people,
        "probed": able,
        "no_face": loaded.missing,
        "methods": plain(results),
    }


def pairs(split: Split, model: Siamese | None, seed: int) -> dict[str, Any]:
    """The model and the baselines on the same pairs of test people."""
    preprocessing = Preprocessing(size=BASELINE_SIZE, fraction=FACE_SHARE)
    validation = draw_pairs(split.validation, fitting(split.validation), seed)
    test = draw_pairs(split.test, fitting(split.test), seed)
    results = {}
    if model is not None:
        threshold = model.metadata.choose_threshold(None, "balanced")[0]
        results["network"] = evaluate_pairs(test, score_pairs(model, test), threshold)
    baselines = classical_baselines(split.train, preprocessing, seed=seed)
    results.update(evaluate_baselines(baselines, validation, test, preprocessing))
    return {name: result.to_dict() for name, result in results.items()}


def fitting(collection: Collection) -> int:
    """As many pairs as wanted, or as the people give."""
    return min(PAIRS, 2 * possible_genuine(collection))


def open_model(name: str, test: Collection) -> Siamese | None:
    """The model, unless there is none yet; never one that was trained on test people."""
    try:
        model = load_model(name)
    except ModelError as error:
        print(f"without a network: {error}")
        return None
    known = len(model.metadata.known_people(test.names))
    if known:
        raise InputError(f"{name} was trained on {known} of the test people: it proves nothing.")
    return model


def show(title: str, methods: dict[str, Any]) -> None:
    """One line for each method."""
    print(f"\n{title}")
    for name, rows in methods.items():
        print(f"  {name:<24}", "   ".join(str(OneShot.from_dict(row)) for row in rows))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--omniglot", type=Path, metavar="DIR", help="with the two small sets")
    parser.add_argument("--lfw", type=Path, metavar="PATH", help="an archive or a folder")
    parser.add_argument("--model", default="pretrained", metavar="MODEL")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--steps", type=int, help=f"batches for each small set (default: {STEPS})")
    length.add_argument("--minutes", type=float, help="time for each small set instead")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, default=Path(__file__).with_suffix(".json"))
    return parser.parse_args()


def main() -> None:
    """Measure what was asked for, print it and write it down."""
    options = arguments()
    found = json.loads(options.json.read_text()) if options.json.exists() else {}
    if options.omniglot:
        length = {"steps": options.steps or STEPS}
        if options.minutes is not None:
            length = {"minutes": options.minutes}
        found["omniglot"] = characters(options.omniglot, length, options.seed)
        show("Omniglot, within alphabets not trained on", found["omniglot"]["methods"])
    if options.lfw:
        split = split_negatives(open_collection(options.lfw))
        model = open_model(options.model, split.test)
        found["faces"] = faces(split, model, options.seed)
        show("LFW, people not trained on, one image enrolled", found["faces"]["methods"])
        found["pairs"] = pairs(split, model, options.seed)
        for name, result in found["pairs"].items():
            low, high = result["intervals"]["auc"]
            print(f"  {name:<24} AUC {result['auc']:.3f} ({low:.3f} to {high:.3f})", end="   ")
            print(f"accuracy {result['accuracy']:.3f}")
    write_text(options.json, json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()

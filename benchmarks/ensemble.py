"""What each part of a compact model gives: python benchmarks/ensemble.py --lfw PATH [--model FILE]

Every model of the ensemble alone and joined, with the weights in the model file, and then with the
cohort that normalizes scores: on pairs of people unseen by training, weights and threshold, and on
the people who chose weights, threshold and parts. All rows have the same pairs, so the gain of the
whole over a part is resampled by people together. Writes ensemble.json beside this script. A model
of one network comes from ``scripts/pretrain.py --models 1 --checkpoints out/pretrain/model-1 --out
out/one/compact.npz``.
"""

from __future__ import annotations

import argparse
import json
import os
from itertools import combinations
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from siamlab.data.collections import open_collection
from siamlab.data.pairs import PairSet
from siamlab.evaluation import (
    STATISTICS,
    area_under_roc,
    bootstrap_people,
    embed_pairs,
    split_unseen,
)
from siamlab.evaluation.own_people import MOST_PAIRS, spread_pairs
from siamlab.models.saving import load_model
from siamlab.models.siamese import Siamese, build_siamese
from siamlab.system.backend import keras
from siamlab.system.files import write_text

auc = STATISTICS["auc"]
COHORT = "cohort"  # the layer's name


def model_cosines(model: Siamese, pairs: PairSet) -> tuple[dict[str, np.ndarray], list[float]]:
    """Each model's cosines of the pairs, and what they count."""
    base = model.embedding
    names = [layer.name for layer in base.layers if getattr(layer, "layers", None)]
    weights = [base.get_layer(f"weight{number}") for number in range(1, len(names) + 1)]
    cosines = {}
    for name, vote in zip(names, weights, strict=True):
        model = keras.Model(base.input, vote.output)
        first, second = embed_pairs(build_siamese(model, "squared", model.metadata), pairs)
        cosines[name] = np.sum(first * second, axis=1)
    return cosines, [float(vote.scale) ** 2 for vote in weights]


def part_scores(model: Siamese, pairs: PairSet) -> dict[tuple[str, ...], np.ndarray]:
    """Scores of the pairs by each choice of the model's parts, in [0, 1]; all parts come last."""
    cosines, counts = model_cosines(model, pairs)
    weights = dict(zip(cosines, counts, strict=True))
    found = {}
    for count in range(1, len(weights) + 1):
        for names in combinations(weights, count):
            total = sum(weights[one] for one in names)
            found[names] = sum(weights[one] * cosines[one] for one in names) / total
    if any(layer.name == COHORT for layer in model.embedding.layers):
        first, second = embed_pairs(model, pairs)
        found[(*weights, COHORT)] = np.sum(first * second, axis=1)
    return {names: (1 + np.clip(cosine, -1, 1)) / 2 for names, cosine in found.items()}


def measure(model: Siamese, path: Path, seed: int) -> dict[str, Any]:
    """A row for each choice of the model's parts, the whole last."""
    split = split_unseen(model, open_collection(path))
    chosen_on = spread_pairs(split.validation, 2 * MOST_PAIRS, seed)
    before = part_scores(model, chosen_on)
    pairs = spread_pairs(split.test, 2 * MOST_PAIRS, seed)
    scores = part_scores(model, pairs)
    whole = [*scores.values()][-1]
    sides = pairs.first_people, pairs.second_people
    rows = []
    for names, score in scores.items():
        found = bootstrap_people(pairs.labels, score, *sides, "auc", seed)
        gain = bootstrap_people(pairs.labels, score, *sides, _gain_of(whole), seed)
        assert found is not None and gain is not None
        rows.append(
            {
                "models": list(names),
                "auc": area_under_roc(pairs.labels, score),
                "interval": [found.low, found.high],
                "gain_of_all": None if score is whole else [gain.low, gain.high],
                "validation_auc": area_under_roc(chosen_on.labels, before[names]),
            }
        )
    return {
        "people": len(pairs.people),
        "pairs": len(pairs),
        "model_id": model.model_id,
        "rows": rows,
    }


def _gain_of(whole: np.ndarray) -> Any:
    """AUC of the whole ensemble less that of a part, in each round of the resampling."""

    def gain(truth: np.ndarray, scores: np.ndarray, weights: np.ndarray, limit: float) -> Any:
        return auc(truth, whole, weights, limit) - auc(truth, scores, weights, limit)

    return gain


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", default="pretrained", help="of two networks")
    parser.add_argument("--one", help="of one network")
    parser.add_argument("--lfw", type=Path, required=True, help="an archive or a folder")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "ensemble.json")
    options = parser.parse_args()
    named = {"two": options.model, "one": options.one}
    found = {
        name: measure(load_model(model), options.lfw, options.seed)
        for name, model in named.items()
        if model
    }
    for part in found.values():
        for row in part["rows"]:
            ends = "{:.4f} to {:.4f}".format(*row["interval"])
            title = " + ".join(row["models"])
            print(f"{title:40} AUC {row['auc']:.4f} ({ends}), before {row['validation_auc']:.4f}")
    write_text(options.out, json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()

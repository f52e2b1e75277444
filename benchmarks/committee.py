"""What each member of the packaged committee gives: python benchmarks/committee.py --lfw PATH

Every network alone and joined, with the votes that the model file holds, on pairs of people whom
neither training nor votes nor threshold saw. All rows have the same pairs, so the gain of the whole
over a part is resampled by people together. Writes committee.json beside this script.
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

from siamlab.backend import keras
from siamlab.calibrating import MOST_PAIRS, spread_pairs
from siamlab.evaluation import STATISTICS, area_under_roc, bootstrap_people
from siamlab.models import Siamese, build_siamese, load_model
from siamlab.pairs import PairSet
from siamlab.people import open_collection
from siamlab.pipeline import embed_pairs
from siamlab.series import split_unseen
from siamlab.storage import write_text

auc = STATISTICS["auc"]


def member_cosines(model: Siamese, pairs: PairSet) -> tuple[dict[str, np.ndarray], list[float]]:
    """Each member's cosines of the pairs, and what they count."""
    base = model.embedding
    names = [layer.name for layer in base.layers if getattr(layer, "layers", None)]
    votes = [base.get_layer(f"vote{number}") for number in range(1, len(names) + 1)]
    cosines = {}
    for name, vote in zip(names, votes, strict=True):
        member = keras.Model(base.input, vote.output)
        first, second = embed_pairs(build_siamese(member, "squared", model.record), pairs)
        cosines[name] = np.sum(first * second, axis=1)
    return cosines, [float(vote.scale) ** 2 for vote in votes]


def measure(model: Siamese, path: Path, seed: int) -> dict[str, Any]:
    """A row for each part of the committee, the whole one last."""
    split = split_unseen(model, open_collection(path))
    pairs = spread_pairs(split.test, 2 * MOST_PAIRS, seed)
    cosines, counts = member_cosines(model, pairs)
    votes = dict(zip(cosines, counts, strict=True))
    scores = {}
    for count in range(1, len(votes) + 1):
        for names in combinations(votes, count):
            mean = sum(votes[one] * cosines[one] for one in names) / sum(
                votes[one] for one in names
            )
            scores[names] = (1 + np.clip(mean, -1, 1)) / 2
    whole = scores[tuple(votes)]
    sides = pairs.first_people, pairs.second_people
    rows = []
    for names, score in scores.items():
        found = bootstrap_people(pairs.labels, score, *sides, "auc", seed)
        gain = bootstrap_people(pairs.labels, score, *sides, _gain_of(whole), seed)
        assert found is not None and gain is not None
        rows.append(
            {
                "members": list(names),
                "auc": area_under_roc(pairs.labels, score),
                "interval": [found.low, found.high],
                "gain_of_all": None if score is whole else [gain.low, gain.high],
            }
        )
    return {
        "people": len(pairs.people),
        "pairs": len(pairs),
        "model_id": model.model_id,
        "votes": votes,
        "rows": rows,
    }


def _gain_of(whole: np.ndarray) -> Any:
    """AUC of the whole committee less that of a part, in each round of the resampling."""

    def gain(truth: np.ndarray, scores: np.ndarray, weights: np.ndarray, limit: float) -> Any:
        return auc(truth, whole, weights, limit) - auc(truth, scores, weights, limit)

    return gain


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", default="pretrained", help="a committee")
    parser.add_argument("--lfw", type=Path, required=True, help="an archive or a folder")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "committee.json")
    options = parser.parse_args()
    found = measure(load_model(options.model), options.lfw, options.seed)
    for row in found["rows"]:
        print(f"{' + '.join(row['members']):30} AUC {row['auc']:.4f} {row['interval']}")
    write_text(options.out, json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()

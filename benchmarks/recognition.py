"""Models side by side on the same pairs: python benchmarks/recognition.py --lfw PATH --models ...

Each model is a name or a file, with a title for the table before it if one is wanted:

python benchmarks/recognition.py --lfw PATH --models "Koch, the report=out/koch/report.keras" \\
    "Koch, made to learn=out/koch/recipe.keras" "compact, from scratch=out/scratch.keras" \\
    compact pretrained

The pairs are of LFW's test people (the last tenth by a digest of their names); a model that was
trained on one of them is refused. Rates are at each model's point ``balanced``. Each gain over the
model before it is resampled by people. Writes recognition.json beside this script.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from siamlab.data.collections import open_collection
from siamlab.data.negatives import PRETRAINED_SPLIT
from siamlab.data.pairs import PairSet, draw_pairs
from siamlab.data.splits import split_by_name
from siamlab.errors import InputError
from siamlab.evaluation import STATISTICS, bootstrap_people, evaluate_pairs
from siamlab.evaluation.scoring import judge_pairs
from siamlab.models.saving import load_model
from siamlab.models.siamese import Siamese
from siamlab.system.files import write_text
from siamlab.system.machine import machine_name

auc = STATISTICS["auc"]


def titled(argument: str) -> tuple[str, str]:
    """Title and model of ``TITLE=MODEL``; of a model alone its name is the title."""
    title, separator, model = argument.rpartition("=")
    return (title, model) if separator else (Path(model).stem, model)


def check_unseen(title: str, model: Siamese, people: Sequence[str]) -> None:
    """Refuse a model that was trained on test people."""
    known = sum(model.metadata.trained_on(person) for person in people)
    if known:
        raise InputError(f"{title} was trained on {known} of the test people: it proves nothing.")


def gain(pairs: PairSet, scores: np.ndarray, former: np.ndarray) -> list[float] | None:
    """The interval of the AUC less that of other scores of the same pairs."""

    def difference(truth: np.ndarray, values: np.ndarray, weights: np.ndarray, limit: float) -> Any:
        return auc(truth, values, weights, limit) - auc(truth, former, weights, limit)

    sides = pairs.first_people, pairs.second_people
    ends = bootstrap_people(pairs.labels, scores, *sides, difference)
    return None if ends is None else list(ends)


def measure(models: Sequence[str], pairs: PairSet) -> list[dict[str, Any]]:
    """A row for each model."""
    rows: list[dict[str, Any]] = []
    former: np.ndarray | None = None
    for title, name in map(titled, models):
        model = load_model(name)
        check_unseen(title, model, pairs.people)
        judgement = judge_pairs(model, pairs)
        threshold, _ = model.metadata.choose_threshold(None, "balanced")
        result = evaluate_pairs(pairs, judgement.scores, threshold)
        rows.append(
            {
                "title": title,
                "weights": int(model.count_params()),
                "no_face": judgement.no_face,
                "evaluation": result.to_dict(),
                "gain": None if former is None else gain(pairs, judgement.scores, former),
            }
        )
        former = judgement.scores
        print(f"{title:26} AUC {result.auc:.4f}  accuracy {result.accuracy:.4f}", flush=True)
    return rows


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    parser.add_argument("--lfw", type=Path, required=True, help="an archive or a folder")
    parser.add_argument("--models", nargs="+", default=["compact", "pretrained"])
    parser.add_argument("--count", type=int, default=1000, help="pairs (default: 1000)")
    parser.add_argument("--seed", type=int, default=0, help="of the pairs")
    parser.add_argument("--cache", type=Path, default=Path("out/cache"), help="unpacked here")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".json"))
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None) -> None:
    """Measure, print and write."""
    options = arguments(given)
    collection = open_collection(options.lfw, cache=options.cache)
    test = split_by_name(collection, PRETRAINED_SPLIT).test
    pairs = draw_pairs(test, options.count, options.seed)
    found = {
        "machine": machine_name(),
        "pairs": len(pairs),
        "people": len(pairs.people),
        "seed": options.seed,
        "rows": measure(options.models, pairs),
    }
    write_text(options.out, json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()

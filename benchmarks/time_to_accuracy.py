"""How long until compact, from scratch, recognizes strangers: python benchmarks/time_to_accuracy.py

``--lfw PATH`` cuts the faces of LFW once into small files under --faces, on a machine that has the
detector; then the same training runs on any machine and backend that read them. A machine with a
GPU needs Keras, JAX and this folder:

    KERAS_BACKEND=jax python benchmarks/time_to_accuracy.py --faces out/faces

Every --every steps 1,000 pairs of validation people choose the threshold and 1,000 pairs of test
people are judged with it. Adds a run to time_to_accuracy.json; the judging is not in its seconds.
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

from siamlab.data.collections import Collection, open_collection
from siamlab.data.faces import load_faces
from siamlab.data.negatives import PRETRAINED_SPLIT
from siamlab.data.pairs import draw_pairs
from siamlab.data.splits import split_by_name
from siamlab.evaluation.curves import area_under_roc, roc
from siamlab.faces.align import FACE_SHARE
from siamlab.faces.crop import Preprocessing
from siamlab.models.embedding import build_embedding, mirrored
from siamlab.study.training_run import cosine_scores
from siamlab.system.backend import keras, set_seed
from siamlab.system.files import write_text
from siamlab.system.machine import machine_name
from siamlab.training.fit import train_people
from siamlab.training.mixed_precision import bfloat16_pays
from siamlab.training.settings import TrainingSettings

SIDE, PAIRS, SEED = 64, 1000, 0
CHIP = 150  # a chip of this side has all the pixels that augmentation uses
FACE = Preprocessing(SIDE, FACE_SHARE, alignment="none")


def write_faces(lfw: Path, cache: Path, faces: Path) -> None:
    """Small aligned faces: those a training reads, and those of the pairs that judge it."""
    from PIL import Image

    split = split_by_name(open_collection(lfw, cache=cache), PRETRAINED_SPLIT)
    chip = Preprocessing(CHIP, 1.0)
    for part in ("train", "validation", "test"):
        people: Collection = getattr(split, part)
        if part == "train":
            paths = list(people.with_at_least(2).images)
        else:
            paths = list(draw_pairs(people, PAIRS, SEED).images)
        found = load_faces(paths, chip)
        for path, face, seen in zip(paths, found.images, found.found, strict=True):
            place = faces / part / path.parent.name / f"{path.stem}.webp"
            if seen:
                place.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(face).save(place, quality=85)


class Judge(keras.callbacks.Callback):
    """Judges strangers after each epoch, and stops the clock meanwhile."""

    def __init__(self, faces: Path) -> None:
        super().__init__()
        self.pairs = {
            part: draw_pairs(open_collection(faces / part), PAIRS, SEED)
            for part in ("validation", "test")
        }
        self.rows: list[dict[str, float]] = []
        self.began, self.paused = time.perf_counter(), 0.0

    def on_train_begin(self, logs: Any = None) -> None:
        """The network that learns: it may be a copy, in bfloat16."""
        code = self.model.output["embedding"]
        self.embedding = mirrored(keras.Model(self.model.input, code))

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Judge."""
        seconds = time.perf_counter() - self.began - self.paused
        self.rows.append({"epoch": epoch + 1, "seconds": seconds, **self.judge()})
        self.paused = time.perf_counter() - self.began - seconds
        print(self.rows[-1], flush=True)

    def judge(self) -> dict[str, float]:
        """Accuracy at the threshold of validation people, and AUC, on test people."""
        scores = {
            part: cosine_scores(self.embedding, FACE, pairs) for part, pairs in self.pairs.items()
        }
        chosen = roc(self.pairs["validation"].labels, scores["validation"])
        threshold = chosen.thresholds[np.argmin(chosen.fmr + chosen.fnmr)]
        labels, test = self.pairs["test"].labels, scores["test"]
        right = (test >= threshold) == labels
        return {"accuracy": float(right.mean()), "auc": area_under_roc(labels, test)}


def device_name() -> str:
    """The device that trains."""
    if keras.backend.backend() != "jax":
        return machine_name()
    import jax

    kind = jax.devices()[0].device_kind
    return machine_name() if kind == "cpu" else f"{kind}, {os.cpu_count()} cores"


def main() -> None:
    """Cut the faces if they are not there, train, judge, add the run to the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lfw", type=Path, help="archive or folder, to cut the faces")
    parser.add_argument("--cache", type=Path, default=Path("out/cache"), help="unpacked here")
    parser.add_argument("--faces", type=Path, default=Path("out/faces"), help="faces, cut")
    parser.add_argument("--steps", type=int, default=4500)
    parser.add_argument("--every", type=int, default=500)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".json"))
    options = parser.parse_args()
    if options.lfw is not None and not options.faces.is_dir():
        write_faces(options.lfw, options.cache, options.faces)
    set_seed(SEED)
    embedding = build_embedding("compact", (SIDE, SIDE, 3))
    judge = Judge(options.faces)
    settings = TrainingSettings(
        steps=options.steps,
        steps_per_epoch=options.every,
        seed=SEED,
        bfloat16=bfloat16_pays(),
        verbose=0,
        callbacks=(judge,),
    )
    people = open_collection(options.faces / "train")
    train_people(embedding, people, FACE, settings)
    run = {
        "device": device_name(),
        "backend": keras.backend.backend(),
        "bfloat16": settings.bfloat16,
        "images": len(people.images),
        "steps": options.steps,
        "every": options.every,
        "rows": judge.rows,
    }
    runs = json.loads(options.out.read_text()) if options.out.is_file() else []
    mine = run["device"], run["backend"]
    others = [old for old in runs if (old["device"], old["backend"]) != mine]
    write_text(options.out, json.dumps([*others, run], indent=1) + "\n")


if __name__ == "__main__":
    main()

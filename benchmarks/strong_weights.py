"""The same pairs of strangers, judged by each model: python benchmarks/strong_weights.py --lfw PATH

Trains Koch's network by the report's recipe and by siamlab's, and compact from scratch, on LFW's
training people, unless their files are in --models already; then lets them, the packaged compact
and pretrained judge 1,000 pairs of test people. Every threshold is chosen on validation people.
Writes strong_weights.json beside this script.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from siamlab.data.collections import Collection, open_collection
from siamlab.data.negatives import PRETRAINED_SPLIT
from siamlab.data.pairs import draw_pairs
from siamlab.data.splits import split_by_name
from siamlab.evaluation.evaluate import calibrate, evaluate
from siamlab.faces.detectors import open_detector
from siamlab.models.saving import load_model, save_model
from siamlab.models.siamese import Siamese
from siamlab.system.files import write_text
from siamlab.system.machine import machine_name
from siamlab.training.recipes import train_model
from siamlab.training.settings import TrainingSettings

PAIRS, SEED = 1000, 0


@dataclass(frozen=True)
class Entry:
    """A model of the table.

    Attributes:
        name: in the table.
        file: where it is kept, or the name of a model that comes with siamlab.
        arch, recipe, epochs: how it is trained; ``epochs`` 0 where it is not. Passes over the
            images or pairs and not minutes, so that a busy machine trains the same model.
    """

    name: str
    file: str
    arch: str = ""
    recipe: str = "people"
    epochs: int = 0


ENTRIES = (
    Entry("Koch, the report's recipe", "koch_report.keras", "koch", "report", 1),
    Entry("Koch, all pairs of a batch", "koch_people.keras", "koch", "people", 4),
    Entry("compact, from scratch", "compact_scratch.keras", "compact", "people", 46),
    Entry("compact, taught by pretrained", "compact"),
    Entry("pretrained", "pretrained"),
)


def open_model(entry: Entry, people: Collection, folder: Path) -> tuple[Siamese, float | None]:
    """The model from its file, trained first if need be; the processor minutes, where known."""
    if not entry.epochs:
        return load_model(entry.file), None
    path, cost = folder / entry.file, folder / f"{entry.file}.minutes"
    if not path.is_file():
        settings = TrainingSettings(epochs=entry.epochs, seed=SEED, verbose=2)
        began = time.process_time()
        model, summary = train_model(people, entry.arch, settings, recipe=entry.recipe)
        write_text(cost, f"{(time.process_time() - began) / 60:.1f}")
        print(summary)
        save_model(model, path, optimizer=False)
    return load_model(path), float(cost.read_text()) if cost.is_file() else None


def main() -> None:
    """Train what is missing, judge, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lfw", type=Path, required=True, help="archive or folder")
    parser.add_argument("--models", type=Path, default=Path("out/models"), help="trained models")
    parser.add_argument("--cache", type=Path, default=Path("out/cache"), help="unpacked here")
    options = parser.parse_args()
    split = split_by_name(open_collection(options.lfw, cache=options.cache), PRETRAINED_SPLIT)
    pairs = draw_pairs(split.test, PAIRS, SEED)
    rows = []
    for entry in ENTRIES:
        model, minutes = open_model(entry, split.train, options.models)
        calibrate(model, split.validation, fmr=None, seed=SEED + 1)
        found = evaluate(model, split.test, pairs)
        print(entry.name, found, sep="\n")
        rows.append({"model": entry.name, "processor_minutes": minutes, **found.to_dict()})
    result = {
        "machine": machine_name(),
        "detector": open_detector().name,
        "people": {part: len(getattr(split, part)) for part in split._fields},
        "rows": rows,
    }
    write_text(Path(__file__).with_suffix(".json"), json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()

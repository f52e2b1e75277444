"""Compare losses, and numbers of training people and images: python benchmarks/study.py --lfw PATH

Trains the compact network once for each setting, at equal steps, and writes study.json beside this
script after every run. Without --lfw the people are drawn, with the sizes of the quick profile.
Every row is measured on pairs of people that no run trained on (split_negatives).
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from siamlab.config import get_profile
from siamlab.course.results import format_table
from siamlab.data.collections import Collection, open_collection
from siamlab.data.negatives import DRAWN_SEED, split_negatives
from siamlab.data.synthetic import write_people
from siamlab.study.all_studies import Study, run_studies
from siamlab.study.loss_comparison import StudyRun
from siamlab.study.setting import StudySetting

IMAGES_EACH = (2, 3, 5, 8)


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    parser.add_argument("--lfw", type=Path, help="an archive or folder; drawn people without it")
    parser.add_argument("--size", type=int, help="side of the input in pixels")
    parser.add_argument("--width", type=float, help="multiple of the channel counts")
    parser.add_argument("--steps", type=int, help="batches of every run")
    parser.add_argument("--people", type=int, help="people in a batch")
    parser.add_argument("--pairs", type=int, help="test pairs")
    parser.add_argument("--seeds", type=int, nargs="+", help="every run once for each")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "study.json")
    return parser.parse_args(given)


def chosen_setting(given: argparse.Namespace) -> StudySetting:
    """The defaults of LFW or of the quick profile, and what the command line changes."""
    quick = StudySetting.from_profile(get_profile("quick"))
    setting = quick if given.lfw is None else StudySetting(images_each=IMAGES_EACH)
    names = ("size", "width", "steps", "people", "pairs", "seeds")
    changes = {name: getattr(given, name) for name in names if getattr(given, name) is not None}
    if "seeds" in changes:
        changes["seeds"] = tuple(changes["seeds"])
    return replace(setting, **changes)


def drawn(folder: Path) -> Collection:
    """The quick profile's people."""
    profile = get_profile("quick")
    write_people(folder, people=profile.drawn_people, images=profile.drawn_images, seed=DRAWN_SEED)
    return open_collection(folder)


def row(run: StudyRun) -> dict[str, object]:
    """A line of the table."""
    return {
        "loss": run.loss,
        "seed": run.seed,
        "people": run.people,
        "images": run.images,
        "AUC": run.auc,
        "95 %": f"{run.auc_low:.3f} to {run.auc_high:.3f}",
        "accuracy": run.accuracy,
        "EER": run.eer,
        "seconds": run.seconds,
    }


def measure(collection: Collection, given: argparse.Namespace) -> Study:
    """Run all studies, one line for each run as it ends."""
    began = time.perf_counter()

    def say(part: str, run: StudyRun) -> None:
        minutes = (time.perf_counter() - began) / 60
        print(
            f"{minutes:5.1f} min  {part}: {run.loss}, seed {run.seed}, {run.people} people, "
            f"{run.images} images, AUC {run.auc:.3f}",
            flush=True,
        )

    name = "drawn people" if given.lfw is None else "LFW"
    data = f"{name}, {len(collection)} people, {len(collection.images)} images"
    return run_studies(
        split_negatives(collection), chosen_setting(given), data, given.out, on_run=say
    )


def main() -> None:
    """Measure, print and write."""
    given = arguments()
    with tempfile.TemporaryDirectory() as folder:
        collection = drawn(Path(folder)) if given.lfw is None else open_collection(given.lfw)
        study = measure(collection, given)
    print(f"\n{study.data}; {study.machine}; {study.setting.steps} steps\n")
    for part in ("losses", "people", "images_each"):
        print(format_table([row(run) for run in getattr(study, part)]), end="\n\n")


if __name__ == "__main__":
    main()

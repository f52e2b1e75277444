"""Challenge against held-up pictures: python benchmarks/presentation.py [--images DIR]

APCER for each instrument and BPCER (ISO/IEC 30107-3) of the challenge, on drawn people who were
not used to choose its limits; with --images (one folder per person, such as LFW's) of prints of
photographs instead. No living person was measured. Writes presentation.json beside this script,
and keeps the other rows of it.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from siamlab.assessment.measured import wilson
from siamlab.assessment.presentation import (
    Show,
    Swapped,
    Trial,
    bent_print,
    bona_fide,
    flashed,
    flat_print,
    on_screen,
    present,
    replayed,
)
from siamlab.data.collections import open_collection
from siamlab.faces.detectors import open_detector
from siamlab.images.decode import read_image
from siamlab.system.files import write_text
from siamlab.system.machine import machine_name
from siamlab.system.opencv import import_cv2
from siamlab.verification.challenge import ChallengeLimits, draw_steps

FIRST_PERSON = 700  # those before chose the limits


def photographs(count: int, images: Path | None) -> Iterator[np.ndarray]:
    """Frames of a face straight ahead: drawn, or photographs on a frame of the same size."""
    if images is None:
        for person in range(FIRST_PERSON, FIRST_PERSON + count):
            yield bona_fide(person, person + 5000)(0.0, 0.0, 1.0, 0)
        return
    cv2 = import_cv2()
    for person in open_collection(images).people[:count]:
        yield cv2.resize(read_image(person.images[0]), (640, 640))[80:560]


def summary(trials: list[Trial]) -> dict[str, object]:
    passed = sum(trial.passed for trial in trials)
    reasons = [trial.reason.split(" within")[0] for trial in trials if not trial.passed]
    return {
        "passed": passed,
        **wilson(passed, len(trials)).to_dict(),
        "median_seconds": float(np.median([trial.seconds for trial in trials])),
        "reasons": {reason: reasons.count(reason) for reason in sorted(set(reasons))},
    }


def main() -> None:
    """Present, count, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=Path, help="prints of these photographs instead")
    parser.add_argument("--count", type=int, default=30, help="of each kind")
    options = parser.parse_args()
    detector, rng = open_detector(), np.random.default_rng(11)
    prints: dict[str, Callable[[np.ndarray], Show]] = {
        "print, turned": flat_print,
        "print, turned and skewed": lambda image: flat_print(image, skew=25.0),
        "print, bent": bent_print,
        "screen with a photograph": lambda image: on_screen(flat_print(image)),
    }
    place = Path(__file__).with_suffix(".json")
    rows: dict[str, object] = json.loads(place.read_text())["rows"] if place.is_file() else {}

    def run(name: str, shows: Iterator[Show], **more: object) -> None:
        trials = []
        for show in shows:
            answers = replayed(draw_steps(rng)) if more else None
            trials.append(present(show, detector, rng, name, answers=answers))
        rows[name] = summary(trials)
        print(name, rows[name], flush=True)

    if options.images is None:
        people = range(FIRST_PERSON, FIRST_PERSON + options.count)
        run("bona fide", (bona_fide(person, person) for person in people))
        run("screen with a video", (on_screen(bona_fide(p, p)) for p in people), film=1)
        run("screen, flashing", (flashed(on_screen(bona_fide(p, p))) for p in people))
        swaps = [Swapped(image, bona_fide(3000 + number, number))
                 for number, image in enumerate(photographs(options.count, None))]  # fmt: skip
        rows["print and own head"] = summary(
            [present(swap, detector, rng, "swap", verify=swap.verify) for swap in swaps]
        )
    kind = "" if options.images is None else ", of photographs"
    for name, make in prints.items():
        run(f"{name}{kind}", map(make, photographs(options.count, options.images)))
    values = {
        "note": "No living person was measured: drawn people, and pictures moved by formulas.",
        "machine": machine_name(),
        "detector": detector.name,
        "limits": vars(ChallengeLimits()),
        "rows": rows,
    }
    write_text(place, json.dumps(values, indent=1) + "\n")


if __name__ == "__main__":
    main()

"""Cold `siamlab verify`: the exported copy against Keras: python benchmarks/start.py

Both packaged models, with drawn people. Processes run in turns, so that other load on the machine
slows both in the same way. The claim is the ratio within this run; seconds depend on the machine.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from siamlab.data.synthetic import write_people
from siamlab.system.machine import machine_name

RUNS = 5
MODELS = ("pretrained", "compact")
SHELL = [sys.executable, "-m", "siamlab.cli"]


def run(command: list[str], data: Path) -> float:
    """Seconds from the start of the process to its end."""
    environment = {**os.environ, "SIAMLAB_DATA": str(data)}
    begin = time.perf_counter()
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    seconds = time.perf_counter() - begin
    if done.returncode > 1:
        raise SystemExit(f"{' '.join(command)}: {done.stdout}{done.stderr}")
    return seconds


def measure(model: str, images: list[Path], folder: Path) -> dict[str, object]:
    """Both in turns, each in its own workspace."""
    quick, slow = folder / "quick", folder / "slow"
    enroll = run([*SHELL, "enroll", "Ada", *map(str, images), "--model", model], quick)
    (copy,) = (quick / "models" / "exported").iterdir()
    shutil.copytree(quick / "gallery", slow / "gallery")
    seconds: dict[Path, list[float]] = {quick: [], slow: []}
    scores: dict[Path, np.ndarray] = {}
    for _ in range(RUNS):
        for data in (quick, slow):
            # Without an exported copy Keras loads the model, and writes one.
            shutil.rmtree(slow / "models", ignore_errors=True)
            out = data / "verdict.json"
            verify = ["verify", "Ada", str(images[0]), "--model", model, "--json", str(out)]
            seconds[data].append(run([*SHELL, *verify], data))
            scores[data] = np.array(json.loads(out.read_text())["scores"])
    medians = {data: statistics.median(times) for data, times in seconds.items()}
    return {
        "copy_megabytes": round(copy.stat().st_size / 1e6, 1),
        "copy_seconds": round(medians[quick], 3),
        "keras_seconds": round(medians[slow], 3),
        "ratio": round(medians[slow] / medians[quick], 1),
        "copy_range": [round(f(seconds[quick]), 3) for f in (min, max)],
        "keras_range": [round(f(seconds[slow]), 3) for f in (min, max)],
        "largest_difference": float(np.abs(scores[quick] - scores[slow]).max()),
        "first_enrollment_seconds": round(enroll, 1),
    }


def main() -> None:
    """Measure, print and write start.json."""
    results: dict[str, object] = {"machine": machine_name(), "runs": RUNS}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_people(folder / "people", people=2, images=3, seed=1)
        images = sorted((folder / "people" / "person_0001").iterdir())
        for model in MODELS:
            results[model] = measure(model, images, folder / model)
    text = json.dumps(results, indent=1)
    print(text)
    (Path(__file__).parent / "start.json").write_text(text + "\n")


if __name__ == "__main__":
    main()

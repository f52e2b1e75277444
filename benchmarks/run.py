"""Measure the speed of this machine and save it beside this script: python benchmarks/run.py

Every claim is a ratio within one run; single times depend on the machine and its load.
"""

from __future__ import annotations

import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from siamlab.study.speed.benchmark import run_benchmark


def main() -> None:
    """Measure, print and write results.json."""
    results = run_benchmark()
    print(results)
    (Path(__file__).parent / "results.json").write_text(results.to_json() + "\n")


if __name__ == "__main__":
    main()

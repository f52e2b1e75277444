"""Measure this machine and keep the numbers beside this script: python benchmarks/run.py

Every claim is a ratio within one run; single times depend on the machine and on what else it does.
"""

from __future__ import annotations

import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from siamlab.study.speed.all_speeds import measure_all


def main() -> None:
    """Measure, print and write results.json."""
    results = measure_all()
    print(results)
    (Path(__file__).parent / "results.json").write_text(results.to_json() + "\n")


if __name__ == "__main__":
    main()

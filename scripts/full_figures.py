"""Draw what was measured on LFW and Omniglot: python scripts/full_figures.py

Reads the files that the benchmarks wrote, so figures and tables show the same numbers. No face is
in them. ``scripts/pretrain.py`` draws the figures of the packaged weights.
"""

from __future__ import annotations

import json
from pathlib import Path

from siamlab.plotting import (
    plot_baselines,
    plot_losses,
    plot_oneshot,
    plot_quality_against_people,
    save_figure,
)
from siamlab.study.all_studies import load_study
from siamlab.study.objectives import OBJECTIVES
from siamlab.study.oneshot import OneShot

ROOT = Path(__file__).resolve().parents[1]
BENCHMARKS = ROOT / "benchmarks"
FIGURES = ROOT / "figures" / "full"


def main() -> None:
    """Draw all figures."""
    study = load_study(BENCHMARKS / "study.json")
    titles = {one.name: one.title for one in OBJECTIVES}
    save_figure(plot_losses(study.losses, titles, study.machine), "losses", FIGURES)
    against = plot_quality_against_people(study.people, study.images_each, "auc", study.machine)
    save_figure(against, "quality_against_people", FIGURES)
    found = json.loads((BENCHMARKS / "oneshot.json").read_text())
    for part, title in (("faces", "LFW"), ("omniglot", "Omniglot")):
        results = {
            name: [OneShot.from_dict(row) for row in rows]
            for name, rows in found[part]["methods"].items()
        }
        save_figure(plot_oneshot(results, title), f"oneshot_{part}", FIGURES)
    save_figure(plot_baselines(found["pairs"]), "baselines", FIGURES)


if __name__ == "__main__":
    main()

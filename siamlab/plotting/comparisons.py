"""Studies as pictures: losses side by side, and quality against people and images of each.

Input: measured runs of a study. Output: a ``Picture``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from siamlab.errors import InputError
from siamlab.plotting.charts import name_machine
from siamlab.plotting.style import GENUINE, IMPOSTOR, WIDTH, new_figure, styled

MEASURES = {
    "auc": "area under the ROC curve",
    "accuracy": "accuracy at the validation EER threshold",
}


class Run(Protocol):
    """What a chart needs of a run on people; ``siamlab.study.loss_comparison.StudyRun`` has it."""

    @property
    def loss(self) -> str:
        """Name of the loss."""

    @property
    def people(self) -> int:
        """Number of training people."""

    @property
    def images_each(self) -> float:
        """Mean number of images of a training person."""

    @property
    def accuracy(self) -> float:
        """Share of test pairs decided rightly; ``accuracy_low`` and ``_high`` are its interval."""

    @property
    def auc(self) -> float:
        """Area under the ROC curve; ``auc_low`` and ``auc_high`` are its interval."""


@styled
def plot_losses(
    runs: Sequence[Run], titles: Mapping[str, str] | None = None, machine: str = ""
) -> Any:
    """Losses side by side, the best on top: AUC and accuracy, each run with its interval.

    Args:
        runs: runs that differ in the loss, and in the seed where there are several of one.
        titles: name of a loss to what the chart shall call it.
        machine: what they were measured on; stands under the chart.

    Returns:
        The figure.

    Raises:
        InputError: there are no runs.
    """
    if not runs:
        raise InputError("A chart needs measured runs. Received: none.")
    by_loss: dict[str, list[Run]] = {}
    for run in runs:
        by_loss.setdefault(run.loss, []).append(run)
    order = sorted(by_loss, key=lambda loss: np.mean([run.auc for run in by_loss[loss]]))
    figure = new_figure(WIDTH, 1.2 + 0.42 * len(order))
    panels = figure.subplots(1, len(MEASURES), sharey=True)
    for panel, (measure, label) in zip(panels, MEASURES.items(), strict=True):
        for row, loss in enumerate(order):
            for place, run in zip(_beside(row, by_loss[loss]), by_loss[loss], strict=True):
                value, spread = _with_interval(run, measure)
                panel.errorbar(value, place, xerr=spread, fmt="o", color=GENUINE, capsize=3)
        panel.axvline(0.5, linestyle=":", color=IMPOSTOR, label="guessing")
        panel.set(xlabel=label, yticks=range(len(order)))
        panel.set_yticklabels([(titles or {}).get(loss, loss) for loss in order])
    panels[0].set_title("Losses at equal steps")
    panels[0].legend(loc="lower right")
    panels[1].set_title("A dot is a run, its bar 95 % over people")
    name_machine(figure, machine)
    return figure


def _beside(row: int, runs: Sequence[Run]) -> np.ndarray:
    """Places of the runs of one row, so that their intervals do not cover each other."""
    return row + 0.16 * (np.arange(len(runs)) - (len(runs) - 1) / 2)


def _with_interval(run: Run, measure: str) -> tuple[float, np.ndarray]:
    """A value, and how far its interval reaches down and up from it, ``(2, 1)``."""
    value = float(getattr(run, measure))
    ends = [value - getattr(run, f"{measure}_low"), getattr(run, f"{measure}_high") - value]
    return value, np.maximum(ends, 0)[:, None]


@styled
def plot_quality_against_people(
    by_people: Sequence[Run] = (),
    by_images: Sequence[Run] = (),
    measure: str = "accuracy",
    machine: str = "",
) -> Any:
    """Quality on other people against the training people, and against the images of each.

    Args:
        by_people: runs that differ in the number of training people.
        by_images: runs that differ in the images of each; the people are the same.
        measure: ``accuracy`` or ``auc``.
        machine: what they were measured on; stands under the chart.

    Returns:
        The figure, with a panel for each study that has runs; the line goes through the means
        of runs that differ in the seed alone.

    Raises:
        InputError: there are no runs, or an unknown measure.
    """
    if measure not in MEASURES:
        raise InputError(f"measure is one of {', '.join(MEASURES)}. Received: {measure!r}.")
    panels = [
        ("More people", "training people (number)", "people", by_people),
        ("More images of each", "images of each training person (number)", "images_each",
         by_images),
    ]  # fmt: skip
    panels = [panel for panel in panels if len(panel[3])]
    if not panels:
        raise InputError("A chart needs measured runs. Received: none.")
    figure = new_figure(4.8 * len(panels), 3.6)
    axes = figure.subplots(1, len(panels), squeeze=False, sharey=True)[0]
    for panel, (title, label, name, runs) in zip(axes, panels, strict=True):
        _against_people(panel, runs, name, measure)
        same = _what_is_equal(runs, name)
        panel.set(title=f"{title} ({same})", xlabel=label)
    axes[0].set_ylabel(MEASURES[measure])
    axes[0].legend(loc="lower right")
    name_machine(figure, machine)
    return figure


def _against_people(panel: Any, runs: Sequence[Run], name: str, measure: str) -> None:
    """Every run with its interval, and a line through the means; each step doubles."""
    across = sorted({float(getattr(run, name)) for run in runs})
    panel.set_xscale("log", base=2)
    means = []
    for value in across:
        here = [run for run in runs if float(getattr(run, name)) == value]
        means.append(np.mean([getattr(run, measure) for run in here]))
        for place, run in zip(value * 2 ** (_beside(0, here) / 4), here, strict=True):
            height, spread = _with_interval(run, measure)
            panel.errorbar(place, height, yerr=spread, fmt="o", color=GENUINE, capsize=3,
                           alpha=0.6)  # fmt: skip
    panel.plot(across, means, color=GENUINE, label="mean; bars: 95 % interval over people")
    panel.minorticks_off()
    panel.set_xticks(across, [f"{value:g}" for value in across])


def _what_is_equal(runs: Sequence[Run], name: str) -> str:
    """What the runs of a study have in common, in words."""
    other = "images_each" if name == "people" else "people"
    values = {float(getattr(run, other)) for run in runs}
    what = "images each" if other == "images_each" else "people"
    return f"{min(values):g} {what}" if len(values) == 1 else f"{what} differ too"

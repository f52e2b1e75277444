"""Studies as figures: losses side by side, and quality against people, images and input size."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from siamlab.errors import InputError
from siamlab.evaluation import Interval
from siamlab.evaluation.rates import format_rate
from siamlab.plotting.style import (
    GENUINE,
    GRAY,
    IMPOSTOR,
    WIDTH,
    format_seconds,
    new_figure,
    styled,
)

MEASURES = {
    "auc": "area under the ROC curve",
    "accuracy": "accuracy at the validation EER threshold",
}

# Of siamlab.study, which imports this package: input_size.StudyPoint, loss_comparison.StudyRun.
_Runs = Sequence[Any]


@styled
def plot_against_size(
    by_size: _Runs = (),
    by_images: _Runs = (),
    machine: str = "",
    measure: str = "seconds",
) -> Any:
    """Training time or quality against resolution, and against the number of images.

    Args:
        by_size: runs that differ in the side of the input.
        by_images: runs that differ in the number of training images.
        machine: printed under the chart.
        measure: ``seconds``, or ``auc`` on people not trained on, with its interval.

    Returns:
        The figure, with a panel for each study that has points.

    Raises:
        InputError: there are no points, or the measure is unknown.
    """
    draw = {"seconds": _draw_seconds, "auc": _draw_auc}.get(measure)
    if draw is None:
        raise InputError(f"measure is seconds or auc. Received: {measure!r}.")
    title = "Training time" if measure == "seconds" else "Quality"
    studies = (
        (f"{title} against resolution", "side of the input (pixels)", "size", by_size),
        (f"{title} against number of images", "training images (number)", "images", by_images),
    )

    def panel(axes: Any, name: str, points: _Runs) -> None:
        points = sorted(points, key=lambda point: getattr(point, name))
        across = [int(getattr(point, name)) for point in points]
        draw(axes, across, points)
        axes.set_xticks(across)
        axes.margins(x=0.08)

    figure = _panels("points", studies, panel, machine, 3.3)
    unit = " s" if measure == "seconds" else ""
    for one, _, name, runs in studies:
        said = (f"{getattr(run, measure):.3g}{unit} at {getattr(run, name)}" for run in runs)
        figure.alt += f"{one}: {', '.join(said)}. " if runs else ""
    figure.alt = figure.alt.strip()
    return figure


def _draw_seconds(axes: Any, across: list[int], points: _Runs) -> None:
    seconds = [point.seconds for point in points]
    axes.plot(across, seconds, "o-", color=GENUINE)
    for place, value in zip(across, seconds, strict=True):
        axes.annotate(format_seconds(value), (place, value), (0, 6), textcoords="offset points",
                      ha="center", fontsize=8)  # fmt: skip
    axes.set(ylim=(0, 1.2 * max(*seconds, 1e-3)), ylabel="training time (seconds)")


def _draw_auc(axes: Any, across: list[int], points: _Runs) -> None:
    areas, spreads = zip(*(_with_interval(point, "auc") for point in points), strict=True)
    axes.errorbar(across, areas, yerr=np.hstack(spreads), fmt="o-", color=GENUINE, capsize=4,
                  label="AUC, 95 % interval over people")  # fmt: skip
    axes.axhline(0.5, linestyle=":", color=IMPOSTOR, label="guessing")
    axes.set(ylim=(min(0.45, min(point.auc_low for point in points) - 0.02), 1.0))
    axes.set_ylabel("area under the ROC curve")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.17), ncols=2)


def _panels(
    what: str,
    studies: Sequence[tuple[str, str, str, Sequence[Any]]],
    draw: Callable[[Any, str, Sequence[Any]], None],
    machine: str,
    height: float,
) -> Any:
    """A panel for each study with runs: its title, label, what differs, and the runs."""
    studies = [study for study in studies if len(study[-1])]
    if not studies:
        raise InputError(f"A chart needs measured {what}. Received: none.")
    figure = new_figure(4.8 * len(studies), height)
    panels = figure.subplots(1, len(studies), squeeze=False, sharey=what == "runs")[0]
    for axes, (title, label, name, runs) in zip(panels, studies, strict=True):
        draw(axes, name, runs)
        axes.set(title=title, xlabel=label)
    _name_machine(figure, machine)
    return figure


def _name_machine(figure: Any, machine: str) -> None:
    """Print the machine below a figure; nothing for an empty name."""
    if machine:
        figure.supxlabel(f"measured on {machine}", fontsize=7.5, color=GRAY)


@styled
def plot_losses(runs: _Runs, titles: Mapping[str, str] | None = None, machine: str = "") -> Any:
    """Losses side by side, the best on top: AUC and accuracy, each run with its interval.

    Args:
        runs: runs that differ in the loss, and in the seed where there are several of one.
        titles: name of a loss to its title in the chart.
        machine: printed under the chart.

    Returns:
        The figure.

    Raises:
        InputError: there are no runs.
    """
    if not runs:
        raise InputError("A chart needs measured runs. Received: none.")
    by_loss: dict[str, list[Any]] = {}
    for run in runs:
        by_loss.setdefault(run.loss, []).append(run)
    order = sorted(by_loss, key=lambda loss: np.mean([run.auc for run in by_loss[loss]]))
    figure = new_figure(WIDTH, 1.2 + 0.42 * len(order))
    panels = figure.subplots(1, len(MEASURES), sharey=True)
    for panel, (measure, label) in zip(panels, MEASURES.items(), strict=True):
        for row, loss in enumerate(order):
            for place, run in zip(_spread(row, by_loss[loss]), by_loss[loss], strict=True):
                value, ends = _with_interval(run, measure)
                panel.errorbar(value, place, xerr=ends, fmt="o", color=GENUINE, capsize=3)
        panel.axvline(0.5, linestyle=":", color=IMPOSTOR)
        panel.annotate("guessing", (0.5, 0), (4, 3), xycoords=("data", "axes fraction"),
                       textcoords="offset points", color=IMPOSTOR)  # fmt: skip
        panel.set(xlabel=label, yticks=range(len(order)))
        panel.set_yticklabels([(titles or {}).get(loss, loss) for loss in order])
    panels[0].set_title("Losses at equal steps")
    panels[1].set_title("A dot is a run, its bar 95 % over people")
    _name_machine(figure, machine)
    said = [f"{loss} {_in_words(run)}" for loss in reversed(order) for run in by_loss[loss]]
    figure.alt = f"Area under the ROC curve of each loss, the best first: {'; '.join(said)}."
    return figure


def _in_words(run: Any, measure: str = "auc") -> str:
    """The value and its interval, for a figure's ``alt``."""
    ends = Interval(getattr(run, f"{measure}_low"), getattr(run, f"{measure}_high"))
    return format_rate(getattr(run, measure), ends)


def _spread(row: int, runs: _Runs) -> np.ndarray:
    """Places of the runs of one row, so that their intervals do not overlap."""
    return row + 0.16 * (np.arange(len(runs)) - (len(runs) - 1) / 2)


def _with_interval(run: Any, measure: str) -> tuple[float, np.ndarray]:
    """A value, and how far its interval extends below and above it, ``(2, 1)``."""
    value = float(getattr(run, measure))
    ends = [value - getattr(run, f"{measure}_low"), getattr(run, f"{measure}_high") - value]
    return value, np.maximum(ends, 0)[:, None]


@styled
def plot_quality_against_people(
    by_people: _Runs = (),
    by_images: _Runs = (),
    measure: str = "accuracy",
    machine: str = "",
) -> Any:
    """Quality on other people against the training people, and against the images of each.

    Args:
        by_people: runs that differ in the number of training people.
        by_images: runs that differ in the images of each; the people are the same.
        measure: ``accuracy`` or ``auc``.
        machine: printed under the chart.

    Returns:
        The figure, with a panel for each study that has runs; the line goes through the means
        of runs that differ only in the seed.

    Raises:
        InputError: there are no runs, or the measure is unknown.
    """
    if measure not in MEASURES:
        raise InputError(f"measure is one of {', '.join(MEASURES)}. Received: {measure!r}.")
    people = f"More people ({_shared(by_people, 'images_each', 'images each')})"
    images = f"More images of each ({_shared(by_images, 'people', 'people')})"
    label = "images of each training person (number)"
    studies = (
        (people, "training people (number)", "people", by_people),
        (images, label, "images_each", by_images),
    )

    figure = _panels("runs", studies, partial(_draw_runs, measure=measure), machine, 3.6)
    figure.axes[0].set_ylabel(MEASURES[measure])
    figure.axes[0].legend(loc="lower right")
    said = [
        f"{run.people} people with {run.images_each:g} images each {_in_words(run, measure)}"
        for run in (*by_people, *by_images)
    ]
    figure.alt = f"Of each run the {MEASURES[measure]}: {'; '.join(said)}."
    return figure


def _draw_runs(axes: Any, name: str, runs: _Runs, measure: str) -> None:
    """Every run with its interval, and a line through the means; each tick doubles."""
    across = sorted({float(getattr(run, name)) for run in runs})
    axes.set_xscale("log", base=2)
    means = []
    for value in across:
        here = [run for run in runs if float(getattr(run, name)) == value]
        means.append(np.mean([getattr(run, measure) for run in here]))
        for place, run in zip(value * 2 ** (_spread(0, here) / 4), here, strict=True):
            height, ends = _with_interval(run, measure)
            axes.errorbar(place, height, yerr=ends, fmt="o", color=GENUINE, capsize=3, alpha=0.6)
    axes.plot(across, means, color=GENUINE, label="mean; bars: 95 % interval over people")
    axes.minorticks_off()
    axes.set_xticks(across, [f"{value:g}" for value in across])


def _shared(runs: _Runs, name: str, words: str) -> str:
    """The value of an attribute that all runs have, or that it differs."""
    values = {float(getattr(run, name)) for run in runs}
    return f"{min(values):g} {words}" if len(values) == 1 else f"{words} differ too"

"""Training as pictures: the history, and time and quality against the size of the input.

Input: a training history, measured points of a study. Output: a ``Picture``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from siamlab.errors import InputError
from siamlab.plotting.style import COLORS, GENUINE, GRAY, IMPOSTOR, WIDTH, new_figure, styled


class Point(Protocol):
    """What a chart needs of a measured training run; ``siamlab.study.input_size.StudyPoint`` has it."""

    @property
    def size(self) -> int:
        """Side of the input in pixels."""

    @property
    def images(self) -> int:
        """Number of training images."""

    @property
    def seconds(self) -> float:
        """Time of the training."""

    @property
    def auc(self) -> float:
        """Area under the ROC curve."""

    @property
    def auc_low(self) -> float:
        """Lower end of its interval."""

    @property
    def auc_high(self) -> float:
        """Upper end of it."""


@styled
def plot_history(history: Any) -> Any:
    """Loss, precision and recall, and seconds of each epoch.

    Args:
        history: ``siamlab.training.checkpoints.TrainingHistory``, Keras' ``TrainingHistory``, or a mapping of metric to its
            value after each epoch; panels without data are left out.

    Returns:
        The figure.

    Raises:
        InputError: there is no finished epoch.
    """
    metrics, seconds = _history(history)
    others = [name for name in metrics if not name.endswith("loss") and "learning" not in name]
    panels = [("Loss", "loss", [name for name in metrics if name.endswith("loss")])]
    panels.append(("On training and validation pairs", "rate", others))
    panels = [panel for panel in panels if panel[2]]
    count = len(panels) + bool(seconds)
    if count == 0 or not any(map(len, [*metrics.values(), seconds])):
        raise InputError("The history holds no finished epoch; train for one at least.")
    figure = new_figure(min(WIDTH, 3.6 * count), 3.0)
    axes = figure.subplots(1, count, squeeze=False)[0]
    for panel, (title, unit, names) in zip(axes, panels, strict=False):
        _lines(panel, metrics, names)
        panel.set(title=title, ylabel=unit, ylim=(0, 1.02) if unit == "rate" else (0, None))
        panel.legend()
    if seconds:
        axes[-1].bar(np.arange(1, len(seconds) + 1), seconds, color=COLORS["sky"])
        axes[-1].set(title=f"Time: {_duration(sum(seconds))} in all", ylabel="seconds per epoch")
    for panel in axes:
        panel.set_xlabel("epoch")
        panel.xaxis.get_major_locator().set_params(integer=True)
    return figure


def _history(history: Any) -> tuple[dict[str, list[float]], list[float]]:
    if isinstance(history, Mapping):
        return dict(history), []
    if hasattr(history, "metrics"):
        return dict(history.metrics), list(getattr(history, "seconds", []))
    if hasattr(history, "history"):
        return dict(history.history), []
    raise InputError(
        f"A history is what training returns, or a mapping. Received: {type(history).__name__}."
    )


def _lines(panel: Any, metrics: dict[str, list[float]], names: list[str]) -> None:
    """One color for each metric; validation dashed with open markers."""
    bases = list(dict.fromkeys(name.removeprefix("val_") for name in names))
    for name in names:
        base, validation = name.removeprefix("val_"), name.startswith("val_")
        color = list(COLORS.values())[bases.index(base) % 7]
        epochs = np.arange(1, len(metrics[name]) + 1)
        panel.plot(
            epochs,
            metrics[name],
            linestyle="--" if validation else "-",
            marker="o" if len(epochs) <= 30 else None,
            markerfacecolor="white" if validation else color,
            color=color,
            label=f"validation {base}" if validation else base,
        )


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.1f} min"


@styled
def plot_time_against_size(
    by_size: Sequence[Point] = (), by_images: Sequence[Point] = (), machine: str = ""
) -> Any:
    """Training time against input size in both senses: resolution, and number of images.

    Args:
        by_size: runs that differ in the side of the input.
        by_images: runs that differ in the number of training images.
        machine: what they were measured on; stands under the chart.

    Returns:
        The figure, with a panel for each sense that has points.

    Raises:
        InputError: there are no points.
    """

    def draw(panel: Any, across: list[int], points: list[Point]) -> None:
        seconds = [point.seconds for point in points]
        panel.plot(across, seconds, "o-", color=GENUINE)
        for place, value in zip(across, seconds, strict=True):
            panel.annotate(_duration(value), (place, value), (0, 6), textcoords="offset points",
                           ha="center", fontsize=8)  # fmt: skip
        panel.set(ylim=(0, 1.2 * max(*seconds, 1e-3)), ylabel="training time (seconds)")

    return _against_size(by_size, by_images, machine, "Training time", draw)


@styled
def plot_quality_against_size(
    by_size: Sequence[Point] = (), by_images: Sequence[Point] = (), machine: str = ""
) -> Any:
    """Quality on people never trained on, against input size in both senses, with intervals.

    Args:
        by_size: runs that differ in the side of the input.
        by_images: runs that differ in the number of training images.
        machine: what they were measured on; stands under the chart.

    Returns:
        The figure, with a panel for each sense that has points.

    Raises:
        InputError: there are no points.
    """

    def draw(panel: Any, across: list[int], points: list[Point]) -> None:
        areas = np.array([point.auc for point in points])
        low = areas - [point.auc_low for point in points]
        high = np.array([point.auc_high for point in points]) - areas
        spread = np.maximum([low, high], 0)
        panel.errorbar(across, areas, yerr=spread, fmt="o-", color=GENUINE, capsize=4,
                       label="AUC, 95 % interval over people")  # fmt: skip
        panel.axhline(0.5, linestyle=":", color=IMPOSTOR, label="guessing")
        panel.set(ylim=(min(0.45, float((areas - low).min()) - 0.02), 1.0))
        panel.set_ylabel("area under the ROC curve")
        panel.legend(loc="upper center", bbox_to_anchor=(0.5, -0.17), ncols=2)

    return _against_size(by_size, by_images, machine, "Quality", draw)


def _against_size(
    by_size: Sequence[Point],
    by_images: Sequence[Point],
    machine: str,
    what: str,
    draw: Callable[[Any, list[int], list[Point]], None],
) -> Any:
    panels = [
        (f"{what} against resolution", "side of the input (pixels)", "size", by_size),
        (f"{what} against number of images", "training images (number)", "images", by_images),
    ]
    panels = [panel for panel in panels if len(panel[3])]
    if not panels:
        raise InputError("A chart needs measured points. Received: none.")
    figure = new_figure(4.8 * len(panels), 3.3)
    for axes, (title, label, name, points) in zip(
        figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True
    ):
        ordered = sorted(points, key=lambda point: getattr(point, name))
        across = [int(getattr(point, name)) for point in ordered]
        draw(axes, across, ordered)
        axes.set(title=title, xlabel=label)
        axes.set_xticks(across)
        axes.margins(x=0.08)
    name_machine(figure, machine)
    return figure


def name_machine(figure: Any, machine: str) -> None:
    """Write below a figure what was measured on; nothing for an empty name."""
    if machine:
        figure.supxlabel(f"measured on {machine}", fontsize=7.5, color=GRAY)

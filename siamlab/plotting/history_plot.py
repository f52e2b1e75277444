"""Training history as a figure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from siamlab.errors import InputError
from siamlab.plotting.style import COLORS, WIDTH, format_seconds, new_figure, styled


@styled
def plot_history(history: Any) -> Any:
    """Loss, precision and recall, and seconds of each epoch.

    Args:
        history: ``siamlab.training.checkpoints.TrainingHistory``, Keras' ``History``, or a
            mapping of metric to its value after each epoch; panels without data are left out.

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
        raise InputError("The history has no finished epoch; train for at least one.")
    figure = new_figure(min(WIDTH, 3.6 * count), 3.4)
    axes = figure.subplots(1, count, squeeze=False)[0]
    for panel, (title, unit, names) in zip(axes, panels, strict=False):
        _lines(panel, metrics, names)
        panel.set(title=title, ylabel=unit, ylim=(0, 1.02) if unit == "rate" else (0, None))
        panel.legend(loc="upper center", bbox_to_anchor=(0.5, -0.17), ncols=2)
    if seconds:
        axes[-1].bar(np.arange(1, len(seconds) + 1), seconds, color=COLORS["sky"])
        axes[-1].set(
            title=f"Time: {format_seconds(sum(seconds))} in all", ylabel="seconds per epoch"
        )
    for panel in axes:
        panel.set_xlabel("epoch")
        panel.xaxis.get_major_locator().set_params(integer=True)
    ends = (
        f"{name} from {values[0]:.2f} to {values[-1]:.2f}"
        for name, values in metrics.items()
        if len(values)
    )
    figure.alt = f"Training epoch by epoch: {', '.join(ends)}."
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

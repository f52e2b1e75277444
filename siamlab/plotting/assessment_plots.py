"""An assessment as figures: error rates against the strength of a condition, and drift."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from siamlab.errors import InputError
from siamlab.plotting.style import (
    COLORS,
    GENUINE,
    GRAY,
    IMPOSTOR,
    WIDTH,
    new_figure,
    one_axes,
    styled,
)

# The rates that are drawn: title, color, mark.
SERIES = {
    "fnmr": ("FNMR: own people refused", GENUINE, "o-"),
    "fmr": ("FMR: others let in", IMPOSTOR, "s--"),
    "no_face": ("no usable face", GRAY, "^:"),
}
PANEL = (3.9, 3.1)  # inches


@styled
def plot_condition(condition: Any, values: Mapping[str, Any], axes: Any = None) -> Any:
    """Error rates against the strength of one condition, with 95 % intervals.

    Args:
        condition: of :data:`siamlab.assessment.perturbations.PERTURBATIONS`.
        values: of an assessment: names to :class:`siamlab.assessment.measured.Measured`.
        axes: where to draw; a new figure when ``None``.

    Returns:
        The figure.

    Raises:
        InputError: the values hold none of this condition.
    """
    axes = one_axes(axes, *PANEL)
    prefixes = ["", *(f"{condition.name}@{level:g}." for level in condition.levels)]
    if f"{prefixes[-1]}fnmr" not in values:
        raise InputError(f"The assessment has no values of {condition.name}.")
    for shift, (rate, (title, color, mark)) in zip((-0.06, 0.0, 0.06), SERIES.items(), strict=True):
        measured = [values[f"{prefix}{rate}"] for prefix in prefixes]
        heights = [math.nan if one.value is None else one.value for one in measured]
        ends = np.array([_ends(one) for one in measured]).T
        across = np.arange(len(prefixes)) + shift
        axes.errorbar(across, heights, yerr=ends, fmt=mark, color=color, capsize=3, label=title)
    labels = ["as it is", *(f"{level:g}" for level in condition.levels)]
    axes.set(title=condition.title, xlabel=condition.unit, ylabel="share", ylim=(-0.03, 1.03))
    axes.set_xticks(range(len(labels)), labels)
    axes.legend(loc="upper left", framealpha=0.8, frameon=True, edgecolor="none")
    return axes.figure


def _ends(one: Any) -> tuple[float, float]:
    """How far an interval extends below and above its value."""
    if one.value is None or one.interval is None:
        return 0.0, 0.0
    return max(0.0, one.value - one.interval.low), max(0.0, one.interval.high - one.value)


@styled
def plot_conditions(conditions: Sequence[Any], values: Mapping[str, Any], columns: int = 3) -> Any:
    """A panel for each condition; see :func:`plot_condition`.

    Args:
        conditions: at least one.
        values: of an assessment.
        columns: panels in a row.

    Returns:
        The figure.

    Raises:
        InputError: there are no conditions, or no values of one.
    """
    if not conditions:
        raise InputError("A chart needs conditions. Received: none.")
    columns = min(columns, len(conditions))
    rows = math.ceil(len(conditions) / columns)
    figure = new_figure(WIDTH, 2.7 * rows)
    cells = np.ravel(figure.subplots(rows, columns, squeeze=False, sharey=True))
    for cell, condition in zip(cells, conditions, strict=False):
        plot_condition(condition, values, cell)
    for place, cell in enumerate(cells):
        if place >= len(conditions):
            cell.axis("off")
        elif place:
            cell.get_legend().remove()
        if place % columns:
            cell.set_ylabel("")
    return figure


@styled
def plot_drift(people: Sequence[Any], axes: Any = None) -> Any:
    """Slopes of people's scores with their intervals; those who fall are marked.

    Args:
        people: :class:`siamlab.assessment.drift.PersonDrift` each, drawn from the top.
        axes: where to draw; a new figure when ``None``.

    Returns:
        The figure.

    Raises:
        InputError: there is nobody.
    """
    if not people:
        raise InputError("A chart of drift needs people. Received: none.")
    axes = one_axes(axes, 5.2, 1.3 + 0.26 * len(people))
    for row, one in enumerate(people):
        ends = None
        if one.interval is not None:
            ends = [[max(0, one.slope - one.interval.low)], [max(0, one.interval.high - one.slope)]]
        color, mark = (COLORS["vermilion"], "v") if one.falling else (GENUINE, "o")
        axes.errorbar(one.slope, row, xerr=ends, fmt=mark, color=color, capsize=3)
    axes.axvline(0, color=GRAY, linestyle=":")
    axes.set(title="Scores since enrollment", xlabel="change of the log-odds in 30 days")
    axes.set_yticks(range(len(people)), [one.person for one in people])
    axes.set_ylim(len(people) - 0.5, -0.5)
    return axes.figure

"""Age and gender as figures: a distribution over years, and errors by group."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from siamlab.errors import InputError
from siamlab.plotting.style import GENUINE, GRAY, IMPOSTOR, new_figure, one_axes, styled

_MEASURES = {
    "age_mae": ("age", "mean absolute error (years)", GENUINE),
    "gender_accuracy": ("gender", "share of right answers", IMPOSTOR),
}


@styled
def plot_age(
    probabilities: ArrayLike,
    expected: float,
    interval: tuple[float, float],
    age: float | None = None,
    axes: Any = None,
) -> Any:
    """One face's distribution over years, its mean and its interval.

    Args:
        probabilities: ``(101,)``, of the years 0 to 100.
        expected: the mean.
        interval: its ends, years.
        age: the true age, where it is known.
        axes: where to draw; a new figure when ``None``.

    Returns:
        The figure.
    """
    axes = one_axes(axes, 4.4, 2.4)
    shares = np.asarray(probabilities, float)
    axes.fill_between(range(len(shares)), shares, color=GENUINE, alpha=0.35, linewidth=0)
    low, high = interval
    axes.axvspan(low, high, color=GRAY, alpha=0.15, label=f"interval, {low:.0f} to {high:.0f}")
    axes.axvline(expected, color=GENUINE, label=f"expected, {expected:.1f}")
    if age is not None:
        axes.axvline(age, color=IMPOSTOR, linestyle="--", label=f"true, {age:.0f}")
    axes.set(xlabel="years", ylabel="probability", xlim=(0, len(shares) - 1), ylim=(0, None))
    axes.legend(loc="upper right", fontsize="small")
    return axes.figure


@styled
def plot_group_errors(groups: Mapping[str, Mapping[str, Any]]) -> Any:
    """Errors of age and gender by group, with 95 % intervals.

    Args:
        groups: name to ``n``, ``age_mae``, ``gender_accuracy`` and ``intervals``, as
            ``siamlab attributes evaluate --json`` writes them; drawn from the top.

    Returns:
        The figure, with a panel for each of the two.

    Raises:
        InputError: there are no groups.
    """
    if not groups:
        raise InputError("A chart of groups needs groups. Received: none.")
    figure = new_figure(7.2, 1.2 + 0.24 * len(groups))
    panels = figure.subplots(1, 2, sharey=True)
    for axes, (measure, (title, label, color)) in zip(panels, _MEASURES.items(), strict=True):
        for row, one in enumerate(groups.values()):
            value, ends = one[measure], one["intervals"][measure]
            reach = None if ends is None else [[value - ends[0]], [ends[1] - value]]
            axes.errorbar(value, row, xerr=reach, fmt="o", color=color, capsize=3)
        axes.set(title=title, xlabel=label)
    names = [f"{name} ({one['n']})" for name, one in groups.items()]
    panels[0].set_yticks(range(len(names)), names)
    panels[0].set_ylim(len(names) - 0.5, -0.5)
    return figure

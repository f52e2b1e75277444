"""Attacks as a figure: how often a verdict was turned, against how much was changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from siamlab.errors import InputError
from siamlab.plotting.style import COLORS, one_axes, styled

_MARKS = ("o-", "s--", "^:", "D-.")


@styled
def plot_success(
    rates: Mapping[str, Sequence[Any]], epsilons: Sequence[float], axes: Any = None
) -> Any:
    """Share of verdicts turned, with 95 % intervals.

    Args:
        rates: name of an attack to one :class:`siamlab.assessment.measured.Measured` for each of
            ``epsilons``.
        epsilons: largest change of a pixel, of 255.
        axes: where to draw; a new figure when ``None``.

    Returns:
        The figure.

    Raises:
        InputError: there is nothing to draw, or the numbers of rates differ.
    """
    if not rates or any(len(row) != len(epsilons) for row in rates.values()):
        raise InputError(
            f"Each attack needs {len(epsilons)} rates, and there is at least one attack. Received: "
            f"{ {name: len(row) for name, row in rates.items()} }."
        )
    axes = one_axes(axes, 5.4, 3.2)
    places, colors = range(len(epsilons)), list(COLORS.values())
    for number, (name, row) in enumerate(rates.items()):
        shift = 0.06 * (number - (len(rates) - 1) / 2)
        heights = [one.value for one in row]
        low = [one.value - one.interval.low for one in row]
        high = [one.interval.high - one.value for one in row]
        axes.errorbar(
            [place + shift for place in places], heights, yerr=[low, high], capsize=3, label=name,
            fmt=_MARKS[number % len(_MARKS)], color=colors[number % len(colors)],
        )  # fmt: skip
    axes.set_xticks(places, [f"{epsilon:g}" for epsilon in epsilons])
    axes.set(xlabel="largest change of a pixel (of 255)", ylabel="share of verdicts turned")
    axes.set_ylim(-0.03, 1.03)
    # Above the axes: below, at the right, it hid the interval of an attack that seldom succeeds.
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=len(rates))
    said = [
        f"{name}, {epsilon:g} of 255: {one}"
        for name, row in rates.items()
        for epsilon, one in zip(epsilons, row, strict=True)
    ]
    axes.figure.alt = f"Share of verdicts turned. {'; '.join(said)}."
    return axes.figure

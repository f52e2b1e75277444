"""Errors against refusals: what each limit of a face's quality gives and costs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from siamlab.plotting.style import GENUINE, GRAY, IMPOSTOR, WIDTH, new_figure, styled

_TITLES = {
    "sharpness": "blur",
    "brightness": "little light",
    "burnt": "too much light",
    "contrast": "fog",
}


@styled
def plot_limits(measures: Mapping[str, Mapping[str, Any]]) -> Any:
    """Shares of strangers verified and of clean faces refused, against each measure's limit.

    Args:
        measures: name to ``limit``, ``clean_refused`` and ``verified`` (sequences), ``chosen`` and
            ``refused_above``; see ``benchmarks/quality_limits.py``.

    Returns:
        The figure, a panel for each measure, whose ``alt`` says in words what it shows.
    """
    figure = new_figure(WIDTH, 2.9 * ((len(measures) + 1) // 2))
    cells = figure.subplots((len(measures) + 1) // 2, 2, squeeze=False).ravel()
    for cell, (name, found) in zip(cells, measures.items(), strict=False):
        cell.plot(
            found["limit"], found["verified"], "-", color=IMPOSTOR, label="strangers verified"
        )
        cell.plot(
            found["limit"], found["clean_refused"], "--", color=GENUINE, label="clean faces refused"
        )
        cell.axvline(found["chosen"], color=GRAY, linestyle=":", label="the limit")
        side = "above" if found["refused_above"] else "below"
        cell.set(title=_TITLES.get(name, name), xlabel=f"{name}: refused {side}", ylabel="share")
        cell.legend(framealpha=0.8, frameon=True, edgecolor="none")
    for cell in cells[len(measures) :]:
        cell.remove()
    figure.alt = (
        "Share of strangers verified, and of clean faces refused, against the limit of "
        + (
            ", ".join(f"{name} (chosen: {found['chosen']:g})" for name, found in measures.items())
            + "."
        )
    )
    return figure

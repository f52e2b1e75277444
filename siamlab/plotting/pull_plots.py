"""What a loss does to embeddings, as arrows: where one step of training would move each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from siamlab.errors import InputError
from siamlab.plotting.style import COLORS, WIDTH, new_figure, styled

_INKS = tuple(COLORS[name] for name in ("blue", "vermilion", "green", "black"))
_MARKS = ("o", "s", "^", "D")
_LONGEST = 0.45  # of all arrows of a panel; the circle's radius is 1


@styled
def plot_pulls(points: ArrayLike, labels: ArrayLike, pulls: Mapping[str, ArrayLike]) -> Any:
    """Draw embeddings on the unit circle, a panel for each loss, with an arrow at each.

    Args:
        points: ``(N, 2)`` of length one.
        labels: N names; of four people at most, told apart by color and mark.
        pulls: name of a loss to ``(N, 2)``, the negative gradient at each point. Arrows of one
            panel share a scale, those of two panels do not.

    Returns:
        The figure.

    Raises:
        InputError: the shapes differ, or there are more than four people.
    """
    places, names = np.asarray(points, float), np.asarray(labels)
    kinds = list(dict.fromkeys(names.tolist()))
    steps = {name: np.asarray(pull, float) for name, pull in pulls.items()}
    shapes = {places.shape, *(step.shape for step in steps.values())}
    if shapes != {(len(names), 2)} or len(kinds) > len(_MARKS) or not steps:
        raise InputError(
            f"Points and pulls are (N, 2) for N labels of at most {len(_MARKS)} people. Received: "
            f"{sorted(shapes)} for {len(names)} labels of {len(kinds)} people."
        )
    figure = new_figure(WIDTH, 3.5)
    panels = figure.subplots(1, len(steps), squeeze=False)[0]
    for panel, (title, step) in zip(panels, steps.items(), strict=True):
        _circle(panel, title)
        longest = np.linalg.norm(step, axis=1).max()
        for number, kind in enumerate(kinds):
            own = names == kind
            ink = _INKS[number]
            panel.scatter(*places[own].T, color=ink, marker=_MARKS[number], s=42, label=str(kind))
            look = {"arrowstyle": "->", "color": ink, "lw": 1.6}
            for place, move in zip(places[own], step[own] * _LONGEST / (longest or 1), strict=True):
                panel.annotate("", place + move, place, arrowprops=look)
    panels[0].legend(loc="center")
    said = [
        f"{title} leaves {np.sum(np.linalg.norm(step, axis=1) < 1e-6)} of {len(names)} at rest"
        for title, step in steps.items()
    ]
    figure.alt = f"Embeddings on a circle, and where each loss moves them: {'; '.join(said)}."
    return figure


def _circle(panel: Any, title: str) -> None:
    turn = np.linspace(0, 2 * np.pi, 200)
    panel.plot(np.cos(turn), np.sin(turn), color="#BBBBBB", linewidth=0.8)
    panel.set(title=title, xlim=(-1.4, 1.4), ylim=(-1.4, 1.4), xticks=[], yticks=[], aspect="equal")
    panel.grid(False)
    for side in ("left", "bottom"):
        panel.spines[side].set_visible(False)

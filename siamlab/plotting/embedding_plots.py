"""Embeddings in two dimensions, N-way accuracy, and baselines as figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from siamlab.errors import InputError
from siamlab.evaluation import Evaluation, Interval
from siamlab.evaluation.rates import format_rate
from siamlab.plotting.style import COLORS, GENUINE, GRAY, new_figure, one_axes, styled

# Yellow is too pale for letters on white.
_INKS = [color for name, color in COLORS.items() if name != "yellow"]
_SHAPES = ("o", "s", "^", "D", "v", "P")
_SIDES = ((5, 3), (-5, 3), (5, -3), (-5, -3))  # of a point, for its name
_TITLES = {"auc": "area under the ROC curve", "accuracy": "accuracy", "eer": "equal error rate"}


@styled
def plot_map(places: ArrayLike, labels: Sequence[str], most: int = 14, axes: Any = None) -> Any:
    """Embeddings in two dimensions, the classes with most images in color and with a name.

    Classes differ in color and shape, and their names stand at the points, so that color alone
    carries no information.

    Args:
        places: ``(N, 2)``, such as :func:`siamlab.study.embedding_map.tsne_map` returns.
        labels: N names.
        most: number of classes in color; the others are small gray points.
        axes: where to draw.

    Returns:
        The figure.

    Raises:
        InputError: not one label for each place.
    """
    points, names = np.asarray(places, float), np.asarray(labels)
    if points.ndim != 2 or points.shape[1:] != (2,) or len(points) != len(names) or not len(names):
        raise InputError(
            f"A map takes places (N, 2) and N labels. Received: {points.shape}, {len(names)}."
        )
    axes = one_axes(axes, 7.2, 5.6)
    kinds, counts = np.unique(names, return_counts=True)
    named = kinds[np.argsort(-counts, kind="stable")][:most]
    rest = ~np.isin(names, named)
    axes.scatter(*points[rest].T, s=6, color="#BBBBBB", linewidths=0)
    groups: dict[str, tuple[np.ndarray, str]] = {}
    for number, name in enumerate(named):
        own = points[names == name]
        color = _INKS[number % len(_INKS)]
        shape = _SHAPES[number // len(_INKS) % len(_SHAPES)]
        axes.scatter(*own.T, s=22, color=color, marker=shape, linewidths=0, alpha=0.85)
        groups[str(name).replace("_", " ")] = (own, color)
    axes.set(title="Embeddings as a map", xticks=[], yticks=[])
    axes.set_xlabel("similar images lie together; distances between groups mean little")
    axes.grid(False)
    _write_names(axes, groups)
    axes.figure.alt = (
        f"A map of {len(points)} embeddings of {len(kinds)} classes; those with most images are "
        f"named: {', '.join(map(str, named))}."
    )
    return axes.figure


def _write_names(axes: Any, groups: Mapping[str, tuple[np.ndarray, str]]) -> None:
    """Write each class's name beside one of its points, away from other names and points."""
    axes.figure.draw_without_rendering()  # the layout decides where points are on the paper
    spots = axes.transData.transform(np.concatenate([own for own, _ in groups.values()]))
    names: list[Any] = []
    for text, (own, color) in groups.items():
        note = axes.annotate(
            text, own[0], _SIDES[0], textcoords="offset points", fontsize=8, color=color,
            bbox={"boxstyle": "round,pad=0.1", "facecolor": "white", "alpha": 0.5, "linewidth": 0},
            weight="bold", annotation_clip=False,
        )  # fmt: skip
        names.append(_move_name(note, own, names, spots))


def _move_name(note: Any, own: np.ndarray, names: list[Any], spots: np.ndarray) -> Any:
    """Move a name to where it covers least, near the median of its points; returns its box."""

    def beside(place: np.ndarray, side: tuple[int, int]) -> Any:
        note.xy = place
        note.set(position=side, ha="left" if side[0] > 0 else "right")
        note.set_va("bottom" if side[1] > 0 else "top")
        return note.get_window_extent()

    def covered(choice: tuple[np.ndarray, tuple[int, int]]) -> tuple[int, int]:
        box = beside(*choice)
        return box.count_overlaps(names), box.count_contains(spots)

    from_median = np.square(own - np.median(own, axis=0)).sum(axis=1)
    near = own[np.argsort(from_median, kind="stable")]
    return beside(*min(((place, side) for place in near for side in _SIDES), key=covered))


@styled
def plot_oneshot(results: Mapping[str, Sequence[Any]], title: str = "") -> Any:
    """N-way one-shot accuracy: a panel for each N, a row for each method, guessing dotted.

    Args:
        results: method to its results (``siamlab.study.oneshot.OneShot``), all for the same N.
        title: of the figure.

    Returns:
        The figure; bars are 95 % intervals over classes.

    Raises:
        InputError: no results, or methods with different N.
    """
    ways = {tuple(one.ways for one in rows) for rows in results.values()}
    if len(ways) != 1 or ways == {()}:
        raise InputError("A chart needs methods measured at the same N. Received: "
                         f"{sorted(ways) or 'none'}.")  # fmt: skip
    columns = next(iter(ways))
    panels = _panels(len(columns), len(results))
    said = []
    for number, (panel, way) in enumerate(zip(panels, columns, strict=True)):
        values = {}
        for name, rows in results.items():
            interval = rows[number].by_class
            values[name] = (rows[number].accuracy, *(interval or (None, None)))
        _dots(panel, values)
        panel.axvline(1 / way, linestyle=":", color=GRAY)
        panel.annotate("guessing", (1 / way, 1), (3, -2), xycoords=("data", "axes fraction"),
                       textcoords="offset points", va="top", fontsize=8, color=GRAY)  # fmt: skip
        panel.set(xlim=(0, 1.02), title=f"{way}-way", xlabel="share of right answers")
        said.append(f"{way}-way, guessing {1 / way:.2f}: {_in_words(values)}")
    panels[0].figure.alt = f"Share of right answers. {'. '.join(said)}."
    if title:
        panels[0].figure.suptitle(title, x=0.01, ha="left", weight="bold", fontsize=11)
    return panels[0].figure


@styled
def plot_baselines(
    results: Mapping[str, Evaluation | Mapping[str, Any]],
    statistics: Sequence[str] = ("auc", "accuracy"),
) -> Any:
    """Methods on the same pairs: a panel for each statistic, a row for each method.

    Args:
        results: name to evaluation, or to the result of its ``to_dict``.
        statistics: any of ``auc``, ``accuracy``, ``eer``.

    Returns:
        The figure; bars are 95 % intervals over people.

    Raises:
        InputError: no results, or an unknown statistic.
    """
    if not results or not statistics or not set(statistics) <= set(_TITLES):
        raise InputError(
            f"A chart needs results and statistics out of {', '.join(_TITLES)}. Received: "
            f"{len(results)} results, {', '.join(statistics) or 'none'}."
        )
    rows = {
        name: result.to_dict() if isinstance(result, Evaluation) else result
        for name, result in results.items()
    }
    panels = _panels(len(statistics), len(rows))
    said = []
    for panel, statistic in zip(panels, statistics, strict=True):
        values = {
            name: (row[statistic], *(row["intervals"].get(statistic) or (None, None)))
            for name, row in rows.items()
        }
        _dots(panel, values)
        panel.axvline(0.5, linestyle=":", color=GRAY)
        # One scale for all statistics: from guessing to perfect.
        low, high = (-0.02, 0.52) if statistic == "eer" else (0.48, 1.02)
        shown = [float(end) for row in values.values() for end in row if end is not None]
        panel.set_xlim(min([low, *shown]), max([high, *shown]))
        panel.set(title=_TITLES[statistic], xlabel="0.5 is guessing; bars: 95 % interval")
        said.append(f"{_TITLES[statistic]}: {_in_words(values)}")
    panels[0].figure.alt = f"Methods side by side, {', and '.join(said)}."
    return panels[0].figure


def _panels(columns: int, rows: int) -> Any:
    figure = new_figure(1.6 + 3.6 * columns, 1.3 + 0.36 * rows)
    return figure.subplots(1, columns, sharey=True, squeeze=False)[0]


def _in_words(values: Mapping[str, tuple[Any, Any, Any]]) -> str:
    """Names and values with their intervals, for a figure's ``alt``."""
    return "; ".join(
        f"{name} {format_rate(value, None if low is None else Interval(low, high))}"
        for name, (value, low, high) in values.items()
    )


def _dots(panel: Any, values: Mapping[str, tuple[Any, Any, Any]]) -> None:
    """A dot with its interval and its value for each name, the first on top."""
    for row, (value, low, high) in enumerate(values.values()):
        if value is None:
            continue
        if low is not None:
            panel.plot([low, high], [row, row], color=GENUINE, linewidth=1.5)
        panel.plot([value], [row], "o", color=GENUINE)
        panel.annotate(f"{value:.3f}", (value, row), (0, 5), textcoords="offset points",
                       ha="center", fontsize=8)  # fmt: skip
    panel.set_yticks(range(len(values)), list(values))
    panel.set_ylim(len(values) - 0.5, -0.7)

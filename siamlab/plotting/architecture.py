"""The architecture of a Siamese model as a figure: two equal towers joined by a distance."""

from __future__ import annotations

import math
import textwrap
from itertools import pairwise
from typing import Any

from matplotlib.colors import to_rgb
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Polygon

from siamlab.errors import InputError
from siamlab.plotting.network_steps import (
    Step,
    by_times,
    embeds_mirror_image,
    network_steps,
)
from siamlab.plotting.style import COLORS, GRAY, WIDTH, canvas, styled

_FACES = {
    "input": "#9A9A9A",
    "conv": COLORS["blue"],
    "block": COLORS["blue"],
    "pool": COLORS["sky"],
    "dense": COLORS["orange"],
    "other": COLORS["pink"],
}
_DISTANCE, _HEAD = COLORS["green"], COLORS["vermilion"]
_TOWER, _GAP, _LINE = 1.15, 0.3, 0.175  # inches: height of a tower, between them, a line of text
_LEFT, _RIGHT = 0.72, 0.12
_ROWS = ("layer", "kernel", "channels", "with", "output", "weights")
_ARROW: dict[str, Any] = {
    "arrowstyle": "-|>", "mutation_scale": 7, "color": GRAY, "linewidth": 0.9,
}  # fmt: skip
# A distance layer's class to its name and its formula.
_DISTANCES = {"L1Distance": ("L1 distance", "|a − b|"), "SquaredDistance": ("squared", "(a − b)²")}


@styled
def draw_architecture(model: Any) -> Any:
    """Draw a Siamese network: its layers, their kernels, output shapes and weights.

    A slab has the height and depth of the feature map, on a compressed scale, and a thickness that
    grows with the channels; a bar is a vector; an arc is the shortcut of a residual block.

    Args:
        model: a Siamese model with ``embedding``, ``distance`` and ``head``.

    Returns:
        The figure.

    Raises:
        InputError: another kind of model.
    """
    check_siamese(model)
    steps = network_steps(model.embedding)
    columns = len(steps) + 2
    width = max(WIDTH, _LEFT + _RIGHT + 0.72 * columns)
    pitch = (width - _LEFT - _RIGHT) / columns
    cells = _cells(steps, model, int(pitch / 0.057))
    lines = [1 + 0.7 * max(cell.count("\n") for cell in row) for row in cells]
    table = _LINE * (sum(lines) + 0.75)
    height = table + _LINE * 0.35 + 2 * _TOWER + _GAP + 0.42
    figure, axes = canvas(width, height)
    centers = [_LEFT + pitch * (place + 0.5) for place in range(columns)]
    low = table + _LINE * 0.35 + _TOWER / 2
    levels = (low + _TOWER + _GAP, low)
    _title(axes, model, height)
    for level, name in zip(levels, ("anchor", "other"), strict=True):
        _tower(axes, steps, centers, level, pitch, name)
    _shared(axes, steps, centers, levels)
    _join(axes, centers, levels, distance_names(model.distance)[1])
    _table(axes, cells, lines, centers)
    figure.alt = (
        f"Two equal towers, {', '.join(step.name for step in steps)}, with shared weights; "
        f"then {distance_names(model.distance)[1]} and one sigmoid unit. Below, a table of layers."
    )
    return figure


def check_siamese(model: Any) -> None:
    """Refuse a model that is not Siamese.

    Raises:
        InputError: an attribute is missing.
    """
    missing = [name for name in ("embedding", "distance", "head") if not hasattr(model, name)]
    if missing:
        raise InputError(
            f"The figure needs a Siamese model (siamlab.build_siamese). Received: "
            f"{type(model).__name__} without {', '.join(missing)}."
        )


def distance_names(distance: Any) -> tuple[str, str]:
    """Name and formula of a distance layer."""
    name = type(distance).__name__
    return _DISTANCES.get(name, (name, "d(a, b)"))


def _title(axes: Any, model: Any, height: float) -> None:
    total = model.count_params()
    text = f"Two towers, one set of weights: {total:,} in all"
    if embeds_mirror_image(model.embedding):
        right = axes.get_xlim()[1] - 0.1
        extra = "embeds each image with its mirror image and averages both"
        axes.text(right, height - 0.2, extra, fontsize=8, color=GRAY, ha="right", va="center")
    axes.text(_LEFT, height - 0.2, text, fontsize=10, fontweight="bold", va="center")


def _tower(
    axes: Any, steps: tuple[Step, ...], centers: list[float], level: float, pitch: float, name: str
) -> None:
    axes.text(_LEFT - 0.08, level, name, ha="right", va="center", fontweight="bold")
    largest = max(step.shape[0] for step in steps if len(step.shape) == 3)
    reaches = []
    for step, center in zip(steps, centers, strict=False):
        reaches.append(_slab(axes, step, center, level, pitch, largest))
    for (_, start), (end, _) in pairwise(reaches):
        _arrow(axes, (start + 0.01, level), (end - 0.01, level))


def _slab(
    axes: Any, step: Step, center: float, level: float, pitch: float, largest: int
) -> tuple[float, float]:
    """Draw one step and return its left and right edge at mid height."""
    color = _FACES[step.kind]
    if len(step.shape) != 3:
        half = 0.06
        _bar(axes, center, level, half, facecolor=color, linewidth=0.8)
        return center - half, center + half
    tall = 0.82 * (step.shape[0] / largest) ** 0.6
    slant = 0.32 * tall
    thick = min(0.022 + 0.027 * math.log2(step.channels), 0.9 * pitch - slant - 0.12)
    left, bottom = center - (thick + slant) / 2, level - (tall + slant) / 2
    _box(axes, left, bottom, thick, tall, slant, color)
    if step.kind == "block":  # the shortcut over it
        reach, top = (thick + slant) / 2 + 0.1, bottom + tall + slant - 0.02
        ends = (center - reach, top), (center + reach, top)
        axes.add_patch(FancyArrowPatch(*ends, connectionstyle="arc3,rad=-0.45", **_ARROW))
    return left, left + thick + slant


def _bar(axes: Any, center: float, level: float, half: float, **look: Any) -> None:
    """A vector, ``2 * half`` wide."""
    corner, style = (center - half, level - 0.45), "round,pad=0,rounding_size=0.03"
    axes.add_patch(FancyBboxPatch(corner, 2 * half, 0.9, boxstyle=style, edgecolor="white", **look))


def _box(
    axes: Any, left: float, bottom: float, thick: float, tall: float, slant: float, color: str
) -> None:
    """A slab seen from the side, in oblique projection: front, top, and the map itself."""
    right, top = left + thick, bottom + tall
    back_right, back_low, back_top = right + slant, bottom + slant, top + slant
    faces = (
        ([(left, bottom), (right, bottom), (right, top), (left, top)], 1.0),
        ([(left, top), (right, top), (back_right, back_top), (left + slant, back_top)], 0.75),
        ([(right, bottom), (back_right, back_low), (back_right, back_top), (right, top)], 0.5),
    )
    for corners, strength in faces:
        patch = Polygon(corners, closed=True, edgecolor="white", linewidth=0.7)
        patch.set_facecolor([1 - strength * (1 - part) for part in to_rgb(color)])  # with white
        axes.add_patch(patch)


def _arrow(axes: Any, start: tuple[float, float], end: tuple[float, float]) -> None:
    axes.add_patch(FancyArrowPatch(start, end, shrinkA=0, shrinkB=0, **_ARROW))


def _shared(
    axes: Any, steps: tuple[Step, ...], centers: list[float], levels: tuple[float, float]
) -> None:
    """Dotted lines between the towers at each step that has weights."""
    middle = sum(levels) / 2
    weighted = [center for step, center in zip(steps, centers, strict=False) if step.weights]
    if not weighted:
        return
    axes.plot(weighted[:1] + weighted[-1:], [middle] * 2, ":", color=GRAY, linewidth=1)
    for center in weighted:
        axes.plot([center] * 2, [middle - 0.09, middle + 0.09], color=GRAY, linewidth=1)
    label = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
    half = len(weighted) // 2
    place = (weighted[half - 1] + weighted[half]) / 2 if half else weighted[0]
    axes.text(place, middle, "same weights", ha="center", va="center", color=GRAY, bbox=label,
              fontsize=8)  # fmt: skip


def _join(axes: Any, centers: list[float], levels: tuple[float, float], formula: str) -> None:
    """Both embeddings into the distance, and the distance into the sigmoid unit."""
    middle = sum(levels) / 2
    last, distance, head = centers[-3:]
    for level in levels:
        side = 1 if level > middle else -1
        _arrow(axes, (last + 0.08, level), (distance - 0.06, middle + side * 0.36))
    half = 0.08
    _bar(axes, distance, middle, half, facecolor=_DISTANCE)
    axes.text(distance, middle + 0.56, formula, ha="center", va="center")
    _arrow(axes, (distance + half + 0.01, middle), (head - 0.17, middle))
    axes.plot([head], [middle], "o", markersize=23, color=_HEAD)
    axes.text(head, middle, "σ", ha="center", va="center", color="white", fontsize=12)
    axes.text(head, middle + 0.34, "probability", ha="center", va="center", fontsize=8)
    axes.text(head, middle - 0.34, "same person", ha="center", va="center", fontsize=8)


def _cells(steps: tuple[Step, ...], model: Any, letters: int) -> list[list[str]]:
    """Text of the table's rows and columns, wrapped after ``letters``."""
    columns = [
        (
            step.name,
            step.kernel,
            "" if step.kind == "pool" else str(step.channels),
            step.then,
            by_times(step.shape),
            _count(step.weights),
        )
        for step in steps
    ]
    units, name = str(steps[-1].shape[-1]), distance_names(model.distance)[0]
    columns.append((name, "", "", "", units, _count(model.distance.count_params())))
    columns.append(("dense", "", "1", "sigmoid", "1", _count(model.head.count_params())))
    rows = zip(*columns, strict=True)
    return [[textwrap.fill(cell, letters, break_long_words=False) for cell in row] for row in rows]


def _table(axes: Any, cells: list[list[str]], lines: list[float], centers: list[float]) -> None:
    """The table under the towers, a column for each step."""
    level = _LINE * (sum(lines) + 0.75)
    axes.axhline(level, color="#CCCCCC", linewidth=0.7)
    level -= 0.9 * _LINE
    for title, row, high in zip(_ROWS, cells, lines, strict=True):
        axes.text(0.06, level, title, va="baseline", color=GRAY, fontsize=7.5)
        weight = "bold" if title == "layer" else "normal"
        for center, cell in zip(centers, row, strict=True):
            for number, line in enumerate(cell.split("\n")):
                place = level - 0.7 * _LINE * number
                look = {"ha": "center", "va": "baseline", "fontsize": 7.5, "fontweight": weight}
                axes.text(center, place, line, **look)
        level -= _LINE * high


def _count(weights: int) -> str:
    return f"{weights:,}" if weights else "–"

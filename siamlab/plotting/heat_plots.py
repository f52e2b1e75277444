"""Two faces side by side, each with a heat map of where their distance comes from."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np
from matplotlib.colors import LinearSegmentedColormap

from siamlab.errors import InputError
from siamlab.plotting.style import GENUINE, IMPOSTOR, new_figure, pixels, styled

_COLORS = LinearSegmentedColormap.from_list("heat", [GENUINE, "white", IMPOSTOR])
_STRONGEST = 0.75  # the face stays visible under the warmest place
_SIZE = 6.4, 4.6  # inches; its words can still be read where a page is half as wide as a notebook's
_LETTERS = 66  # of a title in a line


@styled
def plot_heat(
    images: tuple[np.ndarray, np.ndarray],
    heats: tuple[np.ndarray, np.ndarray] | None = None,
    title: str = "",
    names: tuple[str, str] = ("first", "second"),
) -> Any:
    """Show two images large, and where their distance comes from.

    Args:
        images: RGB ``(H, W, 3)``, uint8 or float in [0, 1].
        heats: a map ``(H, W)`` for each (:class:`~siamlab.evaluation.occlusion_map.OcclusionMap`);
            ``None`` shows the images alone.
        title: of the figure.
        names: of the images.

    Returns:
        The figure, whose ``alt`` says in words what it shows.

    Raises:
        InputError: a map is not of its image's size.
    """
    figure = new_figure(*_SIZE)
    cells = figure.subplots(1, 2)
    for cell, image, name in zip(cells, images, names, strict=True):
        cell.imshow(pixels(image))
        cell.set_title(name, loc="center")
        cell.axis("off")
    figure.suptitle(textwrap.fill(title, _LETTERS), fontweight="bold")
    figure.alt = f"Two faces side by side, {names[0]} and {names[1]}."
    figure.alt += f" {title}." if title else ""
    if heats is None:
        return figure
    largest = max(float(np.abs(heat).max()) for heat in heats) or 1.0
    for cell, image, heat in zip(cells, images, heats, strict=True):
        if heat.shape != image.shape[:2]:
            raise InputError(
                f"A map has its image's size {image.shape[:2]}. Received: {heat.shape}."
            )
        strength = _STRONGEST * np.abs(heat) / largest
        shown = cell.imshow(heat, cmap=_COLORS, vmin=-largest, vmax=largest, alpha=strength)
    bar = figure.colorbar(shown, ax=cells, location="bottom", shrink=0.6, aspect=30)
    bar.set_label("makes alike   |   drives apart")
    bar.set_ticks([0])
    figure.alt += "".join(
        f" Of {name}, the {_strongest(heat)} most."
        for name, heat in zip(names, heats, strict=True)
        if heat.any()
    )
    return figure


def _strongest(heat: np.ndarray) -> str:
    """Where the map is strongest, and what the place does, in words."""
    strength = np.abs(heat)
    strongest = strength == strength.max()
    row, column = (3 * np.argwhere(strongest).mean(axis=0) / heat.shape).astype(int)
    words = [("top", "middle", "bottom")[row], ("left", "middle", "right")[column]]
    effect = "drives them apart" if heat[strongest].mean() > 0 else "makes them alike"
    return f"{' '.join(dict.fromkeys(words))} {effect}"

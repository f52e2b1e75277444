"""One style for all figures, and saving them: equal figures give equal files, byte for byte."""

from __future__ import annotations

import functools
import io
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import matplotlib
import numpy as np
from cycler import cycler
from matplotlib.figure import Figure

from siamlab.errors import InputError
from siamlab.system.files import whole_file

# Okabe and Ito 2008, "Color universal design": distinct for all common types of color vision.
COLORS = {
    "blue": "#0072B2",
    "vermilion": "#D55E00",
    "green": "#009E73",
    "pink": "#CC79A7",
    "orange": "#E69F00",
    "sky": "#56B4E9",
    "yellow": "#F0E442",
    "black": "#000000",
}
GRAY = "#6B6B6B"
GENUINE, IMPOSTOR = COLORS["blue"], COLORS["vermilion"]
RIGHT, WRONG = COLORS["green"], COLORS["vermilion"]
WIDTH = 9.6  # inches: about a notebook's column at DPI
DPI = 100

_SETTINGS: dict[str, Any] = {
    "figure.dpi": DPI,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "font.family": "DejaVu Sans",  # comes with matplotlib, so figures are the same everywhere
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#DDDDDD",
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.8,
    "lines.markersize": 5,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "image.interpolation": "nearest",
    "axes.prop_cycle": cycler(color=list(COLORS.values())),
}

Args = ParamSpec("Args")
Result = TypeVar("Result")


class Picture(Figure):
    """A matplotlib figure outside pyplot that a notebook displays by itself.

    A notebook shows a plain ``Figure`` as text until something imports pyplot, and one made with
    pyplot twice when it is also a cell's last value.

    Attributes:
        alt: what it shows, in words, for readers who do not see it.
    """

    alt = ""

    def to_png(self) -> bytes:
        """The figure as a PNG file."""
        buffer = io.BytesIO()
        self.savefig(buffer, format="png", metadata={"Software": None})
        return buffer.getvalue()

    def _repr_png_(self) -> bytes | tuple[bytes, dict[str, str]]:
        return (self.to_png(), {"alt": self.alt}) if self.alt else self.to_png()


def style() -> AbstractContextManager[None]:
    """The style as a context manager, which changes nothing outside.

    Example:
        ```python
        with style():
            figure = new_figure(6, 3)
            figure.subplots().plot([1, 2, 3])
        ```
    """
    return matplotlib.rc_context(_SETTINGS)


def styled(draw: Callable[Args, Result]) -> Callable[Args, Result]:
    """Decorate a function so that it draws in the style."""

    @functools.wraps(draw)
    def inner(*args: Args.args, **kwargs: Args.kwargs) -> Result:
        with style():
            return draw(*args, **kwargs)

    return inner


def new_figure(width: float = WIDTH, height: float = 3.2, layout: Any = "constrained") -> Any:
    """An empty ``Picture``.

    Args:
        width: in inches; a notebook is 9.6 wide.
        height: in inches.
        layout: matplotlib's layout engine; ``None`` for axes placed by hand.
    """
    return Picture(figsize=(width, height), dpi=DPI, layout=layout)


def canvas(width: float, height: float) -> tuple[Any, Any]:
    """A figure and axes that fill it with inches as units, for diagrams."""
    figure = new_figure(width, height, layout=None)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(0, height))
    axes.axis("off")
    return figure, axes


def save_figure(figure: Any, name: str, folder: Path | str) -> tuple[Path, Path]:
    """Save a figure as ``name.svg`` and ``name.png``; an equal figure gives equal files.

    Args:
        figure: what a function of this package returned, or any matplotlib figure.
        name: file name without a suffix.
        folder: created when it is missing.

    Returns:
        The paths of the SVG and of the PNG file.

    Raises:
        InputError: the name has a slash or is empty.
        StorageError: the files cannot be written.
    """
    if not name or "/" in name or "\\" in name:
        raise InputError(f"A figure's name is a file name without a folder. Received: {name!r}.")
    folder = Path(folder)
    paths = (folder / f"{name}.svg", folder / f"{name}.png")
    # A fixed salt for the ids and no date keep the bytes the same.
    with style(), matplotlib.rc_context({"svg.hashsalt": "siamlab"}):
        with whole_file(paths[0]) as part:
            figure.savefig(part, format="svg", metadata={"Date": None, "Creator": None})
        with whole_file(paths[1]) as part:
            figure.savefig(part, format="png", dpi=2 * DPI, metadata={"Software": None})
    return paths


def pixels(image: np.ndarray, name: str = "image") -> np.ndarray:
    """An image as matplotlib shows it unchanged.

    Args:
        image: RGB ``(H, W, 3)`` or gray ``(H, W)``; uint8, or float in [0, 1].
        name: for the error message.

    Returns:
        uint8 ``(H, W, 3)``.

    Raises:
        InputError: another shape, or floats outside [0, 1].
    """
    array = np.asarray(image)
    if array.ndim == 2:
        array = np.repeat(array[..., None], 3, axis=2)
    if array.ndim != 3 or array.shape[2] != 3 or array.size == 0:
        raise InputError(f"{name} has the shape (H, W, 3). Received: {np.shape(image)}.")
    if array.dtype == np.uint8:
        return array
    if not (array.min() >= 0 and array.max() <= 1):
        raise InputError(
            f"{name} is uint8, or float in [0, 1]. Received: {array.dtype} from {array.min():g} "
            f"to {array.max():g}."
        )
    return np.round(array * 255).astype(np.uint8)


def format_seconds(seconds: float) -> str:
    """A duration as text: ``90 s``, ``3.0 min``."""
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.1f} min"


def one_axes(axes: Any, width: float, height: float) -> Any:
    """The given axes, or those of a new figure."""
    return new_figure(width, height).subplots() if axes is None else axes

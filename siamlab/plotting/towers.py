"""One pair in the two towers: activations and shapes, embeddings, distance, probability."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from siamlab.errors import InputError
from siamlab.plotting.architecture import check_siamese, distance_names
from siamlab.plotting.network_steps import Step, by_times, core_network, network_steps
from siamlab.plotting.style import GENUINE, GRAY, WIDTH, new_figure, pixels, styled

_TOP, _BOTTOM, _LEFT, _RIGHT = 0.5, 0.42, 0.62, 0.1
_SPACE = 0.12  # inches between the columns
_MAPS = 4  # feature maps shown of each step, two by two


@styled
def draw_towers(model: Any, anchor: np.ndarray, other: np.ndarray) -> Any:
    """Draw the activations of one pair in the two towers.

    Each step shows the four channels that vary most, the same in both towers and on one scale,
    so that equal parts look equal. A vector fills a square row by row.

    Args:
        model: a Siamese model with ``embedding``, ``distance`` and ``head``.
        anchor: ``(H, W, 3)`` of the model's input size, uint8 or float in [0, 1].
        other: the image to compare with, of the same shape and type.

    Returns:
        The figure.

    Raises:
        InputError: another kind of model, or an image of another size.
    """
    check_siamese(model)
    expected = tuple(model.embedding.input_shape[1:])
    images = [pixels(image, name) for image, name in ((anchor, "anchor"), (other, "other"))]
    for image, name in zip(images, ("anchor", "other"), strict=True):
        if image.shape != expected:
            raise InputError(f"{name} has the shape {expected}. Received: {image.shape}.")
    batch = np.stack(images).astype(np.float32) / np.float32(255)
    steps = network_steps(model.embedding)
    maps = _activations(model.embedding, steps, batch)
    codes = model.embed(batch)
    probability = float(model.score_pairs(codes[:1], codes[1:])[0])
    difference = np.asarray(model.distance(codes[:1], codes[1:]))[0]
    name = distance_names(model.distance)[1]
    return _draw(steps, images, maps, codes, (name, difference), probability)


def _activations(embedding: Any, steps: tuple[Step, ...], batch: np.ndarray) -> list[np.ndarray]:
    """The output of each step but the input, float32 ``(2, …)``."""
    import keras

    core = core_network(embedding)
    probe = keras.Model(core.inputs[0], [step.layer.output for step in steps[1:]])
    # Called eagerly: compiling a function for one call would take longer, and warn.
    outputs = probe(batch, training=False)
    outputs = outputs if isinstance(outputs, list | tuple) else [outputs]
    return [np.asarray(output) for output in outputs]


def _draw(
    steps: tuple[Step, ...],
    images: list[np.ndarray],
    maps: list[np.ndarray],
    codes: np.ndarray,
    difference: tuple[str, np.ndarray],
    probability: float,
) -> Any:
    shown = [step for step in steps[1:] if len(step.shape) == 3]
    columns = len(shown) + 3  # the input, the embedding, the difference
    gauge = 0.75
    side = (WIDTH - _LEFT - _RIGHT - gauge - _SPACE * columns) / columns
    height = _TOP + _BOTTOM + 2 * side + 0.3
    figure = new_figure(WIDTH, height, layout=None)
    levels = (_BOTTOM + side + 0.3, _BOTTOM)

    def panel(column: float, level: float) -> Any:
        left = _LEFT + column * (side + _SPACE)
        axes = figure.add_axes((left / WIDTH, level / height, side / WIDTH, side / height))
        axes.set(xticks=[], yticks=[])
        for spine in axes.spines.values():
            spine.set(visible=True, color="#BBBBBB", linewidth=0.6)
        axes.grid(False)
        return axes

    for row, name in enumerate(("anchor", "other")):
        middle = (levels[row] + side / 2) / height
        figure.text(0.06 / WIDTH, middle, name, va="center", fontweight="bold")
        panel(0, levels[row]).imshow(images[row])
    for column, step in enumerate(shown, 1):
        values = maps[steps.index(step) - 1]
        for row, grid in enumerate(_montages(values)):
            panel(column, levels[row]).imshow(grid, cmap="viridis", vmin=0, vmax=1)
    _vectors(panel, codes, difference, len(shown) + 1, levels)
    titles = ["input", *(step.name for step in shown), "embedding", difference[0]]
    sizes = [steps[0].shape, *(step.shape for step in shown), codes.shape[1:], codes.shape[1:]]
    for column, (title, size) in enumerate(zip(titles, sizes, strict=True)):
        center = (_LEFT + column * (side + _SPACE) + side / 2) / WIDTH
        figure.text(center, 1 - 0.33 / height, title, ha="center", fontweight="bold", fontsize=8)
        figure.text(center, 0.22 / height, by_times(size), ha="center", fontsize=7.5)
    figure.text(0.06 / WIDTH, 0.22 / height, "shape", color=GRAY, fontsize=7.5)
    place = (WIDTH - _RIGHT - gauge + 0.28) / WIDTH
    _gauge(figure.add_axes((place, levels[1] / height, 0.16 / WIDTH, (2 * side + 0.3) / height)),
           probability)  # fmt: skip
    figure.alt = (
        f"Two images, one above the other, through the same steps: {', '.join(titles[1:-1])}. "
        f"Then {titles[-1]} of both, and the probability of the same person, {probability:.2f}."
    )
    return figure


def _montages(values: np.ndarray) -> list[np.ndarray]:
    """For each tower a montage in [0, 1] of the channels that vary most in both."""
    spread = values.std(axis=(1, 2)).min(axis=0)
    chosen = np.argsort(-spread, kind="stable")[:_MAPS]
    part = values[..., np.sort(chosen)]
    low, high = part.min(axis=(0, 1, 2)), part.max(axis=(0, 1, 2))
    part = (part - low) / np.where(high > low, high - low, 1)
    return [_montage(tower) for tower in part]


def _montage(maps: np.ndarray) -> np.ndarray:
    """Four channels of ``(h, w, n)`` in a square, with white (NaN) lines between them."""
    times = math.ceil(40 / maps.shape[0])  # keeps the lines between small maps thin
    maps = maps.repeat(times, axis=0).repeat(times, axis=1)
    height, width, count = maps.shape
    if count < _MAPS:
        return maps[..., 0]
    gap = max(1, round(height / 20))
    sheet = np.full((2 * height + gap, 2 * width + gap), np.nan)
    for number in range(_MAPS):
        top, left = (number // 2) * (height + gap), (number % 2) * (width + gap)
        sheet[top : top + height, left : left + width] = maps[..., number]
    return sheet


def _square(vector: np.ndarray) -> np.ndarray:
    """A vector row by row in a square, padded with NaN."""
    side = math.ceil(math.sqrt(len(vector)))
    sheet = np.full(side * side, np.nan)
    sheet[: len(vector)] = vector
    return sheet.reshape(side, side)


def _vectors(
    panel: Any,
    codes: np.ndarray,
    difference: tuple[str, np.ndarray],
    column: int,
    levels: tuple[float, float],
) -> None:
    """Both embeddings on one scale, and their distance, dark where they are equal."""
    # Quantiles, so that a few large values do not darken all others.
    scale = {"vmin": np.quantile(codes, 0.01), "vmax": np.quantile(codes, 0.99)}
    for row in range(2):
        panel(column, levels[row]).imshow(_square(codes[row]), cmap="viridis", **scale)
    # White is half of the embeddings' range for every pair, so that closer pairs look darker.
    most = 0.5 * float(scale["vmax"] - scale["vmin"])
    most = most**2 if "²" in difference[0] else most
    sheet = _square(difference[1])
    panel(column + 1, sum(levels) / 2).imshow(sheet, cmap="magma", vmin=0, vmax=max(most, 1e-12))


def _gauge(axes: Any, probability: float) -> None:
    axes.bar([0], [probability], width=1, color=GENUINE)
    axes.set(xlim=(-0.5, 0.5), ylim=(0, 1), xticks=[], yticks=[0, 0.5, 1])
    axes.tick_params(labelsize=7)
    axes.grid(False)
    for spine in axes.spines.values():
        spine.set(visible=True, color="#BBBBBB", linewidth=0.6)
    axes.set_title("same\nperson", fontsize=8, loc="center", pad=8)
    axes.set_xlabel(f"{probability:.2f}", fontsize=9, fontweight="bold", labelpad=4)

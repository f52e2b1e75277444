"""Grids of images, pairs with their decisions, and one verification as figures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike

from siamlab.data.pairs import PairSet
from siamlab.errors import InputError
from siamlab.images.decode import read_image
from siamlab.plotting.style import (
    GENUINE,
    GRAY,
    IMPOSTOR,
    RIGHT,
    WIDTH,
    WRONG,
    new_figure,
    pixels,
    styled,
)
from siamlab.verification.result import Verification

Images = Sequence[np.ndarray] | np.ndarray


def _grid(count: int, columns: int, tall: float, text: float) -> tuple[Any, list[Any]]:
    """A figure of notebook width with ``count`` empty axes.

    A row's height is ``tall`` times a column's width plus ``text`` inches.
    """
    columns = min(columns, count)
    rows = math.ceil(count / columns)
    side = min(WIDTH / columns, 2.4)
    figure = new_figure(side * columns, (side * tall + text) * rows)
    cells = np.ravel(figure.subplots(rows, columns, squeeze=False))
    for cell in cells:
        cell.axis("off")
    return figure, list(cells[:count])


@styled
def plot_images(
    images: Images, titles: Sequence[str] | None = None, columns: int = 8, alt: str = ""
) -> Any:
    """Show images in a grid.

    Args:
        images: N RGB images ``(H, W, 3)``, uint8 or float in [0, 1]; sizes may differ.
        titles: N titles.
        columns: images in a row.
        alt: what they show, in words; the number and the titles when empty.

    Returns:
        The figure.

    Raises:
        InputError: no images, wrong shapes, or another number of titles.
    """
    if len(images) == 0 or columns < 1:
        raise InputError(f"A grid needs images and columns. Received: {len(images)}, {columns}.")
    if titles is not None and len(titles) != len(images):
        raise InputError(f"Each image has a title. Received: {len(images)}, {len(titles)}.")
    lines = [title.count("\n") + 1 for title in titles or ()]
    figure, cells = _grid(len(images), columns, 1.0, 0.1 + 0.15 * max(lines) if lines else 0.0)
    for number, (cell, image) in enumerate(zip(cells, images, strict=True)):
        cell.imshow(pixels(image))
        if titles is not None:
            cell.set_title(titles[number], fontsize=8, fontweight="normal", loc="center")
    named = f": {', '.join(title.replace(chr(10), ' ') for title in titles)}" if titles else ""
    figure.alt = alt or f"{len(images)} images{named}."
    return figure


@styled
def plot_pairs(
    first: Images,
    second: Images,
    labels: ArrayLike,
    scores: ArrayLike | None = None,
    threshold: float | None = None,
    columns: int = 4,
) -> Any:
    """Show pairs with their labels, or with a model's decisions and the truth.

    A pair is verified when its score is at least the threshold. A wrong decision is marked by
    the word ``WRONG``, by color and by a thick frame.

    Args:
        first: N RGB images ``(H, W, 3)``, uint8 or float in [0, 1].
        second: N images to compare with.
        labels: ``(N,)``, 1 for the same person, 0 for different people.
        scores: ``(N,)`` in [0, 1]; without them only the labels are shown.
        threshold: needed with scores.
        columns: pairs in a row.

    Returns:
        The figure.

    Raises:
        InputError: no pairs, unequal lengths, or scores without a threshold.
    """
    truth = np.asarray(labels).ravel().astype(bool)
    given = None if scores is None else np.asarray(scores, float).ravel()
    lengths = {len(first), len(second), len(truth)} | (set() if given is None else {len(given)})
    if len(lengths) != 1 or len(truth) == 0:
        raise InputError(
            "Pairs have two images, a label and, if given, a score each. Received: "
            f"{len(first)}, {len(second)}, {len(truth)}, {'no' if given is None else len(given)}."
        )
    if given is not None and threshold is None:
        raise InputError("Scores become decisions by a threshold. Received: threshold=None.")
    figure, cells = _grid(len(truth), columns, 0.5, 0.3 if given is None else 0.62)
    for number, cell in enumerate(cells):
        _pair(cell, pixels(first[number]), pixels(second[number]))
        if given is None or threshold is None:
            _label(cell, bool(truth[number]))
        else:
            _decision(cell, bool(truth[number]), float(given[number]), threshold)
    kinds = f"{len(truth)} pairs of faces, {int(truth.sum())} of the same person"
    if given is not None and threshold is not None:
        kinds += f"; {int(((given >= threshold) != truth).sum())} judged wrong"
    figure.alt = f"{kinds}."
    return figure


def plot_judged_pairs(
    pairs: PairSet, chosen: Sequence[int] | np.ndarray, scores: np.ndarray, threshold: float
) -> Any:
    """Some pairs of image files with a model's decisions and the truth; see :func:`plot_pairs`.

    Args:
        pairs: all pairs.
        chosen: positions of those to show.
        scores: of all pairs, ``(N,)`` in [0, 1].
        threshold: a pair matches when its score is at least this.

    Returns:
        The figure.

    Raises:
        InputError: none was chosen, or a file is no image.
    """
    part = pairs.subset(chosen)
    first, second = ([read_image(path) for path in side] for side in (part.first, part.second))
    return plot_pairs(first, second, part.labels, scores[list(chosen)], threshold)


def _pair(cell: Any, first: np.ndarray, second: np.ndarray) -> None:
    """Two images of height 1 with a gap between them."""
    wide = [image.shape[1] / image.shape[0] for image in (first, second)]
    cell.imshow(first, extent=(0, wide[0], 0, 1))
    cell.imshow(second, extent=(wide[0] + 0.06, wide[0] + 0.06 + wide[1], 0, 1))
    cell.set(xlim=(-0.05, sum(wide) + 0.11), ylim=(-0.05, 1.05), aspect="equal")


def _frame(cell: Any, color: str, thick: float) -> None:
    (left, right), (low, high) = cell.get_xlim(), cell.get_ylim()
    frame = Rectangle((left, low), right - left, high - low, fill=False, clip_on=False)
    frame.set(edgecolor=color, linewidth=thick)
    cell.add_patch(frame)


def _label(cell: Any, same: bool) -> None:
    color = GENUINE if same else IMPOSTOR
    text = "1: same person" if same else "0: different people"
    cell.set_title(text, color=color, loc="center", fontsize=8.5)
    _frame(cell, color, 1.2)


def _decision(cell: Any, same: bool, score: float, threshold: float) -> None:
    match = score >= threshold
    right = match == same
    color = RIGHT if right else WRONG
    verdict = f"{'' if right else 'WRONG: '}{'verified' if match else 'not verified'}"
    title = f"{verdict}\n{_comparison(score, threshold)}"
    cell.set_title(title, color=color, loc="center", fontsize=8.5)
    truth = "truth: same person" if same else "truth: different people"
    cell.text(0.5, -0.04, truth, transform=cell.transAxes, ha="center", va="top", fontsize=8)
    _frame(cell, color, 1.2 if right else 3.0)


def _comparison(score: float, threshold: float) -> str:
    """Both numbers with so many digits that they differ, and that the threshold is not 1.00."""
    sign = "≥" if score >= threshold else "<"
    for digits in range(2, 7):
        left, right = f"{score:.{digits}f}", f"{threshold:.{digits}f}"
        if (left != right or score == threshold) and (float(right) < 1 or threshold == 1):
            break
    return f"{left} {sign} {right}"


@styled
def plot_verification(frame: np.ndarray, verification: Verification) -> Any:
    """Show a frame with the face's box, and the score of each stored template.

    Args:
        frame: uint8 RGB ``(H, W, 3)``.
        verification: what ``Verifier.verify`` returned for it.

    Returns:
        The figure.
    """
    color = {True: RIGHT, False: WRONG, None: GRAY}[verification.verified]
    figure = new_figure(WIDTH, 3.4)
    left, right = figure.subplots(1, 2, width_ratios=(1.15, 1))
    left.imshow(pixels(frame, "frame"))
    left.axis("off")
    left.set_anchor("NW")
    if (box := verification.box) is not None:
        side = box.size
        square = Rectangle((box.x, box.y), side, side, fill=False, linewidth=2.5, edgecolor=color)
        left.add_patch(square)
    left.set_title(f"{verification.person}: {verification.verdict}", color=color)
    if verification.verified is None or len(verification.scores) == 0:
        right.axis("off")
        right.text(0.5, 0.5, verification.reason or "no templates", ha="center", wrap=True)
    else:
        _template_scores(right, verification)
    figure.alt = f"A frame, the box of its face, and the score of each template: {verification}."
    return figure


def _template_scores(axes: Any, verification: Verification) -> None:
    scores, limit = np.asarray(verification.scores, float), verification.detection_threshold
    match = scores >= limit
    places = np.arange(1, len(scores) + 1)
    for chosen, color, name in ((match, GENUINE, "match"), (~match, "#BBBBBB", "no match")):
        if chosen.any():
            axes.bar(places[chosen], scores[chosen], color=color, label=name)
    label = f"detection threshold {limit:.2f}"
    axes.axhline(limit, color="black", linestyle="--", linewidth=1, label=label)
    axes.set(xlabel="stored template (number)", ylabel="probability of same person", ylim=(0, 1.2))
    axes.set_yticks([0, 0.2, 0.4, 0.6, 0.8, 1])
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_title(
        f"{verification.positive} of {len(scores)} templates match: {verification.share:.0%} "
        f"({verification.verification_threshold:.0%} needed)"
    )
    axes.legend(loc="upper center", ncols=3)

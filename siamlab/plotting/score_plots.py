"""Scores as figures: ROC, DET and precision-recall curves, histograms, reliability."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from siamlab.errors import InputError
from siamlab.evaluation import (
    OperatingPoint,
    area_under_roc,
    check_scores,
    equal_error,
    operating_point,
    precision_recall,
    reliability,
    roc,
)
from siamlab.plotting.style import (
    COLORS,
    GENUINE,
    GRAY,
    IMPOSTOR,
    WIDTH,
    new_figure,
    one_axes,
    styled,
)

_MARKERS = ("o", "D", "s", "^", "v", "P")
_LINES = ("-", "--", "-.", ":")
_TICKS = (0.001, 0.005, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6)


@styled
def plot_curves(
    labels: ArrayLike,
    scores: ArrayLike | Mapping[str, ArrayLike],
    thresholds: Mapping[str, float] | None = None,
    axes: Any = None,
) -> Any:
    """ROC, DET and precision-recall curve, with AUC, EER and operating points.

    The DET curve has axes of normal deviates (Martin et al. 1997): scores of two normal
    distributions give a straight line.

    Args:
        labels: ``(N,)``, both kinds present.
        scores: ``(N,)`` in [0, 1], or the name of each model to its scores of these pairs.
        thresholds: name to threshold of the points to mark on every curve, or the name of each
            model to its own threshold; 0.5 and the equal-error point when ``None``.
        axes: three axes to draw into.

    Returns:
        The figure.

    Raises:
        InputError: one kind of pairs only, no scores, or not three axes.
    """
    models = dict(scores) if isinstance(scores, Mapping) else {"": scores}
    if not models:
        raise InputError("There are no scores to draw.")
    panels = new_figure(WIDTH, 4.2).subplots(1, 3) if axes is None else np.ravel(axes)
    if len(panels) != 3:
        raise InputError(f"Three curves need three axes. Received: {len(panels)}.")
    limit = 0.5 / min(int((np.ravel(labels) == kind).sum()) or 1 for kind in (0, 1))
    points: dict[str, OperatingPoint] = {}
    for number, (name, values) in enumerate(models.items()):
        color, line = list(COLORS.values())[number % 7], _LINES[number % 4]
        _curves(panels, labels, values, name, {"color": color, "linestyle": line})
        own = thresholds
        if thresholds is not None and len(models) > 1 and set(thresholds) == set(models):
            own = {"own threshold": thresholds[name]}
        if own is None:
            own = {"threshold 0.5": 0.5, "equal errors": equal_error(labels, values)[1]}
        points = {title: operating_point(labels, values, at) for title, at in own.items()}
        for place, point in enumerate(points.values()):
            _mark(panels, point, _marker(place, color))
    for place, title in enumerate(points):  # one legend of the points for all models
        for panel in panels:
            panel.plot([], [], **_marker(place, GRAY), label=title)
    _label_axes(panels, np.mean(np.ravel(labels)), limit)
    said = (
        f"{name or 'scores'}: AUC {area_under_roc(labels, values):.3f}, "
        f"EER {equal_error(labels, values)[0]:.3f}"
        for name, values in models.items()
    )
    figure = panels[0].figure
    figure.alt = f"ROC, DET and precision-recall curve. {'; '.join(said)}."
    return figure


def _curves(
    panels: Any, labels: ArrayLike, scores: ArrayLike, name: str, look: dict[str, Any]
) -> None:
    curve, precise = roc(labels, scores), precision_recall(labels, scores)
    start = f"{name}: " if name else ""
    area, equal = area_under_roc(labels, scores), equal_error(labels, scores)[0]
    panels[0].plot(curve.fmr, curve.tmr, **look, label=f"{start}AUC {area:.3f}")
    panels[1].plot(
        _deviate(curve.fmr), _deviate(curve.fnmr), **look, label=f"{start}EER {equal:.3f}"
    )
    # The last point, precision 1 at recall 0, is a convention and no measurement.
    panels[2].plot(precise.recall[:-1], precise.precision[:-1], **look,
                   label=f"{start}average {precise.average_precision:.3f}")  # fmt: skip


def _deviate(rates: ArrayLike) -> np.ndarray:
    """Rates as normal deviates; 0 and 1 lie far outside the axes."""
    from scipy.special import ndtri

    return np.asarray(ndtri(np.clip(rates, 1e-7, 1 - 1e-7)))


def _marker(place: int, color: str) -> dict[str, Any]:
    """The style of the n-th kind of point: open, and smaller than the one before."""
    return {
        "marker": _MARKERS[place % len(_MARKERS)],
        "markersize": max(5, 9 - 2.5 * place),
        "linestyle": "none",
        "color": color,
        "markerfacecolor": "white",
        "markeredgewidth": 1.6,
        "zorder": 5,
    }


def _mark(panels: Any, point: OperatingPoint, look: dict[str, Any]) -> None:
    places = (
        (point.fmr, point.recall),
        (float(_deviate(point.fmr or 0.0)), float(_deviate(point.fnmr or 0.0))),
        (point.recall, point.precision),
    )
    for panel, (across, up) in zip(panels, places, strict=True):
        if across is not None and up is not None:
            panel.plot([across], [up], **look)


def _label_axes(panels: Any, share: float, limit: float) -> None:
    first, second, third = panels
    guess = {"color": GRAY, "linewidth": 0.8, "linestyle": ":"}
    first.plot([0, 1], [0, 1], **guess)
    first.set(xlabel="false match rate", ylabel="true match rate", title="ROC")
    ends = _deviate([min(limit, 0.02), 0.7])
    second.plot(ends, ends, **guess)
    ticks = [rate for rate in _TICKS if _deviate(rate) >= ends[0]]
    names = [f"{100 * rate:g}" for rate in ticks]
    second.set_xticks(_deviate(ticks), names)
    second.set_yticks(_deviate(ticks), names)
    second.set(xlim=tuple(ends), ylim=tuple(ends), title="DET")
    second.set(xlabel="false match rate (%, normal deviates)")
    second.set_ylabel("false non-match rate (%)")
    third.axhline(share, **guess)
    third.set(xlabel="recall", ylabel="precision", title="Precision and recall")
    for panel in (first, third):
        panel.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    for panel in panels:
        panel.set_box_aspect(1)
        panel.legend(loc="upper center", bbox_to_anchor=(0.5, -0.17))


@styled
def plot_scores(
    labels: ArrayLike,
    scores: ArrayLike,
    thresholds: Mapping[str, float] | float | None = None,
    bins: int = 40,
    axes: Any = None,
) -> Any:
    """Histograms of genuine and impostor scores, with thresholds.

    Args:
        labels: ``(N,)``, 1 genuine, 0 impostor; one kind may be absent.
        scores: ``(N,)`` in [0, 1].
        thresholds: name to threshold, or one threshold.
        bins: bins from 0 to 1.
        axes: where to draw.

    Returns:
        The figure.
    """
    truth, values = check_scores(labels, scores)
    axes = one_axes(axes, 6.4, 3.2)
    edges = np.linspace(0, 1, bins + 1)
    for kind, name, color in ((~truth, "impostor", IMPOSTOR), (truth, "genuine", GENUINE)):
        if kind.any():
            weights = np.full(int(kind.sum()), 100 / kind.sum())
            look = {"bins": edges, "weights": weights, "histtype": "stepfilled", "linewidth": 1.5}
            axes.hist(values[kind], **look, facecolor=f"{color}55", edgecolor=color,
                      label=f"{name} ({int(kind.sum())})")  # fmt: skip
    marks = thresholds if isinstance(thresholds, Mapping) else {"threshold": thresholds}
    for line, (name, value) in zip(_LINES[1:] * 5, marks.items(), strict=False):
        if value is not None:
            axes.axvline(value, color="black", linestyle=line, linewidth=1.2,
                         label=f"{name} ({value:.3f})")  # fmt: skip
    axes.set(xlabel="score: probability of same person", ylabel="share of its pairs (%)")
    axes.set(xlim=(0, 1), title="Scores")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.18), ncols=4)
    halves = (
        f"{(values[kind] >= 0.5).mean():.0%} of {int(kind.sum())} {name} pairs"
        for kind, name in ((truth, "genuine"), (~truth, "impostor"))
        if kind.any()
    )
    axes.figure.alt = f"Histograms of scores: 0.5 or more have {' and '.join(halves)}."
    return axes.figure


@styled
def plot_reliability(labels: ArrayLike, scores: ArrayLike, bins: int = 10, axes: Any = None) -> Any:
    """Scores against the share of genuine pairs: calibrated scores lie on the diagonal.

    Args:
        labels: ``(N,)``, 1 genuine, 0 impostor.
        scores: ``(N,)`` in [0, 1].
        bins: bins of equal width.
        axes: where to draw.

    Returns:
        The figure; a point's area grows with the number of its pairs.
    """
    table = reliability(labels, scores, bins)
    filled = table.counts > 0
    axes = one_axes(axes, 3.8, 3.8)
    axes.plot([0, 1], [0, 1], ":", color=GRAY, linewidth=1, label="a perfect probability")
    axes.plot(table.scores[filled], table.shares[filled], color=GENUINE, linewidth=1)
    area = 12 + 200 * table.counts[filled] / table.counts.sum()
    axes.scatter(table.scores[filled], table.shares[filled], s=area, color=GENUINE, zorder=3,
                 label=f"pairs; mean gap {table.error:.3f}")  # fmt: skip
    axes.set(xlabel="mean score of a bin", ylabel="share of genuine pairs", title="Reliability")
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    axes.set_box_aspect(1)
    axes.legend(loc="upper left")
    points = zip(table.scores[filled], table.shares[filled], strict=True)
    said = ", ".join(f"{share:.0%} genuine at {score:.2f}" for score, share in points)
    axes.figure.alt = f"Share of genuine pairs against the score: {said}."
    return axes.figure

"""Fusion: one score from several templates and several frames.

Independent errors average out; errors that all images share (the same light, the same camera, a
person who looks like another) do not. So five enrolled images from five days help more than five
frames from one second. ``benchmarks/fusion.py`` measures both.

Frames are fused first, template by template, then templates. The rules are those of Kittler, Hatef,
Duin, Matas 1998, "On combining classifiers" (sum, max, median, majority vote); the mean template
is the usual way to enroll from several images (Best-Rowden, Han, Otto, Klare, Jain 2014,
"Unconstrained face recognition: identifying a person of interest from a media collection").
"""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

import numpy as np

from siamlab.errors import InputError

# Rules for templates, and how a verdict names their score.
TEMPLATE_RULES = {
    "vote": "share of matching templates",
    "mean_template": "score of the mean template",
    "max": "highest score",
    "mean": "mean score",
    "median": "median score",
}
FRAME_RULES = ("mean", "median", "max", "vote")

Item = TypeVar("Item")


def check_rule(rule: str, known: tuple[str, ...], name: str) -> str:
    """Return ``rule`` when it is one of ``known``.

    Raises:
        InputError: it is not.
    """
    if rule not in known:
        raise InputError(f"{name} is one of {', '.join(known)}. Received: {rule!r}.")
    return rule


def mean_template(templates: np.ndarray) -> np.ndarray:
    """The mean of a person's templates, as one template.

    Args:
        templates: float ``(..., N, dimensions)``, N at least 1.

    Returns:
        float32 ``(..., dimensions)``. The mean of unit templates is scaled to unit length, as the
        head was trained on unit embeddings; a mean of zero stays zero.
    """
    values = np.asarray(templates, np.float32)
    mean = values.mean(axis=-2)
    if np.allclose(np.linalg.norm(values, axis=-1), 1, atol=1e-3):
        length = np.linalg.norm(mean, axis=-1, keepdims=True)
        mean = np.divide(mean, length, out=mean, where=length > 1e-6)
    return mean


def fuse_templates(scores: np.ndarray, rule: str, threshold: float = 0.5) -> np.ndarray:
    """Fuse the scores of one probe against a person's templates.

    Args:
        scores: float ``(..., N)`` in [0, 1], N at least 1.
        rule: ``vote`` (the share that reaches the threshold), ``max``, ``mean`` or ``median``;
            ``mean_template`` needs no fusion, since it gives one score.
        threshold: of a single comparison; for ``vote`` only.

    Returns:
        float ``(...,)`` in [0, 1].

    Raises:
        InputError: an unknown rule, or no templates.
    """
    known = tuple(name for name in TEMPLATE_RULES if name != "mean_template")
    return _fuse(np.asarray(scores), check_rule(rule, known, "rule"), threshold, -1)


def fuse_frames(scores: np.ndarray, rule: str = "mean", threshold: float = 0.5) -> np.ndarray:
    """Fuse the scores of several frames against each template.

    Args:
        scores: float ``(..., frames, N)`` in [0, 1].
        rule: ``mean``, ``median``, ``max`` or ``vote`` (the share that reaches the threshold).
        threshold: for ``vote`` only.

    Returns:
        float ``(..., N)`` in [0, 1].

    Raises:
        InputError: an unknown rule, or no frames.
    """
    return _fuse(np.asarray(scores), check_rule(rule, FRAME_RULES, "rule"), threshold, -2)


def _fuse(scores: np.ndarray, rule: str, threshold: float, axis: int) -> np.ndarray:
    if scores.ndim < -axis or scores.shape[axis] == 0:
        raise InputError(f"There are no scores to fuse. Received: shape {scores.shape}.")
    if rule == "vote":
        return np.mean(scores >= threshold, axis=axis)
    if rule == "median":
        return np.median(scores, axis=axis)
    return scores.max(axis=axis) if rule == "max" else scores.mean(axis=axis)


class SlidingWindow(Generic[Item]):
    """The items of the last second, or of another time.

    Args:
        seconds: how long an item stays.

    Raises:
        InputError: ``seconds`` is negative.
    """

    def __init__(self, seconds: float = 1.0) -> None:
        if not seconds >= 0:
            raise InputError(f"seconds is 0 or more. Received: {seconds}.")
        self.seconds = seconds
        self._items: deque[tuple[float, Item]] = deque()

    def add(self, item: Item, now: float) -> tuple[Item, ...]:
        """Add an item, drop those that are too old, and return the rest, oldest first.

        Args:
            item: the newest one.
            now: its time in seconds, from a monotonic clock.
        """
        self._items.append((now, item))
        while now - self._items[0][0] > self.seconds:
            self._items.popleft()
        return tuple(kept for _, kept in self._items)

    def clear(self) -> None:
        """Remove all items."""
        self._items.clear()

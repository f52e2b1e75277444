"""N-way one-shot classification: which of N enrolled images shows the probe's class?

A class is a person or a character. A trial has one gallery image of each of N classes and one
probe; the answer is the gallery image most similar to the probe. Guessing is right in 1 of N
trials.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from siamlab.errors import InputError
from siamlab.evaluation import Interval, quantiles

Similarity = Callable[[np.ndarray, np.ndarray], np.ndarray]
_CHUNK = 20_000  # comparisons held at once: 20 MB of 256 numbers each


@dataclass(frozen=True, eq=False)
class OneShotTrials:
    """One-shot trials, as numbers of images.

    Attributes:
        gallery: int64 (T, N), the enrolled images of each trial, one per class.
        probes: int64 (T,), the image asked about.
        answers: int64 (T,), the position in the gallery of the probe's class.
        classes: T names, the probe's class.
        groups: T names, the class's group (an alphabet); the class itself where there is none.
    """

    gallery: np.ndarray
    probes: np.ndarray
    answers: np.ndarray
    classes: tuple[str, ...]
    groups: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.probes)

    def __repr__(self) -> str:
        classes = len(set(self.classes))
        return f"OneShotTrials({len(self)} trials, {self.ways}-way, {classes} classes)"

    @property
    def ways(self) -> int:
        """N, the number of classes in a trial."""
        return int(self.gallery.shape[1])


@dataclass(frozen=True)
class OneShot:
    """N-way one-shot accuracy.

    Attributes:
        ways: N.
        trials: number of trials.
        accuracy: share of right answers; k equally similar images count 1 / k.
        by_class: 95 % interval, classes resampled.
        by_group: 95 % interval, groups resampled; ``None`` when each class is its own group.
        groups: each group's accuracy, when there are groups.
    """

    ways: int
    trials: int
    accuracy: float
    by_class: Interval | None
    by_group: Interval | None
    groups: Mapping[str, float]

    @property
    def chance(self) -> float:
        """Accuracy of guessing."""
        return 1 / self.ways

    def __str__(self) -> str:
        interval = "" if self.by_class is None else f" ({self.by_class})"
        return f"{self.ways}-way: {self.accuracy:.3f}{interval} in {self.trials} trials"

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            **vars(self),
            "by_class": self.by_class and list(self.by_class),
            "by_group": self.by_group and list(self.by_group),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> OneShot:
        """The inverse of :meth:`to_dict`."""
        ends = {name: values[name] for name in ("by_class", "by_group")}
        return cls(**{**values, **{name: one and Interval(*one) for name, one in ends.items()}})


def class_trials(classes: Sequence[str], ways: int, count: int, seed: int = 0) -> OneShotTrials:
    """Draw trials among all classes: faces of people, one enrolled image each.

    The probe's classes take turns, so that all with two images or more appear equally often; the
    other classes of a trial are drawn uniformly.

    Args:
        classes: the class of each image.
        ways: N.
        count: number of trials.
        seed: the same seed gives the same trials.

    Raises:
        InputError: fewer than ``ways`` classes, or none with two images.
    """
    own = _rows_by(classes)
    names = list(own)
    able = [name for name in names if len(own[name]) >= 2]
    _check_ways(ways, len(names), "classes")
    if not able:
        raise InputError("No class has two images, one to enroll and one to ask about.")
    rng = np.random.default_rng(seed)
    gallery = np.empty((count, ways), np.int64)
    probes, answers = np.empty(count, np.int64), rng.integers(ways, size=count)
    turns = [i for _ in range(-(-count // len(able))) for i in rng.permutation(len(able))]
    chosen = [able[i] for i in turns[:count]]
    for trial, name in enumerate(chosen):
        enrolled, probes[trial] = rng.choice(own[name], 2, replace=False)
        picks = rng.choice(len(names), ways, replace=False)
        others = [names[pick] for pick in picks if names[pick] != name][: ways - 1]
        gallery[trial] = np.insert([rng.choice(own[o]) for o in others], answers[trial], enrolled)
    return OneShotTrials(gallery, probes, answers, tuple(chosen), tuple(chosen))


def _rows_by(keys: Sequence[Any]) -> dict[Any, list[int]]:
    rows: dict[Any, list[int]] = {}
    for row, key in enumerate(keys):
        rows.setdefault(key, []).append(row)
    return rows


def _check_ways(ways: int, there: int, what: str) -> None:
    if not 2 <= ways <= there:
        raise InputError(
            f"ways is from 2 to the number of {what}, {there} here. Received: ways={ways}."
        )


def drawer_trials(
    classes: Sequence[str],
    drawers: Sequence[int],
    groups: Sequence[str],
    ways: int = 20,
    runs: int = 20,
    seed: int = 0,
) -> OneShotTrials:
    """Draw Lake's trials: within an alphabet, one drawer's characters against another's.

    In each run two drawers and ``ways`` characters of one alphabet are drawn; the first
    drawer's characters are the gallery, and each of the second drawer's is a probe.

    Args:
        classes: the character of each image.
        drawers: who drew it.
        groups: its alphabet. Alphabets with fewer than ``ways`` characters are left out.
        ways: N.
        runs: of each alphabet; each gives ``ways`` trials.
        seed: the same seed gives the same trials.

    Raises:
        InputError: no alphabet has ``ways`` characters with two drawers in common.

    Source:
        Lake, Salakhutdinov, Tenenbaum 2015, Science 350, one-shot classification; Koch, Zemel,
        Salakhutdinov 2015, section 4.3.
    """
    rng = np.random.default_rng(seed)
    alphabets = _rows_by(groups)
    parts: list[tuple[np.ndarray, np.ndarray, str]] = []
    for group, rows in sorted(alphabets.items()):
        if len({classes[row] for row in rows}) < ways:
            continue
        image = {(classes[row], drawers[row]): row for row in rows}
        for _ in range(runs):
            parts.append((*_run(image, ways, rng, group), group))
    if not parts:
        most = max((len({classes[row] for row in rows}) for rows in alphabets.values()), default=0)
        _check_ways(ways, most, "characters in the largest alphabet")
        raise InputError(f"runs is at least 1. Received: runs={runs}.")
    probes = np.concatenate([second for _, second, _ in parts])
    return OneShotTrials(
        gallery=np.concatenate([np.tile(first, (ways, 1)) for first, _, _ in parts]),
        probes=probes,
        answers=np.tile(np.arange(ways), len(parts)),
        classes=tuple(classes[probe] for probe in probes),
        groups=tuple(group for _, _, group in parts for _ in range(ways)),
    )


def _run(
    image: Mapping[tuple[str, int], int], ways: int, rng: np.random.Generator, group: str
) -> tuple[np.ndarray, np.ndarray]:
    """The images of two drawers of the same ``ways`` characters."""
    drawers = list(permutations(sorted({drawer for _, drawer in image}), 2))
    for first, second in (drawers[i] for i in rng.permutation(len(drawers))):
        both = sorted(c for c, drawer in image if drawer == first and (c, second) in image)
        if len(both) >= ways:
            chosen = [both[i] for i in rng.choice(len(both), ways, replace=False)]
            gallery, probes = ([image[c, drawer] for c in chosen] for drawer in (first, second))
            return np.array(gallery), np.array(probes)
    raise InputError(f"No two drawers of {group} share {ways} characters; choose fewer ways.")


def join_trials(parts: Sequence[OneShotTrials], images: Sequence[int]) -> OneShotTrials:
    """Concatenate trials on several sets of images.

    Args:
        parts: trials with the same N.
        images: number of images in each part's set: image 0 of the second set becomes image
            ``images[0]``, and so on, as when the sets' embeddings are concatenated.

    Raises:
        InputError: different N, or not one number for each part.
    """
    if len({part.ways for part in parts}) != 1 or len(parts) != len(images):
        raise InputError(
            "Trials are joined when they have one N and a number of images each. Received: N of "
            f"{[part.ways for part in parts]}, {len(images)} numbers."
        )
    starts = np.cumsum([0, *images[:-1]])
    return OneShotTrials(
        gallery=np.concatenate([p.gallery + s for p, s in zip(parts, starts, strict=True)]),
        probes=np.concatenate([p.probes + s for p, s in zip(parts, starts, strict=True)]),
        answers=np.concatenate([part.answers for part in parts]),
        classes=tuple(name for part in parts for name in part.classes),
        groups=tuple(name for part in parts for name in part.groups),
    )


def cosine(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Cosine similarity of rows, ``(N, D)`` and ``(N, D)`` to ``(N,)``; 0 for a row of zeros."""
    dot = np.einsum("nd,nd->n", first, second)
    length = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    return np.divide(dot, length, out=np.zeros_like(dot), where=length > 0)


def answer_trials(
    embeddings: np.ndarray, trials: OneShotTrials, similarity: Similarity = cosine
) -> np.ndarray:
    """Answer each trial by the most similar gallery image.

    Args:
        embeddings: float ``(images, D)``, one row per image.
        trials: what is compared.
        similarity: rows and rows to ``(N,)``, higher for the same class:
            ``model.score_pairs`` for a Siamese model.

    Returns:
        float64 ``(T,)``: 1 right, 0 wrong, 1 / k where k are equally similar, the right one
        among them, so that a constant embedding scores as guessing does.
    """
    right = np.empty(len(trials))
    step = max(1, _CHUNK // trials.ways)
    for start in range(0, len(trials), step):
        part = slice(start, start + step)
        gallery = trials.gallery[part]
        probes = np.repeat(trials.probes[part], trials.ways)
        scores = similarity(embeddings[probes], embeddings[gallery.ravel()])
        scores = np.reshape(scores, gallery.shape)
        best = scores == scores.max(axis=1, keepdims=True)
        hit = best[np.arange(len(gallery)), trials.answers[part]]
        right[part] = hit / best.sum(axis=1)
    return right


def judge_trials(
    trials: OneShotTrials, right: ArrayLike, seed: int = 0, rounds: int = 2000
) -> OneShot:
    """Accuracy of the answers, with intervals that resample classes, and groups of them.

    Trials of one class are not independent, nor are those of one alphabet: an interval over trials
    would be too narrow. One over few groups is rough, and tends to be too narrow.

    Args:
        trials: what was compared.
        right: ``(T,)``, what :func:`answer_trials` returns.
        seed: of the resampling.
        rounds: of the resampling.

    Raises:
        InputError: there are no trials, or not one answer for each.
    """
    values = np.asarray(right, np.float64)
    if len(values) != len(trials) or len(trials) == 0:
        raise InputError(f"{len(values)} answers for {len(trials)} trials; one each is expected.")
    grouped = trials.groups != trials.classes
    rows = _rows_by(trials.groups) if grouped else {}
    return OneShot(
        ways=trials.ways,
        trials=len(trials),
        accuracy=float(values.mean()),
        by_class=cluster_interval(values, trials.classes, seed, rounds),
        by_group=cluster_interval(values, trials.groups, seed, rounds) if grouped else None,
        groups={str(group): float(values[own].mean()) for group, own in sorted(rows.items())},
    )


def cluster_interval(
    values: ArrayLike,
    clusters: Sequence[str],
    seed: int = 0,
    rounds: int = 2000,
) -> Interval | None:
    """A 95 % percentile interval of a mean, whole clusters drawn with replacement.

    Args:
        values: ``(N,)``.
        clusters: N names; values of one cluster stay together.
        seed: fixes the draws.
        rounds: number of draws.

    Returns:
        The interval; ``None`` for a single cluster.

    Source:
        Davison, Hinkley 1997, "Bootstrap methods and their application", section 3.8.
    """
    numbers, places = np.unique(np.asarray(clusters), return_inverse=True)
    if len(numbers) < 2:
        return None
    sums = np.bincount(places, np.asarray(values, np.float64))
    sizes = np.bincount(places).astype(np.float64)
    chances = np.full(len(numbers), 1 / len(numbers))
    drawn = np.random.default_rng(seed).multinomial(len(numbers), chances, size=rounds)
    return quantiles((drawn @ sums) / (drawn @ sizes))

"""What several enrolled images and several frames gain, for each fusion rule.

Each rule gives one :class:`FusionResult`, all on the same trials. A trial compares the probe
frames of one person with the templates of the person they claim to be. In genuine trials both are
the same person, in impostor trials they are not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from siamlab.errors import InputError
from siamlab.evaluation import (
    STATISTICS,
    Interval,
    equal_error,
    operating_point,
    person_weights,
    quantiles,
    threshold_at_fmr,
)
from siamlab.verification.fusion import fuse_frames, fuse_templates, mean_template

# Embeddings (N, dimensions) of both sides to scores (N,) in [0, 1].
Score = Callable[[np.ndarray, np.ndarray], np.ndarray]
RULES = (
    ("mean_template", "mean"),
    ("mean", "mean"),
    ("max", "mean"),
    ("median", "mean"),
    ("vote", "mean"),
    ("mean", "median"),
    ("max", "max"),
    ("mean", "vote"),  # the share of all comparisons that match
    ("mean_template", "mean_probe"),
    ("mean", "mean_probe"),
)
_AT_ONCE = 20_000


@dataclass(frozen=True, eq=False)
class VerificationTrials:
    """Verification trials: who claims to be whom, and with which images.

    Attributes:
        templates: int64 ``(T, enroll)``, numbers of the enrolled images.
        probes: int64 ``(T, frames)``, numbers of the probe images.
        claimed: T names, the people on the templates.
        actual: T names, the people on the probes.
    """

    templates: np.ndarray
    probes: np.ndarray
    claimed: tuple[str, ...]
    actual: tuple[str, ...]

    @property
    def labels(self) -> np.ndarray:
        """int64 ``(T,)``, 1 where the claim is true."""
        return np.array(
            [int(a == b) for a, b in zip(self.claimed, self.actual, strict=True)], np.int64
        )


def draw_trials(
    people: Sequence[str],
    enroll: int,
    frames: int,
    impostors: int = 10,
    draws: int = 5,
    seed: int = 0,
) -> VerificationTrials:
    """Draw trials from people with ``enroll + frames`` images or more.

    In each draw the images of every such person are dealt: some are enrolled, some are probes,
    none is both. Each person then has one genuine trial and ``impostors`` impostor trials.

    Args:
        people: M names, the person on each image.
        enroll: enrolled images of a person.
        frames: probe images of a person.
        impostors: impostor trials on each person in each draw; fewer when there are fewer others.
        draws: number of times the images are dealt.
        seed: the same seed draws the same trials.

    Raises:
        InputError: fewer than three people have enough images, or a count is below 1.
    """
    if min(enroll, frames, impostors, draws) < 1:
        raise InputError("enroll, frames, impostors and draws are 1 or more.")
    owners = np.asarray(people)
    names, counts = np.unique(owners, return_counts=True)
    able = [
        str(name) for name, count in zip(names, counts, strict=True) if count >= enroll + frames
    ]
    if len(able) < 3:
        raise InputError(
            f"Trials need three people with {enroll + frames} images or more. Received: "
            f"{len(able)}."
        )
    rng = np.random.default_rng(seed)
    numbers = [np.flatnonzero(owners == name) for name in able]
    templates, probes, claimed, actual = [], [], [], []
    for _ in range(draws):
        dealt = [rng.permutation(own)[: enroll + frames] for own in numbers]
        for place, own in enumerate(dealt):
            others = np.delete(np.arange(len(able)), place)
            for other in (place, *rng.permutation(others)[:impostors]):
                templates.append(own[:enroll])
                probes.append(dealt[other][enroll:])
                claimed.append(able[place])
                actual.append(able[other])
    return VerificationTrials(np.array(templates), np.array(probes), tuple(claimed), tuple(actual))


@dataclass(frozen=True)
class FusionResult:
    """One rule on all trials.

    Attributes:
        enroll: enrolled images of a person.
        frames: probe frames.
        templates_rule: how templates are fused; see :mod:`siamlab.verification.fusion`.
        frames_rule: how frames are fused; ``mean_probe`` averages their embeddings, not their
            scores.
        people: number of people in the trials.
        genuine: genuine trials.
        impostor: impostor trials.
        eer: equal error rate.
        eer_interval: its 95 % interval, people resampled.
        gain: 95 % interval of the EER of one template and one frame minus this one, on the same
            draws of people; above 0 where fusion clearly helps.
        fnmr: false non-match rate at the threshold for a false match rate of ``RATE`` here.
        fnmr_interval: its 95 % interval.
        fixed_fmr: false match rate at the threshold of a single comparison.
        fixed_fnmr: false non-match rate there.
    """

    enroll: int
    frames: int
    templates_rule: str
    frames_rule: str
    people: int
    genuine: int
    impostor: int
    eer: float
    eer_interval: Interval | None
    gain: Interval | None
    fnmr: float
    fnmr_interval: Interval | None
    fixed_fmr: float
    fixed_fnmr: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {k: list(v) if isinstance(v, Interval) else v for k, v in vars(self).items()}

    def __str__(self) -> str:
        rule = f"{self.templates_rule} / {self.frames_rule}"
        gain = "" if self.gain is None else f"  gain {self.gain.low:+.3f} to {self.gain.high:+.3f}"
        return (
            f"{self.enroll} enrolled, {self.frames} frames  {rule:<28}EER {self.eer:.3f} "
            f"({self.eer_interval}){gain}  FNMR at FMR {RATE:g}: {self.fnmr:.3f}  at the model's "
            f"threshold: FMR {self.fixed_fmr:.3f}, FNMR {self.fixed_fnmr:.3f}"
        )


RATE = 0.01


def measure_fusion(
    embeddings: np.ndarray,
    people: Sequence[str],
    score: Score,
    threshold: float = 0.5,
    enroll: int = 3,
    frames: int = 3,
    views: np.ndarray | None = None,
    draws: int = 5,
    seed: int = 0,
    rounds: int = 500,
) -> tuple[FusionResult, ...]:
    """Measure every rule, with one and several templates and frames, on the same trials.

    Args:
        embeddings: float32 ``(M, dimensions)``.
        people: M names of people whom the model was not trained on.
        score: the model's ``score_pairs``.
        threshold: of a single comparison, as calibrated.
        enroll: enrolled images of a person.
        frames: probe frames.
        views: float32 ``(M, V, dimensions)``, V at least ``frames``: views of each image. Frames
            are then views of one image, as from one camera in one second, and not different
            photographs.
        draws: see :func:`draw_trials`.
        seed: of the trials and of the resampling.
        rounds: of the resampling.

    Returns:
        The single comparison first, then several templates, several frames, and both.

    Raises:
        InputError: see :func:`draw_trials`; or too few views.
    """
    if views is not None and views.shape[1] < frames:
        raise InputError(f"{frames} frames need that many views. Received: {views.shape[1]}.")
    photographs = frames if views is None else 1
    trials = draw_trials(people, enroll, photographs, draws=draws, seed=seed)
    templates = embeddings[trials.templates]
    probes = embeddings[trials.probes] if views is None else views[trials.probes[:, 0], :frames]
    rng = np.random.default_rng(seed)
    weights = person_weights(trials.claimed, trials.actual, rounds, rng)
    labels, truth = trials.labels, trials.labels.astype(bool)
    single = _score_all(probes[:, :1], templates[:, :1], score)[:, 0, 0]
    base = STATISTICS["eer"](truth, single, weights, threshold)
    results = []
    for count, length in dict.fromkeys([(1, 1), (enroll, 1), (1, frames), (enroll, frames)]):
        found = _fused(probes[:, :length], templates[:, :count], score, threshold)
        for rules, fused in found.items():
            resampled = STATISTICS["eer"](truth, fused, weights, threshold)
            tar = STATISTICS[f"tar_at_far_{RATE:g}"](truth, fused, weights, threshold)
            point = operating_point(labels, fused, threshold_at_fmr(labels, fused, RATE))
            # A share of votes is compared with a half, a score with the threshold of a comparison.
            fixed = operating_point(labels, fused, 0.5 if "vote" in rules else threshold)
            results.append(
                FusionResult(
                    count,
                    length,
                    *rules,
                    people=len(set(trials.claimed)),
                    genuine=point.genuine,
                    impostor=point.impostor,
                    eer=equal_error(labels, fused)[0],
                    eer_interval=quantiles(resampled),
                    gain=None if rules == ("none", "none") else quantiles(base - resampled),
                    fnmr=float(point.fnmr or 0.0),
                    fnmr_interval=quantiles(1 - tar),
                    fixed_fmr=float(fixed.fmr or 0.0),
                    fixed_fnmr=float(fixed.fnmr or 0.0),
                )
            )
    return tuple(results)


def _score_all(probes: np.ndarray, templates: np.ndarray, score: Score) -> np.ndarray:
    """Probes ``(T, K, D)`` against templates ``(T, N, D)``: float64 ``(T, K, N)``."""
    trials, frames, count = len(probes), probes.shape[1], templates.shape[1]
    rows = np.indices((trials, frames, count)).reshape(3, -1)
    parts = [
        score(probes[t, k], templates[t, n])
        for t, k, n in np.split(rows, range(_AT_ONCE, rows.shape[1], _AT_ONCE), axis=1)
    ]
    return np.concatenate(parts).astype(np.float64).reshape(trials, frames, count)


def _fused(
    probes: np.ndarray, templates: np.ndarray, score: Score, threshold: float
) -> dict[tuple[str, str], np.ndarray]:
    """The score of each trial by each rule that differs from the others for these counts."""
    frames, count = probes.shape[1], templates.shape[1]
    joined, mean = mean_template(templates)[:, None], mean_template(probes)[:, None]
    found: dict[tuple[str, str], np.ndarray] = {}  # what is not fused is called none
    scores: dict[tuple[bool, bool], np.ndarray] = {}
    for of_templates, of_frames in RULES:
        if (count == 1 and of_templates != "mean") or (frames == 1 and of_frames != "mean"):
            continue
        way = (of_templates == "mean_template", of_frames == "mean_probe")
        if way not in scores:
            sides = (mean if way[1] else probes, joined if way[0] else templates)
            scores[way] = _score_all(*sides, score)
        per_template = fuse_frames(scores[way], "mean" if way[1] else of_frames, threshold)
        fused = fuse_templates(per_template, "mean" if way[0] else of_templates, threshold)
        names = ("none" if count == 1 else of_templates, "none" if frames == 1 else of_frames)
        found[names] = fused
    return found

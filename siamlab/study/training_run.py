"""One training of the compact network, and how well it verifies people without a trained head."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from siamlab.data.collections import Collection
from siamlab.data.pairs import PairSet
from siamlab.errors import InputError
from siamlab.evaluation import embed_pairs, evaluate_pairs
from siamlab.faces.crop import Preprocessing
from siamlab.models.embedding import build_embedding
from siamlab.models.siamese import build_siamese
from siamlab.study.objectives import RECIPE, find_objective, with_head
from siamlab.system.backend import keras, set_seed
from siamlab.training.callbacks import StepTimes
from siamlab.training.fit import train_people
from siamlab.training.recipes import FRACTIONS
from siamlab.training.settings import TrainingSettings


def train_embedding(
    train: Collection,
    size: int,
    width: float,
    steps: int,
    people: int,
    seed: int = 0,
    loss: str = RECIPE,
) -> tuple[keras.Model, Preprocessing, float]:
    """Train the compact network from fresh weights, which are the same for every loss.

    Args:
        train: people with two images or more each.
        size: side of the input in pixels.
        width: multiple of the channel counts.
        steps: batches.
        people: people in a batch, two images each.
        seed: of weights and batches.
        loss: a name of ``OBJECTIVES``.

    Returns:
        The embedding, how its images are cropped, and the seconds of all steps, without building
        and compiling (:class:`siamlab.training.callbacks.StepTimes`).

    Raises:
        InputError: an unknown loss, or too few people.
    """
    objective = find_objective(loss)
    preprocessing = Preprocessing(size=size, fraction=FRACTIONS["compact"])
    set_seed(seed)  # the network's weights are drawn before the head's
    embedding = build_embedding("compact", (size, size, 3), width)
    times = StepTimes()
    settings = TrainingSettings(
        steps=steps,
        people=people,
        loss=objective.loss() if objective.loss is not None else None,
        steps_per_epoch=steps,
        seed=seed,
        callbacks=(times,),
        verbose=0,
    )
    train_people(with_head(embedding, objective, len(train)), train, preprocessing, settings)
    return embedding, preprocessing, times.seconds


def cosine_scores(
    embedding: keras.Model, preprocessing: Preprocessing, pairs: PairSet
) -> np.ndarray:
    """Score pairs by the cosine of their unit embeddings, scaled to [0, 1].

    AUC and EER depend only on the order of the scores, so no head has to be fitted first.

    Args:
        embedding: network whose output has unit length.
        preprocessing: crop and size.
        pairs: the comparisons.

    Returns:
        float32 ``(N,)``.
    """
    model = build_siamese(embedding, "squared").with_metadata(preprocessing=preprocessing)
    return np.clip((embed_pairs(model, pairs).cosines + 1) / 2, 0, 1)


def rates_with_intervals(
    test: PairSet, scores: np.ndarray, threshold: float, names: Sequence[str]
) -> dict[str, float]:
    """Rates of an evaluation and their 95 % intervals, people resampled.

    Args:
        test: the comparisons.
        scores: ``(N,)`` in [0, 1].
        threshold: chosen on other people.
        names: such as ``auc``.

    Returns:
        For each name three values, such as ``auc``, ``auc_low`` and ``auc_high``.

    Raises:
        InputError: a rate or its interval is unknown on these pairs.
    """
    result = evaluate_pairs(test, scores, threshold)
    rates: dict[str, float] = {}
    for name in names:
        value, interval = getattr(result, name), result.intervals[name]
        if value is None or interval is None:
            raise InputError("A study needs genuine and impostor pairs of several people.")
        rates |= {name: value, f"{name}_low": interval.low, f"{name}_high": interval.high}
    return rates

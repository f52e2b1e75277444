"""The attacks of an assessment: how often FGSM and PGD turn the verdict on some of its pairs."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from siamlab.assessment.assessing import AttackRate
from siamlab.assessment.attacks import GOALS, attack_pairs
from siamlab.assessment.measured import wilson
from siamlab.data.faces import load_faces
from siamlab.data.pairs import PairSet
from siamlab.data.pipeline import to_float
from siamlab.models.siamese import Siamese

KINDS = ("fgsm", "pgd")  # the Square Attack asks a model many thousand times: benchmarks/attacks.py
EPSILON = 4  # largest change of a pixel, of 255: hardly to be seen
MOST = 24  # pairs of each goal, or PGD takes longer than the rest of an assessment


def try_attacks(
    model: Siamese, pairs: PairSet, threshold: float, most: int = MOST, seed: int = 0
) -> tuple[AttackRate, ...]:
    """Attack the second image of pairs: strangers want in, the right people shall be refused.

    Args:
        model: what is attacked, at its input.
        pairs: impostor pairs are for impersonation, genuine ones for dodging.
        threshold: from this score on a pair is accepted.
        most: pairs of each goal; those without two faces are left out.
        seed: which pairs, and the attacks' random starts.

    Returns:
        A rate for each goal and attack; not measured where no verdict could be turned.

    Raises:
        MissingPackageError: ART is not installed.
        InputError: the threshold leaves nothing to turn.
    """
    return tuple(_rates(model, pairs, threshold, most, seed))


def _rates(
    model: Siamese, pairs: PairSet, threshold: float, most: int, seed: int
) -> Iterator[AttackRate]:
    rows = np.random.default_rng(seed).permutation(len(pairs))
    for goal in GOALS:
        chosen = [row for row in rows if pairs.labels[row] == (goal == "dodging")]
        probes, templates = _faces(model, pairs.subset(chosen[:most]))
        for kind in KINDS:
            turned = tried = 0
            if len(probes):
                found = attack_pairs(
                    model, probes, templates, kind, EPSILON / 255, threshold, goal, seed=seed
                )
                turned, tried = int(found.turned.sum()), int(found.tried.sum())
            title = f"{kind.upper()}, {goal}, pixels changed by {EPSILON}/255"
            yield AttackRate(f"{kind}_{goal}", title, wilson(turned, tried))


def _faces(model: Siamese, pairs: PairSet) -> tuple[np.ndarray, np.ndarray]:
    """Faces of the second images, uint8, and embeddings of the first, of pairs that show both."""
    size, count = model.metadata.preprocessing.size, len(pairs)
    if not count:
        return np.zeros((0, size, size, 3), np.uint8), np.zeros((0, 0), np.float32)
    faces = load_faces([*pairs.first, *pairs.second], model.metadata.preprocessing)
    both = faces.found[:count] & faces.found[count:]
    first, second = faces.images[:count][both], faces.images[count:][both]
    return second, model.embed(to_float(first))

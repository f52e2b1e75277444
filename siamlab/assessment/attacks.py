"""Adversarial images: a picture is changed a little until the verdict turns.

The attacks are those of the Adversarial Robustness Toolbox (ART): FGSM (Goodfellow 2015), PGD
(Madry 2018) and the Square Attack (Andriushchenko 2020), which sees scores only. What is attacked
is the decision of one probe against one stored template, at the model's input: the face is aligned
already. That is more than somebody before a camera can do, and what somebody who sends files can.
Goals: *impersonation*, a stranger is accepted, and *dodging*, the right person is refused.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from siamlab.data.pipeline import to_float
from siamlab.errors import InputError, MissingPackageError
from siamlab.models.siamese import Siamese
from siamlab.system.backend import keras, ops

KINDS = ("fgsm", "pgd", "square")
GOALS = ("impersonation", "dodging")
PGD_STEPS = 20
SQUARE_QUERIES = 300
# From a batch of images in [0, 1], a tensor, to what the network sees of them.
Front = Callable[[Any], Any]


@dataclass(frozen=True, eq=False)
class Attacked:
    """Probes before and after an attack.

    Attributes:
        images: uint8 RGB ``(N, size, size, 3)``, the changed probes.
        before, after: float32 ``(N,)``, scores of the probes.
        threshold: of the decision.
        goal: ``impersonation`` or ``dodging``.
    """

    images: np.ndarray
    before: np.ndarray
    after: np.ndarray
    threshold: float
    goal: str

    @property
    def tried(self) -> np.ndarray:
        """bool ``(N,)``: those whose verdict could be turned; the others were wrong already."""
        accepted = self.before >= self.threshold
        return ~accepted if self.goal == "impersonation" else accepted

    @property
    def turned(self) -> np.ndarray:
        """bool ``(N,)``: the verdict was turned."""
        accepted = self.after >= self.threshold
        return self.tried & (accepted if self.goal == "impersonation" else ~accepted)


def attack_pairs(
    model: Siamese,
    probes: np.ndarray,
    templates: np.ndarray,
    kind: str,
    epsilon: float,
    threshold: float,
    goal: str = "impersonation",
    front: Front | None = None,
    seed: int = 0,
) -> Attacked:
    """Attack each probe against its template.

    Args:
        model: what decides.
        probes: uint8 RGB ``(N, size, size, 3)``, as the model sees them.
        templates: float32 ``(N, dimensions)``.
        kind: ``fgsm``, ``pgd`` or ``square``.
        epsilon: the largest change of a pixel, in [0, 1].
        threshold: from this score on a pair is accepted.
        goal: ``impersonation`` or ``dodging``.
        front: a defense that the attacker knows, see
            :mod:`siamlab.assessment.attack_defenses`.
        seed: of the attacks' random starts.

    Returns:
        The changed images, rounded to uint8, and their scores on the model's usual way.

    Raises:
        InputError: another kind or goal, or a threshold that leaves nothing to turn.
        MissingPackageError: ART is not installed.
    """
    if kind not in KINDS or goal not in GOALS:
        raise InputError(
            f"kind is one of {', '.join(KINDS)}, goal one of {', '.join(GOALS)}. "
            f"Received: {kind!r}, {goal!r}."
        )
    if not 0 < threshold < 1:
        raise InputError(f"threshold is between 0 and 1. Received: {threshold}.")
    # The Square Attack asks about some of the images at a time, and in its own order.
    batch = 1 if kind == "square" else len(probes)
    images = np.concatenate(
        [
            _run(model, probes[i : i + batch], templates[i : i + batch], kind, epsilon, threshold,
                 goal, front, seed)
            for i in range(0, len(probes), batch)
        ]
    )  # fmt: skip
    return Attacked(
        images,
        score_each(model, probes, templates),
        score_each(model, images, templates),
        threshold,
        goal,
    )


def score_each(model: Siamese, probes: np.ndarray, templates: np.ndarray) -> np.ndarray:
    """The score of each probe (uint8) with its own template, float32 ``(N,)``."""
    embeddings = model.embed(to_float(probes))
    pairs = zip(embeddings, templates, strict=True)
    return np.array([model.score_pairs(one, other[None])[0] for one, other in pairs], np.float32)


def _run(
    model: Siamese,
    probes: np.ndarray,
    templates: np.ndarray,
    kind: str,
    epsilon: float,
    threshold: float,
    goal: str,
    front: Front | None,
    seed: int,
) -> np.ndarray:
    art = _import_art()

    np.random.seed(seed)  # noqa: NPY002 - ART draws from the global generator
    shape = probes.shape[1:]
    classifier = art.estimators.classification.TensorFlowV2Classifier(
        _Margin(model, templates, threshold, front),
        nb_classes=2,
        input_shape=shape,
        loss_object=keras.losses.CategoricalCrossentropy(from_logits=True),
        clip_values=(0.0, 1.0),
    )
    wanted = np.eye(2, dtype=np.float32)[[1 if goal == "impersonation" else 0] * len(probes)]
    batch = len(probes)
    evasion = art.attacks.evasion
    if kind == "fgsm":
        chosen = evasion.FastGradientMethod(
            classifier, eps=epsilon, targeted=True, batch_size=batch
        )
    elif kind == "pgd":
        chosen = evasion.ProjectedGradientDescent(
            classifier, eps=epsilon, eps_step=epsilon / 5, max_iter=PGD_STEPS, targeted=True,
            batch_size=batch, verbose=False,
        )  # fmt: skip
    else:
        # Untargeted: with two classes to leave the one is to reach the other.
        chosen = evasion.SquareAttack(
            classifier, eps=epsilon, max_iter=SQUARE_QUERIES, batch_size=batch, verbose=False
        )
        wanted = 1 - wanted
    changed = chosen.generate(to_float(probes), y=wanted)
    return np.clip(np.rint(changed * 255), 0, 255).astype(np.uint8)


class _Margin:
    """A classifier of probes: no and yes, from the score of each with its own template."""

    def __init__(
        self, model: Siamese, templates: np.ndarray, threshold: float, front: Front | None
    ) -> None:
        self.model = model
        self.templates = ops.convert_to_tensor(templates)
        self.logit = float(np.log(threshold / (1 - threshold)))
        self.front = front

    def __call__(self, images: Any, training: bool = False) -> Any:
        seen = images if self.front is None else self.front(images)
        distance = self.model.distance(self.model.embedding(seen), self.templates)
        kernel, bias = self.model.head.kernel, self.model.head.bias
        # The head without its sigmoid, whose gradient vanishes where the verdict is clear.
        margin = ops.matmul(distance, kernel) + bias - self.logit
        return ops.concatenate([ops.zeros_like(margin), margin], axis=1)


def check_attacks() -> None:
    """Raise a MissingPackageError unless ART is installed."""
    _import_art()


def _import_art() -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of frameworks that are not here
            import art
            import art.attacks.evasion
            import art.estimators.classification
    except ImportError:
        raise MissingPackageError(
            'The attacks need a package that is not installed. Run: pip install "siamlab[attacks]"'
        ) from None
    return art

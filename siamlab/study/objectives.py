"""The losses that the studies compare, each with the head it needs in training.

Margins and scales are the losses' own defaults; ``Contrastive``'s margin and ``PairLogits``'
scale were chosen between two values each on validation people, the others are not tuned.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from siamlab.errors import InputError
from siamlab.models.losses import (
    AdditiveAngularMargin,
    Contrastive,
    LargeMarginCosine,
    PairCrossEntropy,
    SemiHardTriplet,
    SupervisedContrastive,
)
from siamlab.models.training_heads import PairLogits, PersonCosines
from siamlab.system.backend import keras


@dataclass(frozen=True)
class Objective:
    """A loss and its head, by name.

    Attributes:
        name: in files and tables.
        title: in charts.
        loss: builds the loss; ``None`` for the two losses of ``train_people`` itself.
        head: builds the layer between embedding and loss for a number of training people;
            ``None`` when the loss takes the embeddings.
    """

    name: str
    title: str
    loss: Callable[[], keras.losses.Loss] | None
    head: Callable[[int], keras.layers.Layer] | None = None


def _pair_logits(people: int) -> keras.layers.Layer:
    return PairLogits(name="pairs")


def _person_cosines(people: int) -> keras.layers.Layer:
    return PersonCosines(people, name="people")


RECIPE = "supervised_contrastive+large_margin_cosine"
OBJECTIVES = (
    Objective(
        "bce_pairs",
        "cross-entropy, two pairs an image",
        lambda: PairCrossEntropy("next"),
        _pair_logits,
    ),
    Objective("bce_all_pairs", "cross-entropy, all pairs", PairCrossEntropy, _pair_logits),
    Objective("contrastive", "contrastive, all pairs", Contrastive),
    Objective("triplet", "semi-hard triplet", SemiHardTriplet),
    Objective("supervised_contrastive", "supervised contrastive", SupervisedContrastive),
    Objective("large_margin_cosine", "large margin cosine", LargeMarginCosine, _person_cosines),
    Objective("angular_margin", "additive angular margin", AdditiveAngularMargin, _person_cosines),
    Objective(RECIPE, "supervised contrastive\n+ large margin cosine", None),
)


def find_objective(name: str) -> Objective:
    """Look an objective up.

    Raises:
        InputError: there is none of this name.
    """
    by_name = {objective.name: objective for objective in OBJECTIVES}
    if name not in by_name:
        raise InputError(f"No loss is named {name!r}; choose one of {', '.join(by_name)}.")
    return by_name[name]


def with_head(embedding: keras.Model, objective: Objective, people: int) -> keras.Model:
    """A network whose output the objective's loss takes; it shares the embedding's weights.

    Args:
        embedding: network whose output has unit length.
        objective: has the head.
        people: number of training people.
    """
    if objective.head is None:
        return embedding
    return keras.Model(embedding.input, objective.head(people)(embedding.output), name="training")

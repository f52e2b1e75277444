"""Losses that are a sum over pairs: genuine ones cost one thing, impostor ones another.

Which pairs of a batch count, and how genuine and impostor pairs are weighted, is the same for
every loss here (:class:`PairLoss`): they differ in the cost only.
"""

from __future__ import annotations

from typing import Any

from siamlab.errors import InputError
from siamlab.models.layers import safe_root, squared_distances
from siamlab.system.backend import keras, ops

PAIRS = ("all", "next")


def pair_masks(y_true: Any, dtype: Any = "float32") -> tuple[Any, Any]:
    """Which pairs of a batch are genuine, and which are impostor pairs.

    Args:
        y_true: integer labels ``(batch,)`` or ``(batch, 1)``.
        dtype: of the masks.

    Returns:
        Two tensors ``(batch, batch)`` of 0 and 1. An image with itself is neither.
    """
    labels = ops.reshape(y_true, (-1, 1))
    same = ops.cast(ops.equal(labels, ops.transpose(labels)), dtype)
    return same - ops.eye(ops.shape(labels)[0], dtype=dtype), 1.0 - same


def next_in_batch(mask: Any) -> Any:
    """Keep one pair of each row: the next in the batch, cyclically.

    Batches are drawn at random, so the next image is a random one.

    Args:
        mask: ``(batch, batch)`` of 0 and 1, the diagonal 0.

    Returns:
        The same shape; a row without a pair stays empty.
    """
    count = ops.shape(mask)[0]
    place = ops.arange(count)
    ahead = ops.mod(ops.expand_dims(place, 0) - ops.expand_dims(place, 1), count)
    ahead = ops.where(mask > 0, ahead, count)
    nearest = ops.equal(ahead, ops.min(ahead, axis=1, keepdims=True))
    return mask * ops.cast(nearest, mask.dtype)


def mean_where(values: Any, mask: Any) -> Any:
    """Mean of each row over the places where the mask is 1; 0 where it has none."""
    return ops.sum(mask * values, axis=1) / ops.maximum(ops.sum(mask, axis=1), 1.0)


class PairLoss(keras.losses.Loss):
    """Base of the losses over pairs of a batch.

    Args:
        pairs: ``all`` compares each image with every other of the batch, N (N - 1) comparisons
            of N embedded images. ``next`` compares it with one image of its person and with
            one of another, 2 N comparisons: what the same images give when they come as
            separate pairs, as in Koch et al. 2015.
        genuine_share: weight of the genuine pairs, that of the impostor pairs is the rest.
            A batch has far more impostor pairs; 0.5 weighs both kinds alike, and
            ``(K - 1) / (P K - 1)`` weighs every pair of ``all`` alike.

    Call arguments:
        y_true: integer labels ``(batch,)`` or ``(batch, 1)``.
        y_pred: see the subclass.

    Raises:
        InputError: unknown ``pairs``, or a share outside [0, 1].
    """

    def __init__(self, pairs: str = "all", genuine_share: float = 0.5, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if pairs not in PAIRS:
            raise InputError(f"pairs is one of {', '.join(PAIRS)}. Received: pairs={pairs!r}.")
        if not 0 <= genuine_share <= 1:
            raise InputError(f"genuine_share is in [0, 1]. Received: {genuine_share}.")
        self.pairs, self.genuine_share = pairs, genuine_share

    def costs(self, y_pred: Any) -> tuple[Any, Any]:
        """What each pair costs if it is genuine, and if not, ``(batch, batch)`` both."""
        raise NotImplementedError

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Loss of each image as anchor, ``(batch,)``."""
        y_pred = ops.convert_to_tensor(y_pred)
        genuine, impostor = pair_masks(y_true, y_pred.dtype)
        if self.pairs == "next":
            genuine, impostor = next_in_batch(genuine), next_in_batch(impostor)
        if_genuine, if_impostor = self.costs(y_pred)
        cost = self.genuine_share * mean_where(if_genuine, genuine)
        return cost + (1 - self.genuine_share) * mean_where(if_impostor, impostor)

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        own = {"pairs": self.pairs, "genuine_share": self.genuine_share}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable(package="siamlab")
class PairCrossEntropy(PairLoss):
    """Binary cross-entropy: is this pair of the batch genuine?

    Koch, Zemel, Salakhutdinov 2015, section 3.2, without its regularization; with ``all`` it is
    the sigmoid loss of Zhai et al. 2023 (SigLIP), section 3.2, with labels.

    Args as :class:`PairLoss`.

    Call arguments:
        y_pred: logits ``(batch, batch)``, what ``PairLogits`` returns.

    Raises:
        InputError: ``y_pred`` is not square.
    """

    def costs(self, y_pred: Any) -> tuple[Any, Any]:
        """``-log sigmoid(x)`` and ``-log(1 - sigmoid(x))``, without overflow."""
        rows, columns = y_pred.shape
        if columns is not None and rows is not None and rows != columns:
            raise InputError(
                "PairCrossEntropy takes the logits of all pairs of a batch, (N, N), which "
                f"PairLogits makes of embeddings. Received: {(rows, columns)}."
            )
        return ops.softplus(-y_pred), ops.softplus(y_pred)


@keras.saving.register_keras_serializable(package="siamlab")
class Contrastive(PairLoss):
    """Contrastive loss: genuine pairs are pulled together, impostor pairs pushed a margin apart.

    Hadsell, Chopra, LeCun 2006, equation 4: ``D² / 2`` for a genuine pair and
    ``max(0, m - D)² / 2`` for an impostor pair, D the Euclidean distance.

    Args:
        margin: ``m``; unit embeddings are 2 apart at the most, and about 1.41 by chance, so with
            1.4 about half of the random impostor pairs still count.
        pairs, genuine_share: see :class:`PairLoss`.

    Call arguments:
        y_pred: embeddings ``(batch, dimensions)``.
    """

    def __init__(
        self, margin: float = 1.4, pairs: str = "all", genuine_share: float = 0.5, **kwargs: Any
    ) -> None:
        super().__init__(pairs, genuine_share, **kwargs)
        self.margin = margin

    def costs(self, y_pred: Any) -> tuple[Any, Any]:
        """Half the squared distance, and half the squared gap to the margin."""
        squared = squared_distances(y_pred)
        gap = ops.relu(self.margin - safe_root(squared))
        return squared / 2, ops.square(gap) / 2

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return {**super().get_config(), "margin": self.margin}

"""Triplet loss with semi-hard impostors."""

from __future__ import annotations

from typing import Any

from siamlab.models.layers import squared_distances
from siamlab.models.losses.pairwise import mean_where, pair_masks
from siamlab.system.backend import keras, ops


@keras.saving.register_keras_serializable(package="siamlab")
class SemiHardTriplet(keras.losses.Loss):
    """Triplet loss; each genuine pair is compared with one semi-hard impostor of the batch.

    Schroff, Kalenichenko, Philbin 2015 (FaceNet), section 3: ``max(0, d(a, p) - d(a, n) + m)``
    with squared distances. The impostor is the nearest one that is farther from the anchor than
    the positive is (section 3.2: the hardest of all would make the embedding collapse), or the
    farthest where none is. An anchor without a genuine pair or without an impostor has a loss of
    zero. Memory grows with the cube of the batch.

    Args:
        margin: ``m``, on the squared distance; 0.2 in the paper.

    Call arguments:
        y_true: integer labels ``(batch,)`` or ``(batch, 1)``.
        y_pred: unit embeddings ``(batch, dimensions)``.
    """

    def __init__(self, margin: float = 0.2, name: str = "semi_hard_triplet", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.margin = margin

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Mean over the genuine pairs of each image as anchor, ``(batch,)``."""
        squared = squared_distances(ops.convert_to_tensor(y_pred))
        genuine, impostor = pair_masks(y_true, squared.dtype)
        # Axes: anchor, positive, impostor.
        others = ops.expand_dims(squared, 1)
        farther = ops.logical_and(
            ops.expand_dims(impostor, 1) > 0, others > ops.expand_dims(squared, 2)
        )
        nearest = ops.min(ops.where(farther, others, 1e9), axis=2)
        farthest = ops.max(ops.where(impostor > 0, squared, 0.0), axis=1, keepdims=True)
        semi_hard = ops.where(ops.any(farther, axis=2), nearest, farthest)
        cost = ops.relu(squared - semi_hard + self.margin)
        return mean_where(cost, genuine * ops.max(impostor, axis=1, keepdims=True))

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return {**super().get_config(), "margin": self.margin}

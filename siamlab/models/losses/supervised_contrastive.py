"""Supervised contrastive loss: a genuine pair against all other images of the batch."""

from __future__ import annotations

from typing import Any

from siamlab.models.losses.pairwise import pair_masks
from siamlab.system.backend import keras, ops


@keras.saving.register_keras_serializable(package="siamlab")
class SupervisedContrastive(keras.losses.Loss):
    """Supervised contrastive loss over all pairs of a batch.

    Khosla et al. 2020, equation 2 (``L_out``). Every image is an anchor once: the other images
    of its person are to be nearer than all other images of the batch. The only image of a person
    has a loss of zero.

    Args:
        temperature: divides the cosine similarities; smaller weights near impostors more.

    Call arguments:
        y_true: integer labels ``(batch,)`` or ``(batch, 1)``.
        y_pred: unit embeddings ``(batch, dimensions)``.
    """

    def __init__(
        self, temperature: float = 0.1, name: str = "supervised_contrastive", **kwargs: Any
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.temperature = temperature

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Loss of each image as anchor, ``(batch,)``."""
        similarity = ops.matmul(y_pred, ops.transpose(y_pred)) / self.temperature
        # An image is not compared with itself: its similarity is pushed out of the softmax.
        similarity = similarity - 1e9 * ops.eye(ops.shape(y_pred)[0], dtype=similarity.dtype)
        log_share = similarity - ops.logsumexp(similarity, axis=1, keepdims=True)
        genuine, _ = pair_masks(y_true, similarity.dtype)
        total = ops.sum(ops.where(genuine > 0, log_share, 0.0), axis=1)
        return -total / ops.maximum(ops.sum(genuine, axis=1), 1.0)

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return {**super().get_config(), "temperature": self.temperature}

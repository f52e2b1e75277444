"""What training minimises beyond Keras' own binary cross-entropy.

Comes in: labels and embeddings of a batch of P people with K images each. Goes out: losses over
all pairs of the batch, or over all training people, in ``keras.ops`` alone.
"""

from __future__ import annotations

from typing import Any

from siamlab.backend import keras, ops


@keras.saving.register_keras_serializable(package="siamlab")
class SupervisedContrastive(keras.losses.Loss):
    """Supervised contrastive loss over all pairs of a batch.

    Khosla et al. 2020, equation 2 (``L_out``). Every image is an anchor once: the other images
    of its person are to be nearer than all other images of the batch. An image alone of
    its person counts nothing.

    Args:
        temperature: divides the cosine similarities; smaller looks harder at near impostors.

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
        labels = ops.reshape(y_true, (-1, 1))
        similarity = ops.matmul(y_pred, ops.transpose(y_pred)) / self.temperature
        itself = ops.eye(ops.shape(y_pred)[0], dtype=similarity.dtype)
        # An image is not compared with itself: its similarity is pushed out of the softmax.
        similarity = similarity - 1e9 * itself
        log_share = similarity - ops.logsumexp(similarity, axis=1, keepdims=True)
        same = ops.cast(ops.equal(labels, ops.transpose(labels)), similarity.dtype) - itself
        total = ops.sum(ops.where(same > 0, log_share, 0.0), axis=1)
        return -total / ops.maximum(ops.sum(same, axis=1), 1.0)

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return {**super().get_config(), "temperature": self.temperature}


@keras.saving.register_keras_serializable(package="siamlab")
class LargeMarginCosine(keras.losses.Loss):
    """Softmax over the training people, with a margin on the cosine of the right one.

    Wang et al. 2018 (CosFace), equation 4: ``s (cos - m)`` for the right person, ``s cos`` for
    all others.

    Args:
        margin: ``m``, taken off the right person's cosine.
        scale: ``s``, multiplies every cosine.

    Call arguments:
        y_true: integer person numbers ``(batch,)`` or ``(batch, 1)``.
        y_pred: cosines ``(batch, people)``, what ``PersonCosines`` returns.
    """

    def __init__(
        self,
        margin: float = 0.2,
        scale: float = 24.0,
        name: str = "large_margin_cosine",
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.margin, self.scale = margin, scale

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Loss of each image, ``(batch,)``."""
        person = ops.cast(ops.reshape(y_true, (-1,)), "int32")
        right = ops.one_hot(person, y_pred.shape[-1], dtype=y_pred.dtype)
        logits = self.scale * (y_pred - self.margin * right)
        return ops.logsumexp(logits, axis=1) - ops.sum(right * logits, axis=1)

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return {**super().get_config(), "margin": self.margin, "scale": self.scale}

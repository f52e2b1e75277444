"""Softmax losses over the training people, with a margin."""

from __future__ import annotations

import math
from typing import Any

from siamlab.models.layers import safe_root
from siamlab.system.backend import keras, ops


class MarginSoftmax(keras.losses.Loss):
    """Base of the softmax losses over the training people with a margin for the right one.

    Args:
        margin: see the subclass.
        scale: ``s``, multiplies every cosine.

    Call arguments:
        y_true: integer person numbers ``(batch,)`` or ``(batch, 1)``.
        y_pred: cosines ``(batch, people)``, what ``PersonCosines`` returns.
    """

    def __init__(self, margin: float = 0.2, scale: float = 24.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.margin, self.scale = margin, scale

    def apply_margin(self, cosines: Any) -> Any:
        """The cosines with the subclass's margin, for the right person; same shape."""
        raise NotImplementedError

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Loss of each image, ``(batch,)``."""
        y_pred = ops.convert_to_tensor(y_pred)
        person = ops.cast(ops.reshape(y_true, (-1,)), "int32")
        right = ops.one_hot(person, y_pred.shape[-1], dtype=y_pred.dtype)
        logits = self.scale * ops.where(right > 0, self.apply_margin(y_pred), y_pred)
        return ops.logsumexp(logits, axis=1) - ops.sum(right * logits, axis=1)

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return {**super().get_config(), "margin": self.margin, "scale": self.scale}


@keras.saving.register_keras_serializable(package="siamlab")
class LargeMarginCosine(MarginSoftmax):
    """Softmax over the training people, with a margin on the cosine of the right one.

    Wang et al. 2018 (CosFace), equation 4: ``s (cos - m)`` for the right person, ``s cos`` for
    all others.

    Args:
        margin: ``m``, taken off the right person's cosine.
        scale, and call arguments: see :class:`MarginSoftmax`.
    """

    def apply_margin(self, cosines: Any) -> Any:
        """``cos - m``."""
        return cosines - self.margin


@keras.saving.register_keras_serializable(package="siamlab")
class AdditiveAngularMargin(MarginSoftmax):
    """Softmax over the training people, with a margin on the angle to the right one.

    Deng et al. 2019 (ArcFace), equation 3: ``s cos(angle + m)`` for the right person, ``s cos``
    for all others. Past ``pi - m`` the cosine would rise again; from there it decreases linearly
    in the cosine instead, so that a worse image never costs less.

    Args:
        margin: ``m`` in radians; 0.5 in the paper, less suits a small network and few people.
        scale, and call arguments: see :class:`MarginSoftmax`.
    """

    def apply_margin(self, cosines: Any) -> Any:
        """``cos(angle + m) = cos cos(m) - sin sin(m)``, on to -1 and below."""
        sines = safe_root(1.0 - ops.square(cosines))
        turned = cosines * math.cos(self.margin) - sines * math.sin(self.margin)
        # At angle = pi - m the turned cosine is -1; from there on it falls as the cosine does.
        limit = math.cos(math.pi - self.margin)
        return ops.where(cosines > limit, turned, cosines - limit - 1.0)

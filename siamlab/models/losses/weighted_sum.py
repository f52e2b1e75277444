"""Several losses of the same output as one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from siamlab.errors import InputError
from siamlab.system.backend import keras


@keras.saving.register_keras_serializable(package="siamlab")
class WeightedSum(keras.losses.Loss):
    """The weighted sum of losses of the same output.

    Losses of different outputs (embeddings, logits, cosines) are added by Keras itself: give
    ``compile`` one for each output.

    Args:
        losses: one or more, each with a loss for each image.
        weights: one for each loss; 1 when ``None``.

    Call arguments:
        y_true: integer labels ``(batch,)`` or ``(batch, 1)``.
        y_pred: what every one of the losses takes.

    Raises:
        InputError: no losses, or another number of weights.

    Example:
        ```python
        loss = WeightedSum([SupervisedContrastive(), SemiHardTriplet()], [1.0, 0.5])
        ```
    """

    def __init__(
        self,
        losses: Sequence[keras.losses.Loss],
        weights: Sequence[float] | None = None,
        name: str = "weighted_sum",
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.losses = list(losses)
        self.weights = [1.0] * len(self.losses) if weights is None else list(weights)
        if not self.losses or len(self.losses) != len(self.weights):
            raise InputError(
                "A sum needs losses and a weight for each. Received: "
                f"{len(self.losses)} losses, {len(self.weights)} weights."
            )

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Loss of each image, ``(batch,)``."""
        parts = zip(self.weights, self.losses, strict=True)
        return sum(weight * loss.call(y_true, y_pred) for weight, loss in parts)

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments, the losses serialized."""
        losses = [keras.saving.serialize_keras_object(loss) for loss in self.losses]
        return {**super().get_config(), "losses": losses, "weights": self.weights}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> WeightedSum:
        """Build the sum again from :meth:`get_config`."""
        losses = [keras.saving.deserialize_keras_object(loss) for loss in config["losses"]]
        return cls(**{**config, "losses": losses})

"""The learning rate of a training whose steps are counted; for minutes see ``ClockCosine``."""

from __future__ import annotations

import math
from typing import Any

from siamlab.system.backend import keras, ops


@keras.saving.register_keras_serializable(package="siamlab")
class WarmupCosine(keras.optimizers.schedules.LearningRateSchedule):
    """Linear warm-up, then cosine decay to zero (Loshchilov and Hutter 2017, arXiv:1608.03983).

    The rates are those of Keras' ``CosineDecay`` with a warm-up, which asks with a condition
    whether it still warms up. AdamW reads the rate once for each weight, and TensorFlow traces
    all these conditions: a sixth of the time before the first step.

    Args:
        rate: after the warm-up.
        steps: in all.
        warmup: steps of them, at least one.

    Example:
        >>> rate = WarmupCosine(1e-3, steps=100, warmup=10)
        >>> [f"{float(rate(step)):.6f}" for step in (0, 5, 10, 55, 100, 200)]
        ['0.000000', '0.000500', '0.001000', '0.000500', '0.000000', '0.000000']
    """

    def __init__(self, rate: float, steps: int, warmup: int) -> None:
        self.rate, self.steps, self.warmup = rate, steps, warmup

    def __call__(self, step: Any) -> Any:
        """The rate of a step, counted from 0."""
        step = ops.cast(step, "float32")
        warm = ops.minimum(step / self.warmup, 1.0)
        share = ops.clip((step - self.warmup) / max(1, self.steps - self.warmup), 0.0, 1.0)
        return 0.5 * self.rate * warm * (1.0 + ops.cos(math.pi * share))

    def get_config(self) -> dict[str, Any]:
        """What makes it again."""
        return {"rate": self.rate, "steps": self.steps, "warmup": self.warmup}

"""Keras callbacks: a time limit, a learning rate that follows the clock, and the time of steps."""

from __future__ import annotations

import math
import statistics
import time
from itertools import pairwise
from typing import Any

from siamlab.system.backend import keras


class StopAfter(keras.callbacks.Callback):
    """Stop training when its time is up, in the middle of an epoch if need be.

    The clock starts when the callback is made, so that loading images counts too.
    """

    def __init__(self, minutes: float) -> None:
        super().__init__()
        self.minutes = minutes
        self.began = time.perf_counter()

    def count(self, seconds: float) -> None:
        """Count time that was trained before a resume."""
        self.began -= seconds

    @property
    def seconds(self) -> float:
        """How long it runs, time before a resume included."""
        return time.perf_counter() - self.began

    @property
    def over(self) -> bool:
        """Whether the minutes are over."""
        return self.seconds > self.minutes * 60

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Stop when the minutes are over."""
        if self.over:
            self.model.stop_training = True


class ClockCosine(StopAfter):
    """Warm-up, then cosine decay of the learning rate over minutes instead of steps."""

    def __init__(self, rate: float, minutes: float, warmup_steps: int = 100) -> None:
        super().__init__(minutes)
        self.rate, self.warmup_steps, self.step = rate, warmup_steps, 0

    def on_train_begin(self, logs: Any = None) -> None:
        """Begin at the step that a checkpoint was written at: there is one warm-up."""
        self.step = int(keras.ops.convert_to_numpy(self.model.optimizer.iterations))

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Set the learning rate of this step."""
        self.step += 1
        share = min(1.0, self.seconds / (self.minutes * 60))
        warm = min(1.0, self.step / self.warmup_steps)
        self.model.optimizer.learning_rate = (
            self.rate * warm * (0.5 + 0.5 * math.cos(math.pi * share)) + 1e-6
        )


class StepTimes(keras.callbacks.Callback):
    """How long the steps take, without what comes before the first: building and compiling.

    In a short training that is most of the time, and says nothing about a long one.
    """

    def __init__(self) -> None:
        super().__init__()
        self.ends: list[float] = []
        self.began = math.nan

    def on_train_begin(self, logs: Any = None) -> None:
        """Note when it begins, in case there is but one step."""
        self.began = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Note when the step was done."""
        self.ends.append(time.perf_counter())

    @property
    def seconds(self) -> float:
        """All steps at the median time of a step; what delays a few of them does not count."""
        if len(self.ends) == 1:
            return self.ends[0] - self.began
        return statistics.median(b - a for a, b in pairwise(self.ends)) * len(self.ends)

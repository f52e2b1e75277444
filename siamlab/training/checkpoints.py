"""What a killed training resumes from: the history, and checkpoints that are whole or absent.

Output: folders such as ``epoch-0004`` with weights, optimizer state, dropout's random state and
the history; and the best weights.
"""

from __future__ import annotations

import errno
import json
import math
import os
import shutil
import time
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from siamlab.errors import ModelError, StorageError
from siamlab.system.backend import keras

WEIGHTS = "model.weights.h5"
KEPT_CHECKPOINTS = 2


@dataclass
class TrainingHistory:
    """The metrics and the time of each epoch.

    Attributes:
        metrics: metric name to its value after each epoch.
        seconds: wall-clock time of each epoch.
    """

    metrics: dict[str, list[float]] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)

    @property
    def epochs(self) -> int:
        """Finished epochs."""
        return len(self.seconds)

    def add(self, logs: dict[str, float], seconds: float) -> None:
        """Append one epoch."""
        for name, value in logs.items():
            self.metrics.setdefault(name, []).append(float(value))
        self.seconds.append(float(seconds))

    def extend(self, other: TrainingHistory) -> None:
        """Append the epochs of another training."""
        for name, values in other.metrics.items():
            self.metrics.setdefault(name, []).extend(values)
        self.seconds.extend(other.seconds)

    def to_json(self) -> str:
        """The history as JSON."""
        return json.dumps({"metrics": self.metrics, "seconds": self.seconds})

    @classmethod
    def from_json(cls, text: str) -> TrainingHistory:
        """The inverse of :meth:`to_json`."""
        return cls(**json.loads(text))


def latest_checkpoint(folder: Path) -> Path | None:
    """The newest whole checkpoint in ``folder``, or ``None``."""
    found = sorted(folder.glob("epoch-*")) if folder.is_dir() else []
    return found[-1] if found else None


def _seed_states(model: keras.Model) -> list[Any]:
    """The states of dropout's seed generators, which Keras leaves out of a weights file."""
    layers = model._flatten_layers()
    return [layer.seed_generator.state for layer in layers if hasattr(layer, "seed_generator")]


def restore(model: keras.Model, folder: Path | None) -> TrainingHistory:
    """Load the newest checkpoint into a compiled model, optimizer state included.

    Args:
        model: compiled, of the checkpoint's architecture.
        folder: where :class:`Checkpoints` wrote, if anywhere.

    Returns:
        The history up to the checkpoint; an empty one when there is no checkpoint.

    Raises:
        ModelError: the checkpoint is of another architecture, or damaged.
    """
    checkpoint = None if folder is None else latest_checkpoint(folder)
    if checkpoint is None:
        return TrainingHistory()
    try:
        model.optimizer.build(model.trainable_variables)
        with warnings.catch_warnings():
            # Keras only warns when the file lacks some of the layers.
            warnings.simplefilter("error", UserWarning)
            model.load_weights(checkpoint / WEIGHTS)
        for state, value in zip(
            _seed_states(model), json.loads((checkpoint / "seeds.json").read_text()), strict=True
        ):
            state.assign(value)
        return TrainingHistory.from_json((checkpoint / "history.json").read_text())
    except (ValueError, KeyError, OSError, TypeError, UserWarning) as error:
        raise ModelError(
            f"The checkpoint {checkpoint} is damaged or of another architecture; give another "
            f"folder, or delete it to start again ({str(error).strip().splitlines()[0][:120]})."
        ) from error


class Checkpoints(keras.callbacks.Callback):
    """Keep the history, a checkpoint every few epochs, and the best weights.

    A checkpoint is a folder that gets its final name only when it is whole, so a process that is
    killed at any moment leaves the previous one.

    Args:
        folder: where checkpoints go; ``None`` keeps the history only.
        history: extended in place.
        every: epochs between checkpoints.
        monitor: the metric whose smallest value is best.
    """

    def __init__(
        self,
        folder: Path | None,
        history: TrainingHistory,
        every: int = 1,
        monitor: str = "val_loss",
    ) -> None:
        super().__init__()
        self.folder, self.history, self.every, self.monitor = folder, history, every, monitor
        self.began = 0.0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Start the clock."""
        self.began = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Add the epoch to the history; write checkpoint and best weights where they are due."""
        best = min(self.history.metrics.get(self.monitor, [math.inf]))
        self.history.add(logs or {}, time.perf_counter() - self.began)
        if self.folder is None:
            return
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._check_room(self.folder)
            if self.history.metrics.get(self.monitor, [math.inf])[-1] < best:
                temporary = self.folder / "writing-best.weights.h5"
                self.model.save_weights(temporary, overwrite=True)
                temporary.replace(self.folder / "best.weights.h5")
            if (epoch + 1) % self.every == 0:
                self._write_checkpoint(self.folder, epoch + 1)
        except OSError as error:
            shutil.rmtree(self.folder / "writing", ignore_errors=True)
            raise StorageError(
                f"Cannot write a checkpoint to {self.folder}: {error.strerror or error}. Free some "
                "space and run again: training resumes from the last whole checkpoint."
            ) from error

    def _check_room(self, folder: Path) -> None:
        """Find a full disk before HDF5 does, which prints a page and leaves a file behind."""
        optimizer = getattr(self.model, "optimizer", None)
        variables = [*self.model.variables, *getattr(optimizer, "variables", ())]
        needed = sum(4 * math.prod(variable.shape) for variable in variables)
        if shutil.disk_usage(folder).free < 2 * needed:  # best weights and checkpoint
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _write_checkpoint(self, folder: Path, epoch: int) -> None:
        temporary = folder / "writing"
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir()
        self.model.save_weights(temporary / WEIGHTS)
        states = [keras.ops.convert_to_numpy(state).tolist() for state in _seed_states(self.model)]
        (temporary / "seeds.json").write_text(json.dumps(states))
        (temporary / "history.json").write_text(self.history.to_json())
        final = folder / f"epoch-{epoch:04d}"
        shutil.rmtree(final, ignore_errors=True)
        temporary.replace(final)
        for old in sorted(folder.glob("epoch-*"))[:-KEPT_CHECKPOINTS]:
            shutil.rmtree(old, ignore_errors=True)

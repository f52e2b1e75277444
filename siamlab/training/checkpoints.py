"""What a killed training resumes from: the history, and checkpoints that are whole or absent.

Output: files such as ``epoch-0004.npz`` with weights, optimizer state, dropout's random state,
the history, and what they belong to (:mod:`siamlab.training.checkpoint_key`); and ``best.npz``.
"""

from __future__ import annotations

import io
import json
import math
import time
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from siamlab.errors import ModelError, StorageError
from siamlab.models.safety import first_line
from siamlab.system.backend import keras
from siamlab.system.files import write_bytes
from siamlab.training.callbacks import StopAfter
from siamlab.training.checkpoint_files import BEST, PATTERN, latest_checkpoint
from siamlab.training.checkpoint_key import CheckpointKey

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


def state_variables(model: keras.Model) -> list[Any]:
    """All that changes in training: weights, dropout's random states, the optimizer's state."""
    layers = model._flatten_layers()
    seeds = [layer.seed_generator.state for layer in layers if hasattr(layer, "seed_generator")]
    optimizer = getattr(model, "optimizer", None)
    if optimizer is None:
        return [*model.weights, *seeds]
    if not optimizer.built:
        optimizer.build(model.trainable_variables)
    return [*model.weights, *seeds, *optimizer.variables]


def load_checkpoint(model: keras.Model, path: Path) -> TrainingHistory:
    """Put a checkpoint into a compiled model, optimizer state included.

    Args:
        model: compiled, of the checkpoint's architecture.
        path: a file that :class:`Checkpoints` wrote.

    Returns:
        The history up to the checkpoint.

    Raises:
        ModelError: it is damaged, or of another architecture.
    """
    with _reading(path) as file:
        variables = state_variables(model)
        if len(file.files) != len(variables) + 1:
            raise ValueError(f"{len(file.files) - 1} arrays for {len(variables)}")
        for number, variable in enumerate(variables):
            variable.assign(file[str(number)])
        about = json.loads(str(file["about"]))
        return TrainingHistory(about["metrics"], about["seconds"])


def _key_and_seconds(path: Path) -> tuple[CheckpointKey, float]:
    with _reading(path) as file:
        about = json.loads(str(file["about"]))
        return CheckpointKey(**about["key"]), float(about["clock"])


@contextmanager
def _reading(path: Path) -> Iterator[Any]:
    try:
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            yield file
    except (ValueError, KeyError, OSError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        raise ModelError(
            f"The checkpoint {path} is damaged or of another architecture; delete it to go on from "
            f"the one before it, if there is one ({first_line(error)})."
        ) from error


class Checkpoints(keras.callbacks.Callback):
    """Keep the history, a checkpoint every few epochs, and the best weights.

    A checkpoint is one file, made in memory and then written whole: HDF5, which Keras would use,
    ends the process on a full disk. Those of another key stay until the first of this one is there.

    Args:
        folder: where checkpoints go; ``None`` keeps the history only.
        key: what the training consists of; needed where there is a folder.
        every: epochs between checkpoints.
        monitor: the metric whose smallest value is best; ``None`` keeps no best weights.
        clock: the time limit, if there is one: the time before a resume counts.
        verbose: print what is resumed, and why not.
        writes: whether this process writes; of several that train together, one does.
    """

    def __init__(
        self,
        folder: Path | None,
        key: CheckpointKey | None = None,
        every: int = 1,
        monitor: str | None = None,
        clock: StopAfter | None = None,
        verbose: int = 0,
        writes: bool = True,
    ) -> None:
        super().__init__()
        self.writes = writes
        self.folder, self.key, self.every, self.monitor = folder, key, every, monitor
        self.clock, self.verbose = clock, verbose
        self.history = TrainingHistory()
        self.began = 0.0

    @property
    def callbacks(self) -> list[keras.callbacks.Callback]:
        """Itself and the clock, for ``fit``."""
        return [self] if self.clock is None else [self, self.clock]

    def restore(self, model: keras.Model) -> TrainingHistory:
        """Load the newest checkpoint, if it is of this training.

        Returns:
            The history, extended in place as training goes on; empty where nothing is resumed.

        Raises:
            ModelError: the checkpoint is damaged.
        """
        latest = None if self.folder is None else latest_checkpoint(self.folder)
        if latest is None or self.key is None:
            return self.history
        key, seconds = _key_and_seconds(latest)
        changes = self.key.changes(key)
        if changes:
            self._say(f"started anew, because {changes}")
        else:
            self.history = load_checkpoint(model, latest)
            if self.clock is not None:
                self.clock.count(seconds)
        return self.history

    def left(self, epochs: int) -> bool:
        """Whether anything is left to train; said where a training was resumed."""
        done = self.history.epochs
        if not done:
            return True
        left = done < epochs and not (self.clock is not None and self.clock.over)
        self._say(
            f"resumed at epoch {done + 1}"
            if left
            else f"nothing is left to train after epoch {done}"
        )
        return left

    def _say(self, line: str) -> None:
        if self.verbose:
            print(line, flush=True)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Start the clock."""
        self.began = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Add the epoch to the history; write checkpoint and best weights where they are due."""
        self.history.add(logs or {}, time.perf_counter() - self.began)
        values = self.history.metrics.get(self.monitor or "", [])
        best = bool(values) and values[-1] < min(values[:-1], default=math.inf)
        due = (epoch + 1) % self.every == 0
        if self.folder is None or not self.writes or not (best or due):
            return
        try:
            content = self._content()
            if best:
                write_bytes(self.folder / BEST, content)
            if due:
                self._write(self.folder, epoch + 1, content)
        except StorageError as error:
            if latest_checkpoint(self.folder) is None:
                raise
            raise StorageError(
                f"{error} Training resumes from the last whole checkpoint."
            ) from None

    def _content(self) -> memoryview:
        """A checkpoint as the content of a ``.npz`` file."""
        values = map(keras.ops.convert_to_numpy, state_variables(self.model))
        arrays = {str(number): value for number, value in enumerate(values)}
        key = None if self.key is None else self.key.to_dict()
        clock = 0.0 if self.clock is None else self.clock.seconds
        about = json.dumps({"key": key, "clock": clock, **vars(self.history)})
        file = io.BytesIO()
        np.savez(file, about=np.array(about), **arrays)
        return file.getbuffer()

    def _write(self, folder: Path, epoch: int, content: memoryview) -> None:
        path = folder / f"epoch-{epoch:04d}.npz"
        write_bytes(path, content)
        found = sorted(folder.glob(PATTERN))
        # Later epochs are of a former training with another key.
        kept = found[: found.index(path) + 1][-KEPT_CHECKPOINTS:]
        for old in found:
            if old not in kept:
                old.unlink(missing_ok=True)

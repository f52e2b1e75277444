"""Speed of training: pairs compared per second, and the cost of the input pipeline.

How pairs are counted: an unordered pair of two different images counts once for each step in
which the loss compares it. The report's step compares 16 pairs, and embeds 32 images for them. A
step on N images embeds each once and compares N (N - 1) / 2 pairs, with the same binary
cross-entropy. Most of these are impostor pairs, and the pairs of an image are not independent;
the number of images per second is therefore given too, and is about the same in both.
"""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from siamlab.data.augmentation import Augmentation
from siamlab.data.batches import PeopleBatches
from siamlab.data.collections import open_collection
from siamlab.data.synthetic import write_people
from siamlab.faces.crop import Preprocessing
from siamlab.models.losses import PairCrossEntropy, SupervisedContrastive
from siamlab.models.siamese import build_siamese
from siamlab.models.training_heads import PairLogits
from siamlab.study.speed.timing import alternate, matmul, matmul_work, step_work
from siamlab.system.backend import keras, uses_xla
from siamlab.training.recipes import FRACTIONS


@dataclass(frozen=True)
class PairsRate:
    """One network, trained on separate pairs as in the report, and on all pairs of a batch.

    The data are in memory in both cases.

    Attributes:
        images: images in a batch whose pairs are all compared.
        pairs: pairs that a step on it compares.
        report_step_seconds: a step on 16 pairs, 32 images, binary cross-entropy.
        report_predict_seconds: the report's ``predict`` on the batch, for its metrics.
        step_seconds: a step on ``images`` images, all pairs compared.
        report_pairs_per_second: in the report's loop, its ``predict`` included.
        pairs_per_second: with all pairs of a batch.
        ratio: the latter over the former.
        report_images_per_second: in the report's loop.
        images_per_second: with all pairs of a batch.
        report_gflops: floating-point work of the report's step over its time.
        gflops: that of the other step.
        matmul_gflops: of a float32 matrix multiplication, measured in turn with the steps: the
            machine's limit under its present load.
        report_share: share of that limit that the report's step reaches.
        share: that of the other step.
    """

    images: int
    pairs: int
    report_step_seconds: float
    report_predict_seconds: float
    step_seconds: float
    report_pairs_per_second: float
    pairs_per_second: float
    ratio: float
    report_images_per_second: float
    images_per_second: float
    report_gflops: float
    gflops: float
    matmul_gflops: float
    report_share: float
    share: float


def _report_loop(embedding: keras.Model, batch: int) -> tuple[Any, Any]:
    """The report's step, and its ``predict`` with precision and recall, on a fixed batch."""
    rng = np.random.default_rng(0)
    shape = (batch, *embedding.input_shape[1:])
    pair = [rng.random(shape, dtype=np.float32) for _ in range(2)]
    labels = rng.integers(0, 2, (batch, 1)).astype(np.float32)
    model = build_siamese(embedding)
    model.compile("adam", "binary_crossentropy", jit_compile=uses_xla())
    metrics = [keras.metrics.Precision(), keras.metrics.Recall()]

    def predict() -> None:
        probabilities = model.predict(pair, verbose=0)
        for metric in metrics:
            metric.update_state(labels, probabilities)

    return lambda: model.train_on_batch(pair, labels), predict


def _all_pairs(embedding: keras.Model, images: int) -> Any:
    """A step that compares all pairs of a fixed batch, two images of each person."""
    shape = (images, *embedding.input_shape[1:])
    batch = np.random.default_rng(0).random(shape, dtype=np.float32)
    labels = np.repeat(np.arange(images // 2, dtype=np.int32), 2)
    model = keras.Model(embedding.input, PairLogits()(embedding.output))
    model.compile("adam", PairCrossEntropy("all"), jit_compile=uses_xla())
    return lambda: model.train_on_batch(batch, labels)


def measure_pairs(
    embedding: keras.Model, images: int = 128, batch: int = 16, rounds: int = 5
) -> PairsRate:
    """Pairs compared per second: all pairs of a batch against the report's loop.

    Args:
        embedding: the network; its weights change.
        images: images in a batch whose pairs are all compared, an even number.
        batch: pairs in the report's batch.
        rounds: number of measurements of each.
    """
    train, predict = _report_loop(embedding, batch)
    runs = [train, predict, _all_pairs(embedding, images), matmul()]
    report, shown, step, multiplied = alternate(runs, rounds)
    gflops = step_work(embedding, images) / step / 1e9
    report_gflops = step_work(embedding, 2 * batch) / report / 1e9
    limit = matmul_work() / multiplied / 1e9
    pairs = images * (images - 1) // 2
    slow, fast = batch / (report + shown), pairs / step
    return PairsRate(
        images,
        pairs,
        round(report, 5),
        round(shown, 5),
        round(step, 5),
        round(slow, 2),
        round(fast, 1),
        round(fast / slow, 1),
        round(2 * batch / (report + shown), 1),
        round(images / step, 1),
        round(report_gflops, 1),
        round(gflops, 1),
        round(limit, 1),
        round(report_gflops / limit, 3),
        round(gflops / limit, 3),
    )


@dataclass(frozen=True)
class InputCost:
    """Training from files with augmentation, against one batch held in memory.

    Attributes:
        images: images in a batch.
        steps: steps in an epoch; whole epochs are measured, their start included.
        cached_step_seconds: a step on the same batch every time.
        step_seconds: a step on batches of files, decoded once and augmented each time.
        ratio: the latter over the former; 1.0 is an input pipeline that costs nothing.
        augment_seconds: one batch prepared while nothing else runs.
    """

    images: int
    steps: int
    cached_step_seconds: float
    step_seconds: float
    ratio: float
    augment_seconds: float


class OneBatch(keras.utils.PyDataset):
    """The same batch in every step."""

    def __init__(self, batch: tuple[np.ndarray, np.ndarray], steps: int) -> None:
        super().__init__()
        self.batch, self.steps = batch, steps

    def __len__(self) -> int:
        return self.steps

    def __getitem__(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        """The batch."""
        return self.batch


def measure_input(
    embedding: keras.Model, people: int = 64, steps: int = 20, rounds: int = 5
) -> InputCost:
    """Time that files and augmentation add to a training step in ``fit``.

    Args:
        embedding: the network; its weights change.
        people: people in a batch, two images each, drawn and written to a temporary folder.
        steps: steps in an epoch.
        rounds: epochs of each kind, measured in turn.
    """
    size = embedding.input_shape[1]
    with tempfile.TemporaryDirectory() as folder:
        collection = open_collection(write_people(Path(folder) / "people", people, 2))
        batches = PeopleBatches(
            collection,
            Preprocessing(size=size, fraction=FRACTIONS["compact"]),
            people=people,
            steps=steps,
            augmentation=Augmentation(),
        )
    embedding.compile("adamw", SupervisedContrastive(), jit_compile=uses_xla())
    began = time.perf_counter()
    held = OneBatch(batches[0], steps)
    alone = time.perf_counter() - began

    def epoch(data: keras.utils.PyDataset) -> None:
        embedding.fit(data, shuffle=False, verbose=0)

    cached, real = alternate([lambda: epoch(held), lambda: epoch(batches)], rounds)
    return InputCost(
        2 * people,
        steps,
        round(cached / steps, 5),
        round(real / steps, 5),
        round(real / cached, 4),
        round(alone, 5),
    )

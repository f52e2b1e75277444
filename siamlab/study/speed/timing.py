"""Clocks, networks with random weights, and the machine's limit, for all measurements."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from siamlab.faces.crop import Preprocessing
from siamlab.models.embedding import build_embedding, mirrored
from siamlab.models.metadata import ModelMetadata
from siamlab.models.siamese import Siamese, build_siamese
from siamlab.system.backend import ops
from siamlab.training.recipes import FRACTIONS


def median_seconds(run: Callable[[], Any], rounds: int = 5) -> float:
    """Median time of a call, after one that is not counted."""
    return alternate([run], rounds)[0]


def alternate(runs: list[Callable[[], Any]], rounds: int = 5) -> list[float]:
    """Median times of calls made in turn, after one of each that is not counted.

    Other load on the machine then slows all of them alike and hardly changes their ratio.
    """
    times: list[list[float]] = [[] for _ in runs]
    for number in range(rounds + 1):
        for run, spent in zip(runs, times, strict=True):
            began = time.perf_counter()
            run()
            if number > 0:
                spent.append(time.perf_counter() - began)
    return [statistics.median(spent) for spent in times]


def fresh_model(arch: str, size: int) -> Siamese:
    """A network with random weights, ``compact`` with its mirror image.

    Speed does not depend on training.
    """
    metadata = ModelMetadata(
        arch=arch, preprocessing=Preprocessing(size=size, fraction=FRACTIONS[arch])
    )
    embedding = build_embedding(arch, (size, size, 3))
    if arch == "compact":
        return build_siamese(mirrored(embedding), "squared", metadata)
    return build_siamese(embedding, "l1", metadata)


def multiply_adds(model: Any) -> int:
    """Multiplications of one image's forward pass through a network's weighted layers."""
    total = 0
    for layer in model._flatten_layers():
        kernel = getattr(layer, "kernel", None)
        if kernel is not None:
            places = int(np.prod(layer.output.shape[1:-1])) if len(kernel.shape) == 4 else 1
            total += places * int(np.prod(kernel.shape))
    return total


def step_work(embedding: Any, images: int) -> int:
    """Floating-point operations of a training step on ``images`` images.

    The backward pass costs about two forward passes; a multiply-add is two operations.
    """
    return images * 3 * 2 * multiply_adds(embedding)


def matmul(side: int = 3072) -> Callable[[], Any]:
    """A float32 matrix multiplication of :func:`matmul_work` operations, on Keras' backend."""
    left = ops.convert_to_tensor(np.random.default_rng(0).random((side, side), dtype=np.float32))
    return lambda: ops.convert_to_numpy(ops.matmul(left, left)[0, 0])


def matmul_work(side: int = 3072) -> int:
    """Floating-point operations of multiplying two square matrices."""
    return 2 * side**3

"""Clocks, networks with random weights, and the machine's limit, for all measurements."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from siamlab.faces.crop import Preprocessing
from siamlab.models.cohort_normalization import normalize_by_cohort
from siamlab.models.embedding import build_embedding, fold_normalization, mirrored, project_to_pca
from siamlab.models.ensemble import build_ensemble
from siamlab.models.hog_lda import AXES, fit_hog_lda
from siamlab.models.metadata import ModelMetadata
from siamlab.models.siamese import Siamese, build_siamese
from siamlab.system.backend import keras, ops
from siamlab.training.recipes import COHORT, DIMENSIONS, FACE_FRACTION, HOG_LDA_FRACTION


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
    """A network with random weights: speed does not depend on training."""
    metadata = ModelMetadata(
        arch=arch, preprocessing=Preprocessing(size=size, fraction=FACE_FRACTION)
    )
    embedding = build_embedding(arch, (size, size, 3))
    if arch == "compact":
        return _fresh_ensemble(embedding, size, metadata)
    return build_siamese(embedding, "l1", metadata)


def _fresh_ensemble(network: keras.Model, size: int, metadata: ModelMetadata) -> Siamese:
    """Compact as ``train_compact`` leaves it: its mirror image, gradients, axes, cohort."""
    rng = np.random.default_rng(0)
    images = rng.random((2 * AXES, size, size, 3), dtype=np.float32)
    gradients = fit_hog_lda(images, np.arange(len(images)) // 2)
    networks = (mirrored(fold_normalization(network)), gradients)
    base = build_ensemble(networks, (FACE_FRACTION, HOG_LDA_FRACTION))
    faces = rng.random((DIMENSIONS, *base.input_shape[1:]), dtype=np.float32)
    short = normalize_by_cohort(project_to_pca(base, faces, DIMENSIONS - 1), faces, COHORT)
    seen = Preprocessing(size=int(base.input_shape[1]), fraction=HOG_LDA_FRACTION)
    return build_siamese(short, "squared", replace(metadata, preprocessing=seen))


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

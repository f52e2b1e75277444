"""What every study measures with.

Input: a trained embedding, pairs of files. Output: scores, and the machine's name.
"""

from __future__ import annotations

import os
import platform
from pathlib import Path

import numpy as np

from siamlab.data.pairs import PairSet
from siamlab.evaluation import embed_pairs
from siamlab.faces.crop import Preprocessing
from siamlab.models.siamese import build_siamese
from siamlab.system.backend import keras


def machine_name() -> str:
    """Processor and core count, to stand beside a measured time."""
    name = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        name = lines[0].split(":", 1)[1].strip() if lines else name
    return f"{name}, {os.cpu_count()} cores"


def cosine_scores(
    embedding: keras.Model, preprocessing: Preprocessing, pairs: PairSet
) -> np.ndarray:
    """Score pairs by the cosine of their unit embeddings, moved into [0, 1].

    The order of the scores decides AUC and EER, so no head has to be fitted first.

    Args:
        embedding: unit embeddings come out.
        preprocessing: crop and size.
        pairs: who is compared with whom.

    Returns:
        float32 ``(N,)``.
    """
    model = build_siamese(embedding, "squared").with_metadata(preprocessing=preprocessing)
    first, second = embed_pairs(model, pairs)
    return np.clip(((first * second).sum(axis=1) + 1) / 2, 0, 1)

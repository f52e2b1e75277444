"""A small model whose score depends on small changes, to be attacked."""

from __future__ import annotations

import numpy as np

from siamlab.models.embedding import build_embedding
from siamlab.models.siamese import Siamese, build_siamese
from siamlab.system.backend import set_seed


def build_steep_model() -> Siamese:
    set_seed(3)
    made = build_siamese(build_embedding("compact", (32, 32, 3), width=0.25), "squared")
    kernel, bias = made.head.get_weights()
    made.head.set_weights([np.full_like(kernel, -9.0), np.full_like(bias, 4.0)])
    return made

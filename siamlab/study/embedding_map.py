"""Embeddings in two dimensions, for :func:`siamlab.plotting.embedding_plots.plot_map`."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from siamlab.errors import InputError


def tsne_map(embeddings: ArrayLike, seed: int = 0, perplexity: float = 30.0) -> np.ndarray:
    """Project embeddings to two dimensions by t-SNE.

    It keeps neighbors together; sizes of groups and distances between them mean little
    (Wattenberg et al. 2016, "How to use t-SNE effectively").

    Args:
        embeddings: float ``(N, D)``, compared by their cosine.
        seed: the same seed gives the same map on the same machine.
        perplexity: about the number of neighbors of each image; less for few images.

    Returns:
        float32 ``(N, 2)``.

    Raises:
        InputError: fewer than four embeddings, or not a table of numbers.

    Source:
        van der Maaten, Hinton 2008, "Visualizing data using t-SNE"; scikit-learn's ``TSNE``.
    """
    from sklearn.manifold import TSNE

    rows = np.asarray(embeddings, np.float32)
    if rows.ndim != 2 or len(rows) < 4 or not np.isfinite(rows).all():
        raise InputError(f"A map needs at least four finite embeddings (N, D): {rows.shape}.")
    nearest = min(perplexity, (len(rows) - 1) / 3)
    layout = TSNE(
        metric="cosine", init="pca", perplexity=nearest, random_state=seed, learning_rate="auto"
    )
    return np.asarray(layout.fit_transform(rows), np.float32)

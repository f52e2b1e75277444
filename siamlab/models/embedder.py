"""What a model must do to verify faces, on any runtime.

:class:`~siamlab.models.siamese.Siamese` (Keras) and
:class:`~siamlab.models.exported.ExportedModel` (LiteRT, ONNX Runtime) are such models.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

from siamlab.errors import InputError
from siamlab.models.metadata import ModelMetadata


class FaceEmbedder(Protocol):
    """Embeds faces and scores pairs of embeddings."""

    metadata: ModelMetadata

    @property
    def model_id(self) -> str:
        """Digest of weights and preprocessing: templates belong to the model with this one."""

    @property
    def ranks_by_cosine(self) -> bool:
        """Whether the score of two unit embeddings grows with their cosine alone."""

    def embed(self, images: np.ndarray, batch: int = 64) -> np.ndarray:
        """Embed images.

        Args:
            images: float32 ``(N, height, width, 3)`` in [0, 1], of the model's input size.
            batch: images in the network at once.

        Returns:
            float32 ``(N, dimensions)``.

        Raises:
            InputError: the images have another shape.
        """

    def score_pairs(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Score pairs of embeddings.

        Args:
            first: float32 ``(N, dimensions)``, or ``(dimensions,)`` for one probe.
            second: float32 ``(N, dimensions)``.

        Returns:
            float32 ``(N,)`` probabilities that both are of the same person.
        """


def embed_in_batches(
    network: Callable[[np.ndarray], np.ndarray],
    images: np.ndarray,
    input_shape: tuple[int, ...],
    dimensions: int,
    batch: int = 64,
) -> np.ndarray:
    """Run a network from ``(n, *input_shape)`` to ``(n, dimensions)`` on images, in batches.

    Args, returns and raises as :meth:`FaceEmbedder.embed`.
    """
    if images.ndim != 4 or images.shape[1:] != input_shape:
        raise InputError(
            f"The model takes images of shape (N, {', '.join(map(str, input_shape))}). "
            f"Received: {images.shape}."
        )
    if len(images) == 0:
        return np.zeros((0, dimensions), np.float32)
    whole = np.ascontiguousarray(images, np.float32)
    parts = [network(whole[start : start + batch]) for start in range(0, len(whole), batch)]
    return np.concatenate(parts).astype(np.float32, copy=False)


def ranks_by_cosine(distance: str, weights: np.ndarray) -> bool:
    """Whether a head on a distance of unit embeddings ranks them as their cosine does.

    For unit embeddings the squared differences sum to ``2 - 2 cos``: the head must give all of
    them one negative weight.

    Args:
        distance: ``squared``, or another.
        weights: the head's, ``(dimensions,)``.
    """
    if distance != "squared":
        return False
    return bool(weights.max() < 0 and np.ptp(weights) <= 1e-6 * np.abs(weights).max())

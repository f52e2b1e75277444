"""What a model must do to verify faces, whatever runtime it is on.

Input: float32 images ``(N, height, width, 3)`` in [0, 1]. Output: embeddings, and the
probability that two of them are of the same person. :class:`~siamlab.models.siamese.Siamese`
(Keras) and :class:`~siamlab.models.exported.ExportedModel` (LiteRT, ONNX Runtime) are such
models.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

import numpy as np

from siamlab.errors import InputError
from siamlab.models.metadata import ModelMetadata


@runtime_checkable
class FaceEmbedder(Protocol):
    """Embeds faces and scores pairs of embeddings.

    Attributes:
        model_id: templates belong to the model with this id, and to no other.
        ranks_by_cosine: the score of two unit embeddings grows with their cosine and depends on
            nothing else.
    """

    metadata: ModelMetadata

    @property
    def model_id(self) -> str:
        """Digest of the embedding's weights and preprocessing."""

    @property
    def ranks_by_cosine(self) -> bool:
        """Whether the score of two unit embeddings depends on their cosine alone."""

    def embed(self, images: np.ndarray, batch: int = 64) -> np.ndarray:
        """Images ``(N, height, width, 3)`` to embeddings ``(N, dimensions)``."""

    def score_pairs(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Embeddings of either side to probabilities ``(N,)``."""


def embed_in_batches(
    network: Callable[[np.ndarray], np.ndarray],
    images: np.ndarray,
    input_shape: tuple[int, ...],
    dimensions: int,
    batch: int = 64,
) -> np.ndarray:
    """Run an embedding network on images, ``batch`` at a time.

    Args:
        network: float32 ``(n, *input_shape)`` to ``(n, dimensions)``.
        images: float32 ``(N, *input_shape)`` in [0, 1].
        input_shape: height, width and channels of the network's images.
        dimensions: numbers in an embedding.
        batch: images embedded at once.

    Returns:
        float32 ``(N, dimensions)``.

    Raises:
        InputError: the images have another shape.
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

    For unit embeddings the squared differences sum to ``2 - 2 cos``: so it is when the head gives
    all of them one negative weight.

    Args:
        distance: ``squared``, or another.
        weights: the head's, ``(dimensions,)``.
    """
    if distance != "squared":
        return False
    return bool(weights.max() < 0 and np.ptp(weights) <= 1e-6 * np.abs(weights).max())

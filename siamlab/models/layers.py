"""Layers that join the two towers, the mirror image, and distances between embeddings.

Only ``keras.ops`` is used, so they run on every backend.
"""

from __future__ import annotations

from typing import Any

from siamlab.system.backend import keras, ops

# Below this a square root is taken as zero: its gradient there has no bound.
LEAST_SQUARE = 1e-6


def squared_distances(embeddings: Any) -> Any:
    """Squared Euclidean distances between all embeddings of a batch.

    Args:
        embeddings: float tensor ``(batch, dimensions)``.

    Returns:
        ``(batch, batch)``, at least 0; equal embeddings come out at 0 up to rounding.
    """
    squares = ops.sum(ops.square(embeddings), axis=1, keepdims=True)
    products = ops.matmul(embeddings, ops.transpose(embeddings))
    # |a - b|² = |a|² + |b|² - 2 a.b needs no (batch, batch, dimensions) tensor.
    return ops.relu(squares + ops.transpose(squares) - 2.0 * products)


def safe_root(squared: Any) -> Any:
    """Square root with a finite gradient everywhere: 0, and flat, below ``LEAST_SQUARE``.

    Args:
        squared: float tensor of any shape.
    """
    # The branch that is not taken must be finite too: its gradient is multiplied by zero, and
    # zero times infinity is NaN.
    positive = squared > LEAST_SQUARE
    return ops.where(positive, ops.sqrt(ops.where(positive, squared, 1.0)), 0.0)


class PairDistance(keras.layers.Layer):
    """Base of the layers that compare two embeddings element by element.

    Call arguments:
        anchor: float tensor ``(..., dimensions)``.
        other: float tensor of a shape that broadcasts with ``anchor``.

    Raises:
        ValueError: the last axes differ.
    """

    def call(self, anchor: Any, other: Any) -> Any:
        """Return the element-wise distance, in the broadcast shape."""
        if anchor.shape[-1] != other.shape[-1]:
            raise ValueError(
                f"{type(self).__name__} compares embeddings of one size. "
                f"Received: {tuple(anchor.shape)} and {tuple(other.shape)}."
            )
        return self.compare(anchor, other)

    def compare(self, anchor: Any, other: Any) -> Any:
        """The element-wise distance of the subclass."""
        raise NotImplementedError

    def compute_output_shape(self, anchor_shape: Any, other_shape: Any) -> tuple[int | None, ...]:
        """The shape of one embedding batch."""
        return tuple(anchor_shape)


@keras.saving.register_keras_serializable(package="siamlab")
class L1Distance(PairDistance):
    """The absolute difference of two embeddings, element by element.

    Koch, Zemel, Salakhutdinov 2015, section 3.1: the two towers are joined by
    ``|h1 - h2|``, which a single sigmoid unit then weights.

    Example:
        >>> import numpy as np
        >>> import siamlab
        >>> anchor, other = np.float32([[0.9, 0.1]]), np.float32([[0.4, 0.3]])
        >>> np.asarray(siamlab.L1Distance()(anchor, other)).round(2).tolist()
        [[0.5, 0.2...]]
    """

    def compare(self, anchor: Any, other: Any) -> Any:
        """``|anchor - other|``."""
        return ops.abs(anchor - other)


@keras.saving.register_keras_serializable(package="siamlab")
class SquaredDistance(PairDistance):
    """The squared difference of two embeddings, element by element.

    For unit embeddings its sum is ``2 - 2 cos``: a sigmoid unit with equal weights on it
    turns a cosine similarity into a probability.

    Example:
        >>> import numpy as np
        >>> import siamlab
        >>> anchor, other = np.float32([[1.0, -2.0]]), np.float32([[3.0, 1.0]])
        >>> np.asarray(siamlab.SquaredDistance()(anchor, other)).tolist()
        [[4.0, 9.0]]
    """

    def compare(self, anchor: Any, other: Any) -> Any:
        """``(anchor - other) ** 2``."""
        return ops.square(anchor - other)


@keras.saving.register_keras_serializable(package="siamlab")
class Mirror(keras.layers.Layer):
    """Flip images left to right.

    Call arguments:
        images: float tensor ``(batch, height, width, channels)``.
    """

    def call(self, images: Any) -> Any:
        """Return the flipped images, same shape."""
        return ops.flip(images, axis=2)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        """The shape does not change."""
        return tuple(input_shape)

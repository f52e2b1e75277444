"""Layers between embedding and loss, for training only."""

from __future__ import annotations

import math
from typing import Any

from siamlab.models.layers import squared_distances
from siamlab.system.backend import keras, ops


@keras.saving.register_keras_serializable(package="siamlab")
class PersonCosines(keras.layers.Layer):
    """Cosine between an embedding and one learned direction for each training person.

    Wang et al. 2018, section 3.1; verification does not need it.

    Args:
        people: number of training people.

    Call arguments:
        embeddings: unit embeddings ``(batch, dimensions)``.

    Output shape: ``(batch, people)``, in [-1, 1].
    """

    def __init__(self, people: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.people = people

    def build(self, input_shape: Any) -> None:
        """Make the directions."""
        self.directions = self.add_weight(
            shape=(self.people, input_shape[-1]),
            initializer=keras.initializers.RandomNormal(stddev=0.05),
            name="directions",
        )

    def call(self, embeddings: Any) -> Any:
        """Return the cosines."""
        unit = ops.normalize(self.directions, axis=1)
        return ops.matmul(embeddings, ops.transpose(unit))

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        """``(batch, people)``."""
        return (input_shape[0], self.people)

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return {**super().get_config(), "people": self.people}


@keras.saving.register_keras_serializable(package="siamlab")
class PairLogits(keras.layers.Layer):
    """Logit of "the same person" for every pair of a batch: each image embedded once.

    ``offset - scale * |a - b|²`` with learned scale and offset: ``SquaredDistance`` and a sigmoid
    unit with equal weights, for all pairs at once. The scale is learned as its logarithm, so it
    stays positive (Zhai et al. 2023, section 3.2). For ``PairCrossEntropy``.

    Args:
        scale: initial value.
        offset: initial value; unit embeddings score one half at the squared distance
            ``offset / scale``; 2 is that of random ones.

    Call arguments:
        embeddings: ``(batch, dimensions)``.

    Output shape: ``(batch, batch)``.

    Raises:
        ValueError: the scale is not positive.
    """

    def __init__(self, scale: float = 10.0, offset: float = 10.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if scale <= 0:
            raise ValueError(f"PairLogits needs a positive scale. Received: scale={scale}.")
        self.scale, self.offset = scale, offset

    def build(self, input_shape: Any) -> None:
        """Make the two weights."""
        constant = keras.initializers.Constant
        self.log_scale = self.add_weight(
            shape=(), initializer=constant(math.log(self.scale)), name="log_scale"
        )
        self.bias = self.add_weight(shape=(), initializer=constant(self.offset), name="bias")

    def call(self, embeddings: Any) -> Any:
        """Return the logits."""
        return self.bias - ops.exp(self.log_scale) * squared_distances(embeddings)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        """``(batch, batch)``."""
        return (input_shape[0], input_shape[0])

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return {**super().get_config(), "scale": self.scale, "offset": self.offset}

"""Layers that join the two towers, and the mirror used when embedding.

Comes in: embeddings or images as tensors of any Keras backend. Goes out: distances, images.
Only ``keras.ops`` is used, so the layers run on every backend.
"""

from __future__ import annotations

from typing import Any

from siamlab.backend import keras, ops


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
        """Element-wise distance; subclasses say which."""
        raise NotImplementedError

    def compute_output_shape(self, anchor_shape: Any, other_shape: Any) -> tuple[int | None, ...]:
        """The shape of one embedding batch."""
        return tuple(anchor_shape)


@keras.saving.register_keras_serializable(package="siamlab")
class L1Distance(PairDistance):
    """The absolute difference of two embeddings, element by element.

    Koch, Zemel, Salakhutdinov 2015, section 3.1: the two towers are joined by
    ``|h1 - h2|``, which a single sigmoid unit then weighs.

    Example:
        ```python
        distance = L1Distance()(anchor_embedding, other_embedding)
        ```
    """

    def compare(self, anchor: Any, other: Any) -> Any:
        """``|anchor - other|``."""
        return ops.abs(anchor - other)


@keras.saving.register_keras_serializable(package="siamlab")
class SquaredDistance(PairDistance):
    """The squared difference of two embeddings, element by element.

    For unit embeddings its sum is ``2 - 2 cos``: a sigmoid unit with equal weights on it
    turns a cosine similarity into a probability.
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


@keras.saving.register_keras_serializable(package="siamlab")
class PersonCosines(keras.layers.Layer):
    """Cosine between an embedding and one learned direction for each training person.

    Used in training alone (Wang et al. 2018, section 3.1): nothing of it is needed to verify.

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

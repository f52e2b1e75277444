"""Layers that join the two towers, those that training alone needs, and those that look at images.

Comes in: embeddings or images as tensors of any Keras backend. Goes out: distances, logits,
cosines, images, histograms of gradients. Only ``keras.ops`` is used, so the layers run on every
backend.
"""

from __future__ import annotations

import math
from typing import Any

from siamlab.augmentation import LUMA
from siamlab.backend import keras, ops

# A number whose root is taken counts as zero below this: the root's slope there has no bound.
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
    """Square root with a finite slope everywhere: 0, and flat, below ``LEAST_SQUARE``.

    Args:
        squared: float tensor of any shape.
    """
    # The branch that is not taken must be finite as well: its slope is multiplied by zero,
    # and zero times infinity is not a number.
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
class CentralView(keras.layers.Layer):
    """The middle of images, in a given number of pixels.

    Args:
        share: side of what is kept, as a share of the image's side, in (0, 1].
        size: side of what comes out, in pixels; interpolated (bilinear) where the cut has others.

    Call arguments:
        images: float tensor ``(batch, side, side, channels)``.

    Output shape: ``(batch, size, size, channels)``.

    Raises:
        ValueError: the share is not in (0, 1].
    """

    def __init__(self, share: float, size: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not 0 < share <= 1:
            raise ValueError(f"CentralView keeps a share in (0, 1]. Received: share={share}.")
        self.share, self.size = share, size

    def call(self, images: Any) -> Any:
        """Cut, then interpolate."""
        side = images.shape[1]
        kept = round(self.share * side)
        start = (side - kept) // 2
        view = images[:, start : start + kept, start : start + kept, :]
        if kept == self.size:
            return view
        return ops.image.resize(view, (self.size, self.size), interpolation="bilinear")

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        """``(batch, size, size, channels)``."""
        return (input_shape[0], self.size, self.size, input_shape[-1])

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return {**super().get_config(), "share": self.share, "size": self.size}


@keras.saving.register_keras_serializable(package="siamlab")
class OrientedGradients(keras.layers.Layer):
    """Histograms of oriented gradients, one for each cell of the image: nothing in it is learned.

    Dalal and Triggs 2005, with signed directions. A gradient counts for the directions near its own
    (by the square of the cosine) and for the cells near it. Each cell is divided by the strength
    of those around it, so that light and contrast count little, and the square root
    keeps a few strong edges from outweighing the rest.

    Args:
        cell: side of a cell in pixels.
        directions: parts that the full turn is divided into.

    Call arguments:
        images: ``(batch, height, width, 3)`` in [0, 1], sides of at least ``cell + 2``.

    Output shape: ``(batch, rows * columns * directions)``; each row has length 1.
    """

    def __init__(self, cell: int = 6, directions: int = 8, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.cell, self.directions = cell, directions

    def call(self, images: Any) -> Any:
        """Gradients, directions, cells, strength."""
        grey = ops.sum(images * ops.convert_to_tensor(LUMA, images.dtype), axis=-1, keepdims=True)
        across = grey[:, 1:-1, 2:] - grey[:, 1:-1, :-2]
        down = grey[:, 2:, 1:-1] - grey[:, :-2, 1:-1]
        turns = [2 * math.pi * number / self.directions for number in range(self.directions)]
        cosines, sines = (
            ops.convert_to_tensor([part(turn) for turn in turns], images.dtype)
            for part in (math.cos, math.sin)
        )
        along = ops.relu(across * cosines + down * sines)
        maps = ops.square(along) / ops.sqrt(ops.square(across) + ops.square(down) + 1e-8)
        # Two boxes in a row weigh by distance, as the neighbouring cells share a gradient in HOG.
        maps = ops.average_pool(maps, self.cell, 1, "same")
        maps = ops.average_pool(maps, self.cell, self.cell, "valid")
        strength = ops.sqrt(ops.sum(ops.square(maps), axis=-1, keepdims=True) + 1e-8)
        maps = ops.sqrt(maps / (ops.average_pool(strength, 3, 1, "same") + 0.1) + 1e-6)
        return ops.normalize(ops.reshape(maps, (-1, math.prod(maps.shape[1:]))), axis=-1)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        """One number for each cell and direction."""
        rows, columns = ((side - 2) // self.cell for side in input_shape[1:3])
        return (input_shape[0], rows * columns * self.directions)

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return {**super().get_config(), "cell": self.cell, "directions": self.directions}


@keras.saving.register_keras_serializable(package="siamlab")
class CentredUnit(keras.layers.Layer):
    """Turn a sigmoid code in (0, 1) into a unit vector around its middle.

    Used in training alone: losses on cosines need codes that point both ways.

    Call arguments:
        code: ``(batch, dimensions)``, in (0, 1).

    Output shape: the same; each row has length 1.
    """

    def call(self, code: Any) -> Any:
        """``(2 code - 1) / |2 code - 1|``."""
        return ops.normalize(2.0 * code - 1.0, axis=-1)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        """The shape does not change."""
        return tuple(input_shape)


@keras.saving.register_keras_serializable(package="siamlab")
class CohortNormalisation(keras.layers.Layer):
    """Tell who looks like many strangers: one more number in a unit embedding.

    Some faces are like everybody's, and some images are so blurred that they are. Their cosines
    with strangers are high, and so a high cosine says less about them. Score normalisation takes
    off a score what each side has with a cohort of strangers (S-norm, Kenny 2010, "Bayesian
    Speaker Verification with Heavy-Tailed Priors"; Matějka et al. 2017, "Analysis of Score
    Normalization in Multilingual Speaker Recognition"). Here that is a coordinate ``p`` of the
    embedding itself, ``[sqrt(1 - p²) e, p]``: it falls as the likeness to the cohort rises, and
    ``p_a p_b`` with it. Embeddings stay unit, and whatever compares them needs to know nothing
    of the cohort.

    Args:
        count: members of the cohort.
        temperature: how much the nearest of them count more than the others.
        centre: ``p`` of a face as like the cohort as usual, in (0, 1).
        slope: how much ``p`` falls when the likeness rises by one.

    Call arguments:
        embeddings: unit embeddings ``(batch, dimensions)``.

    Output shape: ``(batch, dimensions + 1)``, unit embeddings.
    """

    def __init__(
        self,
        count: int,
        temperature: float = 0.1,
        centre: float = 0.5,
        slope: float = 3.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.count, self.temperature = count, temperature
        self.centre, self.slope = centre, slope

    def build(self, input_shape: Any) -> None:
        """Make the cohort's embeddings, and the likeness to it that is usual."""
        shape = (self.count, input_shape[-1])
        self.cohort = self.add_weight(
            shape=shape, initializer="glorot_uniform", trainable=False, name="cohort"
        )
        self.usual = self.add_weight(shape=(), initializer="zeros", trainable=False, name="usual")

    def likeness(self, embeddings: Any) -> Any:
        """Cosine with the cohort, ``(batch, 1)``: a mean in which the nearest count most."""
        cosines = ops.matmul(embeddings, ops.transpose(self.cohort))
        total = ops.logsumexp(cosines / self.temperature, axis=1, keepdims=True)
        return self.temperature * (total - math.log(self.count))

    def call(self, embeddings: Any) -> Any:
        """Append the coordinate."""
        more = self.likeness(embeddings) - self.usual
        # Below zero the product of two would rise again; above one an embedding is not unit.
        place = ops.clip(self.centre - self.slope * more, 0.0, 0.9)
        rest = ops.sqrt(1.0 - ops.square(place)) * embeddings
        return ops.concatenate([rest, place], axis=1)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        """``(batch, dimensions + 1)``."""
        return (input_shape[0], input_shape[-1] + 1)

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        own = {"count": self.count, "temperature": self.temperature}
        return {**super().get_config(), **own, "centre": self.centre, "slope": self.slope}


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


@keras.saving.register_keras_serializable(package="siamlab")
class PairLogits(keras.layers.Layer):
    """Logit of "the same person" for every pair of a batch: each image embedded once.

    ``offset - scale * |a - b|²`` with learned scale and offset: what ``SquaredDistance`` and a
    sigmoid unit with equal weights make of two embeddings, for all pairs at once. The scale is
    learned as its logarithm, so it stays positive (Zhai et al. 2023, section 3.2). Used in
    training alone, with ``siamlab.losses.PairCrossEntropy``.

    Args:
        scale: at the start.
        offset: at the start; unit embeddings score one half at the squared distance
            ``offset / scale``, where 2 is what chance gives.

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

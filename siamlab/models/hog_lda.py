"""An embedding network that no descent trains: oriented gradients and discriminant axes.

Input: training people's images. Output: a Keras model to unit embeddings. Its layers are
fixed but for one, whose weights are computed at once: the axes along which people differ most,
measured in what the images of one person differ by (Fisher 1936; Belhumeur, Hespanha, Kriegman
1997, "Eigenfaces vs. Fisherfaces"). Alone it is no match for a trained network; beside one it
helps, because it errs on other pairs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from siamlab.images.decode import LUMA
from siamlab.models.embedding import embed_images
from siamlab.models.layers import Mirror
from siamlab.system.backend import keras, layers, ops


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
        gray = ops.sum(images * ops.convert_to_tensor(LUMA, images.dtype), axis=-1, keepdims=True)
        across = gray[:, 1:-1, 2:] - gray[:, 1:-1, :-2]
        down = gray[:, 2:, 1:-1] - gray[:, :-2, 1:-1]
        turns = [2 * math.pi * number / self.directions for number in range(self.directions)]
        cosines, sines = (
            ops.convert_to_tensor([part(turn) for turn in turns], images.dtype)
            for part in (math.cos, math.sin)
        )
        along = ops.relu(across * cosines + down * sines)
        maps = ops.square(along) / ops.sqrt(ops.square(across) + ops.square(down) + 1e-8)
        # Two boxes in a row weigh by distance, as the neighboring cells share a gradient in HOG.
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


HOG_LDA = "hog_lda"  # the network's name
# Principal components that the discriminant axes are looked for in, and axes kept.
COMPONENTS, AXES = 300, 150
SHRINKAGE = 0.1  # of the scatter within people towards a sphere: most have two or three images


def _histograms(shape: Sequence[int]) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """Of the image and of the image at half the size, each averaged with its mirror image's."""
    inputs = keras.Input(tuple(shape), name="image")
    fine, coarse = OrientedGradients(name="fine"), OrientedGradients(name="coarse")
    half = layers.AveragePooling2D(2, name="half")
    join = layers.Concatenate(name="levels")
    views = (inputs, Mirror(name="mirror")(inputs))
    both = [join([fine(view), coarse(half(view))]) for view in views]
    return inputs, layers.Average(name="both")(both)


def fit_hog_lda(images: np.ndarray, people: ArrayLike, batch: int = 256) -> keras.Model:
    """Fit the network to training people.

    Args:
        images: float32 ``(N, size, size, 3)`` in [0, 1], sides of 16 pixels at least.
        people: number or name of each image's person; two people at least. Each weighs alike.
        batch: images in the network at once.

    Returns:
        A model to unit embeddings ``(batch, axes)``: at most ``AXES``, and fewer than people.
    """
    from sklearn.decomposition import PCA
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    inputs, histograms = _histograms(images.shape[1:])
    rows = embed_images(keras.Model(inputs, histograms), images, batch)
    count = len(np.unique(people))
    # Of few images, the last components hold hardly any of what is there to see: half are kept.
    components = max(1, min(COMPONENTS, len(rows) // 2, rows.shape[1]))
    principal = PCA(components, whiten=True, svd_solver="full").fit(rows)
    axes = min(AXES, components, count - 1)
    discriminant = LinearDiscriminantAnalysis(
        solver="eigen", shrinkage=SHRINKAGE, n_components=axes, priors=np.full(count, 1 / count)
    ).fit(principal.transform(rows), people)
    whitening = principal.components_.T / np.sqrt(principal.explained_variance_)
    kernel = whitening @ discriminant.scalings_[:, :axes]
    project = layers.Dense(axes, name="discriminant")
    code = layers.UnitNormalization(name="unit")(project(histograms))
    project.set_weights([kernel, -principal.mean_ @ kernel])
    return keras.Model(inputs, code, name=HOG_LDA)

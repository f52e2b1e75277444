"""An embedding network that no descent trains: oriented gradients and discriminant axes.

Comes in: training people's images. Goes out: a Keras model to unit embeddings. Its layers are
fixed but for one, whose weights are computed at once: the axes along which people differ most,
measured in what the images of one person differ by (Fisher 1936; Belhumeur, Hespanha, Kriegman
1997, "Eigenfaces vs. Fisherfaces"). Alone it is no match for a trained network; beside one it
helps, because it errs on other pairs.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from siamlab.backend import keras, layers
from siamlab.layers import Mirror, OrientedGradients

GRADIENTS = "gradients"  # the network's name
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


def gradient_network(images: np.ndarray, people: ArrayLike, batch: int = 256) -> keras.Model:
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
    describe = keras.Model(inputs, histograms)
    rows = np.concatenate(
        [
            describe.predict_on_batch(images[start : start + batch])
            for start in range(0, len(images), batch)
        ]
    )
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
    return keras.Model(inputs, code, name=GRADIENTS)

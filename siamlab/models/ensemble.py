"""Several embedding networks joined to one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from siamlab.models.hog_lda import HOG_LDA
from siamlab.system.backend import keras, layers


def build_ensemble(
    models: Sequence[keras.Model],
    fractions: Sequence[float],
    weights: ArrayLike | None = None,
) -> keras.Model:
    """Join networks that see an image differently; their unit embeddings side by side.

    The cosine of two such embeddings is the mean of the models' cosines, weighed by ``weights``,
    so that one model can outvote what another errs in. Networks that see different parts of an
    image err more independently than networks that differ in their first weights alone (Sun et al.
    2014, "Deep Learning Face Representation from Predicting 10,000 Classes", section 3.3).

    Args:
        models: unit embeddings come out; all take images of one shape.
        fractions: what each was trained to see, as a share of a face chip's side.
        weights: how much each model's cosine counts, at least 0; alike when ``None``.

    Returns:
        A model to unit embeddings of all the models' numbers together. Its images show the
        largest of the fractions, as finely as the models see the smallest. A single model comes
        back as it is.
    """
    if len(models) == 1:
        return models[0]
    size, largest = int(models[0].input_shape[1]), max(fractions)
    side = round(size * largest / min(fractions))
    images = keras.Input((side, side, 3), name="image")
    shares = np.full(len(models), 1.0) if weights is None else np.asarray(weights, float)
    shares = shares / shares.sum()
    codes = []
    for number, (model, fraction) in enumerate(zip(models, fractions, strict=True), 1):
        view = central_view(images, round(fraction / largest * side), size, number)
        name = model.name if model.name == HOG_LDA else f"model{number}"
        code = keras.Model(model.input, model.output, name=name)(view)
        # Lengths whose squares are the shares: so much of a cosine is each model's.
        share = float(np.sqrt(shares[number - 1]))
        codes.append(layers.Rescaling(share, name=f"weight{number}")(code))
    together = layers.Concatenate(name="models")(codes)
    return keras.Model(
        images, layers.UnitNormalization(name="unit_models")(together), name="embedding"
    )


def central_view(
    images: keras.KerasTensor, kept: int, size: int, number: int = 1
) -> keras.KerasTensor:
    """The middle ``kept`` pixels of square images, in ``size`` pixels."""
    # Keras' image layers take it for granted that they are called in training, and so would
    # every layer after them.
    if kept < images.shape[1]:
        crop = layers.CenterCrop(kept, kept, name=f"crop{number}")
        images = crop(images, training=False)
    if kept != size:
        images = layers.Resizing(size, size, name=f"resize{number}")(images, training=False)
    return images

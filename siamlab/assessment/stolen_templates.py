"""What a stolen gallery gives away: who is in another gallery too, and what people look like.

Linking compares templates of two galleries. Inversion draws a picture from a template with a small
network that the thief trains on other people's photographs and their templates.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from siamlab.errors import InputError
from siamlab.evaluation.rates import equal_error
from siamlab.system.backend import keras, layers, set_seed

PICTURE = 64  # side of a drawn picture, in pixels


@dataclass(frozen=True)
class Linking:
    """How well people of one gallery are found in another.

    Attributes:
        people: in both.
        first_hit: share whose most similar template is their own.
        eer: equal error rate of all comparisons.
    """

    people: int
    first_hit: float
    eer: float


def link(first: np.ndarray, second: np.ndarray) -> Linking:
    """Look for each person of one gallery in another.

    Args:
        first, second: unit templates ``(N, dimensions)`` of the same people in the same order.

    Raises:
        InputError: the sizes differ, or there are fewer than two people.
    """
    if first.shape != second.shape or len(first) < 2:
        raise InputError(
            "Linking compares the same people in two galleries, two at least. Received: "
            f"{first.shape} and {second.shape}."
        )
    similar = first @ second.T
    own = np.eye(len(first), dtype=bool)
    hits = similar.argmax(axis=1) == np.arange(len(first))
    labels = np.concatenate([np.ones(len(first), int), np.zeros(own.size - len(first), int)])
    scores = (np.concatenate([similar[own], similar[~own]]) + 1) / 2
    eer, _ = equal_error(labels, np.clip(scores, 0, 1))
    return Linking(len(first), float(hits.mean()), eer)


def train_inversion(
    templates: np.ndarray, images: np.ndarray, epochs: int = 30, seed: int = 0
) -> keras.Model:
    """Train a network that draws faces from templates.

    Args:
        templates: float32 ``(N, dimensions)`` of other people than those to be drawn.
        images: uint8 RGB ``(N, 64, 64, 3)``, their faces.
        epochs: of training.
        seed: of weights and batches.

    Returns:
        A model from templates to images in [0, 1].
    """
    set_seed(seed)
    model = keras.Sequential([keras.Input(templates.shape[1:]), layers.Dense(4 * 4 * 256)])
    model.add(layers.Reshape((4, 4, 256)))
    for width in (192, 128, 64, 32):
        model.add(layers.Activation("relu"))
        model.add(layers.Conv2DTranspose(width, 4, strides=2, padding="same"))
    model.add(layers.Activation("relu"))
    model.add(layers.Conv2D(3, 3, padding="same", activation="sigmoid"))
    model.compile(keras.optimizers.Adam(1e-3), "mean_absolute_error")
    targets = images.astype(np.float32) / 255
    model.fit(templates, targets, batch_size=32, epochs=epochs, verbose=0)
    return model


def draw_faces(model: keras.Model, templates: np.ndarray) -> np.ndarray:
    """The pictures that a thief sees: uint8 RGB ``(N, 64, 64, 3)``."""
    drawn = model.predict(templates, verbose=0)
    return np.clip(np.rint(drawn * 255), 0, 255).astype(np.uint8)

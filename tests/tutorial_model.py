"""The well-known tutorial's Siamese model, as people save it from their own program."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
from keras import layers


class L1Dist(layers.Layer):
    """The tutorial's own layer, which siamlab does not know."""

    def call(self, input_embedding, validation_embedding):
        return keras.ops.abs(input_embedding - validation_embedding)


def tutorial_model(pool: int = 64, sequential: bool = False) -> keras.Model:
    """As the tutorial writes it down, narrower; weights that tell images apart."""
    inside: list[layers.Layer] = []
    for filters, side in ((4, 10), (6, 7), (6, 4)):
        inside.append(layers.Conv2D(filters, (side, side), activation="relu"))
        inside.append(layers.MaxPooling2D(pool, (2, 2), padding="same"))
    inside += [layers.Conv2D(8, (4, 4), activation="relu"), layers.Flatten()]
    inside.append(layers.Dense(16, activation="sigmoid"))
    first = keras.Input((100, 100, 3), name="input_image")
    if sequential:
        embedding = keras.Sequential([first, *inside], name="embedding")
    else:
        x = first
        for layer in inside:
            x = layer(x)
        embedding = keras.Model(first, x, name="embedding")
    images = [keras.Input((100, 100, 3), name=name) for name in ("input_img", "validation_img")]
    distances = L1Dist(name="distance")(embedding(images[0]), embedding(images[1]))
    same = layers.Dense(1, activation="sigmoid")(distances)
    model = keras.Model(images, same, name="SiameseNetwork")
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(0, 0.2, weight.shape) for weight in model.weights])
    return model


def save(model: keras.Model, path: Path) -> Path:
    model.save_weights(path) if path.name.endswith(".weights.h5") else model.save(path)
    return path

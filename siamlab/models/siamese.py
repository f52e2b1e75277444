"""The Siamese model: two towers of one embedding, a distance, a sigmoid unit.

Input: images as float32 ``(batch, height, width, 3)`` in [0, 1]. Output: embeddings, and the
probability that two images show the same person. The model carries its ``ModelMetadata``.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any

import numpy as np

from siamlab.errors import InputError
from siamlab.faces.crop import Preprocessing
from siamlab.gallery.captures import VaultCaptures
from siamlab.models.embedder import ranks_by_cosine
from siamlab.models.embedding import embed_images
from siamlab.models.layers import L1Distance, PairDistance, SquaredDistance
from siamlab.models.metadata import ModelMetadata
from siamlab.system.backend import check_process, keras, layers, ops


@keras.saving.register_keras_serializable(package="siamlab")
class Siamese(keras.Model):
    """Two towers of one embedding, joined by a distance and a sigmoid unit.

    Koch, Zemel, Salakhutdinov 2015, section 3.1. Both inputs go through the same weights.

    Args:
        embedding: model from ``(batch, height, width, 3)`` to ``(batch, dimensions)``.
        distance: layer that compares two embeddings element by element.
        metadata: what its file says about the model; a default when ``None``.

    Attributes:
        captures: people in a vault whose images it was trained on since it was made or loaded;
            the vault notes each file that it is saved to.

    Call arguments:
        inputs: ``[anchor, other]``, or a dictionary with these names; float32 images in [0, 1].

    Output shape: ``(batch, 1)``, a probability; higher means the same person.

    Raises:
        ModelError: this process was forked from one that had a model
            (:func:`siamlab.system.backend.check_process`).
    """

    def __init__(
        self,
        embedding: keras.Model,
        distance: PairDistance | None = None,
        metadata: ModelMetadata | None = None,
        name: str = "siamese",
        **kwargs: Any,
    ) -> None:
        check_process()
        shape = embedding.input_shape[1:]
        distance = L1Distance(name="distance") if distance is None else distance
        head = layers.Dense(1, activation="sigmoid", name="same_person")
        anchor = keras.Input(shape, name="anchor")
        other = keras.Input(shape, name="other")
        probability = head(distance(embedding(anchor), embedding(other)))
        super().__init__(inputs=[anchor, other], outputs=probability, name=name, **kwargs)
        self.embedding = embedding
        self.distance = distance
        self.head = head
        self.captures: tuple[VaultCaptures, ...] = ()
        self.metadata = metadata or ModelMetadata(
            preprocessing=Preprocessing(size=int(shape[0])), arch="custom"
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """As every Keras model."""
        check_process()
        return super().__call__(*args, **kwargs)

    def get_config(self) -> dict[str, Any]:
        """Everything a reload needs, the metadata included."""
        return {
            "embedding": keras.saving.serialize_keras_object(self.embedding),
            "distance": keras.saving.serialize_keras_object(self.distance),
            "metadata": self.metadata.to_dict(),
            "name": self.name,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Siamese:
        """Build the model again from :meth:`get_config`."""
        # Files of siamlab 0.1.0 call the metadata a record.
        metadata = config["metadata"] if "metadata" in config else config["record"]
        return cls(
            embedding=keras.saving.deserialize_keras_object(config["embedding"]),
            distance=keras.saving.deserialize_keras_object(config["distance"]),
            metadata=ModelMetadata.from_dict(metadata),
            name=config["name"],
        )

    @property
    def model_id(self) -> str:
        """Digest of the embedding's weights and preprocessing, which templates belong to.

        Head and thresholds are left out, so that templates stay valid through a calibration.
        """
        seen = self.metadata.preprocessing
        # "finder" is what siamlab 0.1.0 called the detector, and box the only alignment then: its
        # templates stay valid.
        values = {"size": seen.size, "fraction": seen.fraction, "finder": seen.detector}
        if seen.alignment != "box":
            values["alignment"] = seen.alignment
        digest = hashlib.sha256(json.dumps(values).encode())
        for weight in self.embedding.weights:
            digest.update(np.ascontiguousarray(ops.convert_to_numpy(weight)).tobytes())
        return digest.hexdigest()[:16]

    @property
    def ranks_by_cosine(self) -> bool:
        """Whether the score of two unit embeddings depends on their cosine alone."""
        distance = "squared" if isinstance(self.distance, SquaredDistance) else ""
        return ranks_by_cosine(distance, ops.convert_to_numpy(self.head.kernel)[:, 0])

    def embed(self, images: np.ndarray, batch: int = 64) -> np.ndarray:
        """Embed images, ``batch`` at a time; see :meth:`FaceEmbedder.embed`."""
        check_process()
        return embed_images(self.embedding, images, batch)

    def score_pairs(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Score pairs with distance layer and head; see :meth:`FaceEmbedder.score_pairs`."""
        check_process()
        if len(second) == 0:
            return np.zeros(0, np.float32)
        probability = self.head(self.distance(np.atleast_2d(first), second))
        return ops.convert_to_numpy(probability)[:, 0].astype(np.float32)

    def with_metadata(self, **changes: Any) -> Siamese:
        """Change fields of the metadata in place; returns the model."""
        self.metadata = replace(self.metadata, **changes)
        return self


def build_siamese(
    embedding: keras.Model, distance: str = "l1", metadata: ModelMetadata | None = None
) -> Siamese:
    """Join two towers of ``embedding`` by a distance layer and a sigmoid unit.

    Args:
        embedding: what :func:`build_embedding` returns, or a model of your own.
        distance: ``l1`` (Koch) or ``squared`` (for unit embeddings).
        metadata: what its file says about the model.

    Returns:
        Keras model with the inputs ``anchor`` and ``other`` and an output ``(batch, 1)``.

    Raises:
        InputError: an unknown ``distance``.

    Example:
        >>> import siamlab
        >>> embedding = siamlab.build_embedding("compact", (32, 32, 3), width=0.25)
        >>> model = siamlab.build_siamese(embedding)
        >>> [tensor.name for tensor in model.inputs], model.output_shape
        (['anchor', 'other'], (None, 1))
    """
    kinds = {"l1": L1Distance, "squared": SquaredDistance}
    if distance not in kinds:
        raise InputError(f"distance is one of {', '.join(kinds)}. Received: {distance!r}.")
    return Siamese(embedding, kinds[distance](name="distance"), metadata)

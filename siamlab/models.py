"""Networks: the embedding, the Siamese model around it, and the file both are kept in.

Comes in: images as float32 ``(batch, height, width, 3)`` in [0, 1]. Goes out: embeddings, and
the probability that two images show the same person. The ``.keras`` file carries what
verification needs besides weights: input size, crop, thresholds, versions (``ModelRecord``).
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from siamlab.backend import keras, layers, ops
from siamlab.errors import InputError, ModelError
from siamlab.faces import Preprocessing
from siamlab.layers import L1Distance, PairDistance, SquaredDistance
from siamlab.packing import load_arrays, save_arrays
from siamlab.record import PRETRAINED, ModelRecord
from siamlab.storage import write_whole


@keras.saving.register_keras_serializable(package="siamlab")
class Siamese(keras.Model):
    """Two towers of one embedding, joined by a distance and a sigmoid unit.

    Koch, Zemel, Salakhutdinov 2015, section 3.1. Both inputs go through the same weights.

    Args:
        embedding: model from ``(batch, height, width, 3)`` to ``(batch, dimensions)``.
        distance: layer that compares two embeddings element by element.
        record: what the file shall say about the model; a default is made when ``None``.

    Call arguments:
        inputs: ``[anchor, other]``, float32 images in [0, 1]; a dictionary with these names
            serves too.

    Output shape: ``(batch, 1)``, a probability; higher means the same person.
    """

    def __init__(
        self,
        embedding: keras.Model,
        distance: PairDistance | None = None,
        record: ModelRecord | None = None,
        name: str = "siamese",
        **kwargs: Any,
    ) -> None:
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
        self.record = record or ModelRecord(
            preprocessing=Preprocessing(size=int(shape[0])), arch="custom"
        )

    def get_config(self) -> dict[str, Any]:
        """Everything a reload needs, the record included."""
        return {
            "embedding": keras.saving.serialize_keras_object(self.embedding),
            "distance": keras.saving.serialize_keras_object(self.distance),
            "record": self.record.to_dict(),
            "name": self.name,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Siamese:
        """Build the model again from :meth:`get_config`."""
        return cls(
            embedding=keras.saving.deserialize_keras_object(config["embedding"]),
            distance=keras.saving.deserialize_keras_object(config["distance"]),
            record=ModelRecord.from_dict(config["record"]),
            name=config["name"],
        )

    @property
    def model_id(self) -> str:
        """Digest of the embedding's weights and preprocessing: templates belong to one of it.

        The head and the thresholds are left out, so that a calibration keeps templates valid.
        """
        digest = hashlib.sha256(json.dumps(self.record.preprocessing.to_dict()).encode())
        for weight in self.embedding.weights:
            digest.update(np.ascontiguousarray(ops.convert_to_numpy(weight)).tobytes())
        return digest.hexdigest()[:16]

    def embed(self, images: np.ndarray, batch: int = 64) -> np.ndarray:
        """Embed images.

        Args:
            images: float32 ``(N, height, width, 3)`` in [0, 1], of the model's input size.
            batch: images embedded at once.

        Returns:
            float32 ``(N, dimensions)``.

        Raises:
            InputError: the shape is not the model's.
        """
        expected = tuple(self.embedding.input_shape[1:])
        if images.ndim != 4 or images.shape[1:] != expected:
            raise InputError(
                f"The model takes images of shape (N, {', '.join(map(str, expected))}). "
                f"Received: {images.shape}."
            )
        if len(images) == 0:
            return np.zeros((0, self.embedding.output_shape[-1]), np.float32)
        parts = [
            self.embedding.predict_on_batch(images[start : start + batch])
            for start in range(0, len(images), batch)
        ]
        return np.concatenate(parts).astype(np.float32)

    def score_pairs(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Compare embeddings pair by pair, through the distance and the head.

        Args:
            first: float32 ``(N, dimensions)``, or ``(dimensions,)`` for one probe.
            second: float32 ``(N, dimensions)``.

        Returns:
            float32 ``(N,)`` probabilities, those of the whole model.
        """
        if len(second) == 0:
            return np.zeros(0, np.float32)
        probability = self.head(self.distance(np.atleast_2d(first), second))
        return ops.convert_to_numpy(probability)[:, 0].astype(np.float32)

    def score(self, probe: np.ndarray, templates: np.ndarray) -> np.ndarray:
        """Compare one probe ``(dimensions,)`` with templates ``(N, dimensions)``; see above."""
        return self.score_pairs(probe, templates)

    def with_record(self, **changes: Any) -> Siamese:
        """Change fields of the record in place and return the model."""
        self.record = replace(self.record, **changes)
        return self


def build_siamese(
    embedding: keras.Model, distance: str = "l1", record: ModelRecord | None = None
) -> Siamese:
    """Join two towers of ``embedding`` by a distance layer and a sigmoid unit.

    Args:
        embedding: what :func:`build_embedding` returns, or a model of your own.
        distance: ``l1`` (Koch) or ``squared`` (for unit embeddings).
        record: what the model file shall say about the model.

    Returns:
        Keras model with the inputs ``anchor`` and ``other`` and an output ``(batch, 1)``.

    Raises:
        InputError: an unknown ``distance``.
    """
    kinds = {"l1": L1Distance, "squared": SquaredDistance}
    if distance not in kinds:
        raise InputError(f"distance is one of {', '.join(kinds)}. Received: {distance!r}.")
    return Siamese(embedding, kinds[distance](name="distance"), record)


def save_model(model: Siamese, path: Path | str, optimizer: bool = True) -> Path:
    """Save the model with its record as one ``.keras`` file.

    Args:
        model: a Siamese model.
        path: a name that ends in ``.keras``.
        optimizer: keep the optimizer's state too, for more training; it triples the file.

    Raises:
        InputError: the name does not end in ``.keras``.
        StorageError: the file cannot be written; nothing half-written stays.
    """
    path = Path(path)
    if path.suffix != ".keras":
        raise InputError(f"A model's file name ends in .keras. Received: {path.name}")
    with nullcontext() if optimizer else _as_if_never_compiled(model):
        write_whole(path, lambda temporary: keras.saving.save_model(model, temporary))
    return path


@contextmanager
def _as_if_never_compiled(model: Siamese) -> Iterator[None]:
    """Hide what ``compile`` left: Keras heeds ``include_optimizer`` in its older format alone."""
    kept = getattr(model, "optimizer", None), model.compiled
    model.optimizer, model.compiled = None, False
    try:
        yield
    finally:
        model.optimizer, model.compiled = kept


def save_packed(model: Siamese, path: Path) -> Path:
    """Save a model with seven bits a weight, as the package carries it (``siamlab.packing``).

    Args:
        model: its weights are rounded in the file, not in memory: load the file again before
            anything is measured.
        path: a name that ends in ``.npz``.

    Raises:
        StorageError: the file cannot be written; nothing half-written stays.
    """
    about = {"model": keras.saving.serialize_keras_object(model)}
    return save_arrays(path, model.get_weights(), about)


def _load_packed(path: Path) -> Siamese:
    arrays, about = load_arrays(path)
    model: Siamese = keras.saving.deserialize_keras_object(about["model"])
    model.set_weights(arrays)
    return model


def load_model(path: Path | str) -> Siamese:
    """Load a Siamese model, ready to verify or to train on.

    Args:
        path: a ``.keras`` file, what :func:`save_packed` wrote, or ``pretrained`` for the weights
            in the package (``siamlab/weights/README.md`` is their card).

    Raises:
        ModelError: there is no such file, it is damaged, or it is another kind of model.
    """
    if str(path) == "pretrained":
        if not PRETRAINED.exists():
            raise ModelError(
                "This copy of siamlab has no pretrained weights. Train a model (siamlab train) "
                "and give its file."
            )
        path = PRETRAINED
    path = Path(path)
    if not path.is_file():
        raise ModelError(f"No model file at {path}. Check the name, or train one: siamlab train.")
    if path.suffix == ".npz":
        return _load_packed(path)
    if not zipfile.is_zipfile(path):
        raise ModelError(f"{path} is not a whole .keras file; it may be truncated. Save it again.")
    try:
        model = keras.saving.load_model(path)
    except Exception as error:  # Keras raises many kinds for a damaged or foreign file
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelError(f"{path} cannot be loaded as a model: {reason}") from error
    if not isinstance(model, Siamese):
        raise ModelError(
            f"{path} holds a {type(model).__name__}, not a Siamese model. Build one around it with "
            "siamlab.build_siamese."
        )
    return model

"""Networks: the embedding, the Siamese model around it, and the file both are kept in.

Comes in: images as float32 ``(batch, height, width, 3)`` in [0, 1]. Goes out: embeddings, and
the probability that two images show the same person. The ``.keras`` file carries what
verification needs besides weights: input size, crop, thresholds, versions (``ModelRecord``).
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from siamlab.backend import keras, layers, ops
from siamlab.errors import InputError, ModelError
from siamlab.faces import Preprocessing
from siamlab.layers import CentredUnit, L1Distance, Mirror, PairDistance, SquaredDistance
from siamlab.packing import load_arrays, save_arrays
from siamlab.record import PRETRAINED, ModelRecord
from siamlab.storage import write_whole

ARCHITECTURES = ("koch", "compact")


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


# Koch et al. 2015, figure 4: channels and side of each kernel; 2x2 pooling follows all but the
# last. Then the numbers in the code.
_KOCH_CHANNELS, _KOCH_KERNELS, _KOCH_CODE = (64, 128, 128, 256), (10, 7, 4, 4), 4096


def _koch(
    shape: tuple[int, int, int], channels: Sequence[int], code: int, normalised: bool = False
) -> keras.Model:
    """Koch et al. 2015, figure 4, for colour images: valid convolutions, ReLU, sigmoid code."""
    inputs = keras.Input(shape, name="image")
    x = layers.Rescaling(2.0, -1.0, name="centre")(inputs) if normalised else inputs
    for number, (count, kernel) in enumerate(zip(channels, _KOCH_KERNELS, strict=True), 1):
        if min(x.shape[1:3]) < kernel:
            raise InputError(
                f"Koch's network needs images of at least 60x60 pixels. Received: {shape}."
            )
        if normalised:
            x = _normalised_convolution(x, count, kernel, f"conv{number}", use_bias=True)
        else:
            x = layers.Conv2D(count, kernel, activation="relu", name=f"conv{number}")(x)
        if number < len(channels):
            x = layers.MaxPooling2D(2, padding="same", name=f"pool{number}")(x)
    x = layers.Flatten(name="flatten")(x)
    if normalised:
        x = layers.Dropout(0.3, name="dropout")(x)
        x = _normalised(layers.Dense(code, name="code")(x), "code")
        x = layers.Activation("sigmoid", name="code_sigmoid")(x)
    else:
        x = layers.Dense(code, activation="sigmoid", name="code")(x)
    return keras.Model(inputs, x, name="embedding")


def _normalised(x: Any, name: str) -> Any:
    # 0.95 instead of Keras' 0.99: runs here are short, and the averages must have arrived
    # by the end of them.
    return layers.BatchNormalization(momentum=0.95, name=f"{name}_norm")(x)


def _normalised_convolution(
    x: Any, count: int, kernel: int, name: str, use_bias: bool = False
) -> Any:
    """Valid convolution, batch normalisation, ReLU."""
    x = layers.Conv2D(count, kernel, use_bias=use_bias, kernel_initializer="he_normal", name=name)(
        x
    )
    return layers.ReLU(name=f"{name}_relu")(_normalised(x, name))


def fold_normalisation(trained: keras.Model) -> keras.Model:
    """Take batch normalisation into the weights: Koch's own layers, the same function.

    After training, a normalisation is a fixed multiple and a fixed offset of each channel
    (Ioffe and Szegedy 2015, section 3.1), and the layer before it can do both itself. So can the
    first one with the centring of the image, ``2 x - 1``.

    Args:
        trained: what :func:`build_embedding` returns for ``koch`` and ``normalised=True``.

    Returns:
        The plain network of ``build_embedding("koch", …)``, with equal embeddings.

    Raises:
        InputError: the model is another one.
    """
    names = [*(f"conv{number}" for number in range(1, len(_KOCH_CHANNELS) + 1)), "code"]
    have = {layer.name for layer in trained.layers}
    if not {"centre", *(f"{name}_norm" for name in names)} <= have:
        raise InputError("Folding takes Koch's network built with normalised=True.")
    channels = [trained.get_layer(name).filters for name in names[:-1]]
    plain = _koch(trained.input_shape[1:], channels, trained.get_layer("code").units)
    for name in names:
        kernel, bias = map(ops.convert_to_numpy, trained.get_layer(name).weights)
        norm = trained.get_layer(f"{name}_norm")
        gamma, beta, mean, variance = map(ops.convert_to_numpy, norm.weights)
        if name == names[0]:  # of 2 x - 1, the offset goes first: the kernel is still whole
            bias = bias - kernel.sum(axis=(0, 1, 2))
            kernel = 2 * kernel
        scale = gamma / np.sqrt(variance + norm.epsilon)
        plain.get_layer(name).set_weights([kernel * scale, (bias - mean) * scale + beta])
    return plain


# The compact network: channels and side of each kernel, then the numbers in the code.
_COMPACT_CHANNELS, _COMPACT_KERNELS, _COMPACT_CODE = (32, 64, 128, 256), (7, 5, 4, 4), 1024


def _compact(shape: tuple[int, int, int], width: float) -> keras.Model:
    """Koch's design made small and normalised, for two cores: unit codes of 1,024 numbers."""
    if min(shape[:2]) < 16:
        raise InputError(
            f"The compact network needs images of at least 16x16 pixels. Received: {shape}."
        )
    inputs = keras.Input(shape, name="image")
    x = layers.Rescaling(2.0, -1.0, name="centre")(inputs)
    stages = zip(_scaled(_COMPACT_CHANNELS, width, 4), _COMPACT_KERNELS, strict=True)
    for number, (count, kernel) in enumerate(stages, 1):
        # In small images little is left for the later kernels: they take what there is.
        x = _normalised_convolution(x, count, min(kernel, *x.shape[1:3]), f"conv{number}")
        if number < len(_COMPACT_KERNELS):
            x = layers.MaxPooling2D(2, padding="same", name=f"pool{number}")(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dropout(0.3, name="dropout")(x)
    x = layers.Dense(_scaled((_COMPACT_CODE,), width, 16)[0], use_bias=False, name="code")(x)
    x = layers.Activation("sigmoid", name="code_sigmoid")(_normalised(x, "code"))
    return keras.Model(inputs, CentredUnit(name="unit")(x), name="embedding")


def _scaled(counts: Sequence[int], width: float, least: int = 1) -> tuple[int, ...]:
    return tuple(max(least, round(count * width)) for count in counts)


def build_embedding(
    arch: str = "koch",
    input_shape: tuple[int, int, int] = (105, 105, 3),
    width: float = 1.0,
    normalised: bool = False,
) -> keras.Model:
    """Build an embedding network.

    Args:
        arch: ``koch`` (Koch, Zemel, Salakhutdinov 2015, figure 4: 38,960,448 weights at
            ``width=1``) or ``compact`` (the same design made small and normalised, for
            two cores).
        input_shape: height, width and channels of the images, float32 in [0, 1].
        width: multiple of the channel counts.
        normalised: ``koch`` with batch normalisation and dropout, for training;
            :func:`fold_normalisation` then gives the plain network. ``compact`` always has both.

    Returns:
        A Keras model from ``(batch, *input_shape)`` to ``(batch, dimensions)``.

    Raises:
        InputError: an unknown ``arch``, an image too small for it, or a width that is not
            positive.
    """
    if arch not in ARCHITECTURES:
        raise InputError(f"arch is one of {', '.join(ARCHITECTURES)}. Received: arch={arch!r}.")
    if len(input_shape) != 3:
        raise InputError(f"input_shape is (height, width, 3). Received: {input_shape}.")
    if width <= 0:
        raise InputError(f"width is a positive multiple. Received: width={width}.")
    if arch == "compact":
        return _compact(input_shape, width)
    *channels, code = _scaled((*_KOCH_CHANNELS, _KOCH_CODE), width)
    return _koch(input_shape, channels, code, normalised)


def reduced(embedding: keras.Model, images: np.ndarray, dimensions: int) -> keras.Model:
    """Keep the principal axes of unit embeddings: shorter templates that compare alike.

    The axes are those of training people's embeddings (principal components without the centring,
    so that cosines stay), as one more layer.

    Args:
        embedding: unit embeddings come out.
        images: float32 ``(N, height, width, 3)`` of training people.
        dimensions: numbers kept, at most N and at most the embedding's own.

    Returns:
        A model to unit embeddings ``(batch, dimensions)``.
    """
    parts = [embedding.predict_on_batch(images[i : i + 64]) for i in range(0, len(images), 64)]
    _, _, axes = np.linalg.svd(np.concatenate(parts), full_matrices=False)
    principal = layers.Dense(dimensions, use_bias=False, name="principal")
    code = layers.UnitNormalization(name="unit_principal")(principal(embedding.output))
    principal.set_weights([axes[:dimensions].T])
    return keras.Model(embedding.input, code, name="embedding")


def mirrored(embedding: keras.Model) -> keras.Model:
    """Embed an image and its mirror image with the same weights, and average the two.

    For unit embeddings such as ``compact``'s: costs a second pass, and is used for
    verification only.
    """
    images = keras.Input(embedding.input_shape[1:], name="image")
    total = layers.Add(name="both")([embedding(images), embedding(Mirror(name="mirror")(images))])
    return keras.Model(images, layers.UnitNormalization(name="unit")(total), name="embedding")


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
    save = keras.saving.save_model
    write_whole(path, lambda temporary: save(model, temporary, include_optimizer=optimizer))
    return path


def save_packed(model: Siamese, path: Path) -> Path:
    """Save a model with one byte a weight, as the package carries it (``siamlab.packing``).

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

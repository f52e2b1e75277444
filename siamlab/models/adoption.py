"""Other people's Siamese models, brought over without running anything of their files.

The well-known tutorial's model, and most of its copies: an embedding network of plain layers, a
custom layer ``L1Dist`` for ``|h1 - h2|``, one sigmoid unit (Koch, Zemel, Salakhutdinov 2015). Its
file is read as a description and as numbers; the network is built anew from Keras' own layers.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from siamlab.errors import ModelError
from siamlab.faces.crop import Preprocessing
from siamlab.models.chain import (
    TUTORIAL_POOL,
    Description,
    Shape,
    activation_name,
    build_chain,
    tutorial_layers,
)
from siamlab.models.foreign import DISTANCES, begins_as_hdf5, describe_foreign
from siamlab.models.layers import L1Distance
from siamlab.models.metadata import ModelMetadata
from siamlab.models.safety import WEIGHTS, check_weights, first_line, read_config
from siamlab.models.siamese import Siamese, build_siamese
from siamlab.system.backend import keras

ALONE = (
    "The file holds weights alone: the rest is taken from the tutorial, whose pools are of "
    f"{TUTORIAL_POOL}x{TUTORIAL_POOL} pixels in steps of 2."
)
NETWORKS = ("Functional", "Model", "Sequential")
CUTS = {
    "box": "a square of 2.2 times the face's box, as LFW's images and about the tutorial's crops",
    "landmarks": "turned and scaled until its five points are where siamlab's models expect them",
}


def adopt_model(path: Path | str, alignment: str = "box") -> Siamese:
    """Read a Siamese model that another program saved with Keras.

    Args:
        path: a ``.h5`` or ``.keras`` file of a model with the layer ``L1Dist``; or weights alone
            (``.h5``, ``.weights.h5``), which are taken for the tutorial's network of 100x100
            pixels, of any width.
        alignment: how faces are cut for it: ``box``, a square of 2.2 times the face's box, as
            LFW's images are and the tutorial's crops of 250x250 about; or ``landmarks``, see
            :mod:`siamlab.faces.align`.

    Returns:
        A model with the same predictions. It is not calibrated: its threshold is 0.5.

    Raises:
        ModelError: there is no such file, it is of another kind, or its network is not of this
            form; the message says what was found.

    Example:
        >>> from siamlab.models.adoption import adopt_model
        >>> model = adopt_model("siamesemodel.h5")          # doctest: +SKIP
    """
    path = Path(path)
    file = _read_hdf5(path) if _is_hdf5(path) else _read_keras(path)
    try:
        if file.config is None:
            shape, described = tutorial_layers(file.shapes)
            sequential = False
        else:
            shape, described, sequential = _take_apart(file.config)
        if shape[0] != shape[1] or shape[2] != 3:
            raise ModelError(f"its images are {shape}; expected: square ones of three channels")
        embedding = build_chain(described, shape, file.numbers, sequential)
    except ModelError as error:
        raise ModelError(f"{path} cannot be adopted: {error}.") from None
    except Exception as error:  # a damaged description, or sizes that no layer takes
        raise ModelError(
            f"{path} cannot be adopted: its description is damaged ({first_line(error)})."
        ) from None
    seen = Preprocessing(size=shape[0], alignment=alignment)
    alone = "" if file.config is not None else f" {ALONE}"
    note = (
        f"Adopted from a Keras file. Its input: RGB in [0, 1]; the face: {CUTS[alignment]}.{alone}"
    )
    model = build_siamese(embedding, metadata=ModelMetadata(preprocessing=seen, notes=note))
    _load_weights(path, model, file.suffix)
    return model


@dataclass(frozen=True)
class _File:
    """What a file says before anything of it is built.

    Attributes:
        config: the network's description; ``None`` for weights alone.
        numbers: how many the file holds.
        shapes: of its arrays, where it has no description.
        suffix: the ending by which Keras knows this kind of file.
    """

    config: Any
    numbers: int
    shapes: tuple[tuple[int, ...], ...]
    suffix: str


def _is_hdf5(path: Path) -> bool:
    """Whether it is an HDF5 file; other kinds than ``.keras`` are refused."""
    if begins_as_hdf5(path):
        return True
    if foreign := describe_foreign(path):
        raise ModelError(foreign)
    if not os.path.isfile(path):  # noqa: PTH113 - pathlib raises where a folder cannot be entered
        raise ModelError(f"No model file at {path}. Check the name.")
    return False


def _read_hdf5(path: Path) -> _File:
    import h5py  # type: ignore[import-untyped]  # comes with Keras

    try:
        with path.open("rb") as file:
            numbers = check_weights(path, file, path.stat().st_size)
            with h5py.File(file, "r") as content:
                text = content.attrs.get("model_config")
                older = "layer_names" in content.attrs or "model_weights" in content
                shapes = () if text is not None else _shapes(content)
        config = None if text is None else json.loads(text)
    except ModelError:
        raise
    except Exception as error:  # h5py raises many kinds for damaged files
        raise ModelError(f"{path} cannot be read as HDF5: {first_line(error)}.") from None
    return _File(config, numbers, shapes, ".h5" if older else ".weights.h5")


def _shapes(content: Any) -> tuple[tuple[int, ...], ...]:
    """Shapes of all arrays, in the order of their layers: conv2d_9 before conv2d_10."""
    found: dict[str, tuple[int, ...]] = {}

    def add(name: str, item: Any) -> None:
        if hasattr(item, "shape"):
            found[name] = item.shape

    content.visititems(add)
    return tuple(found[name] for name in sorted(found, key=lambda name: (len(name), name)))


def _read_keras(path: Path) -> _File:
    config = read_config(path)
    with zipfile.ZipFile(path) as archive, archive.open(WEIGHTS) as weights:
        numbers = check_weights(path, weights, archive.getinfo(WEIGHTS).file_size)
    return _File(config, numbers, (), ".keras")


def _take_apart(config: Any) -> tuple[Shape, list[Description], bool]:
    """Of a Siamese model's description: an image's shape, the embedding's layers, their kind."""
    inside = config["config"]["layers"]
    parts: dict[str, list[Description]] = {}
    for layer in inside:
        parts.setdefault(_role(layer), []).append(layer)
    for role in ("image", "embedding", "distance", "head"):
        wanted = 2 if role == "image" else 1
        if len(parts.get(role, [])) != wanted:
            names = ", ".join(str(layer["class_name"]) for layer in inside)
            raise ModelError(
                "it is no Siamese model of two images, one embedding network, a layer "
                f"{DISTANCES[0]} and one sigmoid unit. It holds: {names}"
            )
    image = parts["image"][0]["config"]
    shape = image.get("batch_shape") or image["batch_input_shape"]
    height, width, channels = (int(side) for side in shape[1:])
    (embedding,) = parts["embedding"]
    sequential = embedding["class_name"] == "Sequential"
    return (height, width, channels), embedding["config"]["layers"], sequential


def _role(layer: Description) -> str:
    kind, config = layer["class_name"].split(">")[-1], layer["config"]  # "Custom>L1Dist"
    if kind == "InputLayer":
        return "image"
    if kind in NETWORKS:
        return "embedding"
    if kind in DISTANCES:
        return "distance"
    if (
        kind == "Dense"
        and config["units"] == 1
        and activation_name(config["activation"]) == "sigmoid"
    ):
        return "head"
    raise ModelError(
        f"its layer {kind} is none that siamlab knows in this place. Expected: two images, one "
        f"embedding network, a layer {DISTANCES[0]} (the absolute difference), and one sigmoid unit"
    )


def _load_weights(path: Path, model: Siamese, suffix: str) -> None:
    """Let Keras read the weights into a model of the same structure that shares them."""
    first, second = (keras.Input(model.embedding.input_shape[1:]) for _ in range(2))
    distance = L1Distance()(model.embedding(first), model.embedding(second))
    same = keras.Model([first, second], model.head(distance))
    try:
        with _named(path, suffix) as named:
            same.load_weights(named)
    except Exception as error:  # Keras raises many kinds for weights that do not fit
        raise ModelError(
            f"{path} cannot be adopted: its weights do not fit its layers ({first_line(error)})."
        ) from None


@contextmanager
def _named(path: Path, suffix: str) -> Iterator[Path]:
    """The file under a name with the ending by which Keras tells kinds apart, for a while."""
    plain = suffix != ".h5" or not path.name.endswith(".weights.h5")
    if path.name.endswith(suffix) and plain:
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        yield Path(shutil.copyfile(path, Path(folder) / f"model{suffix}"))

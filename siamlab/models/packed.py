"""Weights as float16: how a trained model fits into a package of a few megabytes.

Input: a Siamese model. Output: one ``.npz`` file of plain arrays with a description of the
layers, and its SHA-256 beside it, which is checked when the file is read: it tells damage, and for
the file in the package the one in the code (:mod:`siamlab.models.pins`) tells an exchange. Kernels
are rounded to float16; arrays of a few hundred numbers (biases, statistics, the head) stay float32.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np

from siamlab.errors import ModelError
from siamlab.models.locations import model_digest
from siamlab.models.safety import check_classes, check_growth, first_line
from siamlab.models.siamese import Siamese
from siamlab.system.backend import keras
from siamlab.system.files import read_text, sha256, whole_file, write_text

FEW = 1024  # numbers; arrays below stay float32


def save_packed(model: Siamese, path: Path | str) -> Path:
    """Save a model as the packaged weights are; the checksum goes into ``<name>.sha256``.

    Args:
        model: its weights are rounded in the file, not in memory: load the file again before
            anything is measured.
        path: a name that ends in ``.npz``.

    Raises:
        ModelError: a weight is too large for float16, or not a number.
        StorageError: the file cannot be written; nothing half-written stays.
    """
    path = Path(path)
    about = json.dumps({"model": keras.saving.serialize_keras_object(model)})
    stored: dict[str, np.ndarray] = {"about": np.frombuffer(about.encode("ascii"), np.uint8)}
    for number, array in enumerate(model.get_weights()):
        with np.errstate(over="ignore"):
            rounded = np.asarray(array, np.float32 if array.size < FEW else np.float16)
        if not np.isfinite(rounded).all():
            raise ModelError("A weight of this model is not a number, or too large for float16.")
        stored[f"{number:03d}"] = rounded
    with whole_file(path) as part, part.open("wb") as file:  # savez adds .npz to a name
        np.savez_compressed(file, allow_pickle=False, **stored)
    write_text(_checksum_file(path), f"{sha256(path)}  {path.name}\n")
    return path


def load_packed(path: Path | str) -> Siamese:
    """Read what :func:`save_packed` wrote.

    Raises:
        ModelError: the file is not what its checksum says, the checksum is missing, or the file
            holds anything but arrays of numbers and siamlab's own layers.
    """
    path = Path(path)
    expected = _checksum_file(path)
    if not path.is_file() or not expected.is_file():
        raise ModelError(f"{path} and {expected.name} belong together; one of them is missing.")
    if [model_digest(path)] != read_text(expected).split()[:1]:
        raise ModelError(
            f"{path} is not what {expected.name} says: damaged. Install siamlab again."
        )
    try:
        with zipfile.ZipFile(path) as file:
            check_growth(file, "about.npy")
        with np.load(path, allow_pickle=False) as archive:
            about = json.loads(archive["about"].tobytes())["model"]
            names = sorted(name for name in archive.files if name.isdigit())
            arrays = [archive[name].astype(np.float32) for name in names]
        check_classes(about)
        model = keras.saving.deserialize_keras_object(about, safe_mode=True)
        if not isinstance(model, Siamese):
            raise ModelError(f"it holds a {type(model).__name__}, not a Siamese model")
        model.set_weights(arrays)
    except Exception as error:  # NumPy and Keras raise many kinds for what is no such file
        raise ModelError(f"{path} cannot be loaded as a model: {first_line(error)}.") from None
    return model


def _checksum_file(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")

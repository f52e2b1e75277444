"""The files of a training's checkpoints, found without Keras."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

PATTERN, BEST = "epoch-*.npz", "best.npz"


def latest_checkpoint(folder: Path) -> Path | None:
    """The newest checkpoint in ``folder``, or ``None``."""
    found = sorted(folder.glob(PATTERN)) if folder.is_dir() else []
    return found[-1] if found else None


def remove_checkpoints(folder: Path) -> None:
    """Remove a training's checkpoints, and the folder if nothing else is in it."""
    for path in (*folder.glob(PATTERN), folder / BEST):
        path.unlink(missing_ok=True)
    with suppress(OSError):
        folder.rmdir()

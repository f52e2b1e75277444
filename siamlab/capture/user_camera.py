"""Which camera the series reads."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    pass

# The drawn user's seed is far from those of the drawn strangers.
DRAWN_USER = 900_001


def user_camera(session: int = 1) -> str:
    """What stands before the camera: ``SIAMLAB_CAMERA``, else the drawn user.

    Args:
        session: 1 for the captures, 2 for the probes of another day (``SIAMLAB_PROBES``).

    Returns:
        A source for :func:`siamlab.capture.cameras.open_camera`.
    """
    variable = "SIAMLAB_CAMERA" if session == 1 else "SIAMLAB_PROBES"
    return os.environ.get(variable) or f"drawn:{DRAWN_USER}:{session}"


def frame_step(source: str | int) -> int:
    """How many frames to go on between two captures: neighboring frames of a film are copies."""
    return 1 if Path(str(source)).is_dir() else 5

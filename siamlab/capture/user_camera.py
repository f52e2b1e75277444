"""Which camera the notebooks read."""

from __future__ import annotations

import os
from pathlib import Path

# Far from the seeds of the drawn strangers.
DRAWN_USER = 900_001


def user_camera(session: int = 1) -> str:
    """The source to read: ``SIAMLAB_CAMERA``, else the drawn user.

    Args:
        session: 1 for the captures, 2 for the probes of another day, whose variable is
            ``SIAMLAB_PROBES``.

    Returns:
        A source for :func:`siamlab.capture.cameras.open_camera`.
    """
    variable = "SIAMLAB_CAMERA" if session == 1 else "SIAMLAB_PROBES"
    return os.environ.get(variable) or f"drawn:{DRAWN_USER}:{session}"


def frame_step(source: str | int) -> int:
    """Use one frame in so many for captures: neighboring frames of a film are nearly equal."""
    return 1 if Path(str(source)).is_dir() else 5

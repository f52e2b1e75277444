"""The first frames of a webcam are black or dark, until its exposure has settled: skip them."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

import numpy as np

SECONDS = 2.0  # at most: in a dark room every frame is black
BLACK = 8.0  # mean level, of 255, up to which a frame shows nothing
STEADY_FRAMES, STEADY_LEVELS = 4, 3.0  # settled: so many means in a row, so near to each other


def warm_up(
    read: Callable[[], np.ndarray | None], clock: Callable[[], float] = time.monotonic
) -> np.ndarray | None:
    """Read frames until their mean brightness is not black and changes no more.

    Args:
        read: gives the next frame, uint8 ``(H, W, 3)``, or ``None`` when there is none.
        clock: seconds; after 2 of them the frame is taken as it is.

    Returns:
        The frame read last; ``None`` when the camera gave none.

    Example:
        >>> levels = iter([0, 0, 30, 90, 118, 120, 121, 120])
        >>> int(warm_up(lambda: np.full((2, 2, 3), next(levels), np.uint8)).mean())
        120
    """
    means: deque[float] = deque(maxlen=STEADY_FRAMES)
    end = clock() + SECONDS
    while True:
        frame = read()
        if frame is None:
            return None
        means.append(float(frame.mean()))
        steady = len(means) == STEADY_FRAMES and max(means) - min(means) <= STEADY_LEVELS
        if (steady and means[-1] > BLACK) or clock() >= end:
            return frame

"""A line now and then in long work: what is happening, and how long it still takes."""

from __future__ import annotations

import time
from collections.abc import Callable

PAUSE, SHARE = 5.0, 0.1  # seconds, and a share of the work, between two lines


def countdown(
    what: str,
    total: int,
    say: Callable[[str], None] = print,
    clock: Callable[[], float] = time.monotonic,
) -> Callable[[int, int], None]:
    """Say what begins, and return what is to be called with (steps done, steps in all).

    Args:
        what: what is happening.
        total: how many steps it has.
        say: receives the lines: the first at once, then about ten.
        clock: gives seconds.

    Example:
        >>> from siamlab.system.progress import countdown
        >>> times = iter([0.0, 6.0, 8.0])
        >>> report = countdown("drawing faces", 2, clock=lambda: next(times))
        drawing faces: 2 to do
        >>> report(1, 2)
        drawing faces: 1 of 2, about 6 s left
        >>> report(2, 2)
        drawing faces: 2 in 8 s
    """
    began = said = clock()
    shown = 0.0
    say(f"{what}: {total} to do")

    def report(done: int, total: int) -> None:
        nonlocal said, shown
        now = clock()
        if done >= total:
            say(f"{what}: {total} in {now - began:.0f} s")
        elif now - said >= PAUSE and done / total >= shown + SHARE:
            said, shown = now, done / total
            left = (now - began) / done * (total - done)
            say(f"{what}: {done} of {total}, about {left:.0f} s left")

    return report

"""Exit statuses, and the two ways in which a command tells its result.

Input: text. Output: lines on standard output, files that are whole or absent.
"""

from __future__ import annotations

from pathlib import Path

DONE, NOT_VERIFIED, BAD_INPUT = 0, 1, 2


def say(text: str) -> None:
    """Print at once, also into a pipe."""
    print(text, flush=True)


def write_text(path: Path, text: str) -> None:
    """Write text and a line end, all or nothing."""
    from siamlab.system.files import write_whole

    write_whole(path, lambda temporary: temporary.write_text(text + "\n"))

"""Exit statuses, and how a command reports its result: as text and as a JSON file."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

DONE, NOT_VERIFIED, BAD_INPUT, UNKNOWN = 0, 1, 2, 3


def verdict_status(verified: bool | None) -> int:
    """The exit status of a verdict: yes, no, or ``None`` for unknown."""
    return UNKNOWN if verified is None else DONE if verified else NOT_VERIFIED


def say(text: str) -> None:
    """Print at once, also into a pipe; what its encoding lacks (in names of files) as an escape."""
    encoding = sys.stdout.encoding or "utf-8"
    print(text.encode(encoding, "backslashreplace").decode(encoding), flush=True)


def note(text: str) -> None:
    """Print a line on standard error, beside the result; an empty text prints nothing."""
    if text:
        print(f"siamlab: {text}", file=sys.stderr, flush=True)


def write_json(path: Path | None, values: dict[str, Any]) -> None:
    """Write values as JSON, all or nothing; ``None`` writes no file."""
    if path is None:
        return
    from siamlab.system.files import write_text

    write_text(path, json.dumps(values, indent=2, allow_nan=False) + "\n")

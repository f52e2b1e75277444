"""Exit statuses, and how a command reports its result: as text and as a JSON file."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from siamlab.errors import StorageError

DONE, NOT_VERIFIED, BAD_INPUT, UNKNOWN = 0, 1, 2, 3


def verdict_status(verified: bool | None) -> int:
    """The exit status of a verdict: yes, no, or ``None`` for unknown."""
    return UNKNOWN if verified is None else DONE if verified else NOT_VERIFIED


def print_any_text() -> None:
    """Let both outputs print what their encoding lacks, such as a file's name, as an escape."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # not where a program put something else in its place
            stream.reconfigure(errors="backslashreplace")


def say(text: str) -> None:
    """Print at once, also into a pipe. When its reader has gone, the command goes on in silence.

    Raises:
        StorageError: the output cannot be written: its device is full.
    """
    write_out(f"{text}\n", sys.stdout)


def write_out(text: str, stream: Any) -> None:
    """Write text to standard output, as :func:`say` does, or to standard error if that takes it."""
    if stream is not None:
        with _output_errors(stream):
            stream.write(text)
            stream.flush()


def at_terminal() -> bool:
    """Whether somebody watches standard output, for whom a bar may move."""
    return sys.stdout is not None and sys.stdout.isatty()


def note(text: str) -> None:
    """Print a line on standard error, if it takes one; an empty text prints nothing."""
    if text:
        write_out(f"siamlab: {text}\n", sys.stderr)


def finish_output() -> None:
    """Write what Python would write only after :func:`main` has told the exit status.

    Raises:
        StorageError: as :func:`say`.
    """
    for stream in (sys.stderr, sys.stdout):
        write_out("", stream)


@contextmanager
def _output_errors(stream: Any) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        _discard(stream)
        if stream is sys.stdout and not isinstance(error, BrokenPipeError):
            raise StorageError(f"The output cannot be written: {error.strerror}.") from None


def _discard(stream: Any) -> None:
    """Send what is left of an output, and what follows, nowhere: it would fail again and again."""
    with suppress(OSError), open(os.devnull, "w") as nowhere:  # noqa: PTH123 - a device
        os.dup2(nowhere.fileno(), stream.fileno())


def write_json(path: Path | None, values: dict[str, Any]) -> None:
    """Write values as JSON, all or nothing; ``None`` writes no file."""
    if path is None:
        return
    from siamlab.system.files import write_text

    write_text(path, json.dumps(values, indent=2, allow_nan=False) + "\n")

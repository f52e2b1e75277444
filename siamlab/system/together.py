"""Several processes of one command: started, watched, and ended together."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

_PAUSE = 0.05  # seconds between two looks


@dataclass(frozen=True)
class Ending:
    """How processes ended that ran together.

    Attributes:
        number: the process that failed first; 0 where none did.
        status: its exit status, or the negative number of the signal that ended it.
        lines: what it wrote on standard error.
    """

    number: int
    status: int
    lines: tuple[str, ...]


def run_together(command: Sequence[str], environments: Sequence[Mapping[str, str]]) -> Ending:
    """Run a command in several processes until all are done or one has failed.

    The output of the first is this process' own; that of the others is dropped. When one fails,
    the others are killed: they wait for it. Standard input of each is a pipe that this process
    holds and never writes to: it ends when this process does, however that comes about.

    Args:
        command: program and arguments.
        environments: variables of each process, besides this one's.

    Returns:
        How it ended.
    """
    processes: list[subprocess.Popen[bytes]] = []
    with ExitStack() as files:
        errors = [files.enter_context(tempfile.TemporaryFile()) for _ in environments]
        try:
            for environment, error in zip(environments, errors, strict=True):
                process = subprocess.Popen(
                    command,
                    env={**os.environ, **environment},
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL if processes else None,
                    stderr=error,
                )
                processes.append(process)
            number = _first_failure(processes)
        finally:
            _end(processes)
        errors[number].seek(0)
        text = errors[number].read().decode(errors="replace")
    return Ending(number, processes[number].returncode, tuple(text.splitlines()))


def _first_failure(processes: Sequence[subprocess.Popen[bytes]]) -> int:
    """Wait for the end; the number of the process that failed first, or 0."""
    while True:
        statuses = {number: process.poll() for number, process in enumerate(processes)}
        failed = {number: status for number, status in statuses.items() if status}
        if failed:
            # Of two that ended between two looks, one that was killed is the other's reason.
            return min(failed, key=lambda number: failed[number])
        if None not in statuses.values():
            return 0
        time.sleep(_PAUSE)


def _end(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        process.kill()
    for process in processes:
        process.communicate()  # closes the pipe, and waits

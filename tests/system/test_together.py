"""Processes that run together end together."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest

from siamlab.system.together import _first_failure, run_together

# What each process does is in its environment.
DOES = [sys.executable, "-c", "import os; exec(os.environ['DOES'])"]
SLEEP = "import time; time.sleep(300)"


def run(*parts):
    return run_together(DOES, [{"DOES": part} for part in parts])


def test_all_done(capfd):
    ended = run("print('first'); import sys; print('noted', file=sys.stderr)", "print('second')")
    assert (ended.number, ended.status, ended.lines) == (0, 0, ("noted",))
    assert capfd.readouterr() == ("first\n", "")


def test_one_that_fails_ends_the_others():
    began = time.monotonic()
    ended = run(SLEEP, "raise SystemExit('too few')", SLEEP)
    assert (ended.number, ended.status, ended.lines) == (1, 1, ("too few",))
    assert time.monotonic() - began < 100


def test_of_two_failures_the_killed_one_is_named():
    """Between two looks the one that noticed it may have ended, too."""
    ended = [SimpleNamespace(poll=lambda status=status: status) for status in (2, -9, None)]
    assert _first_failure(ended) == 1


def test_an_interrupt_ends_all(monkeypatch):
    started = []

    class Noted(subprocess.Popen):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **options)
            started.append(self)

    def interrupted(seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr("siamlab.system.together.subprocess.Popen", Noted)
    monkeypatch.setattr("siamlab.system.together.time.sleep", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(SLEEP, SLEEP)
    assert [process.returncode for process in started] == [-signal.SIGKILL] * 2


def test_a_worker_ends_when_its_starter_has():
    code = "from siamlab.cli.worker import end_with_starter; end_with_starter()"
    worker = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE)
    assert worker.poll() is None
    worker.stdin.close()  # as the system does when the starter ends, however that comes about
    assert worker.wait(timeout=60) == 2

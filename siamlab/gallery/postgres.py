"""A connection to a PostgreSQL server: opened when it is needed, and again after it was lost.

Its errors are one line that names the place, never the password. A lost server is an error and
never an empty answer, which would be read as "nobody".
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from siamlab.errors import InputError, MissingPackageError, StorageError
from siamlab.system.closing import Closing
from siamlab.system.pickling import OneProcess

if TYPE_CHECKING:
    import psycopg

VARIABLE = "SIAMLAB_DATABASE"
# A server that does not answer at all must not hold up a door. The address may say otherwise.
_WAITING = {"connect_timeout": 10, "tcp_user_timeout": 10_000, "application_name": "siamlab"}
_FORM = "The database's address is a URL such as postgresql://siamlab@db.example/gallery. Received"


def given_database(url: str | None = None) -> str | None:
    """The address that was given, else that of ``SIAMLAB_DATABASE``; ``None`` for neither."""
    return url or os.environ.get(VARIABLE) or None


class Database(Closing, OneProcess):
    """One connection, for one thread after the other.

    Args:
        url: ``postgresql://user@host:port/name``; a password comes better from ``~/.pgpass``.
        settings: of the server, for this connection.

    Raises:
        InputError: the address has another form.
        MissingPackageError: psycopg is not installed.
    """

    def __init__(self, url: str, settings: Mapping[str, str] | None = None) -> None:
        driver = _import_psycopg()
        self.settings = dict(settings or {})
        if not url.startswith(("postgresql://", "postgres://")):
            raise InputError(f"{_FORM} another one.")  # which may hold a password
        try:
            given = driver.conninfo.conninfo_to_dict(url)
        except driver.Error:
            raise InputError(f"{_FORM} one that cannot be read.") from None
        self._given = {**_WAITING, **given}
        name = given.get("dbname") or given.get("user") or "its default database"
        self.place = f"{name} at {given.get('host') or 'this machine'}"
        self._connection: psycopg.Connection[Any] | None = None
        self._lock = threading.RLock()

    def __del__(self) -> None:
        if getattr(self, "_connection", None) is not None:  # forgotten by a search
            self.close()

    def __repr__(self) -> str:
        return f"Database({self.place})"

    def rows(
        self, statement: str, values: Sequence[Any] | Mapping[str, Any] = ()
    ) -> list[tuple[Any, ...]]:
        """What one statement that changes nothing gives.

        A connection that broke since it was last used is opened again.

        Raises:
            StorageError: the server cannot be reached, or refuses.
        """
        with self._lock, self._one_line():
            used = self._connection is not None
            try:
                return self._open().execute(statement.encode(), values).fetchall()
            except _import_psycopg().OperationalError:
                if not used or not self._lost():
                    raise
            return self._open().execute(statement.encode(), values).fetchall()

    @contextmanager
    def transaction(self) -> Iterator[psycopg.Cursor[Any]]:
        """Everything in the block is written, or nothing after an error.

        Raises:
            StorageError: the server cannot be reached, is lost in the middle, or refuses.
        """
        with self._lock, self._one_line():
            if self._connection is not None:
                self.rows("SELECT 1")  # opens a lost connection again
            connection = self._open()
            with connection.transaction(), connection.cursor() as cursor:
                yield cursor

    def close(self) -> None:
        """Close the connection; the next use opens another."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _open(self) -> psycopg.Connection[Any]:
        if self._connection is None:
            connection = _import_psycopg().connect(**self._given, autocommit=True)
            for name, value in self.settings.items():
                connection.execute("SELECT set_config(%s, %s, false)", (name, value))
            self._connection = connection
        return self._connection

    def _lost(self) -> bool:
        """Whether the connection is of no use any more; then it is closed."""
        lost = self._connection is not None and self._connection.closed
        if lost:
            self.close()
        return lost

    @contextmanager
    def _one_line(self) -> Iterator[None]:
        try:
            yield
        except _import_psycopg().Error as error:
            lost = self._connection is None or self._lost()
            advice = "Start it, or check the address, and try again" if lost else "Look into it"
            reason = str(error).strip().rstrip(".") or type(error).__name__
            raise StorageError(
                f"The database {self.place} cannot be used: {reason}. {advice}."
            ) from None


def _import_psycopg() -> Any:
    try:
        import psycopg
    except ImportError:
        raise MissingPackageError(
            "A gallery in PostgreSQL needs psycopg, which is not installed. Run: "
            'pip install "siamlab[database]"'
        ) from None
    return psycopg

"""Fixtures of the gallery's tests: cheap passphrases, none from the environment, and PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from fakes import loaded_script
from vaults import CHEAP

from siamlab.gallery import Gallery


@pytest.fixture(autouse=True)
def cheap_passphrases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("siamlab.gallery.vault.KDF", CHEAP)
    monkeypatch.setattr("siamlab.gallery.passphrase._import_keyring", _no_keyring)
    for name in ("SIAMLAB_PASSPHRASE", "SIAMLAB_PASSPHRASE_FILE", "SIAMLAB_NEW_PASSPHRASE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("SIAMLAB_DATABASE", "PGPASSWORD", "PGSERVICE"):
        monkeypatch.delenv(name, raising=False)


def _no_keyring() -> None:
    from siamlab.errors import MissingPackageError

    raise MissingPackageError("no keyring in the tests, unless one brings its own")


@pytest.fixture
def gallery(tmp_path: Path) -> Gallery:
    """A gallery that is not encrypted."""
    return Gallery(tmp_path / "gallery")


@pytest.fixture
def sealed(tmp_path: Path) -> Gallery:
    """An encrypted gallery."""
    return Gallery(tmp_path / "sealed", "correct horse")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Any]:
    """A real PostgreSQL server, or a skip with a reason."""
    pytest.importorskip("psycopg", reason="the extra database is not installed")
    pytest.importorskip("pgvector", reason="the extra database is not installed")
    path = Path(__file__).parents[2] / "benchmarks" / "postgres_server.py"
    with loaded_script(path) as module:
        try:
            server = module.PostgresServer()
        except RuntimeError as error:
            pytest.skip(str(error))
        with server:
            yield server


_NUMBERS = count()


@pytest.fixture
def url(postgres: Any) -> str:
    """An empty database on it."""
    import psycopg

    name = f"gallery{next(_NUMBERS)}"
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return str(postgres.url).replace("/postgres?", f"/{name}?")

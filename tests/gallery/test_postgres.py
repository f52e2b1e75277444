"""Addresses and connections: what is said of them, and never the password."""

from __future__ import annotations

import pickle
import sys

import pytest

from siamlab.errors import InputError, MissingPackageError, StorageError
from siamlab.gallery.postgres import Database, given_database

pytest.importorskip("psycopg", reason="the extra database is not installed")


@pytest.mark.parametrize(
    "url",
    [
        "host=db.example password=hunter2 dbname=gallery",
        "mysql://ada:hunter2@db.example/gallery",
        "postgresql://ada:hunter2@db.example/gallery?no_such=hunter2",
        "postgresql://ada:hunter2@[db.example/gallery",
        "",
    ],
)
def test_an_address_of_another_form_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(InputError, match=r"postgresql://siamlab@db\.example/gallery") as caught:
        Database(url)
    assert "hunter2" not in str(caught.value) and "ada" not in str(caught.value)


def test_a_place_is_named_by_database_and_host() -> None:
    assert Database("postgresql://ada:hunter2@db.example:5433/faces").place == "faces at db.example"
    assert Database("postgresql:///faces").place == "faces at this machine"
    assert repr(Database("postgres://ada:hunter2@db.example")) == "Database(ada at db.example)"


def test_a_server_that_is_not_there_is_one_line_without_the_password() -> None:
    said = []
    with Database("postgresql://ada:hunter2@127.0.0.1:1/faces") as database:
        with pytest.raises(StorageError) as caught:
            database.rows("SELECT 1")
        said.append(str(caught.value))
        with pytest.raises(StorageError) as caught, database.transaction():
            pass
        said.append(str(caught.value))
    for line in said:
        assert line.startswith("The database faces at 127.0.0.1 cannot be used: ")
        assert "\n" not in line and "hunter2" not in line


def test_a_wrong_password_is_one_line_without_it(postgres, url: str) -> None:
    """The server asks for one from here on: its own rules are changed, and put back."""
    rules = postgres.data / "pg_hba.conf"
    before = rules.read_text()
    rules.write_text("local all ada scram-sha-256\nlocal all all trust\n")
    try:
        with Database(url) as database:
            database.rows("SELECT pg_reload_conf()")
            with database.transaction() as cursor:
                cursor.execute(b"CREATE ROLE ada LOGIN PASSWORD 'correct'")
            name = url.split("@/")[1]
            database.rows("SELECT pg_sleep(0.2)")  # until the rules are read
        with (
            Database(f"postgresql://ada:hunter2@/{name}") as refused,
            pytest.raises(StorageError, match='authentication failed for user "ada"') as caught,
        ):
            refused.rows("SELECT 1")
        assert "hunter2" not in str(caught.value)
        with Database(f"postgresql://ada:correct@/{name}") as let_in:
            assert let_in.rows("SELECT current_user::text") == [("ada",)]
    finally:
        rules.write_text(before)


def test_a_refused_statement_names_its_reason_and_the_connection_stays(url: str) -> None:
    with Database(url) as database:
        with pytest.raises(StorageError, match='relation "nowhere" does not exist'):
            database.rows("SELECT * FROM nowhere")
        with pytest.raises(StorageError), database.transaction() as cursor:
            cursor.execute(b"CREATE TABLE kept (number int)")
            cursor.execute(b"SELECT * FROM nowhere")
        assert database.rows("SELECT to_regclass('kept')") == [(None,)], "nothing of it is kept"


def test_settings_hold_for_each_new_connection(url: str) -> None:
    with Database(url, {"hnsw.ef_search": "123"}) as database:
        for _ in range(2):
            assert database.rows("SHOW hnsw.ef_search") == [("123",)]
            database.close()


def test_a_connection_is_not_pickled_and_its_variable_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(InputError, match="not pickled"):
        pickle.dumps(Database("postgresql:///faces"))
    assert given_database() is None
    monkeypatch.setenv("SIAMLAB_DATABASE", "postgresql:///faces")
    assert given_database() == "postgresql:///faces"
    assert given_database("postgresql:///other") == "postgresql:///other"


def test_without_psycopg_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(MissingPackageError, match=r"siamlab\[database\]"):
        Database("postgresql:///faces")

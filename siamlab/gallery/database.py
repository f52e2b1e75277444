"""The gallery's one SQLite file: opening it, its tables, and its errors as one line.

Why the standard library's ``sqlite3``: there are six small tables and a dozen statements, which an
object mapper would not shorten. Why the rollback journal (``DELETE``) and not the write-ahead log:
the log needs a file of shared memory beside the database, so that a gallery in a read-only folder
could not be read, and one on a network drive would be damaged. ``synchronous=EXTRA`` makes a
write that was acknowledged survive a power cut; ``secure_delete`` overwrites what is deleted.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from siamlab.errors import StorageError
from siamlab.system.files import PART

FILE = "vault.sqlite3"
FORMAT = 1
BUSY_SECONDS = 30.0
APPLICATION_ID = 0x51A31AB  # tells our files from other SQLite files

SCHEMA = """
CREATE TABLE settings (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE people (
    number INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,          -- random
    tag BLOB NOT NULL UNIQUE,         -- keyed digest of the name
    version INTEGER NOT NULL,         -- counts every change of this person
    records TEXT NOT NULL,            -- JSON: version of each record; authenticated by key
    key BLOB NOT NULL,                -- the person's key, sealed with the vault's
    about BLOB NOT NULL               -- name and consent, sealed with the person's key
);
CREATE TABLE records (
    person INTEGER NOT NULL REFERENCES people(number) ON DELETE CASCADE,
    name TEXT NOT NULL,               -- "templates/<model>", "image/<number>"
    content BLOB NOT NULL,            -- sealed with the person's key
    PRIMARY KEY (name, person)
);
CREATE INDEX records_of_person ON records (person);
CREATE TABLE audit (
    number INTEGER PRIMARY KEY,
    time TEXT NOT NULL,
    event TEXT NOT NULL,
    person TEXT NOT NULL,             -- the person's random id, hexadecimal, or nothing
    version INTEGER NOT NULL,         -- of the person after the event
    detail TEXT NOT NULL,
    mac BLOB NOT NULL                 -- HMAC over this entry and the one before
);
CREATE INDEX audit_of_person ON audit (person, number);
CREATE TABLE tries (
    time REAL NOT NULL,               -- seconds since 1970
    person TEXT NOT NULL,
    failed INTEGER NOT NULL
);
CREATE INDEX tries_of_person ON tries (person, time);
CREATE TABLE sessions (
    number INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    about BLOB NOT NULL               -- title, times and rules, sealed with the vault's key
);
CREATE TABLE attendance (
    number INTEGER PRIMARY KEY,
    session INTEGER NOT NULL REFERENCES sessions(number) ON DELETE CASCADE,
    person BLOB NOT NULL,             -- the person's random id
    about BLOB NOT NULL               -- time, verdict, model, threshold, corrections; sealed
);
CREATE INDEX attendance_of_session ON attendance (session, person);
"""

# Statements that bring a file of format 1, 2, … to the next one.
MIGRATIONS: tuple[str, ...] = ()

_SENTENCES = {
    "SQLITE_FULL": "the disk is full; free some space",
    "SQLITE_READONLY": "the file or its folder is read-only; choose another data folder",
    "SQLITE_CANTOPEN": "the file cannot be opened; check the folder and its permissions",
    "SQLITE_PERM": "the file may not be opened; check its permissions",
    "SQLITE_BUSY": f"another program has been writing to it for {BUSY_SECONDS:.0f} s; try again",
    "SQLITE_LOCKED": "another program is writing to it; try again",
    "SQLITE_NOTADB": "it is damaged or no gallery; put back a copy",
    "SQLITE_CORRUPT": "it is damaged; put back a copy",
}


@contextmanager
def sqlite_errors(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into one line.

    Raises:
        StorageError: instead of any ``sqlite3.Error`` raised in the block.
    """
    try:
        yield
    except sqlite3.Error as error:
        name = getattr(error, "sqlite_errorname", "") or ""
        known = [text for start, text in _SENTENCES.items() if name.startswith(start)]
        reason = known[0] if known else f"{error}"
        raise StorageError(f"The gallery {path} cannot be used: {reason}.") from None
    except UnicodeDecodeError:  # of a text in the file, or of a message about one
        reason = _SENTENCES["SQLITE_CORRUPT"]
        raise StorageError(f"The gallery {path} cannot be used: {reason}.") from None


@contextmanager
def read_database(path: Path) -> Iterator[sqlite3.Connection]:
    """One consistent view of the file, which may be read-only.

    Raises:
        StorageError: it is missing, damaged, of another format, or cannot be read.
    """
    with sqlite_errors(path), closing(_connect(path, _mode(path))) as database:
        database.execute("BEGIN")
        _check_format(path, database)
        yield database
        database.execute("ROLLBACK")


@contextmanager
def write_database(path: Path) -> Iterator[sqlite3.Connection]:
    """A transaction: everything in the block is written, or nothing after an error.

    The folder and the file are made if they are missing, readable by their owner only.

    Raises:
        StorageError: the disk is full, the file is damaged, or it cannot be written.
    """
    _make_private(path)
    with sqlite_errors(path), closing(_connect(path, "rw")) as database:
        database.execute("BEGIN IMMEDIATE")
        if database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0:
            _create(database)
        _check_format(path, database)
        _migrate(database)
        try:
            yield database
            database.execute("COMMIT")
        except BaseException:
            if database.in_transaction:
                database.execute("ROLLBACK")
            raise


def is_begun(path: Path) -> bool:
    """Whether anything was ever written to the file.

    A program that was killed in its first write leaves an empty file, or one whose pages are taken
    back by its journal when it is opened.

    Raises:
        StorageError: it cannot be opened.
    """
    try:
        if path.stat().st_size == 0:
            return False
    except OSError:
        return False
    if not path.with_name(f"{path.name}-journal").exists():
        return True
    with sqlite_errors(path), closing(_connect(path, _mode(path))) as database:
        return bool(database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])


def check_structure(database: sqlite3.Connection) -> str:
    """What is wrong with the file's pages and indexes, in a sentence; nothing if it is whole."""
    found = database.execute("PRAGMA integrity_check(1)").fetchone()[0]
    return "" if found == "ok" else f"the file is damaged: {str(found).splitlines()[-1]}"


def compact_database(path: Path) -> None:
    """Write the file anew without the pages of what was deleted."""
    with sqlite_errors(path), closing(_connect(path, "rw")) as database:
        database.execute("VACUUM")


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    database = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        for setting in (
            "temp_store=MEMORY",  # nothing beside the file but its journal
            "trusted_schema=OFF",
            "cell_size_check=ON",
            "foreign_keys=ON",
            "secure_delete=ON",
            "synchronous=EXTRA",
            "journal_mode=DELETE",
        ):
            if mode == "rw" or "=DELETE" not in setting:
                database.execute(f"PRAGMA {setting}")
    except BaseException:
        database.close()
        raise
    return database


def _mode(path: Path) -> str:
    # A program that was killed leaves a journal, which only a writing connection can roll back.
    return "rw" if os.access(path, os.W_OK) and os.access(path.parent, os.W_OK) else "ro"


def _make_private(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # A folder that was made for the gallery, but by another program.
        if all(one.name.startswith(".") or one.suffix == ".npz" for one in path.parent.iterdir()):
            path.parent.chmod(0o700)
        if not path.exists():
            _make_file(path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise StorageError(
            f"Cannot write {path}: {reason}. Choose another data folder (SIAMLAB_DATA)."
        ) from None


def _make_file(path: Path) -> None:
    """An empty file that its owner alone can read.

    The vault itself is never opened but by SQLite: closing it again would take away the locks that
    other threads of this program have on it (POSIX, fcntl), and two could write at once.
    """
    handle, name = tempfile.mkstemp(prefix=PART, dir=path.parent)  # mode 0600
    os.close(handle)
    try:
        os.link(name, path)
    except FileExistsError:
        pass  # another program was faster
    except OSError:  # a file system without links
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0o600))
    finally:
        Path(name).unlink()


def _create(database: sqlite3.Connection) -> None:
    for statement in SCHEMA.split(";\n"):
        if statement.strip():
            database.execute(statement)
    database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    database.execute(f"PRAGMA user_version = {FORMAT}")


def _check_format(path: Path, database: sqlite3.Connection) -> None:
    kind = database.execute("PRAGMA application_id").fetchone()[0]
    version = database.execute("PRAGMA user_version").fetchone()[0]
    if kind != APPLICATION_ID or version < 1:
        raise StorageError(f"{path} is no gallery of siamlab; choose another data folder.")
    if version > FORMAT:
        raise StorageError(
            f"{path} was written by a newer siamlab (format {version}, this one reads {FORMAT}). "
            "Install the newer version."
        )
    # Who can write the file could have one keep what is erased, or leave out what is written.
    sql = "SELECT count(*) FROM sqlite_master WHERE type IN ('trigger', 'view')"
    if database.execute(sql).fetchone()[0]:
        raise StorageError(
            f"{path} was changed: it has triggers or views, as no gallery has. Put back a copy."
        )


def _migrate(database: sqlite3.Connection) -> None:
    version = database.execute("PRAGMA user_version").fetchone()[0]
    for number, statements in enumerate(MIGRATIONS[version - 1 :], version + 1):
        for statement in statements.split(";\n"):
            database.execute(statement)
        database.execute(f"PRAGMA user_version = {number}")

"""The audit log: what was done with whose data, and when; no biometric data, no names.

Each entry carries an HMAC over itself and the entry before it, so that a changed, exchanged or
removed entry is found. The number of entries and the last HMAC stand in a file of their own
beside the vault, so that a cut tail, or an old copy of the whole vault, is found too.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from siamlab.errors import StorageError
from siamlab.gallery.sealing import keyed_digest
from siamlab.system.files import write_text

HEAD_FILE = "audit_head.json"
START = bytes(32)  # stands for the entry before the first
COLUMNS = "number, time, event, person, version, detail, mac"


@dataclass(frozen=True)
class AuditEntry:
    """One event.

    Attributes:
        number: 1, 2, ….
        time: ISO 8601 in UTC.
        event: ``enrolled``, ``erased``, ``verified``, ….
        person: the person's random id in hexadecimal digits; empty where nobody is meant.
        version: how often this person's data had been changed, this event included.
        detail: a few words or numbers.
    """

    number: int
    time: str
    event: str
    person: str
    version: int
    detail: str

    def content(self) -> bytes:
        """What the HMAC is computed over, beside the entry before."""
        fields = (self.number, self.time, self.event, self.person, self.version, self.detail)
        return json.dumps(fields, default=repr).encode()  # a changed file holds any type


def append_entries(
    database: sqlite3.Connection,
    key: bytes,
    events: Iterable[tuple[str, str, int, str]],
) -> None:
    """Add events (event, person, version, detail) to the log, inside a transaction."""
    number, mac = log_head(database)
    time = datetime.now(UTC).isoformat(timespec="milliseconds")
    rows = []
    for event, person, version, detail in events:
        number += 1
        entry = AuditEntry(number, time, event, person, version, detail)
        mac = keyed_digest(key, mac + entry.content())
        rows.append((number, time, event, person, version, detail, mac))
    database.executemany(f"INSERT INTO audit ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)", rows)


def log_head(database: sqlite3.Connection) -> tuple[int, bytes]:
    """The number of entries, and the last one's HMAC."""
    row = database.execute("SELECT number, mac FROM audit ORDER BY number DESC LIMIT 1").fetchone()
    if row is None:
        return 0, START
    if not isinstance(row[1], bytes):
        raise StorageError("The gallery's log was changed or damaged; put back a copy.")
    return int(row[0]), row[1]


def read_log(database: sqlite3.Connection) -> list[tuple[AuditEntry, bytes]]:
    """All entries with their HMACs, oldest first."""
    rows = database.execute(f"SELECT {COLUMNS} FROM audit ORDER BY number")
    return [(AuditEntry(*row[:-1]), row[-1]) for row in rows]


def check_chain(log: list[tuple[AuditEntry, bytes]], key: bytes) -> str:
    """What is wrong with the log, in a sentence; nothing if it is whole."""
    mac = START
    for place, (entry, found) in enumerate(log, 1):
        mac = keyed_digest(key, mac + entry.content())
        if entry.number != place:
            return f"entry {place} of the log is missing"
        if found != mac:
            return f"entry {place} of the log was changed"
    return ""


def sign_again(database: sqlite3.Connection, key: bytes) -> None:
    """Compute every HMAC anew, with another key."""
    mac, rows = START, []
    for entry, _ in read_log(database):
        mac = keyed_digest(key, mac + entry.content())
        rows.append((mac, entry.number))
    database.executemany("UPDATE audit SET mac = ? WHERE number = ?", rows)


def head_note(key: bytes, number: int, mac: bytes) -> dict[str, object]:
    """What the note outside the vault says of a log of this length and end."""
    bound = keyed_digest(key, b"head" + number.to_bytes(8, "big") + mac)
    return {"entries": number, "mac": bound.hex()}


def write_head(folder: Path, *notes: dict[str, object]) -> None:
    """Note outside the vault how long the log is and how it ends.

    While a log is signed with a new key there are two notes, one of which holds.
    """
    write_text(folder / HEAD_FILE, json.dumps(notes) + "\n", private=True)


def read_head(folder: Path) -> list[dict[str, object]]:
    """The notes outside the vault; none where the file is missing.

    Raises:
        StorageError: it cannot be read.
    """
    try:
        notes = json.loads((folder / HEAD_FILE).read_text("utf-8"))
        good = notes and all(isinstance(note["entries"], int) for note in notes)
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError):
        good = False
    if not good:
        raise StorageError("the note of the log's length cannot be read")
    return list(notes)


def check_head(folder: Path, key: bytes, database: sqlite3.Connection) -> str:
    """What the note outside says against the log, in a sentence; nothing if they agree.

    A program that was killed after its last write leaves a note that is some entries behind.
    """
    try:
        notes, length = read_head(folder), log_head(database)[0]
    except StorageError as error:
        return str(error)
    if not notes:
        return "the note of the log's length is missing"
    numbers = [int(str(note["entries"])) for note in notes]
    if min(numbers) > length:
        return f"the log had {min(numbers)} entries and has {length}: its end was cut off"
    sql = "SELECT mac FROM audit WHERE number = ?"
    for number, note in zip(numbers, notes, strict=True):
        if not 0 <= number <= length:
            continue
        row = database.execute(sql, (number,)).fetchone() if number else (START,)
        good = row is not None and isinstance(row[0], bytes)
        if good and head_note(key, number, row[0]) == note:
            return ""
    return "the note of the log's length is of another log: an old copy was put back"

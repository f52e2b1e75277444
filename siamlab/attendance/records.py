"""What the register consists of, and its sealed rows in the gallery's file.

A session's row says how many entries it has, and an entry's row which one it is. So a row that
was deleted, exchanged or put in twice is found when the session is read.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

from siamlab.errors import InputError, StorageError
from siamlab.gallery.sealing import seal, unseal
from siamlab.gallery.vault import (
    ID_BYTES,
    PEOPLE,
    Person,
    Transaction,
    attendance_context,
    session_context,
)
from siamlab.system.names import normal_name

PRESENT, LATE, ABSENT = "present", "late", "absent"
STATUSES = (PRESENT, LATE, ABSENT)
CAMERA, OPERATOR = "camera", "operator"
ERASED = "erased person"
UNREADABLE = "unreadable person"  # whose row in the gallery is damaged


@dataclass(frozen=True)
class Session:
    """One lesson, shift or meeting.

    Attributes:
        name: no other session has it.
        opened: when, ISO 8601 with the local offset.
        starts: who comes later than ``grace`` minutes after it is late; empty for nobody.
        grace: minutes.
        closed: when; empty while it is open.
        entries: how many it has, former ones included.
    """

    name: str
    opened: str
    starts: str = ""
    grace: float = 5.0
    closed: str = ""
    entries: int = 0


@dataclass(frozen=True)
class Entry:
    """One line of the register.

    Attributes:
        session, person: their names; :data:`ERASED` for people who were erased since.
        status: ``present``, ``late`` or ``absent``.
        time: when the person came, ISO 8601 with the local offset. Times that the camera's entries
            of a session note never go backwards.
        source: ``camera`` or ``operator``.
        reason: of a correction.
        verdict, model, threshold: of the confirmation by camera.
        score: only where the operator allows it.
        counts: no later entry replaces it.
        again: the person had been registered before; nothing was written now.
        clock: what the clock said, where it was behind the entry before.
    """

    session: str
    person: str
    status: str
    time: str
    source: str
    reason: str = ""
    verdict: str = ""
    model: str = ""
    threshold: float | None = None
    score: float | None = None
    counts: bool = True
    again: bool = False
    clock: str = ""


@dataclass(frozen=True)
class SessionRow:
    """A session, with its number and random id in the file."""

    number: int
    id: bytes
    session: Session


def read_sessions(view: Transaction | None, newest_first: bool = False) -> Iterator[SessionRow]:
    """All sessions, decrypted one by one; none where there is no vault yet."""
    if view is None:
        return
    order = "DESC" if newest_first else "ASC"
    sql = f"SELECT number, id, about FROM sessions ORDER BY number {order}"
    for number, identity, about in view.database.execute(sql).fetchall():
        context = session_context(view.keys.vault, identity)
        yield SessionRow(number, identity, Session(**_unseal(view, about, context)))


def find_session(view: Transaction | None, name: str) -> SessionRow:
    """The session of this name.

    Raises:
        InputError: there is none.
    """
    name, known = normal_name(name), []
    for row in read_sessions(view, newest_first=True):
        if row.session.name == name:
            return row
        known.append(row.session.name)
    there = f"; there are {', '.join(map(repr, reversed(known[:5])))}" if known else ""
    raise InputError(f"There is no session {name!r}{there}. Open it: siamlab attend open.")


def add_session(change: Transaction, session: Session) -> None:
    """Write a new session."""
    identity = os.urandom(ID_BYTES)
    content = _seal(change, asdict(session), session_context(change.keys.vault, identity))
    change.database.execute("INSERT INTO sessions (id, about) VALUES (?, ?)", (identity, content))


def write_session(change: Transaction, row: SessionRow) -> None:
    """Write a session's row anew."""
    context = session_context(change.keys.vault, row.id)
    content = _seal(change, asdict(row.session), context)
    change.database.execute("UPDATE sessions SET about = ? WHERE number = ?", (content, row.number))


def read_entries(view: Transaction, row: SessionRow) -> list[tuple[bytes, Entry]]:
    """People's ids and the entries of a session, without names (:func:`read_names`).

    Raises:
        StorageError: an entry was changed, is missing, or stands there twice.
    """
    sql = "SELECT person, about FROM attendance WHERE session = ? ORDER BY number"
    found, places = [], []
    for person, about in view.database.execute(sql, (row.number,)).fetchall():
        context = attendance_context(view.keys.vault, row.number, person)
        fields = _unseal(view, about, context)
        places.append(fields.pop("place"))
        found.append((bytes(person), Entry(row.session.name, "", **fields)))
    if places != list(range(row.session.entries)):
        raise StorageError(
            f"The register of session {row.session.name!r} was changed outside of siamlab: an "
            "entry is missing or stands there twice. Put back a copy of the gallery."
        )
    return found


def append_entry(
    change: Transaction, row: SessionRow, person: Person, fields: dict[str, Any]
) -> None:
    """Write one more entry, and the session's new count."""
    place = row.session.entries
    context = attendance_context(change.keys.vault, row.number, person.id)
    change.database.execute(
        "INSERT INTO attendance (session, person, about) VALUES (?, ?, ?)",
        (row.number, person.id, _seal(change, fields | {"place": place}, context)),
    )
    write_session(change, replace(row, session=replace(row.session, entries=place + 1)))


def read_names(view: Transaction, people: Iterable[bytes]) -> dict[bytes, str]:
    """The names of these ids; of 20,000 people nobody else's record is decrypted."""
    names = {}
    for identity in set(people) - view.erased:
        sql = f"SELECT {PEOPLE} FROM people WHERE id = ?"
        row = view.database.execute(sql, (identity,)).fetchone()
        if row is not None:
            try:
                names[identity] = view.open(row).name
            except (StorageError, ValueError):
                names[identity] = UNREADABLE
    return names


def _seal(change: Transaction, fields: dict[str, Any], context: bytes) -> bytes:
    return seal(change.keys.register, json.dumps(fields).encode(), context)


def _unseal(view: Transaction, content: bytes, context: bytes) -> dict[str, Any]:
    return dict(json.loads(unseal(view.keys.register, content, context)))

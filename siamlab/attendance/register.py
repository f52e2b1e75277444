"""The register: sessions, and who was confirmed in each.

It is kept in the gallery's file, each entry sealed. Nothing is overwritten: a correction is one
more entry, and the last one counts. Entries name people by the random id of the vault, so that
after an erasure they stay as *erased person*: that somebody attended is the keeper's record (GDPR,
article 17, 3), whose name it was is gone. Delete a session to delete its entries.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from siamlab.errors import InputError, NotEnrolledError
from siamlab.gallery import Gallery
from siamlab.gallery.sealing import seal, unseal
from siamlab.gallery.vault import (
    ID_BYTES,
    Person,
    Transaction,
    attendance_context,
    normal_name,
    session_context,
)
from siamlab.verification.result import Verification

PRESENT, LATE, ABSENT = "present", "late", "absent"
STATUSES = (PRESENT, LATE, ABSENT)
CAMERA, OPERATOR = "camera", "operator"
ERASED = "erased person"


@dataclass(frozen=True)
class Session:
    """One lesson, shift or meeting.

    Attributes:
        name: no other session has it.
        opened: when, ISO 8601 with the local offset.
        starts: who comes later than ``grace`` minutes after it is late; empty for nobody.
        grace: minutes.
        closed: when; empty while it is open.
    """

    name: str
    opened: str
    starts: str = ""
    grace: float = 5.0
    closed: str = ""


@dataclass(frozen=True)
class Entry:
    """One line of the register.

    Attributes:
        session, person: their names; :data:`ERASED` for people who were erased since.
        status: ``present``, ``late`` or ``absent``.
        time: ISO 8601 with the local offset; never before the entry before it.
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


class Register:
    """The register in a gallery.

    Args:
        gallery: of the people; the register is in its file.
        keep_scores: also keep the score of each confirmation.

    Example:
        ```python
        register = Register(Gallery("gallery"))
        register.open_session("Monday", starts="09:00")
        register.mark("Monday", door.verify(frames, "Ada"))
        ```
    """

    def __init__(self, gallery: Gallery, keep_scores: bool = False) -> None:
        self.gallery = gallery
        self.keep_scores = keep_scores

    def open_session(
        self, name: str, starts: str = "", grace: float = 5.0, now: datetime | None = None
    ) -> Session:
        """Open a session; an open one of this name is returned as it is.

        Args:
            name: of the session.
            starts: ``HH:MM`` today, or a date and time in ISO 8601; who comes later is late.
            grace: minutes after ``starts`` that are not late.
            now: the time; ``None`` asks the clock.

        Raises:
            InputError: no name, no such time, or the session is closed already.
        """
        now = _local(now)
        name = normal_name(name)
        begins = "" if not starts else _parse_time(starts, now).isoformat(timespec="seconds")
        with self.gallery.writing() as change:
            for _, _, session in _sessions(change):
                if session.name == name and session.closed:
                    raise InputError(f"Session {name!r} is closed; choose another name.")
                if session.name == name:
                    return session
            session = Session(name, now.isoformat(timespec="seconds"), begins, grace)
            identity = os.urandom(ID_BYTES)
            about = _seal(change, asdict(session), session_context(change.keys.vault, identity))
            change.database.execute(
                "INSERT INTO sessions (id, about) VALUES (?, ?)", (identity, about)
            )
            change.log("session opened")
        return session

    def close_session(self, name: str, now: datetime | None = None) -> Session:
        """Close a session: nobody is confirmed any more; corrections stay possible."""
        with self.gallery.writing() as change:
            number, identity, session = _find_session(change, name)
            session = replace(session, closed=_local(now).isoformat(timespec="seconds"))
            about = _seal(change, asdict(session), session_context(change.keys.vault, identity))
            change.database.execute(
                "UPDATE sessions SET about = ? WHERE number = ?", (about, number)
            )
            change.log("session closed")
        return session

    def delete_session(self, name: str) -> None:
        """Delete a session and its entries."""
        with self.gallery.writing() as change:
            number, _, _ = _find_session(change, name)
            change.database.execute("DELETE FROM sessions WHERE number = ?", (number,))
            change.log("session deleted")

    def sessions(self) -> tuple[Session, ...]:
        """All sessions, in the order in which they were opened."""
        with self.gallery.reading() as view:
            return () if view is None else tuple(one for _, _, one in _sessions(view))

    def require_open(self, name: str) -> Session:
        """The session, if people can be registered in it.

        Raises:
            InputError: there is no such session, or it is closed.
        """
        with self.gallery.reading() as view:
            if view is None:
                raise InputError(f"There is no session {name!r}. Open it: siamlab attend open.")
            session = _find_session(view, name)[2]
        if session.closed:
            raise InputError(f"Session {name!r} was closed at {session.closed}.")
        return session

    def mark(self, session: str, verification: Verification, now: datetime | None = None) -> Entry:
        """Register a person whom the camera confirmed.

        Args:
            session: an open session's name.
            verification: the verdict on the person who was stated.
            now: the time; ``None`` asks the clock.

        Returns:
            The entry; with ``again`` set, and nothing written, if the person was registered before.

        Raises:
            InputError: the person was not verified, or the session is closed or does not exist.
            NotEnrolledError: nobody has this name.
        """
        if not verification.verified or verification.person is None:
            raise InputError(f"Only who was verified is registered. Received: {verification}.")
        score = verification.probability if self.keep_scores else None
        made: dict[str, Any] = {
            "source": CAMERA,
            "verdict": verification.verdict,
            "model": verification.model,
            "threshold": verification.threshold,
            "score": None if score is None else round(float(score), 6),
        }
        with self.gallery.writing() as change:
            number, _, about = _find_session(change, session)
            if about.closed:
                raise InputError(f"Session {session!r} was closed at {about.closed}.")
            person = _find_person(change, verification.person)
            former = [e for e in _entries(change, number, about.name) if e[0] == person.id]
            if former and former[-1][1].status in (PRESENT, LATE):
                return replace(former[-1][1], person=person.name, again=True)
            time, clock = _next_time(change, number, _local(now))
            status = LATE if _is_late(about, time) else PRESENT
            noted = time.isoformat(timespec="seconds")
            fields = made | {"status": status, "time": noted, "clock": clock}
            _append(change, number, person, fields)
        return Entry(about.name, person.name, **fields)

    def correct(
        self,
        session: str,
        person: str,
        status: str,
        reason: str,
        time: str = "",
        now: datetime | None = None,
    ) -> Entry:
        """Put an entry right by hand; the former one stays in the export.

        Args:
            session: open or closed.
            person: an enrolled person.
            status: ``present``, ``late`` or ``absent``.
            reason: why.
            time: when the person really came, ``HH:MM`` or ISO 8601; empty is now.
            now: the time; ``None`` asks the clock.

        Raises:
            InputError: no reason, another status, or no such session.
            NotEnrolledError: nobody has this name.
        """
        if status not in STATUSES:
            raise InputError(f"status is one of {', '.join(STATUSES)}. Received: {status!r}.")
        if not reason.strip():
            raise InputError("A correction needs a reason.")
        moment = _parse_time(time, _local(now)) if time else _local(now)
        fields: dict[str, Any] = {
            "status": status,
            "time": moment.isoformat(timespec="seconds"),
            "source": OPERATOR,
            "reason": reason,
        }
        with self.gallery.writing() as change:
            number, _, about = _find_session(change, session)
            found = _find_person(change, person)
            _append(change, number, found, fields)
            change.log("register corrected", found.id, found.version, status)
        return Entry(about.name, found.name, **fields)

    def entries(self, session: str | None = None) -> tuple[Entry, ...]:
        """All entries in the order in which they were written, former ones included.

        Args:
            session: of this session; ``None`` is of all.
        """
        with self.gallery.reading() as view:
            if view is None:
                return ()
            chosen = _sessions(view) if session is None else [_find_session(view, session)]
            names = {p.id: p.name for p in view.people() if isinstance(p, Person)}
            found: list[Entry] = []
            for number, _, about in chosen:
                rows = _entries(view, number, about.name)
                last = {person: place for place, (person, _) in enumerate(rows)}
                found += [
                    replace(entry, person=names.get(person, ERASED), counts=last[person] == place)
                    for place, (person, entry) in enumerate(rows)
                ]
        return tuple(found)


def _sessions(view: Transaction) -> list[tuple[int, bytes, Session]]:
    rows = view.database.execute("SELECT number, id, about FROM sessions ORDER BY number")
    return [
        (
            number,
            identity,
            Session(**_unseal(view, about, session_context(view.keys.vault, identity))),
        )
        for number, identity, about in rows.fetchall()
    ]


def _find_session(view: Transaction, name: str) -> tuple[int, bytes, Session]:
    found = _sessions(view)
    for one in found:
        if one[2].name == normal_name(name):
            return one
    known = ", ".join(session.name for _, _, session in found[-5:])
    raise InputError(
        f"There is no session {name!r}{f'; there are {known}' if known else ''}. "
        "Open it: siamlab attend open."
    )


def _find_person(view: Transaction, name: str) -> Person:
    person = view.find(name)
    if person is None:
        raise NotEnrolledError(f"{name!r} is not enrolled; enroll first.")
    return person


def _entries(view: Transaction, session: int, name: str) -> list[tuple[bytes, Entry]]:
    """People's ids and entries of a session; the names are looked up by the caller."""
    sql = "SELECT person, about FROM attendance WHERE session = ? ORDER BY number"
    rows = view.database.execute(sql, (session,)).fetchall()
    vault = view.keys.vault
    return [
        (
            person,
            Entry(name, "", **_unseal(view, about, attendance_context(vault, session, person))),
        )
        for person, about in rows
    ]


def _append(change: Transaction, session: int, person: Person, fields: dict[str, Any]) -> None:
    context = attendance_context(change.keys.vault, session, person.id)
    change.database.execute(
        "INSERT INTO attendance (session, person, about) VALUES (?, ?, ?)",
        (session, person.id, _seal(change, fields, context)),
    )


def _next_time(change: Transaction, session: int, now: datetime) -> tuple[datetime, str]:
    """The time to note, and what the clock said if that is before the entry before."""
    camera = [e for _, e in _entries(change, session, "") if e.source == CAMERA]
    last = max((datetime.fromisoformat(entry.time) for entry in camera), default=now)
    if now < last - timedelta(seconds=1):
        return last, now.isoformat(timespec="seconds")
    return now, ""


def _is_late(session: Session, time: datetime) -> bool:
    if not session.starts:
        return False
    return time > datetime.fromisoformat(session.starts) + timedelta(minutes=session.grace)


def _parse_time(text: str, today: datetime) -> datetime:
    try:
        if len(text) <= 5:
            hour, minute = map(int, text.split(":"))
            return today.replace(hour=hour, minute=minute, second=0, microsecond=0)
        time = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(f"A time is 09:00 or 2027-07-31T09:00. Received: {text!r}.") from None
    return time if time.tzinfo else time.replace(tzinfo=today.tzinfo)


def _local(now: datetime | None) -> datetime:
    if now is not None and now.tzinfo is None:
        raise InputError("now needs a time zone: datetime.now(UTC), for example.")
    return datetime.now(UTC).astimezone() if now is None else now


def _seal(change: Transaction, fields: dict[str, Any], context: bytes) -> bytes:
    return seal(change.keys.register, json.dumps(fields).encode(), context)


def _unseal(view: Transaction, content: bytes, context: bytes) -> dict[str, Any]:
    return dict(json.loads(unseal(view.keys.register, content, context)))

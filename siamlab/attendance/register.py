"""The register: sessions, and who was confirmed in each.

It is kept in the gallery's file, each entry sealed. Nothing is overwritten: a correction is one
more entry, and the last one counts. Entries name people by the random id of the vault, so that
after an erasure they stay as *erased person*, as the number of people in a past session would
otherwise change, and with it figures that were passed on: that somebody attended is the keeper's
record (GDPR, article 17, 3 b and e), whose name it was is gone with the person's key. Who has an
old copy of the vault and its passphrase can still tell. Delete a session to delete its entries.

A clock that goes backwards: an entry of the camera is never noted before an earlier one of its
session, or before the session was opened. It gets the latest of these times, by which it is judged
as late or not, and ``clock`` says what the clock said.
"""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime
from typing import Any

from siamlab.attendance.records import (
    CAMERA,
    ERASED,
    LATE,
    OPERATOR,
    PRESENT,
    STATUSES,
    Entry,
    Session,
    add_session,
    append_entry,
    find_session,
    read_entries,
    read_names,
    read_sessions,
    write_session,
)
from siamlab.attendance.times import in_seconds, is_late, local_time, noted_time, parse_time
from siamlab.errors import InputError, NotEnrolledError
from siamlab.gallery import Gallery
from siamlab.gallery.vault import Person, Transaction
from siamlab.system.names import normal_name
from siamlab.verification.result import Verification


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
            grace: minutes after ``starts`` that are not late, 0 or more.
            now: the time; ``None`` asks the clock.

        Raises:
            InputError: no name, no such time, or the session is closed already.
        """
        now = local_time(now)
        name = normal_name(name)
        if not 0 <= grace < math.inf:
            raise InputError(f"grace is a number of minutes, 0 or more. Received: {grace}.")
        begins = in_seconds(parse_time(starts, now)) if starts else ""
        with self.gallery.writing() as change:
            for row in read_sessions(change, newest_first=True):
                if row.session.name == name and row.session.closed:
                    raise InputError(f"Session {name!r} is closed; choose another name.")
                if row.session.name == name:
                    return row.session
            session = Session(name, in_seconds(now), begins, grace)
            add_session(change, session)
            change.log("session opened")
        return session

    def close_session(self, name: str, now: datetime | None = None) -> Session:
        """Close a session: nobody is confirmed any more; corrections stay possible."""
        closed = in_seconds(local_time(now))
        with self.gallery.writing() as change:
            row = find_session(change, name)
            if row.session.closed:
                return row.session
            row = replace(row, session=replace(row.session, closed=closed))
            write_session(change, row)
            change.log("session closed")
        return row.session

    def delete_session(self, name: str) -> None:
        """Delete a session and its entries."""
        with self.gallery.writing() as change:
            number = find_session(change, name).number
            change.database.execute("DELETE FROM sessions WHERE number = ?", (number,))
            change.log("session deleted")

    def sessions(self) -> tuple[Session, ...]:
        """All sessions, in the order in which they were opened."""
        with self.gallery.reading() as view:
            return tuple(row.session for row in read_sessions(view))

    def require_open(self, name: str) -> Session:
        """The session, if people can be registered in it.

        Raises:
            InputError: there is no such session, or it is closed.
        """
        with self.gallery.reading() as view:
            return _open(find_session(view, name).session)

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
        now = local_time(now)
        with self.gallery.writing() as change:
            row = find_session(change, session)
            about = _open(row.session)
            person = _find_person(change, verification.person)
            entries = read_entries(change, row)
            former = [entry for identity, entry in entries if identity == person.id]
            if former and former[-1].status in (PRESENT, LATE):
                return replace(former[-1], person=person.name, again=True)
            noted = [entry.time for _, entry in entries if entry.source == CAMERA]
            time, clock = noted_time(now, [about.opened, *noted])
            fields = {
                "status": LATE if is_late(time, about.starts, about.grace) else PRESENT,
                "time": in_seconds(time),
                "source": CAMERA,
                "clock": clock,
                **self._decided(verification),
            }
            append_entry(change, row, person, fields)
        return Entry(about.name, person.name, **fields)

    def _decided(self, verification: Verification) -> dict[str, Any]:
        score = verification.probability if self.keep_scores else None
        return {
            "verdict": verification.verdict,
            "model": verification.model,
            "threshold": verification.threshold,
            "score": None if score is None else round(float(score), 6),
        }

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
        now = local_time(now)
        fields: dict[str, Any] = {
            "status": status,
            "time": in_seconds(parse_time(time, now) if time else now),
            "source": OPERATOR,
            "reason": reason,
        }
        with self.gallery.writing() as change:
            row = find_session(change, session)
            found = _find_person(change, person)
            read_entries(change, row)  # nothing is added to what was changed outside
            append_entry(change, row, found, fields)
            change.log("register corrected", found.id, found.version, status)
        return Entry(row.session.name, found.name, **fields)

    def entries(self, session: str | None = None) -> tuple[Entry, ...]:
        """All entries in the order in which they were written, former ones included.

        Args:
            session: of this session; ``None`` is of all.

        Raises:
            InputError: there is no such session.
            StorageError: an entry was changed, removed or put in outside of siamlab.
        """
        found: list[tuple[bytes, Entry]] = []
        with self.gallery.reading() as view:
            rows = read_sessions(view) if session is None else [find_session(view, session)]
            if view is None:
                return ()
            for row in rows:
                entries = read_entries(view, row)
                last = {person: place for place, (person, _) in enumerate(entries)}
                found += [
                    (person, replace(entry, counts=last[person] == place))
                    for place, (person, entry) in enumerate(entries)
                ]
            names = read_names(view, [person for person, _ in found])
        return tuple(replace(entry, person=names.get(who, ERASED)) for who, entry in found)


def _open(session: Session) -> Session:
    if session.closed:
        raise InputError(f"Session {session.name!r} was closed at {session.closed}.")
    return session


def _find_person(view: Transaction, name: str) -> Person:
    person = view.find(name)
    if person is None:
        raise NotEnrolledError(f"{name!r} is not enrolled; enroll first.")
    return person

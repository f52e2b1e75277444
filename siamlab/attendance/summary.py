"""What the register says: a table of people and sessions, and a CSV file for other programs."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from siamlab.attendance.records import ABSENT, ERASED, LATE, PRESENT, Entry
from siamlab.system.files import whole_file

# A spreadsheet would compute what begins so; the last four are the wide forms of the first.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


@dataclass(frozen=True)
class Summary:
    """Who attended what.

    Attributes:
        people: names, sorted.
        sessions: names, in the order of the register.
        status: for each person, the status in each session; ``absent`` where nothing is noted.
    """

    people: tuple[str, ...]
    sessions: tuple[str, ...]
    status: tuple[tuple[str, ...], ...]

    def attended(self, person: str) -> int:
        """In how many sessions a person was present or late."""
        return _attended(self.status[self.people.index(person)])

    def came(self, session: str) -> int:
        """How many of the people were present or late in a session."""
        place = self.sessions.index(session)
        return _attended([row[place] for row in self.status])

    def __str__(self) -> str:
        lines = []
        total = f"{len(self.sessions)}"
        for name, row in zip(self.people, self.status, strict=True):
            lines.append(f"{name}: {_count(row, total)}")
        total = f"{len(self.people)} people"
        for place, name in enumerate(self.sessions):
            column = [row[place] for row in self.status]
            lines.append(f"session {name}: {_count(column, total)}")
        return "\n".join(lines)


def summarize(
    entries: Sequence[Entry], people: Sequence[str] = (), sessions: Sequence[str] = ()
) -> Summary:
    """Make a table of the entries that count.

    People who were erased are left out: two of them cannot be told apart.

    Args:
        entries: from :meth:`Register.entries <siamlab.attendance.register.Register.entries>`.
        people: names to list even if they never came.
        sessions: names to list even if nobody came; they come first.

    Example:
        >>> from siamlab.attendance.records import Entry
        >>> entry = Entry("Monday", "Ada", "present", "2027-07-31T09:00:00+02:00", "camera")
        >>> print(summarize([entry], people=["Bob"]))
        Ada: 1 of 1
        Bob: 0 of 1
        session Monday: 1 of 2 people
    """
    columns = tuple(dict.fromkeys([*sessions, *(entry.session for entry in entries)]))
    names = sorted({*people, *(e.person for e in entries if e.person != ERASED)})
    known = {(e.person, e.session): e.status for e in entries if e.counts}
    rows = (tuple(known.get((name, one), ABSENT) for one in columns) for name in names)
    return Summary(tuple(names), columns, tuple(rows))


def write_csv(path: Path | str, entries: Sequence[Entry]) -> Path:
    """Write entries as CSV (RFC 4180) in UTF-8, readable by its owner only; no cell is a formula.

    A cell that a spreadsheet would take for one gets an apostrophe in front.

    Raises:
        StorageError: the file cannot be written.
    """
    names = [one.name for one in fields(Entry) if one.name != "again"]
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(names)
    for entry in entries:
        writer.writerow([_cell(getattr(entry, name)) for name in names])
    # The mark at the beginning tells spreadsheets that this is UTF-8.
    path = Path(path)
    with whole_file(path, private=True) as part:
        part.write_text("\ufeff" + text.getvalue(), encoding="utf-8", newline="")
    return path


def _attended(statuses: Sequence[str]) -> int:
    return sum(one in (PRESENT, LATE) for one in statuses)


def _count(statuses: Sequence[str], total: str) -> str:
    late = statuses.count(LATE)
    return f"{_attended(statuses)} of {total}{f' ({late} late)' if late else ''}"


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = "" if value is None else str(value)
    formula = isinstance(value, str) and text.lstrip(" ").startswith(_FORMULA)
    return f"'{text}" if formula else text

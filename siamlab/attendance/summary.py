"""What the register says: a table of people and sessions, and a CSV file for other programs."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from siamlab.attendance.register import ABSENT, ERASED, LATE, PRESENT, Entry
from siamlab.system.files import write_text

_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would compute what begins so


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
        row = self.status[self.people.index(person)]
        return sum(one in (PRESENT, LATE) for one in row)

    def __str__(self) -> str:
        lines = []
        for name, row in zip(self.people, self.status, strict=True):
            late = row.count(LATE)
            words = f"{self.attended(name)} of {len(self.sessions)}"
            lines.append(f"{name}: {words}{f', {late} late' if late else ''}")
        return "\n".join(lines)


def summarize(entries: Sequence[Entry], people: Sequence[str] = ()) -> Summary:
    """Make a table of the entries that count.

    Args:
        entries: from :meth:`Register.entries <siamlab.attendance.register.Register.entries>`.
        people: names to list even if they never came.

    Example:
        >>> from siamlab.attendance.register import Entry
        >>> entry = Entry("Monday", "Ada", "present", "2027-07-31T09:00:00+02:00", "camera")
        >>> print(summarize([entry], people=["Bob"]))
        Ada: 1 of 1
        Bob: 0 of 1
    """
    sessions = tuple(dict.fromkeys(entry.session for entry in entries))
    names = sorted({*people, *(e.person for e in entries if e.person != ERASED)})
    known = {(e.person, e.session): e.status for e in entries if e.counts}
    rows = (tuple(known.get((name, one), ABSENT) for one in sessions) for name in names)
    return Summary(tuple(names), sessions, tuple(rows))


def write_csv(path: Path | str, entries: Sequence[Entry]) -> Path:
    """Write entries as CSV (RFC 4180) in UTF-8; no cell is a formula.

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
    return write_text(path, "\ufeff" + text.getvalue())


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = "" if value is None else str(value)
    is_text = isinstance(value, str)
    return f"'{text}" if is_text and text.startswith(_FORMULA) else text

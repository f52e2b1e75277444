"""Failed tries at the door: each makes the next one wait, for the person and for the door.

Why: before there was a limit, a stranger's photographs, shown one after another, were measured to
get in after a median of 8 tries at the threshold that was then the default, and of 50 at a false
match rate of 0.01. Without a limit that is a matter of minutes. With these limits a person's name
allows 3 tries at once and then, after ever longer waits, 13 in an hour and 105 in a day. A median
of 50 means 1 - 0.5 ** (1 / 50) = 0.014 for each try: a chance of 77 % in a day. At a rate of 0.001
that each try has independently it is 10 %. So a limit slows an attack down and leaves a trace of
it, and does not replace a strict threshold.

It has a price: who claims another's name in vain makes that person wait, 15 minutes at most, and
30 failures in a day that nobody makes good slow down the whole door. A success takes back the
failures under that name from both counts: a face that was found at the second glance was no attack,
and who tries one name after another succeeds under few of them.

A try counts as failed from its beginning until it is known to be none. So programs side by side
do not get a try each out of one that is left, and who pulls the plug at a "no" has gained nothing.
What is kept is in the gallery's file: times and people's random ids, for a day. A clock that was
set back starts the running waits anew, so it frees nobody, and a time in the future locks nobody
out for long. Whoever may set the clock forward, or write the file, is not held up.
"""

from __future__ import annotations

import math
import sqlite3
import time
from dataclasses import dataclass

from siamlab.errors import TooManyTriesError
from siamlab.gallery import Gallery

DAY = 86400.0
NOBODY = ""  # stands for names that are not enrolled


@dataclass(frozen=True)
class TryLimits:
    """How many failures are free, and how long the waits are after them.

    Attributes:
        free: failures of one person in a day, since the last success, without a wait.
        free_in_all: the same, of all people together and of names that nobody has.
        first_wait: seconds after the last free failure; it doubles with each further one.
        longest_wait: seconds.
    """

    free: int = 3
    free_in_all: int = 30
    first_wait: float = 5.0
    longest_wait: float = 900.0

    def wait_after(self, failures: int, free: int) -> float:
        """Seconds to wait after so many failures.

        Example:
            >>> limits = TryLimits()
            >>> [limits.wait_after(failures, free=3) for failures in (2, 3, 4, 20)]
            [0.0, 5.0, 10.0, 900.0]
        """
        if failures < free:
            return 0.0
        return min(self.longest_wait, self.first_wait * 2.0 ** min(failures - free, 30))


def begin_try(
    gallery: Gallery, person: str, limits: TryLimits | None = None, now: float | None = None
) -> int:
    """Count a try as failed before anything is looked at; :func:`end_try` takes that back.

    Args:
        gallery: that keeps the tries.
        person: the name that is claimed; one that nobody has counts for the door alone.
        limits: ``None`` takes the standard ones.
        now: seconds since 1970; ``None`` asks the clock.

    Returns:
        The try's number, for :func:`end_try`; 0 where nobody is enrolled at all.

    Raises:
        TooManyTriesError: this person, or the door, has to wait; the message says how long.
    """
    limits = limits or TryLimits()
    now = time.time() if now is None else now
    with gallery.reading() as view:
        if view is None:
            return 0
    number = 0
    with gallery.writing() as change:  # one at a time, whatever the number of programs
        database = change.database
        database.execute("DELETE FROM tries WHERE time < ?", (now - DAY,))
        database.execute("UPDATE tries SET time = ? WHERE time > ?", (now, now))
        found = change.find(person)
        who = NOBODY if found is None else found.id.hex()
        left = _left(database, who, limits, now)
        if left <= 0:
            sql = "INSERT INTO tries (time, person, failed) VALUES (?, ?, 1)"
            number = database.execute(sql, (now, who)).lastrowid or 0
    if left > 0:  # raised here, so that what was written above stays
        raise TooManyTriesError(f"Too many failed tries: try again in {wait_words(left)}.")
    return number


def end_try(gallery: Gallery, person: str, number: int, verified: bool | None) -> None:
    """Say how a try ended.

    Args:
        gallery: that keeps the tries.
        person: the name that was claimed.
        number: from :func:`begin_try`.
        verified: yes forgives this person's failures; no leaves the try as a failure; ``None``,
            for unknown, takes it back.
    """
    if verified is False or not number:
        return
    with gallery.writing() as change:
        found = change.find(person)
        who = NOBODY if found is None else found.id.hex()
        sql = "DELETE FROM tries WHERE person = ?"
        if verified:
            change.database.execute(sql, (who,))
        else:
            change.database.execute(f"{sql} AND rowid = ?", (who, number))


def seconds_left(
    gallery: Gallery, person: str, limits: TryLimits | None = None, now: float | None = None
) -> float:
    """How long this person has to wait for the next try; see :func:`begin_try`."""
    now = time.time() if now is None else now
    with gallery.reading() as view:
        if view is None:
            return 0.0
        found = view.find(person)
        who = NOBODY if found is None else found.id.hex()
        return _left(view.database, who, limits or TryLimits(), now)


def wait_words(seconds: float) -> str:
    """A time to wait in words, rounded up.

    Example:
        >>> wait_words(7.2), wait_words(899.0)
        ('8 s', '15 minutes')
    """
    return f"{math.ceil(seconds)} s" if seconds < 90 else f"{math.ceil(seconds / 60)} minutes"


def _left(database: sqlite3.Connection, who: str, limits: TryLimits, now: float) -> float:
    sql = "SELECT count(*), max(time) FROM tries WHERE time >= ?"
    left = _wait(database.execute(sql, (now - DAY,)).fetchone(), limits.free_in_all, limits, now)
    if who != NOBODY:
        row = database.execute(f"{sql} AND person = ?", (now - DAY, who)).fetchone()
        left = max(left, _wait(row, limits.free, limits, now))
    return left


def _wait(row: tuple[int, float | None], free: int, limits: TryLimits, now: float) -> float:
    count, last = row
    if last is None:
        return 0.0
    return max(0.0, min(last, now) + limits.wait_after(count, free) - now)

"""Failed tries at the door: each makes the next one wait, for the person and for the door.

Why: at a false match rate of 0.01 a stranger who shows one photograph after another is let in after
69 of them in the median (0.99 ** 69 = 0.5), at 0.001 after 693. Without a limit that is a matter of
minutes. With these limits a person's name allows 3 tries at once and then, after ever longer
waits, 13 in an hour and 105 in a day. At a rate of 0.01 that is still a chance of 65 % a day, at
0.001 of 10 %: a limit slows an attack down and leaves a trace of it, and does not replace a strict
threshold. It has a price: who claims another's name in vain makes that person wait, 15 minutes at
most.

What is kept is in the gallery's file, so a restart forgives nothing: times and people's random
ids. A clock that was set back makes a wait longer, never shorter.
"""

from __future__ import annotations

import sqlite3
import time
from dataclasses import dataclass

from siamlab.errors import TooManyTriesError
from siamlab.gallery import Gallery

DAY = 86400.0
EVERYBODY = ""  # the door's own count, of all people's failures


@dataclass(frozen=True)
class TryLimits:
    """How many failures are free, and how long the waits are after them.

    Attributes:
        free: failures in a row of one person without a wait.
        free_in_all: failures of all people together in a day without a wait.
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


def check_tries(
    gallery: Gallery, person: str, limits: TryLimits | None = None, now: float | None = None
) -> None:
    """Raise an error if this person, or the door, has to wait.

    Args:
        gallery: that keeps the tries.
        person: the name that is claimed; one that nobody has counts for the door alone.
        limits: ``None`` takes the standard ones.
        now: seconds since 1970; ``None`` asks the clock.

    Raises:
        TooManyTriesError: the message says how long.
    """
    limits = limits or TryLimits()
    now = time.time() if now is None else now
    with gallery.reading() as view:
        if view is None:
            return
        found = view.find(person)
        left = _left(view.database, EVERYBODY, limits.free_in_all, limits, now)
        if found is not None:
            left = max(left, _left(view.database, found.id.hex(), limits.free, limits, now))
    if left > 0:
        raise TooManyTriesError(f"Too many failed tries: try again in {_words(left)}.")


def note_try(gallery: Gallery, person: str, verified: bool, now: float | None = None) -> None:
    """Count a try; a success forgives the person's failures, but not the door's.

    Args:
        gallery: that keeps the tries.
        person: the name that was claimed.
        verified: the verdict; what is unknown is not counted.
        now: seconds since 1970; ``None`` asks the clock.
    """
    now = time.time() if now is None else now
    with gallery.writing() as change:
        found = change.find(person)
        names = [EVERYBODY] if found is None else [EVERYBODY, found.id.hex()]
        database = change.database
        database.execute("DELETE FROM tries WHERE time < ?", (now - DAY,))
        if verified and found is not None:
            database.execute("DELETE FROM tries WHERE person = ?", (found.id.hex(),))
        if verified:
            return
        rows = [(now, name, 1) for name in names]
        database.executemany("INSERT INTO tries (time, person, failed) VALUES (?, ?, ?)", rows)


def _left(
    database: sqlite3.Connection, person: str, free: int, limits: TryLimits, now: float
) -> float:
    sql = "SELECT count(*), max(time) FROM tries WHERE person = ? AND failed = 1 AND time > ?"
    count, last = database.execute(sql, (person, now - DAY)).fetchone()
    if not count:
        return 0.0
    return max(0.0, float(last) + limits.wait_after(int(count), free) - now)


def _words(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} minutes"

"""Times in the register: the local clock, what an operator types, and clocks that are set back."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from siamlab.errors import InputError


def local_time(now: datetime | None) -> datetime:
    """The time given, or the clock's with the local offset.

    Raises:
        InputError: the time given has no time zone.
    """
    if now is not None and now.tzinfo is None:
        raise InputError("now needs a time zone: datetime.now(UTC), for example.")
    return datetime.now(UTC).astimezone() if now is None else now


def parse_time(text: str, today: datetime) -> datetime:
    """``HH:MM`` of a day, or ISO 8601; without an offset it is the day's.

    Raises:
        InputError: it is no time.

    Example:
        >>> parse_time("9:05", datetime(2027, 3, 1, tzinfo=UTC)).isoformat()
        '2027-03-01T09:05:00+00:00'
    """
    try:
        if len(text) <= 5:
            hour, minute = map(int, text.split(":"))
            return today.replace(hour=hour, minute=minute, second=0, microsecond=0)
        time = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(f"A time is 09:00 or 2027-07-31T09:00. Received: {text!r}.") from None
    return time if time.tzinfo else time.replace(tzinfo=today.tzinfo)


def noted_time(now: datetime, former: Iterable[str]) -> tuple[datetime, str]:
    """The time to note, never before those noted already, and what the clock said if it was.

    Args:
        now: of the clock.
        former: what a session noted, ISO 8601 in whole seconds.

    Example:
        >>> now = datetime(2027, 3, 1, 8, 0, tzinfo=UTC)
        >>> time, clock = noted_time(now, ["2027-03-01T09:00:00+00:00"])
        >>> time.isoformat(), clock
        ('2027-03-01T09:00:00+00:00', '2027-03-01T08:00:00+00:00')
    """
    last = max(map(datetime.fromisoformat, former), default=now)
    if now < last - timedelta(seconds=1):
        return last, in_seconds(now)
    return now, ""


def in_seconds(time: datetime) -> str:
    """ISO 8601 in whole seconds."""
    return time.isoformat(timespec="seconds")


def is_late(time: datetime, starts: str, grace: float) -> bool:
    """Whether a time is more than some minutes after a start; nobody is late without a start."""
    return bool(starts) and time > datetime.fromisoformat(starts) + timedelta(minutes=grace)

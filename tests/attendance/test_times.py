"""Times by hand: what an operator types, a clock that is set back, and who is late."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from siamlab.attendance.times import is_late, local_time, noted_time, parse_time
from siamlab.errors import InputError

SUMMER = timezone(timedelta(hours=2))
DAY = datetime(2027, 7, 31, 12, 30, 15, tzinfo=SUMMER)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("9:05", "2027-07-31T09:05:00+02:00"),
        ("23:59", "2027-07-31T23:59:00+02:00"),
        ("2027-08-01T09:05", "2027-08-01T09:05:00+02:00"),
        ("2027-08-01T07:05:00+00:00", "2027-08-01T07:05:00+00:00"),
    ],
)
def test_times_as_they_are_typed(text: str, expected: str) -> None:
    assert parse_time(text, DAY).isoformat() == expected


@pytest.mark.parametrize("text", ["nine", "24:00", "9", "", "-1:00", "1:2:3", "2027-13-01"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(InputError, match="A time is 09:00"):
        parse_time(text, DAY)


def test_a_time_needs_a_zone() -> None:
    with pytest.raises(InputError, match="time zone"):
        local_time(datetime(2027, 7, 31))
    assert local_time(None).tzinfo is not None
    assert abs(local_time(None) - datetime.now(UTC)) < timedelta(minutes=1)


def test_noted_times_never_go_back() -> None:
    former = ["2027-07-31T12:30:00+02:00", "2027-07-31T10:40:00+00:00"]  # 12:40 in summer
    assert noted_time(DAY, former) == (
        datetime(2027, 7, 31, 10, 40, tzinfo=UTC), "2027-07-31T12:30:15+02:00",
    )  # fmt: skip
    assert noted_time(DAY, former[:1]) == (DAY, "")
    assert noted_time(DAY, []) == (DAY, "")


def test_the_hour_that_comes_twice_in_autumn_is_no_step_back() -> None:
    """02:50 in summer time is 00:50 UTC, and 02:10 in winter time 01:10 UTC: later."""
    winter = datetime(2027, 10, 31, 2, 10, tzinfo=timezone(timedelta(hours=1)))
    assert noted_time(winter, ["2027-10-31T02:50:00+02:00"]) == (winter, "")


def test_late_is_after_the_grace() -> None:
    starts = "2027-07-31T12:25:15+02:00"
    assert not is_late(DAY, starts, 5.0)
    assert is_late(DAY + timedelta(seconds=1), starts, 5.0)
    assert not is_late(DAY, "", 0.0)

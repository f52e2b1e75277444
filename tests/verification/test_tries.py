"""Failed tries make the next one wait: by hand, across restarts, and with a clock that jumps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from siamlab.errors import TooManyTriesError
from siamlab.gallery import Gallery
from siamlab.verification.tries import DAY, TryLimits, check_tries, note_try

NOW = 1_800_000_000.0


@pytest.fixture
def gallery(tmp_path: Path) -> Gallery:
    made = Gallery(tmp_path / "gallery")
    for name in ("Ada", "Bob"):
        made.enroll(name, np.ones((1, 4), np.float32), "m", consent="drawn")
    return made


def fail(gallery: Gallery, person: str, times: int, now: float = NOW) -> None:
    for _ in range(times):
        note_try(gallery, person, False, now)


def allowed(gallery: Gallery, person: str, now: float) -> bool:
    try:
        check_tries(gallery, person, now=now)
    except TooManyTriesError:
        return False
    return True


def test_the_third_failure_makes_5_seconds_and_each_further_one_doubles_them(
    gallery: Gallery,
) -> None:
    fail(gallery, "Ada", 2)
    assert allowed(gallery, "Ada", NOW)
    fail(gallery, "Ada", 1)
    assert not allowed(gallery, "Ada", NOW + 4.9)
    assert allowed(gallery, "Ada", NOW + 5.1)
    fail(gallery, "Ada", 1, NOW + 6)
    assert not allowed(gallery, "Ada", NOW + 15.9)
    assert allowed(gallery, "Ada", NOW + 16.1)
    assert allowed(gallery, "Bob", NOW + 6)


def test_the_message_says_how_long(gallery: Gallery) -> None:
    fail(gallery, "Ada", 3)
    with pytest.raises(TooManyTriesError, match=r"^Too many failed tries: try again in 5 s\.$"):
        check_tries(gallery, "Ada", now=NOW)
    fail(gallery, "Ada", 20)
    with pytest.raises(TooManyTriesError, match="in 15 minutes"):
        check_tries(gallery, "Ada", now=NOW)


def test_a_success_forgives_the_person_and_not_the_door(gallery: Gallery) -> None:
    limits = TryLimits(free_in_all=4)
    fail(gallery, "Ada", 5)
    note_try(gallery, "Ada", True, NOW)
    assert allowed(gallery, "Ada", NOW)
    with pytest.raises(TooManyTriesError):
        check_tries(gallery, "Ada", limits, NOW)


def test_names_that_nobody_has_count_for_the_door(gallery: Gallery) -> None:
    fail(gallery, "Nobody", 30)
    assert not allowed(gallery, "Bob", NOW)


def test_a_restart_forgives_nothing_and_a_day_does(gallery: Gallery) -> None:
    fail(gallery, "Ada", 9)
    again = Gallery(gallery.folder)
    assert not allowed(again, "Ada", NOW + 100)
    assert allowed(again, "Ada", NOW + DAY + 1)


def test_a_clock_set_back_frees_nobody(gallery: Gallery) -> None:
    fail(gallery, "Ada", 3)
    assert not allowed(gallery, "Ada", NOW - 3600)
    fail(gallery, "Ada", 1, NOW - 3600)
    assert not allowed(gallery, "Ada", NOW + 1)


def test_rows_of_former_days_are_deleted(gallery: Gallery) -> None:
    fail(gallery, "Ada", 9)
    note_try(gallery, "Bob", False, NOW + 2 * DAY)
    with gallery.reading() as view:
        assert view is not None
        assert view.database.execute("SELECT count(*) FROM tries").fetchone() == (2,)


def test_the_tries_of_a_day_that_the_module_names() -> None:
    """Whoever tries as soon as it is allowed: 13 times in an hour, 105 in a day.

    0.99 ** 105 = 0.348: a chance of 65 % at a false match rate of 0.01, 10 % at 0.001.
    """
    limits, times, now = TryLimits(), [], 0.0
    while now < DAY:
        times.append(now)
        now += limits.wait_after(len(times), limits.free)
    assert (sum(time < 3600 for time in times), len(times)) == (13, 105)
    assert round(1 - 0.99 ** len(times), 2) == 0.65
    assert round(1 - 0.999 ** len(times), 2) == 0.10

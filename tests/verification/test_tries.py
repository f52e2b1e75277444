"""Failed tries make the next one wait: by hand, across restarts, and with a clock that jumps."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from siamlab.errors import TooManyTriesError
from siamlab.gallery import Gallery
from siamlab.verification.tries import DAY, TryLimits, begin_try, end_try, seconds_left

NOW = 1_800_000_000.0
FREE = TryLimits(free=1000, free_in_all=1000)


@pytest.fixture
def gallery(tmp_path: Path) -> Gallery:
    made = Gallery(tmp_path / "gallery")
    for name in ("Ada", "Bob"):
        made.enroll(name, np.ones((1, 4), np.float32), "m", consent="drawn")
    return made


def fail(gallery: Gallery, person: str, times: int, now: float = NOW) -> None:
    for _ in range(times):
        end_try(gallery, person, begin_try(gallery, person, FREE, now), False)


def succeed(gallery: Gallery, person: str, now: float = NOW) -> None:
    end_try(gallery, person, begin_try(gallery, person, FREE, now), True)


def rows(gallery: Gallery) -> int:
    with gallery.reading() as view:
        assert view is not None
        return int(view.database.execute("SELECT count(*) FROM tries").fetchone()[0])


def allowed(gallery: Gallery, person: str, now: float, limits: TryLimits | None = None) -> bool:
    """Whether a try may begin; it is taken back."""
    try:
        number = begin_try(gallery, person, limits, now)
    except TooManyTriesError:
        return False
    end_try(gallery, person, number, None)
    return True


def test_the_third_failure_makes_5_seconds_and_each_further_one_doubles_them(
    gallery: Gallery,
) -> None:
    fail(gallery, "Ada", 2)
    assert allowed(gallery, "Ada", NOW)
    fail(gallery, "Ada", 1)
    assert not allowed(gallery, "Ada", NOW + 4.9)
    assert seconds_left(gallery, "Ada", now=NOW + 4) == 1.0
    assert allowed(gallery, "Ada", NOW + 5.1)
    fail(gallery, "Ada", 1, NOW + 6)
    assert not allowed(gallery, "Ada", NOW + 15.9)
    assert allowed(gallery, "Ada", NOW + 16.1)
    assert allowed(gallery, "Bob", NOW + 6)


def test_the_message_says_how_long_rounded_up(gallery: Gallery) -> None:
    fail(gallery, "Ada", 3)
    with pytest.raises(TooManyTriesError, match=r"^Too many failed tries: try again in 5 s\.$"):
        begin_try(gallery, "Ada", now=NOW + 0.2)
    fail(gallery, "Ada", 20)
    with pytest.raises(TooManyTriesError, match="in 15 minutes"):
        begin_try(gallery, "Ada", now=NOW + 1)


def test_a_success_takes_back_the_failures_under_that_name_and_no_others(
    gallery: Gallery,
) -> None:
    limits = TryLimits(free_in_all=4)
    fail(gallery, "Ada", 3)
    fail(gallery, "Bob", 2)
    assert not allowed(gallery, "Ada", NOW, limits)
    succeed(gallery, "Ada")
    assert rows(gallery) == 2
    assert allowed(gallery, "Ada", NOW, limits)
    fail(gallery, "Nobody", 2)
    succeed(gallery, "Ada")
    assert not allowed(gallery, "Ada", NOW, limits)  # of the door: 2 of Bob, 2 of nobody


def test_names_that_nobody_has_count_for_the_door(gallery: Gallery) -> None:
    fail(gallery, "Nobody", 29)
    assert allowed(gallery, "Bob", NOW)
    fail(gallery, "Nobody else", 1)
    assert not allowed(gallery, "Bob", NOW)


def test_a_restart_forgives_nothing_and_a_day_does(gallery: Gallery) -> None:
    fail(gallery, "Ada", 9)
    again = Gallery(gallery.folder)
    assert not allowed(again, "Ada", NOW + 100)
    assert allowed(again, "Ada", NOW + DAY + 1)
    assert rows(again) == 0  # of former days nothing is kept


def test_a_try_that_never_ended_counts(gallery: Gallery) -> None:
    for _ in range(3):
        begin_try(gallery, "Ada", now=NOW)
    assert not allowed(Gallery(gallery.folder), "Ada", NOW + 1)


def test_what_is_unknown_is_taken_back(gallery: Gallery) -> None:
    fail(gallery, "Ada", 2)
    for _ in range(5):
        assert allowed(gallery, "Ada", NOW)
    assert rows(gallery) == 2


def test_a_clock_set_back_frees_nobody_and_locks_nobody_out(gallery: Gallery) -> None:
    fail(gallery, "Ada", 3)  # 5 s to wait
    for back in (1, 3600, 400 * DAY):
        assert not allowed(gallery, "Ada", NOW - back)
        assert not allowed(gallery, "Ada", NOW - back + 4.9)
    assert allowed(gallery, "Ada", NOW - 400 * DAY + 5.1)  # not in 400 days
    assert rows(gallery) == 3


def test_programs_side_by_side_share_the_free_tries(gallery: Gallery) -> None:
    """Eight threads with a connection each begin at once: three of them get a try."""
    start, begun = threading.Barrier(8), []

    def work() -> None:
        mine = Gallery(gallery.folder)
        start.wait()
        try:
            begun.append(begin_try(mine, "Ada", now=NOW))
        except TooManyTriesError:
            begun.append(0)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(number > 0 for number in begun) == 3
    assert len(begun) == 8


def test_an_empty_folder_has_no_tries(tmp_path: Path) -> None:
    gallery = Gallery(tmp_path / "none")
    assert begin_try(gallery, "Ada") == 0
    assert seconds_left(gallery, "Ada") == 0.0
    assert not gallery.folder.exists()


def test_the_tries_of_a_day_that_the_module_names() -> None:
    """Whoever tries as soon as it is allowed: 13 times in an hour, 105 in a day.

    A median of 50 tries until a success: each succeeds with p = 1 - 0.5 ** (1 / 50) = 0.0138, one
    of 105 with 1 - 0.5 ** (105 / 50) = 0.767. At p = 0.001: 1 - 0.999 ** 105 = 0.100.
    """
    limits, times, now = TryLimits(), [], 0.0
    while now < DAY:
        times.append(now)
        now += limits.wait_after(len(times), limits.free)
    assert (sum(time < 3600 for time in times), len(times)) == (13, 105)
    assert round(1 - 0.5 ** (1 / 50), 3) == 0.014
    assert round(1 - 0.5 ** (len(times) / 50), 2) == 0.77
    assert round(1 - 0.999 ** len(times), 2) == 0.10

"""The register: once a session, corrections, the clock, erased people, and what is in the file."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from siamlab.attendance.records import ERASED
from siamlab.attendance.register import Register
from siamlab.attendance.summary import summarize
from siamlab.errors import InputError, NotEnrolledError
from siamlab.gallery import Gallery
from siamlab.gallery.rights import audit_gallery
from siamlab.verification.result import Verification

NINE = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)
ADA = Verification("Ada", True, np.float32([0.9]), 0.5, 0.5, None, {}, fused=1.0, model="m")


@pytest.fixture
def register(tmp_path: Path) -> Register:
    gallery = Gallery(tmp_path / "gallery")
    for name in ("Ada", "Bob"):
        gallery.enroll(name, np.ones((1, 4), np.float32), "m", consent="drawn")
    made = Register(gallery)
    made.open_session("Monday", starts="09:00", now=NINE)
    return made


def after(minutes: float) -> datetime:
    return NINE + timedelta(minutes=minutes)


def test_an_entry_holds_what_decided(register: Register) -> None:
    entry = register.mark("Monday", ADA, after(2))
    assert (entry.person, entry.status, entry.source) == ("Ada", "present", "camera")
    assert (entry.verdict, entry.model, entry.threshold) == ("verified", "m", 0.5)
    assert (entry.time, entry.score) == ("2027-03-01T09:02:00+00:00", None)
    assert register.entries("Monday") == (entry,)
    assert Register(Gallery(register.gallery.folder), keep_scores=True).keep_scores


def test_the_score_is_kept_only_where_the_operator_allows_it(register: Register) -> None:
    keeping = Register(register.gallery, keep_scores=True)
    assert keeping.mark("Monday", ADA, after(1)).score == pytest.approx(0.9)


def test_once_a_session(register: Register) -> None:
    first = register.mark("Monday", ADA, after(1))
    again = register.mark("Monday", ADA, after(9))
    assert again.again
    assert again.time == first.time
    assert len(register.entries()) == 1
    register.open_session("Tuesday", now=after(60 * 24))
    assert not register.mark("Tuesday", ADA, after(60 * 24)).again


def test_who_comes_after_the_grace_is_late(register: Register) -> None:
    bob = replace(ADA, person="Bob")
    assert register.mark("Monday", ADA, after(5)).status == "present"
    assert register.mark("Monday", bob, after(5.1)).status == "late"


@pytest.mark.parametrize("verified", [False, None])
def test_only_who_was_verified_is_registered(register: Register, verified: bool | None) -> None:
    with pytest.raises(InputError, match="Only who was verified"):
        register.mark("Monday", replace(ADA, verified=verified), after(1))
    assert register.entries() == ()


def test_corrections_are_added_with_a_reason_and_nothing_is_lost(register: Register) -> None:
    register.mark("Monday", ADA, after(1))
    register.correct("Monday", "Ada", "absent", "left after a minute", now=after(30))
    register.correct("Monday", "Bob", "present", "camera failed", time="09:04", now=after(30))
    first, second, third = register.entries("Monday")
    assert [first.counts, second.counts, third.counts] == [False, True, True]
    assert (second.status, second.source, second.reason) == (
        "absent", "operator", "left after a minute",
    )  # fmt: skip
    assert third.time == "2027-03-01T09:04:00+00:00"
    assert not register.mark("Monday", ADA, after(40)).again  # absent, and came back
    events = [entry.event for entry in audit_gallery(register.gallery).entries]
    assert events.count("register corrected") == 2
    with pytest.raises(InputError, match="needs a reason"):
        register.correct("Monday", "Ada", "present", "  ")
    with pytest.raises(InputError, match="status is one of"):
        register.correct("Monday", "Ada", "sick", "a cold")
    with pytest.raises(InputError, match="A time is"):
        register.correct("Monday", "Ada", "late", "bus", time="nine")


def test_a_clock_set_back_changes_no_order(register: Register) -> None:
    register.mark("Monday", ADA, after(3))
    entry = register.mark("Monday", replace(ADA, person="Bob"), after(-60))
    assert entry.time == "2027-03-01T09:03:00+00:00"
    assert entry.clock == "2027-03-01T08:00:00+00:00"
    times = [one.time for one in register.entries()]
    assert times == sorted(times)


def test_sessions(register: Register) -> None:
    assert register.open_session("Monday", now=after(1)).opened == NINE.isoformat()
    closed = register.close_session("Monday", after(45))
    assert closed.closed == "2027-03-01T09:45:00+00:00"
    with pytest.raises(InputError, match="was closed at"):
        register.mark("Monday", ADA, after(50))
    with pytest.raises(InputError, match="is closed; choose another name"):
        register.open_session("Monday", now=after(60))
    with pytest.raises(InputError, match="There is no session 'Sunday'; there are 'Monday'"):
        register.mark("Sunday", ADA, after(1))
    with pytest.raises(NotEnrolledError):
        register.correct("Monday", "Zoe", "present", "forgotten", now=after(50))
    register.delete_session("Monday")
    assert (register.sessions(), register.entries()) == ((), ())


def test_an_empty_gallery_has_no_sessions(tmp_path: Path) -> None:
    empty = Register(Gallery(tmp_path / "new"))
    assert empty.entries() == ()
    with pytest.raises(InputError, match="There is no session 'Monday'\\. Open it"):
        empty.entries("Monday")
    assert not empty.gallery.vault.exists()


def test_an_erased_person_stays_without_a_name(register: Register) -> None:
    register.mark("Monday", ADA, after(1))
    register.gallery.erase("Ada")
    (entry,) = register.entries()
    assert entry.person == ERASED
    assert summarize(register.entries()).people == ()
    register.gallery.enroll("Ada", np.ones((1, 4), np.float32), "m", consent="drawn")
    assert register.entries()[0].person == ERASED  # another record, another id


def test_nothing_is_readable_in_the_file_and_rekey_keeps_it(register: Register) -> None:
    register.gallery.enroll("Ada Lovelace", np.ones((1, 4), np.float32), "m", consent="drawn")
    register.mark("Monday", replace(ADA, person="Ada Lovelace"), after(1))
    register.correct("Monday", "Bob", "late", "a very readable reason", now=after(9))
    before = register.entries()
    register.gallery.vault.rekey("a new passphrase")
    content = register.gallery.vault.path.read_bytes()
    for word in (b"Monday", b"Ada Lovelace", b"readable reason", b"present"):
        assert word not in content
    again = Register(Gallery(register.gallery.folder, "a new passphrase"))
    assert again.entries() == before
    assert audit_gallery(again.gallery).problems == ()


def test_a_session_is_closed_once(register: Register) -> None:
    first = register.close_session("Monday", after(45))
    assert register.close_session("Monday", after(50)) == first
    events = [entry.event for entry in audit_gallery(register.gallery).entries]
    assert events.count("session closed") == 1


@pytest.mark.parametrize("grace", [-1.0, float("nan"), float("inf")])
def test_grace_is_a_number_of_minutes(register: Register, grace: float) -> None:
    with pytest.raises(InputError, match="grace"):
        register.open_session("Tuesday", grace=grace)


def test_nobody_is_marked_before_the_session_was_opened(register: Register) -> None:
    entry = register.mark("Monday", ADA, after(-600))
    assert (entry.time, entry.clock) == (NINE.isoformat(), after(-600).isoformat())


def test_two_programs_register_one_person_once(register: Register) -> None:
    start, made = threading.Barrier(6), []

    def work() -> None:
        mine = Register(Gallery(register.gallery.folder))
        start.wait()
        made.append(mine.mark("Monday", ADA, after(1)))

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(entry.again for entry in made) == [False] + 5 * [True]
    assert len(register.entries()) == 1


# One program registers 200 people, each acknowledged by a line; then it is killed.
WRITER = """
import sys, numpy as np
from siamlab.attendance.register import Register
from siamlab.gallery import Gallery
from siamlab.verification.result import Verification
register = Register(Gallery(sys.argv[1]))
print("ready", flush=True)
for number in range(200):
    name = f"person {number}"
    yes = Verification(name, True, np.float32([0.9]), 0.5, 0.5, None, {}, fused=1.0, model="m")
    register.mark("Monday", yes)
    register.correct("Monday", name, "absent", f"try {number}")
    print(number, flush=True)
"""


@pytest.mark.parametrize("wait", [0.03, 0.11, 0.23])
def test_a_killed_program_loses_no_acknowledged_entry(register: Register, wait: float) -> None:
    people = [(f"person {n}", np.ones((1, 4), np.float32)) for n in range(200)]
    register.gallery.enroll_many(people, "m", consent="drawn")
    command = [sys.executable, "-c", WRITER, str(register.gallery.folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
        told = [int(line) for line in process.stdout.read().split()]
    again = Register(Gallery(register.gallery.folder))
    found = [(entry.person, entry.status) for entry in again.entries()]
    whole = [(f"person {n}", s) for n in range(200) for s in ("present", "absent")]
    assert found == whole[: len(found)]  # in order, none twice, none half
    assert 2 * len(told) <= len(found) <= 2 * len(told) + 2
    assert audit_gallery(again.gallery).problems == ()
    assert not again.mark("Monday", ADA).again  # and it goes on

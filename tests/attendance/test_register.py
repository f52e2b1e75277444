"""The register: once a session, corrections, the clock, erased people, and what is in the file."""

from __future__ import annotations

import csv
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from siamlab.attendance.records import ERASED
from siamlab.attendance.register import Register
from siamlab.attendance.summary import summarize, write_csv
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
    with pytest.raises(InputError, match="There is no session 'Sunday'; there are Monday"):
        register.mark("Sunday", ADA, after(1))
    with pytest.raises(NotEnrolledError):
        register.correct("Monday", "Zoe", "present", "forgotten", now=after(50))
    register.delete_session("Monday")
    assert (register.sessions(), register.entries()) == ((), ())


def test_an_erased_person_stays_without_a_name(register: Register) -> None:
    register.mark("Monday", ADA, after(1))
    register.gallery.erase("Ada")
    (entry,) = register.entries()
    assert entry.person == ERASED
    assert summarize(register.entries()).people == ()
    register.gallery.enroll("Ada", np.ones((1, 4), np.float32), "m", consent="drawn")
    assert register.entries()[0].person == ERASED  # another record, another id


def test_nothing_is_readable_in_the_file_and_rekey_keeps_it(register: Register) -> None:
    register.mark("Monday", ADA, after(1))
    register.correct("Monday", "Bob", "late", "a very readable reason", now=after(9))
    before = register.entries()
    register.gallery.vault.rekey("a new passphrase")
    content = register.gallery.vault.path.read_bytes()
    for word in (b"Monday", b"Ada", b"readable reason", b"present"):
        assert word not in content
    again = Register(Gallery(register.gallery.folder, "a new passphrase"))
    assert again.entries() == before
    assert audit_gallery(again.gallery).problems == ()


def test_summary_and_csv(register: Register, tmp_path: Path) -> None:
    register.gallery.enroll("=1+1", np.ones((1, 4), np.float32), "m", consent="drawn")
    register.mark("Monday", ADA, after(1))
    register.mark("Monday", replace(ADA, person="=1+1"), after(9))
    register.open_session("Tuesday", now=after(1440))
    register.mark("Tuesday", ADA, after(1441))
    found = summarize(register.entries(), register.gallery.people())
    assert found.sessions == ("Monday", "Tuesday")
    assert dict(zip(found.people, found.status, strict=True)) == {
        "=1+1": ("late", "absent"),
        "Ada": ("present", "present"),
        "Bob": ("absent", "absent"),
    }
    assert str(found) == "=1+1: 1 of 2, 1 late\nAda: 2 of 2\nBob: 0 of 2"
    path = write_csv(tmp_path / "register.csv", register.entries())
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["person"] for row in rows] == ["Ada", "'=1+1", "Ada"]
    assert [row["counts"] for row in rows] == ["yes", "yes", "yes"]


WRITER = """
import sys, numpy as np
from dataclasses import replace
from siamlab.attendance.register import Register
from siamlab.gallery import Gallery
from siamlab.verification.result import Verification
register = Register(Gallery(sys.argv[1]))
ada = Verification("Ada", True, np.float32([0.9]), 0.5, 0.5, None, {}, fused=1.0, model="m")
print("ready", flush=True)
for number in range(10_000):
    register.correct("Monday", "Ada", "present", f"try {number}")
    print(number, flush=True)
"""


@pytest.mark.parametrize("wait", [0.05, 0.13, 0.29])
def test_a_killed_program_loses_no_acknowledged_entry(register: Register, wait: float) -> None:
    command = [sys.executable, "-c", WRITER, str(register.gallery.folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
        told = [int(line) for line in process.stdout.read().split()]
    again = Register(Gallery(register.gallery.folder))
    reasons = [entry.reason for entry in again.entries()]
    assert reasons == [f"try {number}" for number in range(len(reasons))]
    assert len(told) <= len(reasons) <= len(told) + 1
    assert audit_gallery(again.gallery).problems == ()

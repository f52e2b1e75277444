"""Counts by hand, and a CSV file in which nothing is a formula."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from siamlab.attendance.records import ERASED, Entry
from siamlab.attendance.summary import summarize, write_csv


def entry(session: str, person: str, status: str, **fields: object) -> Entry:
    return Entry(session, person, status, "2027-03-01T09:00:00+00:00", "camera", **fields)


ENTRIES = (
    entry("Monday", "Ada", "present", counts=False),
    entry("Monday", "Ada", "absent", reason="-1 lesson"),
    entry("Monday", "=1+1", "late"),
    entry("Monday", ERASED, "present"),
    entry("Tuesday", "Ada", "present", score=0.5, threshold=0.25),
)


def test_the_last_entry_of_a_person_and_session_counts() -> None:
    found = summarize(ENTRIES, ["Bob", "Ada"], ["Sunday"])
    assert found.sessions == ("Sunday", "Monday", "Tuesday")
    assert dict(zip(found.people, found.status, strict=True)) == {
        "=1+1": ("absent", "late", "absent"),
        "Ada": ("absent", "absent", "present"),
        "Bob": ("absent", "absent", "absent"),
    }
    assert [found.attended(name) for name in found.people] == [1, 1, 0]
    assert [found.came(name) for name in found.sessions] == [0, 1, 1]
    assert str(found).split("\n") == [
        "=1+1: 1 of 3 (1 late)",
        "Ada: 1 of 3",
        "Bob: 0 of 3",
        "session Sunday: 0 of 3 people",
        "session Monday: 1 of 3 people (1 late)",
        "session Tuesday: 1 of 3 people",
    ]


def test_a_register_without_entries() -> None:
    assert str(summarize([])) == ""
    assert str(summarize([], ["Ada"])) == "Ada: 0 of 0"


def test_the_file_holds_every_entry_and_its_owner_alone_reads_it(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "register.csv", ENTRIES)
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["person"] for row in rows] == ["Ada", "Ada", "'=1+1", ERASED, "Ada"]
    assert [row["counts"] for row in rows] == ["no", "yes", "yes", "yes", "yes"]
    assert [row["reason"] for row in rows][1] == "'-1 lesson"
    assert (rows[-1]["score"], rows[-1]["threshold"], rows[0]["score"]) == ("0.5", "0.25", "")
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_bytes().count(b"\r\n") == 6  # RFC 4180


@pytest.mark.parametrize(
    "name", ["=cmd|' /C calc'!A0", "+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "  =1", "\uff1d1"]
)
def test_no_cell_is_a_formula(tmp_path: Path, name: str) -> None:
    path = write_csv(tmp_path / "register.csv", [entry("Monday", name, "present")])
    with path.open(encoding="utf-8-sig", newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["person"] == f"'{name}"


@pytest.mark.parametrize("name", ["Ada, Countess", 'Bob "B" Ray', "two\nlines", "Zoë", "李"])
def test_other_names_come_back_as_they_were(tmp_path: Path, name: str) -> None:
    path = write_csv(tmp_path / "register.csv", [entry("Monday", name, "present")])
    with path.open(encoding="utf-8-sig", newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["person"] == name

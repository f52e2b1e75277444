"""Rows that were changed behind the register's back are found."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from siamlab.attendance.records import UNREADABLE
from siamlab.attendance.register import Register
from siamlab.errors import StorageError
from siamlab.gallery import Gallery
from siamlab.verification.result import Verification

NINE = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)
ADA = Verification("Ada", True, np.float32([0.9]), 0.5, 0.5, None, {}, fused=1.0, model="m")
COPY = "INSERT INTO attendance (session, person, about) SELECT session, person, about"


@pytest.fixture
def register(tmp_path: Path) -> Register:
    """Ada present, then corrected to absent, and Bob present on Monday; Ada on Tuesday."""
    gallery = Gallery(tmp_path / "gallery")
    for name in ("Ada", "Bob"):
        gallery.enroll(name, np.ones((1, 4), np.float32), "m", consent="drawn")
    made = Register(gallery)
    for name in ("Monday", "Tuesday"):
        made.open_session(name, now=NINE)
        made.mark(name, ADA, NINE + timedelta(minutes=1))
    made.correct("Monday", "Ada", "absent", "went home", now=NINE + timedelta(minutes=9))
    made.mark("Monday", replace(ADA, person="Bob"), NINE + timedelta(minutes=10))
    return made


def change(register: Register, *statements: str) -> None:
    with closing(sqlite3.connect(register.gallery.vault.path, isolation_level=None)) as database:
        for statement in statements:
            assert database.execute(statement).rowcount > 0, statement


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM attendance WHERE number = 3",  # the correction
        "DELETE FROM attendance WHERE number = 4",  # the last one
        "DELETE FROM attendance WHERE session = 1",
        f"{COPY} FROM attendance WHERE number = 1",  # present again, after the correction
        "UPDATE attendance SET number = 9 WHERE number = 1",  # another order
        "UPDATE attendance SET session = 1 WHERE number = 2",  # Tuesday's entry
        "UPDATE attendance SET person = (SELECT person FROM attendance WHERE number = 4) "
        "WHERE number = 1",
        "UPDATE attendance SET about = substr(about, 1, length(about) - 1) WHERE number = 1",
        "UPDATE attendance SET about = (SELECT about FROM attendance WHERE number = 3) "
        "WHERE number = 1",
        "UPDATE sessions SET about = (SELECT about FROM sessions WHERE number = 2) "
        "WHERE number = 1",
    ],
)  # fmt: skip
def test_a_row_removed_doubled_or_exchanged_is_found(register: Register, statement: str) -> None:
    assert len(register.entries()) == 4
    change(register, statement)
    with pytest.raises(StorageError, match="changed"):
        register.entries()
    with pytest.raises(StorageError, match="changed"):
        register.correct("Monday", "Bob", "late", "seen later")


def test_a_former_count_does_not_hide_a_removed_entry(register: Register) -> None:
    """The session's former row fits the entries without the last one; the next write finds more."""
    path = register.gallery.vault.path
    with closing(sqlite3.connect(path)) as database:
        former = database.execute("SELECT about FROM sessions WHERE number = 1").fetchone()[0]
    register.correct("Monday", "Bob", "late", "seen later")
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE sessions SET about = ? WHERE number = 1", (former,))
    with pytest.raises(StorageError, match="an entry is missing or stands there twice"):
        register.entries()


def test_a_damaged_person_costs_a_name_and_not_the_register(register: Register) -> None:
    change(register, "UPDATE people SET about = substr(about, 2) WHERE number = 2")
    people = [entry.person for entry in register.entries("Monday")]
    assert people == ["Ada", "Ada", UNREADABLE]

"""Files are written completely or not at all; what killed programs left is swept."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from siamlab.system.files import PART, drop_stale, whole_file, write_text


def test_leftovers_are_swept_at_the_first_write_of_a_program(tmp_path: Path) -> None:
    """Ours, when they are older than an hour; a file of another program's never."""
    left, young = tmp_path / f"{PART}1-model.keras", tmp_path / f"{PART}2-model.keras"
    foreign = tmp_path / ".0123abcd-model.keras"
    for path in (left, young, foreign):
        path.write_bytes(b"half")
    for path in (left, foreign):
        os.utime(path, (time.time() - 3700,) * 2)
    write_text(tmp_path / "other.txt", "whole")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        [foreign.name, young.name, "other.txt"]
    )


def test_a_part_is_named_so_that_it_can_be_swept(tmp_path: Path) -> None:
    with whole_file(tmp_path / "model.keras") as part:
        part.write_bytes(b"half")
        assert part.name.startswith(PART) and part.suffix == ".keras"
    assert [path.name for path in tmp_path.iterdir()] == ["model.keras"]


def test_a_leftover_that_another_program_removed_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / f"{PART}gone"
    monkeypatch.setattr(Path, "iterdir", lambda _: iter([gone]))
    drop_stale(tmp_path, PART)

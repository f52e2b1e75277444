"""Files are written completely or not at all; what killed programs left is swept."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

import pytest
from fakes import unprivileged

from siamlab.errors import InputError, StorageError
from siamlab.system.files import PART, check_writable, drop_stale, whole_file, write_text


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


def test_what_is_no_file_is_not_replaced(tmp_path: Path) -> None:
    """A rename as root would put a file in the place of /dev/full."""
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for path, kind in (
        (tmp_path / "folder", "a folder"),
        (tmp_path / "pipe", "a pipe or a device"),
        (Path("/dev/full"), "a pipe or a device"),
        (Path("/"), "a folder"),
    ):
        for write in (check_writable, lambda path: write_text(path, "x")):
            with pytest.raises(InputError, match=f"it is {kind}. Give the name of a file"):
                write(path)
    assert (tmp_path / "pipe").is_fifo() and Path("/dev/full").is_char_device()
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="it is a file"):
        check_writable(tmp_path / "file", folder=True)


def test_a_link_leads_to_the_file_that_is_written(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "link.txt").symlink_to(tmp_path / "disk" / "real.txt")
    check_writable(tmp_path / "link.txt")
    write_text(tmp_path / "link.txt", "whole")
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "disk" / "real.txt").read_text() == "whole"
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(StorageError, match="loop"):
        check_writable(tmp_path / "loop")


def test_whether_a_file_can_be_written_is_known_before(tmp_path: Path) -> None:
    check_writable(tmp_path / "new" / "folder" / "model.keras")
    check_writable(tmp_path / "new" / "folder", folder=True)
    assert not list(tmp_path.iterdir()), "looking leaves nothing"
    (tmp_path / "file").write_text("kept")
    check_writable(tmp_path / "file")
    assert (tmp_path / "file").read_text() == "kept"
    for path in (tmp_path / "file" / "model.keras", tmp_path / ("n" * 250)):
        with pytest.raises(StorageError, match="Cannot write"):
            check_writable(path)


def test_a_read_only_folder_is_known_before() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o555)
        with unprivileged():
            for path, is_folder in ((folder / "a" / "model.keras", False), (folder, True)):
                with pytest.raises(StorageError, match="Permission denied"):
                    check_writable(path, is_folder)
        folder.chmod(0o700)

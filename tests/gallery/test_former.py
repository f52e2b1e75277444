"""Galleries of siamlab 0.1 to 0.3, one ``.npz`` file for each person, come into the vault."""

from __future__ import annotations

import errno
import json
import os
import struct
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from vaults import CONSENT, TEMPLATES, assert_holds, contents

from siamlab.errors import ConsentError, NotEnrolledError, StorageError
from siamlab.gallery import Gallery
from siamlab.gallery.former import bring_over, former_files, read_former
from siamlab.gallery.rights import audit_gallery, list_people

ROOT = Path(__file__).resolve().parents[2]


def former_file(folder: Path, name: str, templates: np.ndarray, model: str = "m1") -> Path:
    """A person's file, by hand: a zip of two .npy arrays, the second with JSON as bytes."""
    about = {
        "person": name,
        "sources": [f"{i}.jpg" for i in range(len(templates))],
        "model_id": model,
        "enrolled": "2025-01-31T12:00:00+00:00",
    }
    text = json.dumps(about).encode("ascii")
    shape = f"({templates.shape[0]}, {templates.shape[1]})"
    arrays = {
        "templates.npy": npy("<f4", shape, templates.astype("<f4").tobytes()),
        "about.npy": npy("|u1", f"({len(text)},)", text),
    }
    folder.mkdir(exist_ok=True)
    path = folder / f"{''.join(c if c.isalnum() and c.isascii() else '_' for c in name)}-c6.npz"
    with zipfile.ZipFile(path, "w") as file:
        for member, content in arrays.items():
            file.writestr(member, content)
    return path


def npy(dtype: str, shape: str, content: bytes) -> bytes:
    """An .npy file, version 1.0, by hand."""
    header = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}"
    header = header.ljust(117) + "\n"  # 10 bytes before it: the content begins at byte 128
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + content


def former(folder: Path, people: int = 3) -> dict[str, np.ndarray]:
    truth = {f"Zoë {i}": TEMPLATES + np.float32(i) for i in range(people)}
    for name, templates in truth.items():
        former_file(folder, name, templates)
    return truth


@pytest.mark.parametrize("passphrase", [None, "correct horse"])
def test_people_come_over_bit_for_bit(tmp_path: Path, passphrase: str | None) -> None:
    truth = former(tmp_path / "gallery")
    (tmp_path / "gallery" / ".pack").mkdir()
    (tmp_path / "gallery" / ".pack" / "index.npz").write_bytes(b"made again")
    (tmp_path / "gallery" / ".Zo-c6.killed.tmp").write_bytes(b"half")
    gallery = Gallery(tmp_path / "gallery", passphrase)
    assert repr(gallery).startswith("Gallery(3 people")
    assert_holds(gallery, truth)
    read = gallery.get("Zoë 1", "m1")
    assert read.sources == ("0.jpg", "1.jpg", "2.jpg")
    assert read.enrolled == "2025-01-31T12:00:00+00:00"
    names = {path.name for path in gallery.folder.iterdir()}
    assert names == {"vault.sqlite3", "audit_head.json"}
    assert gallery.encrypted == (passphrase is not None)
    if passphrase is not None:
        assert truth["Zoë 1"].tobytes() not in contents(gallery.folder)
    assert audit_gallery(gallery).problems == ()
    assert {entry.event for entry in audit_gallery(gallery).entries} == {"brought over"}


def test_people_who_came_over_have_no_consent(gallery: Gallery) -> None:
    former(gallery.folder)
    assert [one.until for one in list_people(gallery)] == ["no consent on record"] * 3
    with pytest.raises(ConsentError):
        gallery.enroll("Zoë 1", TEMPLATES, "m1")
    with pytest.raises(ConsentError, match="is a real person here"):
        gallery.enroll("Zoë 1", TEMPLATES, "m1", consent="drawn")
    added = gallery.enroll("Zoë 1", TEMPLATES, "m1", consent=CONSENT, digests="abc")
    assert added.digests == ("", "", "", "a", "b", "c")  # those from before have none
    gallery.erase("Zoë 2")
    assert gallery.people() == ("Zoë 0", "Zoë 1")


@pytest.mark.parametrize(
    "first",
    [
        lambda g: g.people(),
        lambda g: g.get("Zoë 1"),
        lambda g: g.templates("m1"),
        lambda g: g.enroll("New", TEMPLATES, "m1", consent="drawn"),
        lambda g: "Zoë 1" in g,
        lambda g: g.damaged(),
    ],
)
def test_whatever_is_done_first_brings_them_over(gallery: Gallery, first: object) -> None:
    former(gallery.folder)
    first(gallery)  # type: ignore[operator]
    assert former_files(gallery.folder) == []
    assert len(set(gallery.people()) - {"New"}) == 3


def test_an_erasure_comes_first_and_is_an_erasure(gallery: Gallery) -> None:
    former(gallery.folder)
    number = (TEMPLATES + np.float32(1))[2].tobytes()
    assert number in contents(gallery.folder)
    gallery.erase("Zoë 1")
    assert gallery.people() == ("Zoë 0", "Zoë 2")
    assert former_files(gallery.folder) == []


def test_a_program_killed_between_the_two_steps_begins_again(gallery: Gallery) -> None:
    truth = former(gallery.folder)
    kept = {path: path.read_bytes() for path in former_files(gallery.folder)}
    assert_holds(gallery, truth)
    for path, content in kept.items():  # killed before the files were removed
        path.write_bytes(content)
    gallery.enroll("Zoë 1", TEMPLATES + 9, "m1", consent=CONSENT, replace=True)
    truth["Zoë 1"] = TEMPLATES + 9
    for path, content in kept.items():
        path.write_bytes(content)
    assert_holds(Gallery(gallery.folder), truth)  # the newer templates stay
    assert former_files(gallery.folder) == []
    assert audit_gallery(gallery).problems == ()


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
def test_a_damaged_file_stays_and_is_named(gallery: Gallery, share: float) -> None:
    truth = former(gallery.folder)
    path = next(path for path in former_files(gallery.folder) if "1" in path.name)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    del truth["Zoë 1"]
    for opened in (gallery, Gallery(gallery.folder)):
        assert_holds(opened, truth)
        assert opened.damaged() == (path.name,)
        assert audit_gallery(opened).problems == (f"{path.name} cannot be read",)
        with pytest.raises(NotEnrolledError):
            opened.get("Zoë 1")
    assert path.read_bytes() == whole[: int(len(whole) * share)]
    path.write_bytes(whole)  # a copy is put back
    again = Gallery(gallery.folder)
    assert "Zoë 1" in again.people()
    assert again.damaged() == ()


def test_pickles_are_not_loaded(gallery: Gallery) -> None:
    gallery.folder.mkdir()
    trap = np.array([{"a": 1}], dtype=object)
    np.savez(gallery.folder / "trap.npz", templates=trap, about=trap)
    assert gallery.people() == ()
    assert gallery.damaged() == ("trap.npz",)
    with pytest.raises(StorageError, match=r"trap\.npz cannot be read as templates"):
        read_former(Path("trap.npz"), (gallery.folder / "trap.npz").read_bytes())


def test_a_read_that_fails_once_damages_nobody(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of a disk (EIO), or of permissions (EACCES) that are given back."""
    truth = former(gallery.folder)
    read_bytes = Path.read_bytes
    for number in (errno.EIO, errno.EACCES):

        def fails(path: Path, number: int = number) -> bytes:
            if "1" in path.name:
                raise OSError(number, os.strerror(number), str(path))
            return read_bytes(path)

        monkeypatch.setattr(Path, "read_bytes", fails)
        with pytest.raises(StorageError, match=r"cannot be read: .*It may be whole: check"):
            gallery.get("Zoë 1")
        monkeypatch.undo()
        assert gallery.unreadable == []
        assert len(former_files(gallery.folder)) == 3
    assert_holds(gallery, truth)
    assert gallery.damaged() == ()


def test_eves_file_copied_over_adas_is_eve(gallery: Gallery) -> None:
    ada = former_file(gallery.folder, "Ada", TEMPLATES)
    eve = former_file(gallery.folder, "Eve", TEMPLATES + 1)
    ada.write_bytes(eve.read_bytes())
    with pytest.raises(NotEnrolledError, match=r"'Ada' is not enrolled\. Enrolled: Eve\."):
        gallery.get("Ada")
    np.testing.assert_array_equal(gallery.get("Eve").templates, TEMPLATES + 1)


def test_a_file_that_another_program_brought_over_is_not_damaged(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    truth = former(gallery.folder)
    listed = former_files(gallery.folder)
    assert_holds(Gallery(gallery.folder), truth)
    monkeypatch.setattr("siamlab.gallery.former.former_files", lambda folder: listed)
    assert bring_over(gallery.vault) == []
    assert_holds(gallery, truth)


READS = """
import os, sys, tempfile
import numpy as np
from siamlab.errors import SiamlabError
from siamlab.gallery import Gallery

with tempfile.TemporaryDirectory() as folder:  # imports all that others may not be able to
    Gallery(folder).enroll("Ada", np.ones((1, 4), np.float32), "m1", consent="drawn")
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
try:
    Gallery(sys.argv[1]).people()
except SiamlabError as error:
    print(error)
"""


@pytest.fixture
def public_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only a superuser can step down")
def test_a_read_only_former_gallery_is_one_line(public_folder: Path) -> None:
    truth = former(public_folder / "gallery")
    (public_folder / "gallery").chmod(0o555)
    done = subprocess.run(
        [sys.executable, "-c", READS, str(public_folder / "gallery")],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.stdout.count("\n") == 1
    assert "is of an earlier siamlab, and read-only. Run siamlab gallery list" in done.stdout
    assert len(former_files(public_folder / "gallery")) == len(truth)

"""The gallery keeps templates whole, apart, and only as long as wanted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siamlab.errors import InputError, ModelError, NotEnrolledError, StorageError
from siamlab.gallery import Gallery, person_key

TEMPLATES = np.arange(12, dtype=np.float32).reshape(3, 4) / 7


@pytest.fixture
def gallery(tmp_path: Path) -> Gallery:
    return Gallery(tmp_path / "gallery")


def test_what_is_enrolled_comes_back_equal_to_the_last_bit(gallery: Gallery) -> None:
    stored = gallery.enrol("Ada", TEMPLATES, "m1", ["a.jpg", "b.jpg", "c.jpg"])
    read = gallery.get("Ada", "m1")
    np.testing.assert_array_equal(read.templates, TEMPLATES)
    assert read.templates.dtype == np.float32
    assert (read.person, read.model_id) == ("Ada", "m1")
    assert read.sources == ("a.jpg", "b.jpg", "c.jpg")
    assert read.enrolled == stored.enrolled
    assert len(read) == 3
    assert repr(read) == "Enrolment('Ada', 3 templates of 4 numbers)"


def test_nothing_is_written_before_the_first_enrolment(gallery: Gallery) -> None:
    assert gallery.people() == ()
    assert not gallery.folder.exists()


def test_enrolling_again_replaces(gallery: Gallery) -> None:
    gallery.enrol("Ada", TEMPLATES, "m1")
    gallery.enrol("Ada", TEMPLATES[:1], "m1")
    assert len(gallery.get("Ada")) == 1
    assert len(list(gallery.folder.iterdir())) == 1


@pytest.mark.parametrize(
    "name",
    ["../../etc/passwd", "a/b\\c:d*e?", "Zoë Ångström", "李小龙", "..", "con", "x" * 500, "a\nb",
     "tail\0", "half \ud83d surrogate", "-rf", "CON.npz"],
)  # fmt: skip
def test_any_name_is_kept_and_stays_inside_the_folder(gallery: Gallery, name: str) -> None:
    gallery.enrol(name, TEMPLATES, "m1")
    assert gallery.people() == (name,)
    assert gallery.path(name).parent == gallery.folder
    assert [path.parent for path in gallery.folder.iterdir()] == [gallery.folder]
    assert gallery.path(name).name.isascii()


@given(st.text(min_size=1), st.text(min_size=1))
def test_different_names_have_different_files(one: str, other: str) -> None:
    if not one.strip() or not other.strip():
        return
    same = unicodedata.normalize("NFC", one) == unicodedata.normalize("NFC", other)
    # Compared without case: some file systems do not tell "Ann" from "ANN".
    assert (person_key(one).lower() == person_key(other).lower()) == same


def test_one_accent_typed_in_two_ways_is_one_person(gallery: Gallery) -> None:
    gallery.enrol(unicodedata.normalize("NFD", "Zoë"), TEMPLATES, "m1")
    assert unicodedata.normalize("NFC", "Zoë") in gallery


@pytest.mark.parametrize("name", ["", "   "])
def test_an_empty_name_is_refused(gallery: Gallery, name: str) -> None:
    with pytest.raises(InputError, match="name"):
        gallery.enrol(name, TEMPLATES, "m1")


@pytest.mark.parametrize(
    "templates",
    [
        np.zeros((0, 4), np.float32),
        np.zeros(4, np.float32),
        np.zeros((2, 4), np.int64),
        np.array([[1.0, np.nan]], np.float32),
        np.array([[1.0, np.inf]], np.float32),
    ],
)
def test_templates_of_another_form_are_refused(gallery: Gallery, templates: np.ndarray) -> None:
    with pytest.raises(InputError):
        gallery.enrol("Ada", templates, "m1")
    assert gallery.people() == ()


def test_each_template_has_one_source(gallery: Gallery) -> None:
    with pytest.raises(InputError, match="3 templates have 1 sources"):
        gallery.enrol("Ada", TEMPLATES, "m1", ["only.jpg"])


def test_who_is_not_enrolled_is_said_with_who_is(gallery: Gallery) -> None:
    with pytest.raises(NotEnrolledError, match="Nobody"):
        gallery.get("Ada")
    gallery.enrol("Bob", TEMPLATES, "m1")
    with pytest.raises(NotEnrolledError, match=r"'Ada' is not enrolled\. Enrolled: Bob\."):
        gallery.get("Ada")


def test_templates_of_another_model_are_refused(gallery: Gallery) -> None:
    gallery.enrol("Ada", TEMPLATES, "m1")
    with pytest.raises(ModelError, match="enrol again"):
        gallery.get("Ada", "m2")


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
def test_a_truncated_file_is_reported_by_name(gallery: Gallery, share: float) -> None:
    gallery.enrol("Ada", TEMPLATES, "m1")
    gallery.enrol("Bob", TEMPLATES, "m1")
    path = gallery.path("Ada")
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(StorageError, match=path.name):
        gallery.get("Ada")
    assert gallery.damaged() == (path,)
    assert gallery.people() == ("Bob",)
    gallery.erase("Ada")
    assert gallery.damaged() == ()


def test_every_single_damaged_byte_is_noticed_or_harmless(gallery: Gallery) -> None:
    gallery.enrol("Ada", TEMPLATES, "m1")
    path = gallery.path("Ada")
    whole = path.read_bytes()
    for at in range(0, len(whole), 3):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        try:
            read = gallery.get("Ada")
        except StorageError:
            continue
        np.testing.assert_array_equal(read.templates, TEMPLATES)


def test_pickles_are_not_opened(gallery: Gallery) -> None:
    gallery.folder.mkdir(parents=True)
    trap = np.array([{"a": 1}], dtype=object)
    np.savez(gallery.path("Ada"), templates=trap, about=trap)
    with pytest.raises(StorageError):
        gallery.get("Ada")


def test_erasing_leaves_nothing_of_the_person(gallery: Gallery) -> None:
    gallery.enrol("Ada", TEMPLATES, "m1")
    gallery.enrol("Bob", TEMPLATES, "m1")
    (gallery.folder / f".{person_key('Ada')}.killed.tmp").write_bytes(b"half")
    gallery.erase("Ada")
    assert [path.name for path in gallery.folder.iterdir()] == [gallery.path("Bob").name]
    with pytest.raises(NotEnrolledError):
        gallery.erase("Ada")


def test_a_failed_write_keeps_the_former_templates(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    gallery.enrol("Ada", TEMPLATES, "m1")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(StorageError, match="disk is full"):
        gallery.enrol("Ada", TEMPLATES[:1], "m1")
    assert len(gallery.get("Ada")) == 3
    assert len(list(gallery.folder.iterdir())) == 1


def test_a_folder_that_is_a_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "gallery").write_text("not a folder")
    with pytest.raises(StorageError):
        Gallery(tmp_path / "gallery").enrol("Ada", TEMPLATES, "m1")


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_only_the_owner_reads_templates(gallery: Gallery) -> None:
    gallery.enrol("Ada", TEMPLATES, "m1")
    assert gallery.path("Ada").stat().st_mode & 0o077 == 0


WRITER = """
import sys, numpy as np
from siamlab.gallery import Gallery
gallery = Gallery(sys.argv[1])
print("ready", flush=True)
while True:
    for value in (1.0, 2.0):
        gallery.enrol("Ada", np.full((50, 4096), value, np.float32), "m1")
"""


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL")
def test_a_killed_process_leaves_whole_templates(gallery: Gallery) -> None:
    """Kill a process that writes without end; what is read is all ones or all twos."""
    gallery.enrol("Ada", np.full((50, 4096), 1.0, np.float32), "m1")
    for wait in (0.05, 0.11, 0.17):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(gallery.folder)], stdout=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(wait)
            process.send_signal(signal.SIGKILL)
        templates = gallery.get("Ada").templates
        assert templates.shape == (50, 4096)
        assert templates.min() == templates.max()
    gallery.erase("Ada")
    assert list(gallery.folder.iterdir()) == []

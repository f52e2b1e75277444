"""The gallery stores templates completely, for each person apart, and erases them completely."""

from __future__ import annotations

import os
import signal
import struct
import subprocess
import sys
import time
import unicodedata
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siamlab.errors import InputError, ModelError, NotEnrolledError, StorageError
from siamlab.gallery import Gallery, pack, person_key, store

TEMPLATES = np.arange(12, dtype=np.float32).reshape(3, 4) / 7


@pytest.fixture
def gallery(tmp_path: Path) -> Gallery:
    return Gallery(tmp_path / "gallery")


def test_templates_are_read_back_bit_for_bit(gallery: Gallery) -> None:
    stored = gallery.enroll("Ada", TEMPLATES, "m1", ["a.jpg", "b.jpg", "c.jpg"])
    read = gallery.get("Ada", "m1")
    np.testing.assert_array_equal(read.templates, TEMPLATES)
    assert read.templates.dtype == np.float32
    assert (read.person, read.model_id) == ("Ada", "m1")
    assert read.sources == ("a.jpg", "b.jpg", "c.jpg")
    assert read.enrolled == stored.enrolled
    assert len(read) == 3
    assert repr(read) == "Enrollment('Ada', 3 templates of 4 numbers)"


def test_a_gallery_of_siamlab_0_1_0_opens(gallery: Gallery) -> None:
    """The file as 0.1.0 writes it: a zip of two .npy arrays, the second with JSON as bytes."""
    about = (
        b'{"person": "Zo\\u00eb", "sources": ["a.jpg", "b.jpg"], "model_id": "m1", '
        b'"enrolled": "2025-01-31T12:00:00+00:00"}'
    )
    arrays = {
        "templates.npy": npy("<f4", "(2, 3)", struct.pack("<6f", 0, 0.25, 0.5, -1, 2, 1e-3)),
        "about.npy": npy("|u1", f"({len(about)},)", about),
    }
    gallery.folder.mkdir()
    path = gallery.folder / "Zo_-c6a12698582fc110.npz"
    with zipfile.ZipFile(path, "w") as file:
        for name, content in arrays.items():
            file.writestr(name, content)
    expected = np.array([[0, 0.25, 0.5], [-1, 2, 1e-3]], np.float32)
    read = gallery.get("Zoë", "m1")
    np.testing.assert_array_equal(read.templates, expected)
    assert (read.person, read.sources) == ("Zoë", ("a.jpg", "b.jpg"))
    assert (read.model_id, read.enrolled) == ("m1", "2025-01-31T12:00:00+00:00")
    assert gallery.people() == ("Zoë",)
    np.testing.assert_array_equal(gallery.templates("m1").matrix, expected)


def npy(dtype: str, shape: str, content: bytes) -> bytes:
    """An .npy file, version 1.0, by hand."""
    header = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}"
    header = header.ljust(117) + "\n"  # 10 bytes before it: the content begins at byte 128
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + content


def test_nothing_is_written_before_the_first_enrollment(gallery: Gallery) -> None:
    assert gallery.people() == ()
    assert not gallery.folder.exists()


def test_enrolling_again_replaces(gallery: Gallery) -> None:
    gallery.enroll("Ada", TEMPLATES, "m1")
    gallery.enroll("Ada", TEMPLATES[:1], "m1")
    assert len(gallery.get("Ada")) == 1
    assert len(list(gallery.folder.iterdir())) == 1


@pytest.mark.parametrize(
    "name",
    ["../../etc/passwd", "a/b\\c:d*e?", "Zoë Ångström", "李小龙", "..", "con", "x" * 500, "a\nb",
     "tail\0", "half \ud83d surrogate", "-rf", "CON.npz"],
)  # fmt: skip
def test_any_name_is_stored_inside_the_folder(gallery: Gallery, name: str) -> None:
    gallery.enroll(name, TEMPLATES, "m1")
    assert gallery.people() == (name,)
    assert gallery.path(name).parent == gallery.folder
    assert [path.parent for path in gallery.folder.iterdir()] == [gallery.folder]
    assert gallery.path(name).name.isascii()


@given(st.text(min_size=1), st.text(min_size=1))
def test_different_names_have_different_files(one: str, other: str) -> None:
    if not one.strip() or not other.strip():
        return
    same = unicodedata.normalize("NFC", one) == unicodedata.normalize("NFC", other)
    # Compared without case: some file systems do not distinguish "Ann" and "ANN".
    assert (person_key(one).lower() == person_key(other).lower()) == same


def test_a_name_in_two_unicode_normalizations_is_one_person(gallery: Gallery) -> None:
    gallery.enroll(unicodedata.normalize("NFD", "Zoë"), TEMPLATES, "m1")
    assert unicodedata.normalize("NFC", "Zoë") in gallery


@pytest.mark.parametrize("name", ["", "   "])
def test_an_empty_name_is_refused(gallery: Gallery, name: str) -> None:
    with pytest.raises(InputError, match="name"):
        gallery.enroll(name, TEMPLATES, "m1")


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
def test_arrays_that_are_no_templates_are_refused(gallery: Gallery, templates: np.ndarray) -> None:
    with pytest.raises(InputError):
        gallery.enroll("Ada", templates, "m1")
    assert gallery.people() == ()


def test_each_template_has_one_source(gallery: Gallery) -> None:
    with pytest.raises(InputError, match="3 templates have 1 sources"):
        gallery.enroll("Ada", TEMPLATES, "m1", ["only.jpg"])


def test_the_error_for_a_person_not_enrolled_names_who_is(gallery: Gallery) -> None:
    with pytest.raises(NotEnrolledError, match="Nobody"):
        gallery.get("Ada")
    gallery.enroll("Bob", TEMPLATES, "m1")
    with pytest.raises(NotEnrolledError, match=r"'Ada' is not enrolled\. Enrolled: Bob\."):
        gallery.get("Ada")


def test_templates_of_another_model_are_refused(gallery: Gallery) -> None:
    gallery.enroll("Ada", TEMPLATES, "m1")
    with pytest.raises(ModelError, match="enroll again"):
        gallery.get("Ada", "m2")


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
def test_the_error_for_a_truncated_file_names_it(gallery: Gallery, share: float) -> None:
    gallery.enroll("Ada", TEMPLATES, "m1")
    gallery.enroll("Bob", TEMPLATES, "m1")
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
    gallery.enroll("Ada", TEMPLATES, "m1")
    path = gallery.path("Ada")
    whole = path.read_bytes()
    for at in range(0, len(whole), 3):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        try:
            read = gallery.get("Ada")
        except StorageError:
            continue
        np.testing.assert_array_equal(read.templates, TEMPLATES)


def test_pickles_are_not_loaded(gallery: Gallery) -> None:
    gallery.folder.mkdir(parents=True)
    trap = np.array([{"a": 1}], dtype=object)
    np.savez(gallery.path("Ada"), templates=trap, about=trap)
    with pytest.raises(StorageError):
        gallery.get("Ada")


def test_erase_leaves_nothing_of_the_person(gallery: Gallery) -> None:
    gallery.enroll("Ada", TEMPLATES, "m1")
    gallery.enroll("Bob", TEMPLATES, "m1")
    (gallery.folder / f".{person_key('Ada')}.killed.tmp").write_bytes(b"half")
    gallery.erase("Ada")
    assert [path.name for path in gallery.folder.iterdir()] == [gallery.path("Bob").name]
    with pytest.raises(NotEnrolledError):
        gallery.erase("Ada")


def test_a_person_erased_during_a_read_is_not_enrolled(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when another process erases the file that was there a moment ago."""
    gallery.enroll("Ada", TEMPLATES, "m1")
    read = store.read_enrollment

    def erased_before(path: Path) -> object:
        path.unlink(missing_ok=True)
        return read(path)

    monkeypatch.setattr(store, "read_enrollment", erased_before)
    with pytest.raises(NotEnrolledError, match="'Ada' is not enrolled"):
        gallery.get("Ada", "m1")


def test_a_failed_write_keeps_the_earlier_templates(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    gallery.enroll("Ada", TEMPLATES, "m1")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(StorageError, match="disk is full"):
        gallery.enroll("Ada", TEMPLATES[:1], "m1")
    assert len(gallery.get("Ada")) == 3
    assert len(list(gallery.folder.iterdir())) == 1


def test_a_folder_that_is_a_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "gallery").write_text("not a folder")
    with pytest.raises(StorageError):
        Gallery(tmp_path / "gallery").enroll("Ada", TEMPLATES, "m1")


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_only_the_owner_reads_templates(gallery: Gallery) -> None:
    gallery.enroll("Ada", TEMPLATES, "m1")
    assert gallery.path("Ada").stat().st_mode & 0o077 == 0


WRITER = """
import sys, numpy as np
from siamlab.gallery import Gallery
gallery = Gallery(sys.argv[1])
print("ready", flush=True)
while True:
    for value in (1.0, 2.0):
        gallery.enroll("Ada", np.full((50, 4096), value, np.float32), "m1")
"""


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL")
def test_a_killed_process_leaves_whole_templates(gallery: Gallery) -> None:
    """Kill a process that writes in a loop; the templates read are all ones or all twos."""
    gallery.enroll("Ada", np.full((50, 4096), 1.0, np.float32), "m1")
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


def filled(gallery: Gallery, people: int = 6) -> dict[str, np.ndarray]:
    """Enroll people with one to three templates; no number occurs twice."""
    rng = np.random.default_rng(people)
    truth = {
        f"person {i}": rng.random((1 + i % 3, 4), dtype=np.float32) + np.float32(i)
        for i in range(people)
    }
    gallery.enroll_many(truth.items(), "m1")
    return truth


def held(gallery: Gallery, model_id: str = "m1") -> dict[str, np.ndarray]:
    """Each person's templates in the matrix."""
    templates = gallery.templates(model_id)
    ends = [*templates.starts[1:], len(templates)]
    return {
        person: np.array(templates.matrix[start:end])
        for person, start, end in zip(templates.people, templates.starts, ends, strict=True)
    }


def assert_holds(gallery: Gallery, truth: dict[str, np.ndarray]) -> None:
    got = held(gallery)
    assert set(got) == set(truth)
    for person, templates in truth.items():
        np.testing.assert_array_equal(got[person], templates)


def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of people's files that are opened from now on."""
    opened: list[str] = []
    read = pack.read_enrollment

    def counted(path: Path) -> object:
        opened.append(path.stem)
        return read(path)

    monkeypatch.setattr(pack, "read_enrollment", counted)
    return opened


def settle(gallery: Gallery) -> None:
    """Make people's files older than a tick of the clock, as they are after a moment."""
    past = time.time_ns() - 10 * pack.CLOCK_TICK_NS
    for path in gallery.folder.glob("*.npz"):
        os.utime(path, ns=(past, past))
    os.utime(gallery.folder, ns=(past, past))


def contents(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def test_all_templates_equal_those_of_peoples_files(gallery: Gallery) -> None:
    truth = filled(gallery)
    assert_holds(gallery, truth)
    assert_holds(Gallery(gallery.folder), truth)
    assert repr(gallery.templates("m1")) == "Templates(6 people, 12 templates of 4 numbers)"
    assert gallery.templates("m1").matrix.dtype == np.float32
    with pytest.raises(ValueError, match="read-only"):
        gallery.templates("m1").matrix[0, 0] = 0
    for person, templates in truth.items():
        np.testing.assert_array_equal(gallery.get(person).templates, templates)
    assert gallery.people() == tuple(sorted(truth))


def test_enroll_many_equals_enroll_for_each(gallery: Gallery, tmp_path: Path) -> None:
    truth = filled(gallery)
    other = Gallery(tmp_path / "other")
    for person, templates in truth.items():
        other.enroll(person, templates, "m1")
    for person in truth:
        one, two = gallery.get(person), other.get(person)
        np.testing.assert_array_equal(one.templates, two.templates)
        assert (one.person, one.sources, one.model_id) == (two.person, two.sources, two.model_id)
    assert not list(gallery.folder.glob(".*.tmp"))


def test_enroll_many_takes_a_generator_in_batches(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "_BATCH", 3)
    assert gallery.enroll_many(((f"p{i}", TEMPLATES) for i in range(7)), "m1") == 7
    assert len(gallery.people()) == 7
    assert gallery.enroll_many([], "m1") == 0


def test_the_last_of_two_entries_of_one_person_stays(gallery: Gallery) -> None:
    gallery.enroll_many([("Ada", TEMPLATES), ("Ada", TEMPLATES[:1])], "m1")
    assert len(gallery.get("Ada")) == 1


def test_a_bad_entry_among_many_leaves_complete_people(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "_BATCH", 2)
    people = [(f"p{i}", TEMPLATES) for i in range(4)]
    people[3] = ("p3", np.full((1, 4), np.nan, np.float32))
    with pytest.raises(InputError, match="finite"):
        gallery.enroll_many(people, "m1")
    assert gallery.people() == ("p0", "p1")
    assert len(list(gallery.folder.iterdir())) == 2


def test_a_full_disk_among_many_leaves_no_partial_files(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, written = store.write_temporary, []

    def full(*arguments: object, **options: object) -> Path:
        if len(written) == 2:
            raise OSError(28, "No space left on device")
        written.append(write(*arguments, **options))  # type: ignore[arg-type]
        return written[-1]

    monkeypatch.setattr(store, "write_temporary", full)
    with pytest.raises(StorageError, match="disk is full"):
        filled(gallery)
    assert list(gallery.folder.iterdir()) == []


def test_opening_with_a_pack_reads_no_file_of_a_person(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    truth = filled(gallery)
    settle(gallery)
    gallery.templates("m1")
    opened = reads(monkeypatch)
    again = Gallery(gallery.folder)
    assert_holds(again, truth)
    assert isinstance(again.templates("m1").matrix, np.memmap)
    assert (again.people(), again.damaged(), opened) == (tuple(sorted(truth)), (), [])


def test_only_what_changed_is_read_again(gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    truth = filled(gallery)
    settle(gallery)
    gallery.templates("m1")
    truth["person 2"] = TEMPLATES
    truth["Zoe"] = TEMPLATES[:1]
    for person in ("person 2", "Zoe"):
        Gallery(gallery.folder).enroll(person, truth[person], "m1")
    Gallery(gallery.folder).erase("person 4")
    del truth["person 4"]
    opened = reads(monkeypatch)
    assert_holds(Gallery(gallery.folder), truth)
    assert set(opened) <= {person_key("person 2"), person_key("Zoe")}


def test_the_files_of_an_unchanged_folder_are_not_checked(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(gallery)
    settle(gallery)
    first = gallery.templates("m1")
    os.utime(gallery.folder, ns=(0, time.time_ns() - 10 * pack.CLOCK_TICK_NS))
    assert gallery.templates("m1") is first  # checks once more, and finds no change
    monkeypatch.setattr(store, "refresh", None)
    assert gallery.templates("m1") is first


def test_an_open_gallery_sees_what_others_change(gallery: Gallery) -> None:
    truth = filled(gallery)
    settle(gallery)
    assert_holds(gallery, truth)
    other = Gallery(gallery.folder)
    other.enroll("Zoe", TEMPLATES, "m1")
    assert_holds(gallery, {**truth, "Zoe": TEMPLATES})
    other.erase("Zoe")
    assert_holds(gallery, truth)


def test_a_file_overwritten_in_place_is_read_again(gallery: Gallery) -> None:
    truth = filled(gallery)
    settle(gallery)
    gallery.templates("m1")
    other = Gallery(gallery.folder.parent / "other")
    other.enroll("person 0", truth["person 0"] + 1, "m1")
    gallery.path("person 0").write_bytes(other.path("person 0").read_bytes())
    truth["person 0"] = truth["person 0"] + 1
    assert_holds(Gallery(gallery.folder), truth)


def test_two_changes_in_one_tick_of_the_clock_are_noticed(gallery: Gallery) -> None:
    """Size, inode and time stay; the time is too close to the last check to be trusted."""
    gallery.enroll("Ada", TEMPLATES, "m1")
    path, now = gallery.path("Ada"), time.time_ns() + 10**10
    os.utime(path, ns=(now, now))
    gallery.templates("m1")
    other = Gallery(gallery.folder.parent / "other")
    other.enroll("Ada", TEMPLATES + 1, "m1")
    path.write_bytes(other.path("Ada").read_bytes())
    os.utime(path, ns=(now, now))
    assert_holds(Gallery(gallery.folder), {"Ada": TEMPLATES + 1})


def test_every_damaged_byte_of_a_pack_is_noticed_or_harmless(gallery: Gallery) -> None:
    truth = filled(gallery)
    settle(gallery)
    gallery.templates("m1")
    place = gallery.folder / pack.PACK_FOLDER
    files = {path: path.read_bytes() for path in place.iterdir()}
    assert len(files) == 2
    for path, whole in files.items():
        for at in range(0, len(whole), 11):
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
            found = pack.read_pack(gallery.folder)
            if found is not None:
                found = pack.refresh(gallery.folder, found)
                rows = {name: found.rows(file) for file, name in enumerate(found.people)}
                assert set(rows) == set(truth)
                for person in truth:
                    np.testing.assert_array_equal(rows[person], truth[person])
        path.write_bytes(whole)


@pytest.mark.parametrize("share", [0.0, 0.5, 0.99, None])
@pytest.mark.parametrize("which", ["index.npz", "*.npy"])
def test_a_truncated_or_missing_pack_is_made_again(
    gallery: Gallery, which: str, share: float | None
) -> None:
    truth = filled(gallery)
    gallery.templates("m1")
    place = gallery.folder / pack.PACK_FOLDER
    (path,) = place.glob(which)
    whole = path.read_bytes()
    if share is None:
        path.unlink()
    else:
        path.write_bytes(whole[: int(share * len(whole))])
    assert pack.read_pack(gallery.folder) is None
    assert_holds(Gallery(gallery.folder), truth)
    assert pack.read_pack(gallery.folder) is not None
    assert len(list(place.iterdir())) == 2


def test_a_damaged_file_is_left_out_and_listed(gallery: Gallery) -> None:
    truth = filled(gallery)
    gallery.path("person 3").write_bytes(b"no templates")
    del truth["person 3"]
    assert_holds(gallery, truth)
    again = Gallery(gallery.folder)
    assert_holds(again, truth)
    assert again.damaged() == (gallery.path("person 3"),)
    assert again.people() == tuple(sorted(truth))


def test_each_model_has_its_own_matrix(gallery: Gallery) -> None:
    truth = filled(gallery)
    wide = np.arange(14, dtype=np.float32).reshape(2, 7)
    gallery.enroll("Zoe", wide, "m2")
    assert_holds(gallery, truth)
    np.testing.assert_array_equal(held(Gallery(gallery.folder), "m2")["Zoe"], wide)
    with pytest.raises(NotEnrolledError, match=r"\(m3\); enroll first"):
        gallery.templates("m3")
    gallery.enroll("Yve", wide, "m1")
    with pytest.raises(ModelError, match=r"\(4, 7 numbers\)"):
        gallery.templates("m1")


def test_an_empty_gallery_has_no_templates_and_no_folder(gallery: Gallery) -> None:
    with pytest.raises(NotEnrolledError):
        gallery.templates("m1")
    assert not gallery.folder.exists()


def test_erase_removes_the_person_from_the_pack_too(gallery: Gallery) -> None:
    """No file has the name or any number of a template afterwards."""
    truth = filled(gallery)
    gallery.templates("m1")
    stray = gallery.folder / pack.PACK_FOLDER / "killed.npy"
    np.save(stray, truth["person 1"])
    number = truth["person 1"][0, 0].tobytes()
    assert b"person 1" in contents(gallery.folder)
    assert contents(gallery.folder).count(number) == 3
    Gallery(gallery.folder).erase("person 1")
    assert number not in contents(gallery.folder)
    assert b"person 1" not in contents(gallery.folder)
    assert person_key("person 1").encode() not in contents(gallery.folder)
    del truth["person 1"]
    assert_holds(gallery, truth)


def test_an_interrupted_erasure_is_finished_by_the_next(gallery: Gallery) -> None:
    truth = filled(gallery)
    gallery.templates("m1")
    gallery.path("person 1").unlink()  # killed here: the pack still has the person
    number = truth["person 1"][0, 0].tobytes()
    assert number in contents(gallery.folder)
    with pytest.raises(NotEnrolledError):
        Gallery(gallery.folder).erase("person 1")
    assert number not in contents(gallery.folder)


def test_erase_on_a_full_disk_deletes_the_pack(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    truth = filled(gallery)
    gallery.templates("m1")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store, "write_pack", full)
    gallery.erase("person 1")
    assert not pack.has_pack(gallery.folder)
    del truth["person 1"]
    assert_holds(gallery, truth)  # a search needs no pack on disk
    assert not pack.has_pack(gallery.folder)


def test_erase_of_the_last_person_leaves_an_empty_folder(gallery: Gallery) -> None:
    gallery.enroll("Ada", TEMPLATES, "m1")
    gallery.templates("m1")
    gallery.erase("Ada")
    assert list(gallery.folder.iterdir()) == []
    with pytest.raises(NotEnrolledError, match="Nobody"):
        gallery.templates("m1")


def test_a_person_erased_while_the_pack_is_written_is_not_in_it(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    truth = filled(gallery)
    write = store.write_pack

    def erased_meanwhile(folder: Path, found: pack.Pack) -> None:
        write(folder, found)
        gallery.path("person 1").unlink(missing_ok=True)

    monkeypatch.setattr(store, "write_pack", erased_meanwhile)
    number = truth.pop("person 1")[0, 0].tobytes()
    assert_holds(gallery, truth)
    assert number not in contents(gallery.folder)


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_only_the_owner_reads_the_pack(gallery: Gallery) -> None:
    filled(gallery)
    gallery.templates("m1")
    place = gallery.folder / pack.PACK_FOLDER
    assert place.stat().st_mode & 0o077 == 0
    assert [path.stat().st_mode & 0o077 for path in place.iterdir()] == [0, 0]
    assert all(gallery.path(name).stat().st_mode & 0o077 == 0 for name in gallery.people())


def test_an_error_names_a_few_people_only(gallery: Gallery) -> None:
    filled(gallery, people=9)
    with pytest.raises(NotEnrolledError, match=r"person 0, .*person 4, …\.$"):
        gallery.get("Ada")


PACKER = """
import sys, numpy as np
from siamlab.gallery import Gallery
gallery = Gallery(sys.argv[1])
print("ready", flush=True)
while True:
    for value in (1.0, 2.0):
        gallery.enroll("Ada", np.full((50, 4096), value, np.float32), "m1")
        gallery.templates("m1")
"""


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL")
def test_a_gallery_opens_after_a_process_was_killed(gallery: Gallery) -> None:
    """Kill a process that enrolls and packs in a loop; all files are whole and can be erased."""
    gallery.enroll("Ada", np.full((50, 4096), 1.0, np.float32), "m1")
    gallery.enroll("Bob", np.full((1, 4096), 5.0, np.float32), "m1")
    for wait in (0.03, 0.08, 0.14):
        with subprocess.Popen(
            [sys.executable, "-c", PACKER, str(gallery.folder)], stdout=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(wait)
            process.send_signal(signal.SIGKILL)
        got = held(Gallery(gallery.folder))
        assert got["Ada"].shape == (50, 4096)
        assert got["Ada"].min() == got["Ada"].max()
        np.testing.assert_array_equal(got["Ada"], gallery.get("Ada").templates)
        assert (got["Bob"] == 5).all()
    gallery.erase("Ada")
    assert {path.name for path in gallery.folder.iterdir()} == {
        gallery.path("Bob").name,
        pack.PACK_FOLDER,
    }
    gallery.erase("Bob")
    assert list(gallery.folder.iterdir()) == []

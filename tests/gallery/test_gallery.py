"""The gallery stores templates completely, for each person apart, and erases them completely."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from vaults import CONSENT, TEMPLATES, assert_holds, contents, filled, held, picture, rows

from siamlab.errors import (
    ConsentError,
    InputError,
    ModelError,
    NotEnrolledError,
    StorageError,
)
from siamlab.gallery import Gallery, store
from siamlab.gallery.captures import VaultCaptures
from siamlab.gallery.consent import give_consent
from siamlab.gallery.rights import Secrets, audit_gallery, find_traces, show_person
from siamlab.system.names import name_key, normal_name


def test_templates_are_read_back_bit_for_bit(gallery: Gallery) -> None:
    sources = ["a.jpg", "b.jpg", "c.jpg"]
    stored = gallery.enroll("Ada", TEMPLATES, "m1", sources, consent="drawn")
    read = gallery.get("Ada", "m1")
    np.testing.assert_array_equal(read.templates, TEMPLATES)
    assert read.templates.dtype == np.float32
    assert (read.person, read.model_id) == ("Ada", "m1")
    assert read.sources == ("a.jpg", "b.jpg", "c.jpg")
    with pytest.raises(ValueError, match="read-only"):
        read.templates[0, 0] = 0
    assert read.enrolled == stored.enrolled
    assert len(read) == 3
    assert repr(read) == "Enrollment('Ada', 3 templates of 4 numbers)"


def test_nothing_is_written_before_the_first_enrollment(gallery: Gallery) -> None:
    assert gallery.people() == ()
    assert not gallery.folder.exists()


def test_enrolling_again_adds_and_says_what_is_new(gallery: Gallery) -> None:
    """Day two does not wipe day one."""
    first = gallery.enroll("Ada", TEMPLATES, "m1", ["a", "b", "c"], consent="drawn")
    assert (first.added, first.replaced, len(first)) == (3, 0, 3)
    second = gallery.enroll("Ada", TEMPLATES[:2] + 1, "m1", ["d", "e"])
    assert (second.added, second.replaced, len(second)) == (2, 0, 5)
    for now in (second, gallery.get("Ada")):
        assert now.sources == ("a", "b", "c", "d", "e")
        np.testing.assert_array_equal(now.templates, [*TEMPLATES, *(TEMPLATES[:2] + 1)])
    assert repr(gallery.templates("m1")) == "Templates(1 people, 5 templates of 4 numbers)"
    assert rows(gallery, "SELECT count(*) FROM people, records") == [(1,)]
    details = [entry.detail for entry in audit_gallery(gallery).entries]
    assert details == ["3 templates", "2 templates"]


def test_replace_says_what_went(gallery: Gallery) -> None:
    gallery.enroll("Ada", TEMPLATES, "m1", consent="drawn")
    other = gallery.enroll("Ada", TEMPLATES + 2, "m2", replace=True)
    assert (other.added, other.replaced) == (3, 0)  # templates of another model stay
    now = gallery.enroll("Ada", TEMPLATES[:1] + 1, "m1", replace=True)
    assert (now.added, now.replaced, len(now)) == (1, 3, 1)
    np.testing.assert_array_equal(gallery.get("Ada", "m1").templates, TEMPLATES[:1] + 1)
    assert audit_gallery(gallery).entries[-1].detail == "1 templates, 3 replaced"


def test_an_image_is_not_stored_twice(gallery: Gallery) -> None:
    """In one call, or on another day; without a digest nobody can tell."""
    once = gallery.enroll("Ada", TEMPLATES, "m1", ["a", "b", "c"], "drawn", digests=["1", "2", "1"])
    assert (len(once), once.repeated, once.sources) == (2, ("c",), ("a", "b"))
    assert repr(once).endswith("2 templates of 4 numbers; not stored twice: c)")
    assert Gallery(gallery.folder).get("Ada").digests == ("1", "2")
    again = gallery.enroll("Ada", TEMPLATES[:2], "m1", ["d", "e"], digests=["2", "1"])
    assert (again.added, again.repeated, len(again)) == (0, ("d", "e"), 2)
    gallery.enroll("Ada", TEMPLATES[:2], "m1")
    assert gallery.get("Ada").digests == ("1", "2", "", "")
    replaced = gallery.enroll("Ada", TEMPLATES[:1], "m1", ["a"], digests=["1"], replace=True)
    assert (replaced.added, replaced.replaced, replaced.repeated) == (1, 4, ())
    with pytest.raises(InputError, match="1 templates have 2 digests"):
        gallery.enroll("Ada", TEMPLATES[:1], "m1", digests=["1", "2"])


def test_a_new_consent_counts_although_no_image_is_new(gallery: Gallery) -> None:
    until = {}
    for day in ("2998-01-01", "2999-01-01"):
        consent = give_consent(day, by="Ada")
        gallery.enroll("Ada", TEMPLATES[:1], "m1", consent=consent, digests=["1"])
        until[day] = show_person(gallery, "Ada").until
    assert until == {day: day for day in until}
    assert len(gallery.get("Ada")) == 1


def test_templates_of_another_size_are_not_added(gallery: Gallery) -> None:
    gallery.enroll("Ada", TEMPLATES, "m1", consent="drawn")
    wide = np.ones((1, 7), np.float32)
    with pytest.raises(InputError, match="have 4 numbers, the new ones 7"):
        gallery.enroll("Ada", wide, "m1")
    assert gallery.enroll("Ada", wide, "m1", replace=True).templates.shape == (1, 7)


@pytest.mark.parametrize(
    "name",
    ["../../etc/passwd", "a/b\\c:d*e?", "Zoë Ångström", "李小龙", "..", "con", "x" * 500,
     "half \ud83d surrogate", "-rf", "CON.npz"],
)  # fmt: skip
def test_any_name_is_stored_inside_the_folder(gallery: Gallery, name: str) -> None:
    gallery.enroll(name, TEMPLATES, "m1", consent="drawn")
    assert gallery.people() == (name,)
    np.testing.assert_array_equal(gallery.get(name).templates, TEMPLATES)
    names = {path.name for path in gallery.folder.parent.rglob("*")}
    assert names == {"gallery", "vault.sqlite3", "audit_head.json"}
    gallery.erase(name)
    assert gallery.people() == ()


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.text(min_size=1).filter(name_key), st.text(min_size=1).filter(name_key))
def test_different_names_are_different_people(
    tmp_path_factory: pytest.TempPathFactory, one: str, other: str
) -> None:
    gallery, refused = Gallery(tmp_path_factory.mktemp("names")), set()
    for name, templates in ((one, TEMPLATES), (other, TEMPLATES + 1)):
        try:
            gallery.enroll(name, templates, "m1", consent="drawn")
        except InputError:
            refused.add(name)
    kept = {name for name in (one, other) if name not in refused}
    assert gallery.people() == tuple(sorted(map(normal_name, kept)))
    assert len(set(map(name_key, gallery.people()))) == len(gallery.people())
    if len(gallery.people()) == 2:
        np.testing.assert_array_equal(gallery.get(one).templates, TEMPLATES)
        np.testing.assert_array_equal(gallery.get(other).templates, TEMPLATES + 1)


def test_one_person_however_the_name_is_written(gallery: Gallery) -> None:
    """Spaces do not count; other spellings are found, and refused where somebody is added."""
    gallery.enroll("Ada", TEMPLATES, "m1", consent="drawn")
    assert gallery.enroll(" Ada  ", TEMPLATES + 1, "m1").person == "Ada"
    for written in ("ada", "ADA", "\uff21da", "A\u200bda"):  # full width; a space of no width
        assert written in gallery and len(gallery.get(written)) == 6
        with pytest.raises(InputError, match="'Ada' is in the gallery already, almost the same"):
            gallery.enroll(written, TEMPLATES, "m1", consent="drawn")
        with pytest.raises(InputError, match="almost the same"):
            VaultCaptures(gallery, written, "drawn").check()
    assert len(gallery.get("Ada")) == 6 and gallery.people() == ("Ada",)
    gallery.erase("ada")
    assert gallery.people() == ()


@pytest.mark.parametrize("name", ["\u0410da", "Ad\u03b1", "tail\0", "a\nb", "\x1b[31mAda"])
def test_a_name_that_looks_like_another_is_refused(gallery: Gallery, name: str) -> None:
    with pytest.raises(InputError, match=r"look alike|no control characters") as caught:
        gallery.enroll(name, TEMPLATES, "m1", consent="drawn")
    assert str(caught.value).isprintable()
    assert gallery.people() == ()


def test_a_name_in_two_unicode_normalizations_is_one_person(gallery: Gallery) -> None:
    gallery.enroll(unicodedata.normalize("NFD", "Zoë"), TEMPLATES, "m1", consent="drawn")
    assert unicodedata.normalize("NFC", "Zoë") in gallery


@pytest.mark.parametrize("name", ["", "   "])
def test_an_empty_name_is_refused(gallery: Gallery, name: str) -> None:
    with pytest.raises(InputError, match="name"):
        gallery.enroll(name, TEMPLATES, "m1", consent="drawn")


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
        gallery.enroll("Ada", templates, "m1", consent="drawn")
    assert gallery.people() == ()


def test_each_template_has_one_source(gallery: Gallery) -> None:
    with pytest.raises(InputError, match="3 templates have 1 sources"):
        gallery.enroll("Ada", TEMPLATES, "m1", ["only.jpg"], consent="drawn")


def test_the_error_for_a_person_not_enrolled_names_who_is(gallery: Gallery) -> None:
    with pytest.raises(NotEnrolledError, match="Nobody"):
        gallery.get("Ada")
    gallery.enroll("Bob", TEMPLATES, "m1", consent="drawn")
    with pytest.raises(NotEnrolledError, match=r"'Ada' is not enrolled\. Enrolled: Bob\."):
        gallery.get("Ada")


def test_templates_of_another_model_are_refused(gallery: Gallery) -> None:
    gallery.enroll("Ada", TEMPLATES, "m1", consent="drawn")
    with pytest.raises(ModelError, match="enroll again"):
        gallery.get("Ada", "m2")


def test_enroll_many_equals_enroll_for_each(gallery: Gallery, tmp_path: Path) -> None:
    truth = filled(gallery)
    other = Gallery(tmp_path / "other")
    for person, templates in truth.items():
        other.enroll(person, templates, "m1", consent="drawn")
    for person in truth:
        one, two = gallery.get(person), other.get(person)
        np.testing.assert_array_equal(one.templates, two.templates)
        assert (one.person, one.sources, one.model_id) == (two.person, two.sources, two.model_id)


def test_enroll_many_takes_a_generator_in_batches(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "_BATCH", 3)
    assert gallery.enroll_many(((f"p{i}", TEMPLATES) for i in range(7)), "m1", consent="drawn") == 7
    assert len(gallery.people()) == 7
    assert gallery.enroll_many([], "m1", consent="drawn") == 0


def test_two_entries_of_one_person_add_unless_they_replace(gallery: Gallery) -> None:
    people = [("Ada", TEMPLATES), ("Ada", TEMPLATES[:1])]
    for replace, count in ((False, 4), (True, 1), (False, 5)):
        gallery.enroll_many(people, "m1", consent="drawn", replace=replace)
        assert len(gallery.get("Ada")) == count


def test_a_bad_entry_among_many_leaves_complete_people(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "_BATCH", 2)
    people = [(f"p{i}", TEMPLATES) for i in range(4)]
    people[3] = ("p3", np.full((1, 4), np.nan, np.float32))
    with pytest.raises(InputError, match="finite"):
        gallery.enroll_many(people, "m1", consent="drawn")
    assert gallery.people() == ("p0", "p1")
    assert rows(gallery, "SELECT count(*) FROM records") == [(2,)]


def test_each_model_has_its_own_matrix(gallery: Gallery) -> None:
    truth = filled(gallery)
    wide = np.arange(14, dtype=np.float32).reshape(2, 7)
    gallery.enroll("Zoe", wide, "m2", consent="drawn")
    assert_holds(gallery, truth)
    np.testing.assert_array_equal(held(Gallery(gallery.folder), "m2")["Zoe"], wide)
    with pytest.raises(NotEnrolledError, match=r"\(m3\); enroll first"):
        gallery.templates("m3")
    gallery.enroll("Yve", wide, "m1", consent="drawn")
    with pytest.raises(ModelError, match=r"\(4, 7 numbers\)"):
        gallery.templates("m1")


def test_an_empty_gallery_has_no_templates_and_no_folder(gallery: Gallery) -> None:
    with pytest.raises(NotEnrolledError):
        gallery.templates("m1")
    assert not gallery.folder.exists()


def test_one_person_has_templates_of_several_models(gallery: Gallery) -> None:
    wide = np.arange(14, dtype=np.float32).reshape(2, 7)
    gallery.enroll("Ada", TEMPLATES, "m1", consent="drawn")
    gallery.enroll("Ada", wide, "m2")
    np.testing.assert_array_equal(gallery.get("Ada", "m1").templates, TEMPLATES)
    np.testing.assert_array_equal(gallery.get("Ada", "m2").templates, wide)
    with pytest.raises(ModelError, match=r"\(m1, m2, now m3\)"):
        gallery.get("Ada", "m3")


def test_a_person_with_images_only_has_no_templates(gallery: Gallery) -> None:
    VaultCaptures(gallery, "Ada", CONSENT).add("anchor", picture())
    assert "Ada" in gallery
    with pytest.raises(NotEnrolledError, match="no templates yet"):
        gallery.get("Ada")


def test_all_templates_equal_those_that_were_enrolled(gallery: Gallery) -> None:
    truth = filled(gallery)
    assert_holds(gallery, truth)
    assert_holds(Gallery(gallery.folder), truth)
    assert repr(gallery.templates("m1")) == "Templates(6 people, 12 templates of 4 numbers)"
    assert gallery.templates("m1").people[1:3] == ("person 1", "person 2")
    assert gallery.templates("m1").matrix.dtype == np.float32
    with pytest.raises(ValueError, match="read-only"):
        gallery.templates("m1").matrix[0, 0] = 0
    for person, templates in truth.items():
        np.testing.assert_array_equal(gallery.get(person).templates, templates)


def test_the_matrix_is_made_once_until_somebody_changes_it(gallery: Gallery) -> None:
    truth = filled(gallery)
    first = gallery.templates("m1")
    assert gallery.templates("m1") is first
    VaultCaptures(gallery, "Ada", CONSENT).add("anchor", picture())
    assert gallery.templates("m1") is first  # an image changes no template
    Gallery(gallery.folder).enroll("Zoe", TEMPLATES, "m1", consent="drawn")
    assert_holds(gallery, {**truth, "Zoe": TEMPLATES})
    Gallery(gallery.folder).erase("Zoe")
    assert_holds(gallery, truth)


def test_a_full_disk_among_many_leaves_nobody(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[object] = []

    def fails(*arguments: object) -> None:
        made.append(arguments)
        if len(made) == 3:
            raise StorageError("the disk is full")

    monkeypatch.setattr(store, "_store", fails)
    with pytest.raises(StorageError, match="disk is full"):
        filled(gallery)
    assert gallery.people() == ()
    assert not gallery.vault.exists()


def test_an_error_names_a_few_people_only(gallery: Gallery) -> None:
    filled(gallery, people=9)
    with pytest.raises(NotEnrolledError, match=r"person 0, .*person 4, …\.$"):
        gallery.get("Ada")


def test_erase_leaves_nothing_of_the_person(gallery: Gallery) -> None:
    """Without encryption too: no sealed record, no key and no digest of the name stay."""
    truth = filled(gallery)
    sql = "SELECT p.id, p.tag, p.key, p.about, content FROM people p, records WHERE person = number"
    of_all = rows(gallery, sql)
    gone = list(of_all[1][1:])
    assert all(part in contents(gallery.folder) for part in gone)
    Gallery(gallery.folder).erase("person 1")
    assert not any(part[:16] in contents(gallery.folder) for part in gone)
    del truth["person 1"]
    assert_holds(gallery, truth)
    with pytest.raises(NotEnrolledError, match="'person 1' is not enrolled"):
        gallery.erase("person 1")
    assert audit_gallery(gallery).problems == ()


def test_an_erased_person_can_be_enrolled_again(gallery: Gallery) -> None:
    gallery.enroll("Ada", TEMPLATES, "m1", consent="drawn")
    gallery.erase("Ada")
    with pytest.raises(ConsentError):
        gallery.enroll("Ada", TEMPLATES, "m1")
    gallery.enroll("Ada", TEMPLATES[:1], "m1", consent="drawn")
    assert len(gallery.get("Ada")) == 1


def test_erase_of_the_last_person_leaves_an_empty_gallery(gallery: Gallery) -> None:
    gallery.enroll("Ada", TEMPLATES, "m1", consent="drawn")
    gallery.erase("Ada")
    assert repr(gallery) == "Gallery(0 people, not encrypted)"
    with pytest.raises(NotEnrolledError, match="Nobody"):
        gallery.templates("m1")


def test_erasing_from_nothing_makes_nothing(gallery: Gallery) -> None:
    with pytest.raises(NotEnrolledError, match="Nobody"):
        gallery.erase("Ada")
    assert not gallery.folder.exists()


def test_a_folder_that_is_a_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "gallery").write_text("not a folder")
    with pytest.raises(StorageError) as caught:
        Gallery(tmp_path / "gallery").enroll("Ada", TEMPLATES, "m1", consent="drawn")
    assert "\n" not in str(caught.value)


PROCESS = """
import sys
import numpy as np
from siamlab.gallery import Gallery, vault
from siamlab.gallery.captures import VaultCaptures
from siamlab.gallery.consent import give_consent
from siamlab.gallery.sealing import Argon2

vault.KDF = Argon2(1, 1, 8)
folder, mine = sys.argv[1], sys.argv[2]
gallery = Gallery(folder, "correct horse")
captures = VaultCaptures(gallery, "Ada", give_consent("2999-12-31", by="Ada"))
image = np.full((16, 16, 3), 100, np.uint8)
for number in range(4):
    name = f"{mine}.{number}"
    gallery.enroll(name, np.full((2, 4), number, np.float32), "m1", consent="drawn")
    assert gallery.get(name).templates[0, 0] == number
    captures.add("anchor", image)
    assert len(gallery.templates("m1").people) > number
    if number == 2:
        gallery.erase(f"{mine}.1")
"""


def test_four_processes_and_eight_threads_lose_nothing(sealed: Gallery) -> None:
    """Each enrolls, reads, captures and erases in one gallery at the same time."""
    sealed.enroll("Bob", TEMPLATES, "m1", consent="drawn")
    errors: list[BaseException] = []

    def work(number: int, one: Gallery) -> None:
        captures = VaultCaptures(one, "Ada", CONSENT)
        try:
            for turn in range(3):
                name = f"thread {number}.{turn}"
                one.enroll(name, TEMPLATES + number, "m1", consent="drawn")
                np.testing.assert_array_equal(one.get(name).templates, TEMPLATES + number)
                captures.add("positive", picture(number))
                assert "Bob" in one.templates("m1").people
                if turn == 1:
                    one.erase(f"thread {number}.0")
        except BaseException as error:  # every fault of a thread is the test's
            errors.append(error)

    processes = [
        subprocess.Popen([sys.executable, "-c", PROCESS, str(sealed.folder), f"process {i}"])
        for i in range(4)
    ]
    shared = Gallery(sealed.folder, "correct horse")
    threads = [
        threading.Thread(
            target=work, args=(i, shared if i % 2 else Gallery(sealed.folder, "correct horse"))
        )
        for i in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert [process.wait(120) for process in processes] == [0] * 4
    assert errors == []
    expected = {f"thread {i}.{turn}" for i in range(8) for turn in (1, 2)}
    expected |= {f"process {i}.{turn}" for i in range(4) for turn in (0, 2, 3)}
    assert set(sealed.people()) == expected | {"Ada", "Bob"}
    counts = VaultCaptures(sealed, "Ada").counts()
    assert (counts["anchor"], counts["positive"]) == (16, 24)
    assert audit_gallery(sealed).problems == ()


RACE = """
import sys
import numpy as np
from siamlab.errors import NotEnrolledError
from siamlab.gallery import Gallery

folder, work, turns = sys.argv[1], sys.argv[2], int(sys.argv[3])
gallery = Gallery(folder)
rows = np.ones((1, 4), np.float32)
batch = [("Ada", rows), *((f"pupil {i}", rows) for i in range(20)), ("Ada", rows)]
for _ in range(turns):
    if work == "erase":
        try:
            gallery.erase("Ada")
        except NotEnrolledError:  # the other one was faster
            pass
    elif work == "enroll":
        assert gallery.enroll("Ada", rows, "m1", consent="drawn").added == 1
    else:
        assert gallery.enroll_many(batch, "m1", consent="drawn", replace=True) == 22
"""


def test_erasing_and_enrolling_one_person_at_once_is_no_error(gallery: Gallery) -> None:
    """Two processes erase Ada, three enroll her, one of them in batches: one lock for all."""
    gallery.enroll("Ada", TEMPLATES, "m1", consent="drawn")
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", RACE, str(gallery.folder), work, str(turns)],
            stderr=subprocess.PIPE,
            text=True,
        )
        for work, turns in (("erase", 12), ("erase", 12), ("enroll", 40), ("enroll", 40), ("", 12))
    ]
    errors = [process.communicate(timeout=300)[1] for process in processes]
    assert (errors, [process.returncode for process in processes]) == ([""] * 5, [0] * 5)
    assert set(gallery.people()) - {"Ada"} == {f"pupil {i}" for i in range(20)}
    assert audit_gallery(gallery).problems == ()
    events = [entry.event for entry in audit_gallery(gallery).entries]
    assert events.count("enrolled") == 1 + 2 * 40 + 12 * 22  # none of them was lost
    assert 0 < events.count("erased") <= 24


def test_a_lock_holds_against_others_while_this_program_looks(
    sealed: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Closing a file takes away all locks of a program on it: nothing here may open the vault."""
    sealed.enroll("Bob", TEMPLATES, "m1", consent="drawn")
    monkeypatch.setattr("siamlab.gallery.database.BUSY_SECONDS", 0.05)
    other = Gallery(sealed.folder, "correct horse")
    lock = "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=0).execute('BEGIN IMMEDIATE')"
    command = [sys.executable, "-c", lock, str(sealed.vault.path)]
    with sealed.writing():
        with pytest.raises(StorageError, match="another program"):
            other.enroll("Zoe", TEMPLATES, "m1", consent="drawn")
        assert audit_gallery(other).problems == ()
        assert find_traces(other, "Ada", None, Secrets(), None) == []
        assert (other.people(), repr(other)) == (("Bob",), "Gallery(1 people, encrypted)")
        done = subprocess.run(command, capture_output=True, text=True)
        assert "database is locked" in done.stderr
    assert subprocess.run(command).returncode == 0


WRITER = """
import sys, numpy as np
from siamlab.gallery import Gallery
gallery = Gallery(sys.argv[1])
print("ready", flush=True)
while True:
    for value in (1.0, 2.0):
        rows = np.full((50, 4096), value, np.float32)
        gallery.enroll("Ada", rows, "m1", consent="drawn", replace=True)
"""


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL")
def test_a_killed_process_leaves_whole_templates(gallery: Gallery) -> None:
    """Kill a process that writes in a loop; the templates read are all ones or all twos."""
    gallery.enroll("Ada", np.full((50, 4096), 1.0, np.float32), "m1", consent="drawn")
    for wait in (0.05, 0.11):
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
        assert audit_gallery(gallery).problems == ()

"""What somebody can do who reads or writes the gallery's files, and what is found."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
from fakes import FakeDetector, FakeModel, gray_frame
from vaults import (
    CONSENT,
    TEMPLATES,
    assert_holds,
    contents,
    copy_of,
    filled,
    held,
    picture,
    put_back,
    raw,
    readable,
    rows,
)

from siamlab.errors import NotEnrolledError, PassphraseError, SiamlabError, StorageError
from siamlab.gallery import Gallery, database
from siamlab.gallery.captures import VaultCaptures
from siamlab.gallery.rights import audit_gallery
from siamlab.gallery.sealing import from_words
from siamlab.images.write import jpeg_bytes
from siamlab.system.files import PART
from siamlab.verification.verifier import Verifier

pytestmark = pytest.mark.usefixtures("any_face_is_usable")  # even gray ones, here

ROOT = Path(__file__).resolve().parents[2]
NAME = "Ada Lovelace of Ockham"
JPEG_HEADER = b"\xff\xd8\xff\xe0\x00\x10JFIF"


# --- what can be read from outside -------------------------------------------------------------


def test_names_templates_and_images_are_not_in_the_files(sealed: Gallery) -> None:
    sealed.enroll(NAME, TEMPLATES, "m1", ["secret_source.jpg"] * 3, consent=CONSENT)
    image = VaultCaptures(sealed, NAME, CONSENT).add("anchor", picture())
    secrets = [
        NAME.encode(),
        b"secret_source",
        TEMPLATES.tobytes(),
        TEMPLATES[1].tobytes(),
        image.read_bytes()[100:200],
        CONSENT.text[:20].encode(),
        b"correct horse",
    ]
    with sealed.reading() as view:
        keys = [view.find(NAME).key, view.keys.wrap, view.keys.names, view.keys.audit]
    assert readable(secrets + keys, contents(sealed.folder)) == []


def test_the_same_name_and_templates_look_different_in_two_galleries(tmp_path: Path) -> None:
    """Who sees two galleries cannot say whether they hold the same person."""
    seen = []
    for name in ("one", "two"):
        gallery = Gallery(tmp_path / name, "correct horse")
        gallery.enroll(NAME, TEMPLATES, "m1", consent="drawn")
        seen.append(
            rows(gallery, "SELECT p.id, tag, key, about, content FROM people p, records")[0]
        )
    assert not set(seen[0]) & set(seen[1])


WRITES = """
import sys
import numpy as np
from siamlab.gallery import Gallery
from siamlab.gallery.captures import VaultCaptures
from siamlab.gallery.consent import give_consent
from siamlab.images.decode import read_image

gallery = Gallery(sys.argv[1], "correct horse")
print("begin", flush=True)
captures = VaultCaptures(gallery, "Ada Lovelace of Ockham", give_consent("2999-12-31", by="Ada"))
for seed in range(12):
    image = np.random.default_rng(seed).integers(0, 256, (40, 30, 3), np.uint8)
    read_image(captures.add("anchor", image))
    rows = np.arange(12, dtype=np.float32).reshape(3, 4) / 7
    gallery.enroll("Ada Lovelace of Ockham", rows, "m1")
    gallery.get("Ada Lovelace of Ockham")
    gallery.templates("m1")
gallery.erase("Ada Lovelace of Ockham")
"""


def test_nothing_decrypted_is_written_to_disk(tmp_path: Path) -> None:
    """All files of the data folder and the temporary folder are read while a program works."""
    folder, temporary = tmp_path / "data", tmp_path / "tmp"
    temporary.mkdir()
    environment = {**os.environ, "SIAMLAB_DATA": str(folder)}
    environment |= {name: str(temporary) for name in ("TMPDIR", "TEMP", "TMP", "SQLITE_TMPDIR")}
    secrets = [NAME.encode(), TEMPLATES.tobytes()[4:20], JPEG_HEADER, b"correct horse"]
    assert jpeg_bytes(picture()).startswith(JPEG_HEADER)
    looks = 0
    with subprocess.Popen(
        [sys.executable, "-c", WRITES, str(folder / "gallery")],
        env=environment,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        while process.poll() is None:
            for path in tmp_path.rglob("*"):
                try:
                    found = path.read_bytes() if path.is_file() else b""
                except FileNotFoundError:
                    continue
                assert readable(secrets, found) == [], path.name
                looks += bool(found)
    assert process.returncode == 0
    assert looks > 10
    assert list(temporary.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_only_the_owner_reads_the_files(gallery: Gallery, tmp_path: Path) -> None:
    former = os.umask(0)
    try:
        gallery.enroll("Ada", TEMPLATES, "m1", consent="drawn")
        gallery.enroll("Bob", TEMPLATES, "m1", consent="drawn")
        gallery.erase("Ada")
        (tmp_path / "made").mkdir()  # as a workspace's folders are made
        Gallery(tmp_path / "made").enroll("Ada", TEMPLATES, "m1", consent="drawn")
        (tmp_path / "own").mkdir()
        (tmp_path / "own" / "notes.txt").write_text("a folder with other things in it")
        Gallery(tmp_path / "own").enroll("Ada", TEMPLATES, "m1", consent="drawn")
    finally:
        os.umask(former)
    assert gallery.folder.stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "made").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "own").stat().st_mode & 0o777 == 0o777  # not ours to change
    modes = {path.name: path.stat().st_mode & 0o777 for path in gallery.folder.iterdir()}
    assert set(modes) == {"vault.sqlite3", "erased.txt", "audit_head.json"}
    assert set(modes.values()) == {0o600}
    assert (tmp_path / "own" / "vault.sqlite3").stat().st_mode & 0o777 == 0o600


# --- what is changed is found ------------------------------------------------------------------


def state(gallery: Gallery) -> dict[str, np.ndarray]:
    """Everything that a verification or a search reads."""
    found = {name: gallery.get(name, "m1").templates for name in gallery.people()}
    assert_holds(gallery, found)
    return found


def test_every_changed_byte_is_found_or_harmless(sealed: Gallery, tmp_path: Path) -> None:
    """Reads as before, or one line, or the audit tells; a sample of all bytes, each phase once."""
    truth = filled(sealed, people=2)
    whole = sealed.vault.path.read_bytes()
    place = tmp_path / "changed"
    shutil.copytree(sealed.folder, place)
    step = 131
    found = 0
    for at in range(0, len(whole), step):
        changed = bytearray(whole)
        changed[at] ^= 0xFF
        (place / "vault.sqlite3").write_bytes(changed)
        gallery = Gallery(place, "correct horse")
        try:
            read = state(gallery)
            same = set(read) == set(truth) and all((read[n] == truth[n]).all() for n in truth)
            told = bool(audit_gallery(gallery).problems)
        except SiamlabError as error:
            assert "\n" not in str(error)
            found += 1
            continue
        assert same or told, f"byte {at}"
        found += told
    assert found > 10


def test_a_changed_byte_of_what_is_sealed_is_always_found(sealed: Gallery) -> None:
    filled(sealed, people=1)
    for table, column in [("people", "key"), ("people", "about"), ("records", "content")]:
        ((value,),) = rows(sealed, f"SELECT {column} FROM {table}")
        for at in range(0, len(value), 3):
            changed = bytearray(value)
            changed[at] ^= 1
            rows(sealed, f"UPDATE {table} SET {column} = ?", bytes(changed))
            with pytest.raises(StorageError):
                assert sealed.get("person 0").person == "person 0"
        rows(sealed, f"UPDATE {table} SET {column} = ?", value)
    assert sealed.people() == ("person 0",)


def check(gallery: Gallery) -> None:
    """An audit whose problems are an error."""
    found = audit_gallery(gallery).problems
    if found:
        raise StorageError("; ".join(found))


@pytest.mark.parametrize("value", [None, 1.5, "text", b"short", 10**15, -1])
@pytest.mark.parametrize(
    "place",
    ["people.id", "people.tag", "people.version", "people.records", "people.key", "people.about",
     "records.name", "records.content", "settings.vault", "settings.key_id", "settings.slots",
     "settings.audit_key", "audit.mac", "audit.event", "audit.time", "audit.version"],
)  # fmt: skip
def test_any_value_in_any_column_is_one_line(sealed: Gallery, place: str, value: object) -> None:
    """SQLite keeps any type anywhere; a value that it refuses was no danger."""
    filled(sealed, people=2)
    table, column = place.split(".")
    try:
        if table == "settings":
            rows(sealed, "UPDATE settings SET value = ? WHERE name = ?", value, column)
        else:
            rows(sealed, f"UPDATE OR REPLACE {table} SET {column} = ? WHERE rowid = 1", value)
    except Exception:
        return
    gallery = Gallery(sealed.folder, "correct horse")
    problems: list[str] = []
    for read in (
        gallery.people,
        gallery.damaged,
        lambda: gallery.get("person 0"),
        lambda: held(gallery),
        lambda: check(gallery),
        lambda: gallery.enroll("Zoe", TEMPLATES, "m1", consent="drawn"),
        lambda: check(gallery),  # a write in between covers nothing up
        lambda: gallery.vault.rekey("another passphrase"),
    ):
        try:
            read()
        except SiamlabError as error:
            assert "\n" not in str(error)
            problems.append(str(error))
    assert len(problems) >= 2


@pytest.mark.parametrize("slots", ["{}", "[]", "null", '{"passphrase": {}}', '{"passphrase": 7}',
    '{"open": 7}', '{"open": "x"}', '{"passphrase": {"argon2": {"memory": 1e99}, "salt": "", '
    '"wrapped": ""}}', "not json"])  # fmt: skip
def test_changed_slots_are_one_line(sealed: Gallery, slots: str) -> None:
    filled(sealed, people=1)
    rows(sealed, "UPDATE settings SET value = ? WHERE name = 'slots'", slots)
    with pytest.raises(SiamlabError) as caught:
        Gallery(sealed.folder, "correct horse").people()
    assert "\n" not in str(caught.value)


def test_records_exchanged_between_two_people_do_not_open(sealed: Gallery) -> None:
    filled(sealed, people=2)
    (one,), (two,) = rows(sealed, "SELECT content FROM records ORDER BY person")
    rows(sealed, "UPDATE records SET content = ? WHERE person = 1", two)
    rows(sealed, "UPDATE records SET content = ? WHERE person = 2", one)
    for name in ("person 0", "person 1"):
        with pytest.raises(StorageError, match="changed or damaged"):
            sealed.get(name)
    with pytest.raises(NotEnrolledError):
        sealed.templates("m1")
    problems = audit_gallery(sealed).problems
    assert problems == tuple(f"templates of 'person {i}' was changed or is missing" for i in (0, 1))


@pytest.mark.parametrize("columns", [("tag",), ("key",), ("id",), ("about",), ("key", "about"),
    ("id", "key", "about", "version", "records")])  # fmt: skip
def test_two_peoples_rows_exchanged_in_parts_do_not_open(
    sealed: Gallery, columns: tuple[str, ...]
) -> None:
    """With the digests of their names exchanged, Ada would be compared with Bob's face."""
    filled(sealed, people=2)
    one, two = rows(sealed, f"SELECT {', '.join(columns)} FROM people ORDER BY number")
    sql = f"UPDATE people SET {', '.join(f'{c} = ?' for c in columns)} WHERE number = ?"
    blank = [os.urandom(16) for _ in columns]
    for values, number in ((blank, 1), (one, 2), (two, 1)):
        rows(sealed, sql, *values, number)
    for name in ("person 0", "person 1"):
        with pytest.raises(StorageError):
            sealed.get(name)
    assert audit_gallery(sealed).problems


COPIES = {
    "templates": [
        "UPDATE records SET content = (SELECT content FROM records WHERE person = 2) "
        "WHERE person = 1"
    ],
    "everything but the name": [
        "UPDATE people SET (version, records, key, about) = "
        "(SELECT version, records, key, about FROM people WHERE number = 2) WHERE number = 1",
        "UPDATE records SET content = (SELECT content FROM records WHERE person = 2) "
        "WHERE person = 1",
    ],
    "the whole person": [
        "CREATE TEMP TABLE ada AS SELECT tag FROM people WHERE number = 1",
        "DELETE FROM records WHERE person = 1",
        "DELETE FROM people WHERE number = 1",
        "UPDATE people SET tag = (SELECT tag FROM ada) WHERE number = 2",
    ],
}


@pytest.mark.parametrize("passphrase", [None, "correct horse"])
@pytest.mark.parametrize("copied", COPIES)
def test_eves_records_copied_over_adas_verify_nobody(
    tmp_path: Path, copied: str, passphrase: str | None
) -> None:
    """Asked for Ada, Eve's face before the camera: neither of them is verified."""
    gallery = Gallery(tmp_path / "gallery", passphrase)
    verifier = Verifier(FakeModel(), gallery, FakeDetector())
    for name, level in (("Ada", 40), ("Eve", 200)):
        verifier.enroll(name, [gray_frame(level)], consent="drawn")
    assert verifier.verify(gray_frame(200), "Ada").verified is False
    with raw(gallery) as database:
        for statement in COPIES[copied]:
            database.execute(statement)
    for opened in (gallery, Gallery(gallery.folder, passphrase)):
        verifier.gallery = opened
        with pytest.raises(StorageError, match="changed or damaged"):
            verifier.verify(gray_frame(200), "Ada")


def test_a_record_of_an_earlier_version_does_not_open(sealed: Gallery) -> None:
    sealed.enroll("Ada", TEMPLATES, "m1", consent="drawn")
    ((old,),) = rows(sealed, "SELECT content FROM records")
    sealed.enroll("Ada", TEMPLATES + 1, "m1", consent="drawn")
    rows(sealed, "UPDATE records SET content = ?", old)
    with pytest.raises(StorageError, match="changed or damaged"):
        sealed.get("Ada")


@pytest.mark.parametrize("length", [0, 1, 12, 28, -1])
def test_a_truncated_record_does_not_open(sealed: Gallery, length: int) -> None:
    filled(sealed, people=1)
    ((whole,),) = rows(sealed, "SELECT content FROM records")
    rows(sealed, "UPDATE records SET content = ?", whole[:length])
    with pytest.raises(StorageError, match="changed or damaged"):
        sealed.get("person 0")
    with pytest.raises(StorageError, match="changed or damaged"):  # nothing to add to
        sealed.enroll("person 0", TEMPLATES, "m1")
    sealed.enroll("person 0", TEMPLATES, "m1", replace=True)
    np.testing.assert_array_equal(sealed.get("person 0").templates, TEMPLATES)


def test_a_removed_record_is_missed(sealed: Gallery) -> None:
    filled(sealed, people=2)
    rows(sealed, "DELETE FROM records WHERE person = 1")
    with pytest.raises(StorageError, match="missing"):
        sealed.get("person 0")
    assert audit_gallery(sealed).problems == ("templates of 'person 0' was changed or is missing",)


def test_a_record_of_one_kind_does_not_open_as_another(sealed: Gallery) -> None:
    sealed.enroll("Ada", TEMPLATES, "m1", consent="drawn")
    sealed.enroll("Ada", TEMPLATES + 1, "m2")
    rows(sealed, "UPDATE records SET name = 'x' WHERE name = 'templates/m1'")
    rows(sealed, "UPDATE records SET name = 'templates/m1' WHERE name = 'templates/m2'")
    with pytest.raises(StorageError):
        sealed.get("Ada", "m1")


def test_a_person_of_another_gallery_does_not_open_here(tmp_path: Path) -> None:
    """Even where both have the same passphrase: every gallery has keys of its own."""
    one, two = (Gallery(tmp_path / name, "correct horse") for name in ("one", "two"))
    one.enroll("Ada", TEMPLATES, "m1", consent="drawn")
    two.enroll("Ada", TEMPLATES + 1, "m1", consent="drawn")
    row = rows(two, "SELECT id, version, records, key, about FROM people")[0]
    ((content,),) = rows(two, "SELECT content FROM records")
    rows(one, "UPDATE people SET id = ?, version = ?, records = ?, key = ?, about = ?", *row)
    rows(one, "UPDATE records SET content = ?", content)
    with pytest.raises(StorageError):
        one.get("Ada")


def test_a_person_put_back_from_an_old_copy_is_found_by_the_audit(sealed: Gallery) -> None:
    sealed.enroll("Ada", TEMPLATES, "m1", consent="drawn")
    person = rows(sealed, "SELECT * FROM people")[0]
    record = rows(sealed, "SELECT * FROM records")[0]
    sealed.enroll("Ada", TEMPLATES + 1, "m1", consent="drawn")
    rows(sealed, "INSERT OR REPLACE INTO people VALUES (?, ?, ?, ?, ?, ?, ?)", *person)
    rows(sealed, "INSERT OR REPLACE INTO records VALUES (?, ?, ?)", *record)
    np.testing.assert_array_equal(sealed.get("Ada").templates, TEMPLATES)
    assert audit_gallery(sealed).problems == ("'Ada' is of another version than the log says",)


@pytest.mark.parametrize("length", [0, 1, 99, 100, 4096, 20000, -1, -4096])
def test_a_truncated_file_is_one_line(sealed: Gallery, length: int) -> None:
    filled(sealed, people=4)
    whole = sealed.vault.path.read_bytes()
    sealed.vault.path.write_bytes(whole[:length])
    with pytest.raises(SiamlabError) as caught:
        state(sealed)
        assert not audit_gallery(sealed).problems
        raise StorageError("an empty file is a gallery without anybody")
    assert "\n" not in str(caught.value)
    if length <= 0 or length > 4096:
        return
    with pytest.raises(StorageError):
        sealed.enroll("Zoe", TEMPLATES, "m1", consent="drawn")


def test_a_removed_vault_is_not_begun_anew_unnoticed(sealed: Gallery) -> None:
    filled(sealed, people=1)
    sealed.vault.path.unlink()
    assert audit_gallery(sealed).problems == ("the vault is missing, but something was in it",)
    with pytest.raises(StorageError, match="something had been written to it"):
        sealed.enroll("Zoe", TEMPLATES, "m1", consent="drawn")
    assert audit_gallery(sealed).problems
    shutil.rmtree(sealed.folder)
    sealed.enroll("Zoe", TEMPLATES, "m1", consent="drawn")
    assert audit_gallery(sealed).problems == ()


@pytest.mark.parametrize("content", [b"", b"SQLite format 3\0" + bytes(84), b"no database at all",
    bytes(5000)])  # fmt: skip
def test_what_is_no_gallery_is_one_line(gallery: Gallery, content: bytes) -> None:
    gallery.folder.mkdir()
    gallery.vault.path.write_bytes(content)
    if content:
        with pytest.raises(StorageError) as caught:
            gallery.people()
        assert "\n" not in str(caught.value)
    else:
        assert gallery.people() == ()


def test_another_programs_database_is_left_alone(gallery: Gallery) -> None:
    gallery.folder.mkdir()
    with raw(gallery) as other:
        other.execute("CREATE TABLE things (name)")
    before = contents(gallery.folder)
    for work in (gallery.people, lambda: gallery.enroll("Ada", TEMPLATES, "m1", consent="drawn")):
        with pytest.raises(StorageError, match="no gallery of siamlab"):
            work()
    assert contents(gallery.folder) == before


def test_a_newer_format_is_refused_in_a_line(gallery: Gallery) -> None:
    filled(gallery, people=1)
    rows(gallery, f"PRAGMA user_version = {database.FORMAT + 1}")
    before = contents(gallery.folder)
    for work in (gallery.people, lambda: gallery.enroll("Ada", TEMPLATES, "m1", consent="drawn")):
        with pytest.raises(StorageError, match="newer siamlab") as caught:
            work()
        assert "\n" not in str(caught.value)
    assert contents(gallery.folder) == before


@pytest.mark.parametrize(
    "part",
    [
        "CREATE TRIGGER keep BEFORE DELETE ON people BEGIN SELECT RAISE(IGNORE); END",
        "CREATE VIEW everybody AS SELECT * FROM people",
    ],
)
def test_a_file_with_a_program_in_it_is_refused(sealed: Gallery, part: str) -> None:
    """Such a trigger would let an erasure seem done, and keep the person."""
    filled(sealed)
    rows(sealed, part)
    for work in (sealed.people, lambda: sealed.erase("person 1"), lambda: audit_gallery(sealed)):
        with pytest.raises(StorageError, match="triggers or views") as caught:
            work()
        assert "\n" not in str(caught.value)


def test_a_migration_runs_once_and_inside_the_transaction(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the next format will need: two statements, for a file of this one."""
    truth = filled(gallery)
    step = "ALTER TABLE tries ADD COLUMN place TEXT;\nUPDATE tries SET place = ''"
    monkeypatch.setattr(database, "MIGRATIONS", (step,))
    monkeypatch.setattr(database, "FORMAT", 2)
    for _ in range(2):
        gallery.enroll("Zoe", TEMPLATES, "m1", consent="drawn", replace=True)
    assert rows(gallery, "PRAGMA user_version") == [(2,)]
    assert_holds(gallery, {**truth, "Zoe": TEMPLATES})


# --- who may open it ---------------------------------------------------------------------------


def test_without_the_passphrase_nothing_is_read(sealed: Gallery) -> None:
    filled(sealed)
    assert repr(Gallery(sealed.folder)) == "Gallery(6 people, encrypted)"
    for other in (Gallery(sealed.folder), Gallery(sealed.folder, "wrong horse")):
        for work in (
            other.people,
            other.damaged,
            lambda other=other: other.get("person 0"),
            lambda other=other: other.templates("m1"),
            lambda other=other: other.enroll("Zoe", TEMPLATES, "m1", consent="drawn"),
            lambda other=other: other.erase("person 0"),
            lambda other=other: other.vault.rekey(None),
            lambda other=other: audit_gallery(other),
        ):
            with pytest.raises(PassphraseError) as caught:
                work()
            assert "\n" not in str(caught.value)
    assert len(sealed.people()) == 6


def test_an_open_vault_in_place_of_an_encrypted_one_is_refused(
    sealed: Gallery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else who can write the files could have new images written without encryption."""
    filled(sealed, people=1)
    other = Gallery(tmp_path / "other")
    other.enroll("person 0", TEMPLATES, "m1", consent="drawn")
    put_back(sealed, copy_of(other))
    monkeypatch.setenv("SIAMLAB_PASSPHRASE", "correct horse")
    for gallery in (sealed, Gallery(sealed.folder, "correct horse"), Gallery(sealed.folder)):
        with pytest.raises(PassphraseError, match="is not encrypted"):
            gallery.people()
        with pytest.raises(PassphraseError, match="is not encrypted"):
            gallery.enroll("Zoe", TEMPLATES, "m1", consent="drawn")
    monkeypatch.delenv("SIAMLAB_PASSPHRASE")
    assert not Gallery(sealed.folder).encrypted


def test_an_open_slot_in_place_of_the_passphrase_opens_nothing(sealed: Gallery) -> None:
    filled(sealed, people=1)
    slots = json.dumps({"open": "A" * 43 + "="})
    rows(sealed, "UPDATE settings SET value = ? WHERE name = 'slots'", slots)
    with pytest.raises(SiamlabError):
        Gallery(sealed.folder).people()


@pytest.mark.parametrize("passphrases", [("battery staple", None, "a third one"), (None, None)])
def test_rekey_encrypts_and_opens_in_place(
    gallery: Gallery, passphrases: tuple[str | None, ...]
) -> None:
    truth = filled(gallery)
    image = VaultCaptures(gallery, "Ada", CONSENT).add("anchor", picture())
    content = image.read_bytes()
    gallery.erase("person 5")
    del truth["person 5"]
    sql = "SELECT id FROM people UNION SELECT tag FROM people UNION SELECT key FROM people"
    for passphrase in passphrases:
        before = {value for (value,) in rows(gallery, f"{sql} UNION SELECT content FROM records")}
        ids = {value for (value,) in rows(gallery, "SELECT id FROM people")}
        assert gallery.vault.rekey(passphrase) is None
        assert not [value for value in before - ids if value in contents(gallery.folder)]
        for opened in (gallery, Gallery(gallery.folder, passphrase)):
            assert_holds(opened, truth)
            assert opened.encrypted == (passphrase is not None)
            assert VaultCaptures(opened, "Ada").images()[0].read_bytes() == content
            assert audit_gallery(opened).problems == ()
    events = [entry.event for entry in audit_gallery(gallery).entries]
    assert events.count("rekeyed") == len(passphrases)


def test_another_program_that_has_it_open_goes_on_after_rekey(sealed: Gallery) -> None:
    """With the new passphrase, which it must be given."""
    truth = filled(sealed)
    other = Gallery(sealed.folder, "correct horse")
    assert_holds(other, truth)
    sealed.vault.rekey("battery staple")
    with pytest.raises(PassphraseError, match="does not open"):
        other.people()
    assert_holds(Gallery(sealed.folder, "battery staple"), truth)


def test_a_recovery_key_opens_the_gallery(sealed: Gallery) -> None:
    truth = filled(sealed)
    words = sealed.vault.rekey("battery staple", recovery=True)
    assert words is not None
    key = from_words(words)
    assert key is not None
    assert key not in contents(sealed.folder)
    assert words.encode() not in contents(sealed.folder)
    for given in (words, words.lower(), words.replace("-", ""), "battery staple"):
        assert_holds(Gallery(sealed.folder, given), truth)
    with pytest.raises(PassphraseError, match="does not open"):
        Gallery(sealed.folder, "A" + words[1:] if words[0] != "A" else "B" + words[1:]).people()
    assert sealed.vault.rekey("a third one") is None
    with pytest.raises(PassphraseError):
        Gallery(sealed.folder, words).people()


def test_rekey_says_what_was_wrong_before(sealed: Gallery) -> None:
    """Signing the log anew must not cover up that its end had been cut."""
    filled(sealed)
    rows(sealed, "DELETE FROM audit WHERE number = 6")
    sealed.vault.rekey("battery staple")
    assert "its end was cut off" in audit_gallery(sealed).entries[-1].detail


def test_a_person_who_cannot_be_read_stops_rekey(sealed: Gallery) -> None:
    filled(sealed)
    rows(sealed, "UPDATE people SET about = zeroblob(50) WHERE number = 2")
    with pytest.raises(StorageError, match="siamlab gallery audit"):
        sealed.vault.rekey("battery staple")
    assert len(sealed.people()) == 5


# --- read-only, killed, full -------------------------------------------------------------------

READS = """
import os, sys, tempfile
import numpy as np
from siamlab.errors import SiamlabError
from siamlab.gallery import Gallery

rows = np.ones((1, 4), np.float32)
with tempfile.TemporaryDirectory() as folder:  # imports all that others may not be able to
    Gallery(folder, "correct horse").enroll("Ada", rows, "m1", consent="drawn")
    Gallery(folder, "correct horse").templates("m1")
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
gallery = Gallery(sys.argv[1], "correct horse")
print(gallery.get("person 1").templates.shape, len(gallery.templates("m1").people))
for work in (
    lambda: gallery.erase("person 1"),
    lambda: gallery.vault.rekey("battery staple"),
    lambda: gallery.enroll("Zoe", rows, "m1", consent="drawn"),
):
    try:
        work()
    except SiamlabError as error:
        print(type(error).__name__, str(error).count(chr(10)))
"""


def as_nobody(script: str, folder: Path) -> str:
    """Run a script without a superuser's rights, which may write everywhere."""
    if os.name == "nt" or os.geteuid() != 0:
        pytest.skip("only a superuser can become somebody with fewer rights")
    done = subprocess.run(
        [sys.executable, "-c", script, str(folder)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def public_folder() -> Path:
    """A folder that everybody may enter; pytest's are their owner's only."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


FAILS_ONCE = """
import os, sys
from siamlab.errors import SiamlabError
from siamlab.gallery import Gallery

gallery = Gallery(sys.argv[1], "correct horse")
print(gallery.get("person 1").templates.shape)
os.seteuid(65534)
for name in ("vault.sqlite3", "erased.txt"):
    os.seteuid(0)
    os.chmod(gallery.folder / name, 0)
    os.seteuid(65534)
    try:
        gallery.get("person 1")
    except SiamlabError as error:
        print(type(error).__name__, str(error).count(chr(10)), "remove" in str(error))
    os.seteuid(0)
    os.chmod(gallery.folder / name, 0o644)
    os.seteuid(65534)
    print(gallery.get("person 1").templates.shape, gallery.damaged())
"""


def test_a_read_that_fails_once_damages_nobody(public_folder: Path) -> None:
    """EACCES for a moment, in one program that goes on: everything is there again."""
    if os.name == "nt" or os.geteuid() != 0:
        pytest.skip("only a superuser can become somebody with fewer rights")
    gallery = Gallery(public_folder / "gallery", "correct horse")
    filled(gallery, people=3)
    gallery.erase("person 2")
    gallery.folder.chmod(0o755)
    for path in gallery.folder.iterdir():
        path.chmod(0o644)
    done = subprocess.run(
        [sys.executable, "-c", FAILS_ONCE, str(gallery.folder)], capture_output=True, text=True
    )
    again = ["StorageError 0 False", "(2, 4) ()"]
    assert done.stdout.splitlines() == ["(2, 4)", *again, *again], done.stderr


def test_what_killed_programs_left_is_swept(gallery: Gallery) -> None:
    """After an hour: until then another program may be writing it."""
    gallery.folder.mkdir()
    old, young = (gallery.folder / f"{PART}{name}-audit_head.json" for name in ("old", "young"))
    foreign = gallery.folder / ".0123abcd-audit_head.json"
    for path in (old, young, foreign):
        path.write_bytes(b"half")
    for path in (old, foreign):
        os.utime(path, (time.time() - 3700,) * 2)
    filled(gallery)
    assert not old.exists() and young.exists() and foreign.exists()


def test_a_read_only_gallery_is_read(public_folder: Path) -> None:
    gallery = Gallery(public_folder / "gallery", "correct horse")
    filled(gallery)
    before = copy_of(gallery)
    gallery.folder.chmod(0o555)
    for path in gallery.folder.iterdir():
        path.chmod(0o444)
    told = as_nobody(READS, gallery.folder).splitlines()
    assert told == ["(2, 4) 6", *["StorageError 0"] * 3]
    assert copy_of(gallery) == before


HALF = """
import os, sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("PRAGMA cache_size = 1")  # changed pages go to the file before the end
database.execute("BEGIN IMMEDIATE")
database.execute("UPDATE people SET about = zeroblob(200000)")
database.execute("UPDATE records SET content = zeroblob(200000)")
os.kill(os.getpid(), 9)
"""


def left_by_a_kill(gallery: Gallery) -> Path:
    """A journal beside a file that was half changed."""
    subprocess.run([sys.executable, "-c", HALF, str(gallery.vault.path)], check=False)
    journal = gallery.folder / "vault.sqlite3-journal"
    assert journal.stat().st_size > 0
    return journal


def test_the_journal_of_a_killed_program_is_rolled_back(sealed: Gallery) -> None:
    truth = filled(sealed)
    whole = sealed.vault.path.read_bytes()
    journal = left_by_a_kill(sealed)
    assert sealed.vault.path.read_bytes() != whole
    assert_holds(Gallery(sealed.folder, "correct horse"), truth)
    assert not journal.exists()
    assert audit_gallery(sealed).problems == ()


FIRST = """
import os, sys
from siamlab.gallery import Gallery, vault
from siamlab.gallery.sealing import Argon2

vault.KDF = Argon2(1, 1, 8)
with Gallery(sys.argv[1], "correct horse").writing() as change:
    change.database.execute("PRAGMA cache_size = 1")
    person = change.add("Ada")
    change.write(person, "image/anchor_0001.jpg", os.urandom(200_000))
    os.kill(os.getpid(), 9)
"""


def test_a_program_killed_in_its_first_write_leaves_no_gallery(sealed: Gallery) -> None:
    for first in (
        lambda gallery: gallery.people(),
        lambda gallery: repr(gallery),
        lambda gallery: audit_gallery(gallery),
        lambda gallery: gallery.enroll("Bob", TEMPLATES, "m1", consent="drawn"),
    ):
        subprocess.run([sys.executable, "-c", FIRST, str(sealed.folder)], check=False)
        assert sealed.vault.path.stat().st_size > 100_000
        first(Gallery(sealed.folder, "correct horse"))
    assert sealed.people() == ("Bob",)
    assert audit_gallery(sealed).problems == ()


def test_a_read_only_gallery_with_such_a_journal_is_one_line(public_folder: Path) -> None:
    gallery = Gallery(public_folder / "gallery", "correct horse")
    filled(gallery)
    left_by_a_kill(gallery)
    gallery.folder.chmod(0o555)
    for path in gallery.folder.iterdir():
        path.chmod(0o444)
    script = READS.replace("print(gallery.get", "try: print(gallery.get").replace(
        'len(gallery.templates("m1").people))',
        'len(gallery.templates("m1").people))\nexcept SiamlabError as error: print(error)',
    )
    told = as_nobody(script.split("for work")[0], gallery.folder)
    assert told.count("\n") == 1
    assert "read-only" in told


@pytest.fixture
def small_disk() -> Path:
    """A file system of 400 kB."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("only a superuser can mount a small disk")
    with tempfile.TemporaryDirectory() as folder:
        mount = ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", folder]
        if subprocess.run(mount, capture_output=True).returncode != 0:
            pytest.skip("this system does not let us mount a small disk")
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", folder], check=True)


def test_a_full_disk_changes_nothing(small_disk: Path) -> None:
    """Enrolling, capturing, erasing and encrypting anew fail in a line; then all of it works."""
    gallery = Gallery(small_disk / "gallery", "correct horse")
    truth = filled(gallery)
    captures = VaultCaptures(gallery, "Ada", CONSENT)
    image = captures.add("anchor", picture())
    content = image.read_bytes()
    gallery.erase("person 5")
    del truth["person 5"]
    ballast = small_disk / "ballast"
    with pytest.raises(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(256))
    before = copy_of(gallery)
    steps = {
        "enroll": lambda: gallery.enroll("Zoe", TEMPLATES, "m1", consent="drawn"),
        "capture": lambda: captures.add("anchor", picture(1)),
        "erase": lambda: gallery.erase("person 4"),
        "rekey": lambda: gallery.vault.rekey("battery staple"),
    }
    for step in steps.values():
        with pytest.raises(StorageError, match="full") as caught:
            step()
        assert "\n" not in str(caught.value)
        assert copy_of(gallery) == before
        assert_holds(Gallery(gallery.folder, "correct horse"), truth)
        assert captures.images()[0].read_bytes() == content
        assert audit_gallery(gallery).problems == ()
    ballast.unlink()
    for step in steps.values():
        step()
    del truth["person 4"]
    assert_holds(Gallery(gallery.folder, "battery staple"), {**truth, "Zoe": TEMPLATES})
    assert audit_gallery(gallery).problems == ()


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL")
def test_what_was_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    """A few rounds of each kind; benchmarks/killed.py runs two hundred. Of a training see
    tests/cli/test_train_resume.py."""
    out = tmp_path / "killed.json"
    script = str(ROOT / "benchmarks" / "killed.py")
    seed = str(time.time_ns() % 10_000)
    kinds = "capturing", "enrolling", "erasing", "migrating", "registering", "rekeying"
    done = subprocess.run(
        [sys.executable, script, "--rounds", "5", "--seed", seed, "--out", out, "--only", *kinds],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "SIAMLAB_DATA": str(tmp_path)},
    )
    assert done.returncode == 0, f"seed {seed}: {done.stdout} {done.stderr}"
    found = json.loads(out.read_text())
    for kind in kinds:
        assert found[kind]["killed"] == 5
        assert found[kind]["faults"] == [], f"{kind}, seed {seed}"


def test_a_locked_gallery_is_one_line(gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(gallery)
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.1)
    with raw(gallery) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StorageError, match="another program"):
            gallery.enroll("Zoe", TEMPLATES, "m1", consent="drawn")
        with pytest.raises(StorageError, match="another program"):
            gallery.people()
    gallery.enroll("Zoe", TEMPLATES, "m1", consent="drawn")

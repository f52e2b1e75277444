"""The log tells what was done with whose data, and a log that was touched is found."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vaults import CONSENT, TEMPLATES, copy_of, filled, picture, put_back, rows

from siamlab.gallery import Gallery
from siamlab.gallery.audit import (
    HEAD_FILE,
    START,
    AuditEntry,
    append_entries,
    check_chain,
    check_head,
    head_note,
    log_head,
    read_log,
    write_head,
)
from siamlab.gallery.captures import VaultCaptures
from siamlab.gallery.database import SCHEMA
from siamlab.gallery.rights import audit_gallery
from siamlab.gallery.sealing import keyed_digest

KEY = bytes(range(32))


def problems(gallery: Gallery) -> tuple[str, ...]:
    return audit_gallery(gallery).problems


def test_the_log_tells_what_was_done_and_no_name(sealed: Gallery) -> None:
    sealed.enroll("Ada Lovelace", TEMPLATES, "m1", consent=CONSENT)
    captures = VaultCaptures(sealed, "Ada Lovelace", CONSENT)
    image = captures.add("anchor", picture())
    captures.remove([image])
    sealed.vault.rekey("battery staple")
    sealed.erase("Ada Lovelace")
    entries = audit_gallery(sealed).entries
    assert [entry.event for entry in entries] == [
        "enrolled", "captured", "removed", "resealed", "rekeyed", "erased",
    ]  # fmt: skip
    assert [entry.version for entry in entries] == [1, 2, 3, 4, 0, 0]
    assert len({entry.person for entry in entries}) == 2  # one id, and none
    assert not any(word in str(entries) for word in ("Ada", "m1", "anchor_", "face"))
    assert problems(sealed) == ()


def test_an_empty_gallery_has_an_empty_log(gallery: Gallery) -> None:
    found = audit_gallery(gallery)
    assert (found.entries, found.problems) == ((), ())


def test_the_chain_is_hmac_by_hand() -> None:
    entry = AuditEntry(1, "2025-01-31T12:00:00.000+00:00", "enrolled", "ab", 1, "3 templates")
    content = b'[1, "2025-01-31T12:00:00.000+00:00", "enrolled", "ab", 1, "3 templates"]'
    assert entry.content() == content
    mac = keyed_digest(KEY, bytes(32) + content)
    assert check_chain([(entry, mac)], KEY) == ""
    assert check_chain([(entry, mac)], bytes(32)) == "entry 1 of the log was changed"
    assert check_chain([], KEY) == ""


Events = list[tuple[str, str, int, str]]


def logged(events: Events) -> sqlite3.Connection:
    database = sqlite3.connect(":memory:")
    database.executescript(SCHEMA)
    for event in events:
        append_entries(database, KEY, [event])
    return database


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
an_event = st.tuples(texts, texts, st.integers(0, 9), texts)


@settings(max_examples=30, deadline=None)
@given(st.lists(an_event, min_size=1, max_size=6), st.data())
def test_any_change_of_any_log_is_found(events: Events, data: st.DataObject) -> None:
    with closing(logged(events)) as database:
        log = read_log(database)
    assert check_chain(log, KEY) == ""
    place = data.draw(st.integers(0, len(log) - 1))
    entry, mac = log[place]
    other = AuditEntry(*data.draw(st.tuples(st.just(entry.number), texts, texts, texts,
        st.integers(0, 9), texts)))  # fmt: skip
    if other != entry:
        assert check_chain([*log[:place], (other, mac), *log[place + 1 :]], KEY)
    if place < len(log) - 1:
        assert check_chain([*log[:place], *log[place + 1 :]], KEY)
        swapped = [*log[:place], log[place + 1], log[place], *log[place + 2 :]]
        assert check_chain(swapped, KEY)
    assert check_chain([*log, log[place]], KEY)


@settings(max_examples=20, deadline=None)
@given(st.lists(an_event, min_size=1, max_size=6), st.data())
def test_any_cut_of_any_log_is_found(
    tmp_path_factory: pytest.TempPathFactory, events: Events, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("head")
    with closing(logged(events)) as database:
        write_head(folder, head_note(KEY, *log_head(database)))
        assert check_head(folder, KEY, database) == ""
        append_entries(database, KEY, [("one", "more", 0, "")])  # the note is one behind
        assert check_head(folder, KEY, database) == ""
        kept = data.draw(st.integers(0, len(events) - 1))
        database.execute("DELETE FROM audit WHERE number > ?", (kept,))
        told = f"the log had {len(events)} entries and has {kept}: its end was cut off"
        assert check_head(folder, KEY, database) == told
        # Filled up again with other entries, without the key:
        for _ in range(len(events)):
            append_entries(database, bytes(32), [("other", "", 0, "")])
        assert "an old copy was put back" in check_head(folder, KEY, database)


def test_a_changed_entry_is_found(sealed: Gallery) -> None:
    filled(sealed)
    rows(sealed, "UPDATE audit SET detail = '7 templates' WHERE number = 3")
    assert problems(sealed) == ("entry 3 of the log was changed",)


def test_a_removed_entry_is_found(sealed: Gallery) -> None:
    filled(sealed)
    rows(sealed, "DELETE FROM audit WHERE number = 3")
    assert "entry 3 of the log is missing" in problems(sealed)


@pytest.mark.parametrize("later", [False, True])
def test_a_cut_tail_is_found_even_after_more_was_written(sealed: Gallery, later: bool) -> None:
    """As somebody does who erased what they did, before an innocent program writes again."""
    filled(sealed)
    sealed.erase("person 5")
    rows(sealed, "DELETE FROM audit WHERE number > 5")
    if later:
        for name in ("Yve", "Zoe"):
            sealed.enroll(name, TEMPLATES, "m1", consent="drawn")
    assert [one for one in problems(sealed) if "cut off" in one or "old copy" in one]


@pytest.mark.parametrize("later", [False, True])
@pytest.mark.parametrize(
    "content",
    [
        None,
        b"",
        b"{}",
        b"[]",
        b"[7]",
        b"not json",
        b"\xff",
        b'[{"entries": "6"}]',
        b'[{"entries": 6, "mac": ""}]',
        b'[{"entries": -1, "mac": ""}]',
        b'[{"entries": 0}, {"entries": 1e99}]',
        b'[{"entries": 0}, {"entries": 99999999999999999999}]',
    ],
)
def test_a_note_that_was_changed_or_removed_is_found(
    sealed: Gallery, content: bytes | None, later: bool
) -> None:
    filled(sealed)
    path = sealed.folder / HEAD_FILE
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    if later:
        sealed.enroll("Zoe", TEMPLATES, "m1", consent="drawn")
    assert len(problems(sealed)) == 1
    assert problems(sealed)[0].startswith("the note of the log's length")
    sealed.vault.rekey("battery staple")  # whoever has the passphrase can begin a new one
    assert problems(sealed) == ()
    assert "before: the note" in audit_gallery(sealed).entries[-1].detail


@pytest.mark.parametrize("later", [False, True])
def test_the_whole_vault_put_back_is_found(sealed: Gallery, later: bool) -> None:
    filled(sealed)
    old = copy_of(sealed)
    sealed.erase("person 5")
    put_back(sealed, old, "vault.sqlite3")
    if later:
        sealed.enroll("Zoe", TEMPLATES, "m1", consent="drawn")
    found = problems(sealed)
    assert [one for one in found if "cut off" in one or "old copy" in one]
    assert "1 erased people came back: run siamlab gallery purge" in found


def test_a_vault_put_back_with_its_note_is_found_by_the_list_alone(sealed: Gallery) -> None:
    """Who puts back everything but the list of erased people; with it, nothing here tells."""
    filled(sealed)
    old = copy_of(sealed)
    sealed.erase("person 5")
    put_back(sealed, old)
    assert problems(sealed) == ("1 erased people came back: run siamlab gallery purge",)
    (sealed.folder / "erased.txt").unlink()
    assert problems(sealed) == ()


def test_a_removed_list_of_erased_people_is_found(sealed: Gallery) -> None:
    filled(sealed)
    sealed.erase("person 5")
    (sealed.folder / "erased.txt").unlink()
    assert problems(sealed) == ("1 erased people are not in the list of erased people",)


def test_a_removed_person_is_found(sealed: Gallery) -> None:
    filled(sealed)
    rows(sealed, "DELETE FROM people WHERE number = 2")
    assert problems(sealed) == ("1 people are missing, and no erasure was logged",)


def test_a_note_that_is_behind_after_a_kill_is_no_fault(sealed: Gallery) -> None:
    filled(sealed)
    note = (sealed.folder / HEAD_FILE).read_bytes()
    sealed.enroll("Zoe", TEMPLATES, "m1", consent="drawn")
    (sealed.folder / HEAD_FILE).write_bytes(note)
    assert problems(sealed) == ()
    sealed.enroll("Yve", TEMPLATES, "m1", consent="drawn")
    assert json.loads((sealed.folder / HEAD_FILE).read_text())[0]["entries"] == 8


def test_a_kill_before_the_first_note_is_no_fault(sealed: Gallery) -> None:
    """The note of an empty log is there before anything is in the vault."""
    sealed.enroll("Ada", TEMPLATES, "m1", consent="drawn")
    with sealed.reading() as view:
        write_head(sealed.folder, head_note(view.keys.audit, 0, START))
    assert problems(sealed) == ()


def test_an_index_that_lies_is_found(gallery: Gallery) -> None:
    """A person whom an index hides is not enrolled, for all who look by name."""
    filled(gallery)
    path = gallery.vault.path
    ((tag,),) = rows(gallery, "SELECT tag FROM people WHERE number = 2")
    whole = path.read_bytes()
    assert whole.count(tag) == 2  # of the row, and of the index
    for place in (whole.index(tag), whole.rindex(tag)):
        path.write_bytes(whole[:place] + bytes([tag[0] ^ 1]) + whole[place + 1 :])
        assert problems(gallery)

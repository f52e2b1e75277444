"""The gallery in a real PostgreSQL server: what leaves the vault, comes back, and is removed."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import FakeDetector, gray_frame
from test_search import made_model, unit

from siamlab.cli import main
from siamlab.errors import InputError, NotEnrolledError, StorageError
from siamlab.gallery import Gallery, publishing
from siamlab.gallery.cancelable import protect
from siamlab.gallery.database_search import DatabaseSearch
from siamlab.gallery.postgres import Database
from siamlab.gallery.publishing import (
    gone_people,
    group_digest,
    publish,
    published_places,
    refresh,
    withdraw,
)
from siamlab.gallery.rights import audit_gallery, erase_person
from siamlab.gallery.vector_table import count_templates, list_tables, lock_list
from siamlab.images.write import write_image
from siamlab.models.exported import ExportedModel
from siamlab.verification.identification import Identifier
from siamlab.verification.verifier import Verifier

MODEL = made_model()
SIZE = 16
PEOPLE = ("Ada", "Bob", "Cid", "Dora", "Eve")


def enroll(gallery: Gallery, people: tuple[str, ...] = PEOPLE, seed: int = 0) -> np.ndarray:
    """Two near templates of each; returns the people's own directions."""
    rng = np.random.default_rng(seed)
    own = unit(rng.standard_normal((len(people), SIZE)))
    for name, one in zip(people, own, strict=True):
        rows = unit(one + 0.05 * rng.standard_normal((2, SIZE)))
        gallery.enroll(name, rows, "made", consent="drawn")
    return own


def names(gallery: Gallery, url: str, probe: np.ndarray, group: str | None = None) -> list[str]:
    return [one.person for one in DatabaseSearch(gallery, "made", url, group)(probe, 5)]


def everything(url: str) -> str:
    """All rows of all tables, as text."""
    names = ask(url, "SELECT relname FROM pg_class WHERE relkind = 'r' AND relname ~ '^siamlab'")
    return "\n".join(str(ask(url, f"SELECT * FROM {name}")) for (name,) in names)


def ask(url: str, statement: str) -> list[Any]:
    with Database(url) as database:
        return database.rows(statement)


def test_a_database_gives_the_candidates_of_exact_search(sealed: Gallery, url: str) -> None:
    own = enroll(sealed)
    done = publish(sealed, "made", url)
    assert (done.people, done.added, done.removed) == (5, 5, 0)
    exact = Identifier(MODEL, sealed, kind="exact")
    there = Identifier(MODEL, sealed, database=DatabaseSearch(sealed, "made", url))
    assert there.people() == exact.people() == 5
    for probe in own:
        assert there.search(probe, 3) == exact.search(probe, 3)
    with pytest.raises(InputError, match=r"\(16,\)\. Received: \(4,\)"):
        there.search(np.zeros(4, np.float32))


def test_templates_leave_the_vault_only_turned_and_without_names(sealed: Gallery, url: str) -> None:
    """Each stored template is the vault's, turned with the vault's key; and nothing else is."""
    enroll(sealed)
    publish(sealed, "made", url, {"Ada": "class 3b"})
    plain = sealed.templates("made").matrix
    with sealed.reading() as view:
        assert view is not None
        key, vault = view.keys.templates, view.keys.vault
    rows = ask(url, "SELECT template::text FROM siamlab_templates_1")
    stored = np.array([np.fromstring(text[1:-1], np.float32, sep=",") for (text,) in rows])
    turned = protect(plain, key)
    nearest = np.abs(stored[:, None] - turned[None]).max(axis=2).min(axis=1)
    assert len(stored) == len(plain) and nearest.max() < 1e-6
    assert np.abs(stored[:, None] - plain[None]).max(axis=2).min() > 0.1
    assert np.abs(stored[:, None] - protect(plain, b"another")[None]).max(axis=2).min() > 0.1
    text = everything(url)
    assert vault.hex() not in key.hex() and repr(key) not in text
    assert not any(name in text for name in (*PEOPLE, "class 3b"))


def test_a_change_of_the_gallery_is_behind_until_it_is_published(sealed: Gallery, url: str) -> None:
    own = enroll(sealed)
    publish(sealed, "made", url)
    search = DatabaseSearch(sealed, "made", url)
    zoe = unit(np.ones(SIZE))
    sealed.enroll("Zoe", zoe[None], "made", consent="drawn")
    with pytest.raises(StorageError, match=r"behind the gallery.*siamlab gallery publish"):
        search(zoe, 1)
    done = publish(sealed, "made", url)
    assert (done.people, done.added, done.removed) == (6, 1, 0)
    assert search(zoe, 1)[0].person == "Zoe"
    sealed.enroll("Bob", zoe[None], "made", consent="drawn", replace=True)
    done = publish(sealed, "made", url)
    assert (done.added, done.removed) == (1, 0)
    assert [len(one) for one in search(own[1], 6)].count(1) == 2, "Zoe and Bob"
    done = publish(sealed, "made", url)
    assert (done.added, done.removed) == (0, 0)


def test_who_is_erased_is_found_gone(sealed: Gallery, url: str, tmp_path: Path) -> None:
    own = enroll(sealed)
    publish(sealed, "made", url)
    with sealed.reading() as view:
        assert view is not None
        bob = view.find("Bob")
        assert bob is not None
        vault = view.keys.vault
    sealed.erase("Bob")
    assert gone_people(sealed, url) == {bob.id}
    assert len(refresh(sealed, url)) == 1 and not gone_people(sealed, url)
    with Database(url) as database, database.transaction() as cursor:
        (table,) = list_tables(cursor, vault).values()
        assert count_templates(cursor, table, bob.id) == 0
        assert count_templates(cursor, table) == 8
    assert "Bob" not in names(sealed, url, own[1])
    assert repr(bob.id) not in everything(url)


def test_an_old_copy_of_the_vault_does_not_bring_an_erased_person_back(
    sealed: Gallery, url: str
) -> None:
    own = enroll(sealed)
    publish(sealed, "made", url)
    old = sealed.vault.path.read_bytes()
    sealed.erase("Bob")
    sealed.vault.path.write_bytes(old)
    with pytest.raises(StorageError, match="behind the gallery"):
        names(sealed, url, own[1])
    assert publish(sealed, "made", url).removed == 1
    assert "Bob" not in names(sealed, url, own[1])


def test_the_last_person_leaves_an_empty_table(sealed: Gallery, url: str) -> None:
    enroll(sealed, ("Ada",))
    publish(sealed, "made", url)
    assert erase_person(sealed, "Ada", database=url) == []
    with pytest.raises(NotEnrolledError, match="Nobody is in the database"):
        DatabaseSearch(sealed, "made", url).people()


def test_erasing_reaches_the_database_or_names_it(sealed: Gallery, url: str) -> None:
    enroll(sealed)
    assert erase_person(sealed, "Ada") == [], "never published: nothing to name"
    publish(sealed, "made", url)
    (place,) = published_places(sealed)
    assert erase_person(sealed, "Bob", database=url) == []
    assert not gone_people(sealed, url)
    (left,) = erase_person(sealed, "Cid")
    assert place in left and "'Cid'" in left and "siamlab gallery publish" in left
    error, left = erase_person(sealed, "Dora", database="postgresql://a:secret@127.0.0.1:1/x")
    assert "cannot be used" in error and place in left and "secret" not in error + left
    assert len(gone_people(sealed, url)) == 2
    publish(sealed, "made", url)
    assert not gone_people(sealed, url)
    assert audit_gallery(sealed).problems == ()


def test_withdrawing_removes_everything(sealed: Gallery, url: str) -> None:
    enroll(sealed)
    publish(sealed, "made", url)
    assert withdraw(sealed, url) == 10
    assert published_places(sealed) == []
    assert ask(url, "SELECT to_regclass('siamlab_templates_1')") == [(None,)]
    with pytest.raises(NotEnrolledError, match="no templates of this gallery"):
        names(sealed, url, np.ones(SIZE, np.float32))
    assert erase_person(sealed, "Ada") == []


def test_a_group_is_searched_alone(sealed: Gallery, url: str) -> None:
    """Bob's own face, among the others of a class without him, is not found."""
    own = enroll(sealed)
    publish(sealed, "made", url, {"Ada": "a", "Bob": "b", "Cid": "a"})
    assert set(names(sealed, url, own[1], "a")) == {"Ada", "Cid"}
    assert names(sealed, url, own[0], "b") == ["Bob"]
    assert DatabaseSearch(sealed, "made", url, "a").people() == 2
    with pytest.raises(NotEnrolledError, match=r"group 'c'"):
        DatabaseSearch(sealed, "made", url, "c").people()
    sealed.enroll("Cid", own[:1], "made", consent="drawn")
    publish(sealed, "made", url)  # groups stay as they are
    assert DatabaseSearch(sealed, "made", url, "a").people() == 2
    done = publish(sealed, "made", url, {"Eve": "b"})
    assert done.added == 4, "Ada, Bob and Cid left their groups"
    assert names(sealed, url, own[0], "b") == ["Eve"]


def test_a_new_key_makes_what_is_published_worthless(sealed: Gallery, url: str) -> None:
    own = enroll(sealed)
    publish(sealed, "made", url)
    search = DatabaseSearch(sealed, "made", url)
    before = search(own[2], 1)[0].person
    sealed.vault.rekey("another horse")
    with pytest.raises(StorageError, match="former key"):
        search(own[2], 1)
    publish(sealed, "made", url)
    assert search(own[2], 1)[0].person == before == "Cid"
    assert ask(url, "SELECT to_regclass('siamlab_templates_1')") == [(None,)]


def test_two_galleries_and_two_models_in_one_database(
    sealed: Gallery, gallery: Gallery, url: str
) -> None:
    own = enroll(sealed)
    enroll(gallery, ("Zoe", "Yan"), seed=1)
    sealed.enroll("Ada", unit(np.ones((1, 8))), "other", consent="drawn")
    publish(sealed, "made", url)
    publish(gallery, "made", url)
    publish(sealed, "other", url)
    assert names(sealed, url, own[0])[0] == "Ada"
    assert set(names(gallery, url, own[0])) == {"Zoe", "Yan"}
    assert len(refresh(sealed, url)) == 2


def test_only_unit_templates_and_enrolled_people_are_published(sealed: Gallery, url: str) -> None:
    with pytest.raises(NotEnrolledError):
        publish(sealed, "made", url)
    assert not sealed.vault.exists()
    sealed.enroll("Ada", np.ones((1, SIZE)), "long", consent="drawn")
    with pytest.raises(NotEnrolledError, match="made"):
        publish(sealed, "made", url)
    with pytest.raises(InputError, match="cosine"):
        publish(sealed, "long", url)
    assert published_places(sealed) == []
    with pytest.raises(InputError, match="cosine"):
        search = DatabaseSearch(sealed, "made", url)
        Identifier(made_model("l1"), sealed, database=search)


def test_who_can_write_to_the_database_cannot_exchange_people(sealed: Gallery, url: str) -> None:
    """All rows of Ada under Bob's id, and Bob's under Ada's: scores are still the vault's."""
    own = enroll(sealed)
    publish(sealed, "made", url)
    with sealed.reading() as view:
        assert view is not None
        found = [view.find(name) for name in ("Ada", "Bob")]
        ada, bob = (one.id for one in found if one is not None)
    with Database(url) as database, database.transaction() as cursor:
        cursor.execute(
            "UPDATE siamlab_templates_1 SET place = place + 10, person = CASE person "
            "WHEN %s THEN %s::bytea ELSE %s::bytea END WHERE person IN (%s, %s)",
            (ada, bob, ada, ada, bob),
        )
        cursor.execute("UPDATE siamlab_templates_1 SET place = place % 10")
    exact = {c.person: c.score for c in Identifier(MODEL, sealed, kind="exact").search(own[0], 5)}
    search = DatabaseSearch(sealed, "made", url)
    assert search(own[0], 1)[0].person == "Bob", "the database lies"
    (candidate,) = Identifier(MODEL, sealed, database=search).search(own[0], 1)
    assert candidate.score == pytest.approx(exact["Bob"]) and candidate.score < 0.5


def test_two_writers_wait_for_each_other(sealed: Gallery, url: str) -> None:
    enroll(sealed)
    done = []

    def write() -> None:
        done.append(publish(Gallery(sealed.folder, "correct horse"), "made", url))

    threads = [threading.Thread(target=write) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(one.added for one in done) == [0, 5]
    rows = ask(url, "SELECT count(*), count(DISTINCT person) FROM siamlab_templates_1")
    assert rows == [(10, 5)]


def test_a_writer_that_waited_does_not_bring_an_erased_person_back(
    sealed: Gallery, url: str
) -> None:
    enroll(sealed)
    publish(sealed, "made", url)
    began, done = threading.Event(), []

    def write() -> None:
        began.set()
        done.append(publish(Gallery(sealed.folder, "correct horse"), "made", url))

    thread = threading.Thread(target=write)
    with Database(url) as database, database.transaction() as cursor:
        lock_list(cursor)
        thread.start()
        began.wait(60)
        waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        for _ in range(1000):
            cursor.execute(waiting)
            if cursor.fetchone() == (1,):
                break
        sealed.erase("Bob")
    thread.join(60)
    assert (done[0].people, done[0].removed) == (4, 1)
    assert not gone_people(sealed, url)


def test_a_lost_server_is_an_error_and_later_a_new_connection(
    sealed: Gallery, url: str, postgres: Any
) -> None:
    own = enroll(sealed)
    publish(sealed, "made", url)
    identifier = Identifier(MODEL, sealed, database=DatabaseSearch(sealed, "made", url))
    before = identifier.search(own[0], 2)
    postgres.stop()
    try:
        with pytest.raises(StorageError, match=r"cannot be used: .*try again\.$") as caught:
            identifier.search(own[0], 2)
        assert "\n" not in str(caught.value)
        with pytest.raises(StorageError):
            identifier.people()
    finally:
        postgres.start()
    assert identifier.search(own[0], 2) == before
    # Restarted between two searches: nobody notices.
    postgres.stop()
    postgres.start()
    assert identifier.search(own[0], 2) == before


def test_a_server_lost_while_it_is_written_to_keeps_the_former_state(
    sealed: Gallery, url: str, postgres: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = enroll(sealed)
    publish(sealed, "made", url)
    before, rows = everything(url), publishing._rows
    sealed.enroll("Bob", own[:1], "made", consent="drawn", replace=True)

    def lose(*given: Any) -> Iterator[Any]:
        for row in rows(*given):
            postgres.stop()
            yield row

    monkeypatch.setattr(publishing, "_rows", lose)
    try:
        with pytest.raises(StorageError, match="cannot be used"):
            publish(sealed, "made", url)
    finally:
        postgres.start()
    assert everything(url) == before
    monkeypatch.undo()
    assert publish(sealed, "made", url).added == 1


def test_the_commands(
    sealed: Gallery,
    url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    any_face_is_usable: None,
) -> None:
    """Gray levels as directions in a plane: Ada at 60, Bob at 180; a lost database is status 2."""
    model = ExportedModel(replace(MODEL.info, input_shape=(105, 105, 3)), in_a_plane)

    def open_verifier(options: object = None) -> Verifier:
        return Verifier(model, sealed, FakeDetector(), detection_threshold=0.95)

    verifier = open_verifier()
    verifier.enroll("Ada", [gray_frame(60)], consent="drawn")
    verifier.enroll("Bob", [gray_frame(180)], consent="drawn")
    monkeypatch.setattr("siamlab.cli.people_commands._open_verifier", open_verifier)
    monkeypatch.setattr("siamlab.cli.people_commands.open_model", lambda options: model)
    monkeypatch.setattr("siamlab.cli.gallery_commands.open_gallery", lambda: sealed)
    monkeypatch.setenv("SIAMLAB_DATA", str(tmp_path / "data"))
    image, groups = str(tmp_path / "a.png"), tmp_path / "groups.csv"
    write_image(Path(image), gray_frame(62))
    groups.write_text("person,group\nBob,staff\n")
    assert main(["gallery", "publish"]) == 2
    assert "SIAMLAB_DATABASE" in capsys.readouterr().err
    assert main(["identify", image, "--group", "staff"]) == 2
    monkeypatch.setenv("SIAMLAB_DATABASE", url)
    assert main(["identify", image]) == 2
    assert "siamlab gallery publish" in capsys.readouterr().err
    assert main(["gallery", "publish", "--groups", str(groups)]) == 0
    assert "2 people; 2 added or changed, 0 removed" in capsys.readouterr().out
    assert main(["identify", image]) == 0
    assert capsys.readouterr().out.startswith("Ada (threshold 0.950)")
    assert main(["identify", image, "--group", "staff"]) == 1
    assert capsys.readouterr().out.startswith("nobody of 1 people")
    assert main(["gallery", "erase", "Ada"]) == 0
    assert capsys.readouterr().out == "erased Ada\n"
    assert main(["gallery", "purge"]) == 0 and not gone_people(sealed, url)
    capsys.readouterr()
    lost = "postgresql://door:hunter2@127.0.0.1:1/gallery"
    assert main(["identify", image, "--database", lost]) == 2
    said = capsys.readouterr()
    assert "gallery at 127.0.0.1 cannot be used" in said.err and said.err.count("\n") == 1
    assert not said.out and "hunter2" not in said.err
    assert main(["gallery", "publish", "--withdraw"]) == 0
    assert capsys.readouterr().out == "1 templates were removed.\n"


def in_a_plane(images: np.ndarray) -> np.ndarray:
    """Gray 0 to 1 as an angle of 0 to 90 degrees between the first two directions."""
    angles = np.asarray(images).mean(axis=(1, 2, 3)) * np.pi / 2
    rows = np.zeros((len(angles), SIZE), np.float32)
    rows[:, 0], rows[:, 1] = np.cos(angles), np.sin(angles)
    return rows


def test_the_pages_users_are_enough(sealed: Gallery, url: str) -> None:
    """The statements of docs/database.md: one user publishes, the other can only search."""
    own = enroll(sealed)
    page = (Path(__file__).parents[2] / "docs" / "database.md").read_text()
    found = re.search(r"```sql\n(.*?)```", page, re.S)
    assert found
    lines = [
        line for line in found[1].splitlines() if not line.startswith(("CREATE DATABASE", "\\"))
    ]
    with Database(url) as database, database.transaction() as cursor:
        cursor.execute("\n".join(lines).encode())
    keeper, door = (url.replace("postgres@", f"{user}@") for user in ("keeper", "door"))
    assert publish(sealed, "made", keeper).added == 5
    assert names(sealed, door, own[0])[0] == "Ada"
    with pytest.raises(StorageError, match="permission denied"):
        publish(sealed, "made", door)
    with pytest.raises(StorageError, match="permission denied"):
        withdraw(sealed, door)


def test_group_digests_need_the_key(sealed: Gallery, gallery: Gallery) -> None:
    found = []
    for one in (sealed, gallery):
        enroll(one, ("Ada",))
        with one.reading() as view:
            assert view is not None
            found.append(group_digest(view.keys, "class 3b"))
    assert found[0] != found[1] and len(found[0]) == 16

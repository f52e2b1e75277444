"""Access, export, erasure with a proof, retention."""

from __future__ import annotations

import base64
import html
import io
import json
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from vaults import CONSENT, TEMPLATES, contents, copy_of, filled, picture, put_back, raw, rows

from siamlab.config import Workspace
from siamlab.errors import InputError, NotEnrolledError, StorageError
from siamlab.gallery import Gallery, database
from siamlab.gallery.captures import VaultCaptures, new_captures, open_captures
from siamlab.gallery.consent import give_consent
from siamlab.gallery.rights import (
    Purge,
    audit_gallery,
    erase_person,
    export_person,
    list_people,
    note_model,
    purge,
    show_person,
)
from siamlab.images.decode import read_image
from siamlab.images.write import write_image


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path, "Ada")


@pytest.fixture
def school(workspace: Workspace) -> Gallery:
    """Ada with images and templates, and Bob, in an encrypted gallery."""
    gallery = Gallery(workspace.gallery, "correct horse")
    gallery.enroll("Ada", TEMPLATES, "m1", ["a.jpg", "b.jpg", "c.jpg"], CONSENT)
    captures = VaultCaptures(gallery, "Ada")
    for number, kind in enumerate(("anchor", "positive")):
        captures.add(kind, picture(number))
    gallery.enroll("Bob", TEMPLATES + 1, "m1", consent="drawn")
    return gallery


def test_everybody_is_listed_with_what_is_held(school: Gallery) -> None:
    ada, bob = list_people(school)
    assert (ada.name, ada.subject, ada.templates, ada.images) == ("Ada", "real", 3, 2)
    assert (ada.until, ada.consent) == ("2999-12-31", CONSENT)
    assert (bob.name, bob.subject, bob.templates, bob.images) == ("Bob", "drawn", 3, 0)
    assert (bob.until, bob.consent) == ("drawn", None)
    assert show_person(school, "Ada") == ada
    with pytest.raises(NotEnrolledError, match="siamlab gallery list"):
        show_person(school, "Zoe")


def test_nobody_is_listed_in_nothing(gallery: Gallery) -> None:
    assert list_people(gallery) == ()
    with pytest.raises(NotEnrolledError):
        show_person(gallery, "Ada")
    assert purge(gallery) == Purge()
    assert not gallery.folder.exists()


def test_an_export_holds_everything_in_readable_form(school: Gallery, tmp_path: Path) -> None:
    folder = tmp_path / "for Ada"
    held = export_person(school, "Ada", folder)
    assert (held.templates, held.images, held.exports) == (3, 2, (str(folder),))
    about = json.loads((folder / "person.json").read_text("utf-8"))
    assert about["about"]["name"] == "Ada"
    assert about["about"]["consent"] == CONSENT.to_dict()
    (templates,) = about["templates"]
    assert (templates["model"], templates["sources"]) == ("m1", ["a.jpg", "b.jpg", "c.jpg"])
    np.testing.assert_array_equal(np.array(templates["templates"], np.float32), TEMPLATES)
    assert [line.split(" ", 1)[1].split()[0] for line in about["log"]] == [
        "enrolled", "captured", "captured", "exported",
    ]  # fmt: skip
    assert {path.name for path in folder.iterdir()} == {"person.json", *about["images"]}
    for image in VaultCaptures(school, "Ada").images():
        assert (folder / image.name).read_bytes() == image.read_bytes()
        assert read_image(folder / image.name).shape == (40, 30, 3)
    assert folder.stat().st_mode & 0o077 == 0
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert audit_gallery(school).problems == ()


def test_an_export_overwrites_nothing(school: Gallery, tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "notes.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    for folder in (tmp_path / "own", tmp_path / "file"):
        with pytest.raises(InputError, match="not an empty folder"):
            export_person(school, "Ada", folder)
    with pytest.raises(NotEnrolledError):
        export_person(school, "Zoe", tmp_path / "new")
    with pytest.raises(StorageError):
        export_person(school, "Ada", tmp_path / "file" / "below")
    assert not (tmp_path / "new").exists()
    assert show_person(school, "Ada").exports == ()


def test_an_erasure_proves_itself(school: Gallery, workspace: Workspace) -> None:
    before = rows(school, "SELECT id, key, about FROM people WHERE number = 1")[0]
    records = [value for (value,) in rows(school, "SELECT content FROM records WHERE person = 1")]
    assert erase_person(school, "Ada", workspace) == []
    assert school.people() == ("Bob",)
    left = contents(workspace.root)
    assert not [value for value in (*before[1:], *records) if value[:24] in left]
    assert before[0].hex().encode() in left  # the list of erased people: a random number
    assert audit_gallery(school).problems == ()
    np.testing.assert_array_equal(school.get("Bob").templates, TEMPLATES + 1)
    with pytest.raises(NotEnrolledError):
        erase_person(school, "Ada", workspace)


def test_an_erasure_forgets_who_is_at_the_camera(school: Gallery, workspace: Workspace) -> None:
    workspace.kept_who.write_text('{"person": "Ada", "camera": "0"}')
    assert erase_person(school, "Bob", workspace) == []
    assert workspace.kept_who.exists()
    assert erase_person(school, "Ada", workspace) == []
    assert not workspace.kept_who.exists()


def test_an_erasure_names_exports_and_models(
    school: Gallery, workspace: Workspace, tmp_path: Path
) -> None:
    export_person(school, "Ada", tmp_path / "export")
    export_person(school, "Ada", tmp_path / "removed")
    for path in (tmp_path / "removed").iterdir():
        path.unlink()
    (tmp_path / "removed").rmdir()
    model = tmp_path / "fine.keras"
    model.write_bytes(b"a model")
    note_model(school, "Ada", model)
    note_model(school, "Ada", tmp_path / "gone.keras")
    assert show_person(school, "Ada").models == (str(model), str(tmp_path / "gone.keras"))
    told = erase_person(school, "Ada", workspace)
    assert told == [
        f"An exported copy is in {tmp_path / 'export'}: remove it.",
        f"The model {model} was fine-tuned with images of 'Ada': delete it, and fine-tune again "
        "without them.",
    ]


def test_an_erasure_finds_copies_in_the_workspace(school: Gallery, workspace: Workspace) -> None:
    image = VaultCaptures(school, "Ada").images()[0].read_bytes()
    for folder in ("cache", "figures", "exports"):
        (workspace.root / folder).mkdir()
    (workspace.root / "figures" / "face.jpg").write_bytes(image)
    (workspace.root / "cache" / "other.jpg").write_bytes(bytes(len(image)))
    np.savez(workspace.root / "cache" / "embedded.npz", rows=TEMPLATES)
    np.save(workspace.root / "cache" / "others.npy", 100 - TEMPLATES)
    (workspace.root / "exports" / "Ada").mkdir()
    school.enroll("Twin", TEMPLATES[1:2], "m1", consent="drawn")
    told = erase_person(school, "Ada", workspace)
    assert len(told) == 4
    assert "'Twin'" in told[0]
    assert {str(workspace.root / name) for name in
            ("figures/face.jpg", "cache/embedded.npz", "exports/Ada")} == {
                one.split(" is a copy")[0].split(" carries")[0] for one in told[1:]}  # fmt: skip


REPORTS = {
    "2026-11-01.html": "<td>Ada</td>",
    "2026-11-02.json": '{"person": "Ada"}',
    "2026-11-03.html": "<p>falling: Bob, Ada.</p>",
    "others.json": '{"person": "Adam", "notes": "SetAda, Ada_2"}',
    "picture.html": "<img src='data:image/png;base64,Ada/Ada+Ada='>",
}


def test_an_erasure_finds_the_reports_that_name_or_show_the_person(
    school: Gallery, workspace: Workspace
) -> None:
    folder = workspace.root / "assessments"
    (folder / "older").mkdir(parents=True)
    for name, content in REPORTS.items():
        (folder / name).write_text(content)
    image = base64.b64encode(VaultCaptures(school, "Ada").images()[0].read_bytes()).decode()
    (folder / "older" / "shown.html").write_text(f"<img src='data:image/jpeg;base64,{image}'>")
    named = [*list(REPORTS)[:3], "older/shown.html"]
    assert erase_person(school, "Ada", workspace) == [
        f"{folder / name} names or shows 'Ada': look at it, and remove it." for name in named
    ]


def test_names_are_found_as_reports_write_them(school: Gallery, workspace: Workspace) -> None:
    """In JSON, ``ë`` is an escape; in HTML, ``&`` is."""
    name = "Zoë & Co"
    school.enroll(name, TEMPLATES + 9, "m1", consent="drawn")
    folder = workspace.root / "assessments"
    folder.mkdir()
    (folder / "a.json").write_text(json.dumps({"person": name}))
    (folder / "b.html").write_text(f"<td>{html.escape(name)}</td>")
    told = erase_person(school, name, workspace)
    assert [line.split()[0] for line in told] == [str(folder / "a.json"), str(folder / "b.html")]


def test_what_is_left_in_the_gallerys_folder_is_found(
    school: Gallery, workspace: Workspace
) -> None:
    """As a backup that somebody made beside the vault."""
    backup = school.folder / "vault.sqlite3.bak"
    backup.write_bytes(school.vault.path.read_bytes())
    assert erase_person(school, "Ada", workspace) == [
        f"{backup} still holds something of 'Ada': remove it."
    ]


@pytest.mark.parametrize("name", ["me", "a", "number", "people", "SQLite", "templates", "0"])
def test_a_name_that_is_a_word_of_the_file_leaves_no_false_trace(
    workspace: Workspace, name: str
) -> None:
    """``me`` is everybody's name at first, and stands in ``name``."""
    gallery = Gallery(workspace.gallery, "correct horse")
    gallery.enroll(name, TEMPLATES, "m1", consent="drawn")
    gallery.enroll("Bob", TEMPLATES + 1, "m1", consent="drawn")
    told = erase_person(gallery, name, Workspace(workspace.root / "other", name))
    assert [one for one in told if "vault.sqlite3" in one] == []


def test_the_plain_folder_of_a_drawn_person_goes_too(workspace: Workspace) -> None:
    new_captures(workspace, "drawn").add("anchor", picture())
    other = Workspace(workspace.root, "Bob")
    new_captures(other, "drawn").add("anchor", picture())
    gallery = Gallery(workspace.gallery)
    assert erase_person(gallery, "Ada", workspace) == []  # no templates yet
    assert not workspace.person_dir.exists()
    assert other.person_dir.exists()
    with pytest.raises(NotEnrolledError):
        erase_person(gallery, "Ada", workspace)


@pytest.mark.parametrize("name", ["..", ".", "../gallery", "Bob/anchor", "{root}/people/Bob", "/"])
def test_a_name_that_is_a_path_removes_no_folder(workspace: Workspace, name: str) -> None:
    name = name.format(root=workspace.root)
    other = Workspace(workspace.root, "Bob")
    new_captures(other, "drawn").add("anchor", picture())
    (workspace.root / "precious.txt").write_text("a thesis")
    gallery = Gallery(workspace.gallery)
    with pytest.raises(NotEnrolledError):
        erase_person(gallery, name, workspace)
    gallery.enroll(name, TEMPLATES, "m1", consent="drawn")
    erase_person(gallery, name, workspace)
    assert gallery.people() == ()
    assert (workspace.root / "precious.txt").read_text() == "a thesis"
    assert open_captures(other).counts()["anchor"] == 1


def test_purge_erases_whose_consent_is_over(school: Gallery) -> None:
    school.enroll("Cid", TEMPLATES + 5, "m1", consent=give_consent("2998-05-05", by="Cid"))
    assert purge(school, date(2998, 5, 5)) == Purge()
    assert purge(school, date(2998, 5, 6)) == Purge(("Cid",))
    assert school.people() == ("Ada", "Bob")
    assert purge(school, date(3000, 1, 1)) == Purge(("Ada",))
    assert school.people() == ("Bob",)  # drawn: no day
    assert [e.detail for e in audit_gallery(school).entries[-2:]] == ["consent over"] * 2
    assert audit_gallery(school).problems == ()


def test_purge_leaves_as_little_as_an_erasure_and_says_what_is_left(
    school: Gallery, workspace: Workspace, tmp_path: Path
) -> None:
    """A plain folder of the person goes; an exported copy is named, else nobody could find it."""
    write_image(workspace.root / "people" / "Ada" / "anchor" / "0001.jpg", picture())
    export_person(school, "Ada", tmp_path / "for Ada")
    done = purge(school, date(3000, 1, 1), workspace)
    assert done.people == ("Ada",)
    assert done.left == (f"An exported copy is in {tmp_path / 'for Ada'}: remove it.",)
    assert not (workspace.root / "people" / "Ada").exists()


def test_who_comes_back_with_an_old_copy_is_not_usable(school: Gallery) -> None:
    old = copy_of(school)
    erase_person(school, "Ada")
    put_back(school, old)
    again = Gallery(school.folder, "correct horse")
    with pytest.raises(StorageError, match=r"was erased and is not enrolled\..* gallery purge"):
        again.get("Ada")
    with pytest.raises(StorageError, match="was erased"):
        again.enroll("Ada", TEMPLATES, "m1", consent=CONSENT)
    with pytest.raises(StorageError, match="was erased"):
        VaultCaptures(again, "Ada").images()
    assert again.people() == ("Bob",)
    assert tuple(again.templates("m1").people) == ("Bob",)
    assert [one.name for one in list_people(again)] == ["Bob"]
    assert purge(again) == Purge(returned=1)
    assert "Ada" not in again
    assert rows(again, "SELECT count(*) FROM people") == [(1,)]
    assert audit_gallery(again).problems == ()
    again.enroll("Ada", TEMPLATES, "m1", consent=CONSENT)
    assert audit_gallery(again).problems == ()


def test_an_open_gallery_notices_that_somebody_came_back(school: Gallery) -> None:
    """The matrix in memory was read before."""
    old = copy_of(school)
    school.templates("m1")
    Gallery(school.folder, "correct horse").erase("Ada")
    assert tuple(school.templates("m1").people) == ("Bob",)
    put_back(school, old)
    assert tuple(school.templates("m1").people) == ("Bob",)


def test_an_erasure_that_fails_leaves_the_person(
    school: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the list of erased people as it was."""
    school.erase("Bob")
    before = copy_of(school)
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.05)
    with raw(school) as other:
        other.execute("BEGIN")
        other.execute("SELECT * FROM people").fetchall()  # a reader stops the last step
        with pytest.raises(StorageError, match="another program"):
            school.erase("Ada")
    assert copy_of(school) == before
    assert len(school.get("Ada")) == 3


def test_images_in_an_export_open_without_siamlab(school: Gallery, tmp_path: Path) -> None:
    export_person(school, "Ada", tmp_path / "out")
    for path in (tmp_path / "out").glob("*.jpg"):
        with Image.open(io.BytesIO(path.read_bytes())) as image:
            assert image.format == "JPEG"


def test_damaged_people_are_told_of_and_the_others_listed(school: Gallery) -> None:
    filled(school)
    rows(school, "UPDATE people SET about = zeroblob(60) WHERE number = 1")
    assert "Ada" not in {one.name for one in list_people(school)}
    assert len(list_people(school)) == 7
    assert school.damaged() == ("person 1",)
    assert "person 1 cannot be read: the row was changed" in audit_gallery(school).problems

"""Images of real people lie in the vault, those of drawn ones in plain folders."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from vaults import CONSENT, TEMPLATES, contents, picture, rows

from siamlab.config import Workspace
from siamlab.errors import (
    ConsentError,
    InputError,
    MissingStepError,
    NotEnrolledError,
    StorageError,
)
from siamlab.gallery import Gallery
from siamlab.gallery.captures import (
    FolderCaptures,
    VaultCaptures,
    VaultImage,
    check_kind,
    new_captures,
    open_captures,
    require_captures,
)
from siamlab.images.decode import read_image
from siamlab.images.write import write_image


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path, "Ada")


@pytest.fixture
def captures(sealed: Gallery) -> VaultCaptures:
    return VaultCaptures(sealed, "Ada", CONSENT)


def smooth(level: int) -> np.ndarray:
    """What a JPEG keeps within a level or two."""
    return np.full((24, 20, 3), level, np.uint8)


def test_an_image_is_read_as_it_was_captured(captures: VaultCaptures) -> None:
    image = captures.add("anchor", smooth(90))
    assert isinstance(image, VaultImage)
    assert image.name.startswith("anchor_0001_")
    assert (image.suffix, image.stem + ".jpg") == (".jpg", image.name)
    assert np.abs(read_image(image).astype(int) - 90).max() <= 2
    assert read_image(image).shape == (24, 20, 3)
    assert str(image) == f"{image.name} in the gallery"
    assert image == captures.images()[0]
    assert len({image, captures.images()[0]}) == 1
    assert image != VaultImage(captures, "another.jpg")


def test_images_are_listed_by_kind_and_number(captures: VaultCaptures) -> None:
    assert captures.counts() == {"anchor": 0, "positive": 0, "probes": 0}
    for kind in ("positive", "anchor", "positive", "probes"):
        captures.add(kind, smooth(90))
    assert captures.counts() == {"anchor": 1, "positive": 2, "probes": 1}
    names = [image.name[:13] for image in captures.images()]
    assert names == ["anchor_0001_" + names[0][12], *(n for n in names[1:])]
    assert [name.split("_")[:2] for name in names] == [
        ["anchor", "0001"], ["positive", "0001"], ["positive", "0002"], ["probes", "0001"],
    ]  # fmt: skip
    assert [image.name for image in captures.images("positive")] == [
        image.name for image in captures.images()[1:3]
    ]
    assert len(captures.images("probes", "anchor")) == 2


def test_a_removed_image_is_gone_and_its_number_of_the_last_is_used_again(
    captures: VaultCaptures,
) -> None:
    one, two = (captures.add("anchor", smooth(90)) for _ in range(2))
    ((sealed_before,),) = rows(
        captures.gallery, "SELECT content FROM records WHERE name LIKE 'image/anchor_0002%'"
    )
    captures.remove([two])
    captures.remove([])
    assert captures.images() == (one,)
    assert sealed_before[:64] not in contents(captures.gallery.folder)
    with pytest.raises(StorageError, match="missing"):
        two.read_bytes()
    assert captures.add("anchor", smooth(90)).name.startswith("anchor_0002_")
    captures.remove([two])  # again: nothing happens
    assert captures.counts()["anchor"] == 2


def test_an_image_of_an_erased_person_is_one_line(captures: VaultCaptures) -> None:
    image = captures.add("anchor", smooth(90))
    captures.gallery.erase("Ada")
    with pytest.raises(NotEnrolledError, match="not in the gallery any more") as caught:
        read_image(image)
    assert "\n" not in str(caught.value)
    assert captures.images() == ()
    captures.remove([image])


def test_an_image_that_was_changed_does_not_open(captures: VaultCaptures) -> None:
    image = captures.add("anchor", smooth(90))
    other = captures.add("anchor", smooth(200))
    ((content,),) = rows(
        captures.gallery, "SELECT content FROM records WHERE name = ?", f"image/{other.name}"
    )
    sql = "UPDATE records SET content = ? WHERE name = ?"
    rows(captures.gallery, sql, content, f"image/{image.name}")
    with pytest.raises(StorageError, match="changed or damaged"):
        read_image(image)
    assert read_image(other).mean() > 190


@pytest.mark.parametrize("image", [smooth(9).astype(float), smooth(9)[..., 0], smooth(9)[:, :0]])
def test_what_is_no_image_is_refused(captures: VaultCaptures, image: np.ndarray) -> None:
    with pytest.raises(InputError):
        captures.add("anchor", image)
    assert captures.gallery.people() == ()


@pytest.mark.parametrize("kind", ["anchors", "", "../anchor"])
def test_an_unknown_kind_is_refused(
    captures: VaultCaptures, workspace: Workspace, kind: str
) -> None:
    for one in (captures, FolderCaptures(workspace, "drawn")):
        with pytest.raises(InputError, match="kind is one of"):
            one.add(kind, smooth(9))
        with pytest.raises(InputError, match="kind is one of"):
            one.images(kind)
    with pytest.raises(InputError):
        check_kind(kind)


def test_templates_and_images_of_a_person_share_a_record(captures: VaultCaptures) -> None:
    captures.add("anchor", smooth(90))
    captures.gallery.enroll("Ada", TEMPLATES, "m1")  # the consent was given with the image
    captures.add("anchor", smooth(90))
    np.testing.assert_array_equal(captures.gallery.get("Ada").templates, TEMPLATES)
    assert captures.counts()["anchor"] == 2
    assert captures.gallery.people() == ("Ada",)


def test_a_check_tells_before_the_camera_opens(sealed: Gallery) -> None:
    VaultCaptures(sealed, "Ada", CONSENT).check()
    with pytest.raises(ConsentError):
        VaultCaptures(sealed, "Ada").check()
    VaultCaptures(sealed, "Ada", CONSENT).add("anchor", smooth(90))
    VaultCaptures(sealed, "Ada").check()


def test_drawn_images_lie_in_plain_folders(workspace: Workspace) -> None:
    captures = new_captures(workspace, "drawn")
    assert isinstance(captures, FolderCaptures)
    image = captures.add("anchor", smooth(90))
    assert isinstance(image, Path)
    assert image.parent == workspace.anchor
    assert (workspace.person_dir / ".subject").read_text() == "drawn\n"
    assert open_captures(workspace).agreement == "drawn"
    assert open_captures(workspace).images() == (image,)
    captures.remove([image])
    assert captures.counts() == {"anchor": 0, "positive": 0, "probes": 0}
    assert not workspace.gallery.exists()


def test_real_images_leave_no_file(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIAMLAB_PASSPHRASE", "correct horse")
    captures = new_captures(workspace, CONSENT)
    captures.add("anchor", smooth(90))
    assert captures.agreement is None
    assert not (workspace.root / "people").exists()
    assert open_captures(workspace).counts()["anchor"] == 1
    with pytest.raises(InputError, match="holds images of 'Ada', a real person"):
        new_captures(workspace, "drawn")


def test_drawn_published_and_real_images_are_not_mixed(workspace: Workspace) -> None:
    new_captures(workspace, "drawn").add("anchor", smooth(90))
    for consent in ("public", CONSENT, None):
        with pytest.raises(InputError, match=r"holds drawn images; .* not mixed with them"):
            new_captures(workspace, consent)
    assert new_captures(workspace, "drawn").counts()["anchor"] == 1


def test_plain_images_of_an_earlier_siamlab_are_read_and_not_added_to(
    workspace: Workspace,
) -> None:
    """They have no note; whether they are a real person's, nobody knows."""
    write_image(workspace.anchor / "one.png", smooth(90))
    captures = open_captures(workspace)
    assert isinstance(captures, FolderCaptures)
    assert captures.agreement is None
    assert captures.counts()["anchor"] == 1
    for consent in ("drawn", CONSENT):
        with pytest.raises(InputError, match="holds plain images"):
            new_captures(workspace, consent)


@pytest.mark.parametrize("note", [b"", b"real\n", b"\xff", b"drawn and more"])
def test_a_note_that_says_something_else_is_no_note(workspace: Workspace, note: bytes) -> None:
    new_captures(workspace, "drawn").add("anchor", smooth(90))
    (workspace.person_dir / ".subject").write_bytes(note)
    assert open_captures(workspace).agreement is None


def test_other_files_in_the_folders_are_no_images(workspace: Workspace) -> None:
    image = new_captures(workspace, "drawn").add("anchor", smooth(90))
    for name in (".hidden.jpg", "notes.txt", "Thumbs.db"):
        (workspace.anchor / name).write_bytes(b"none")
    assert open_captures(workspace).images() == (image,)


def test_missing_images_name_the_notebook(workspace: Workspace) -> None:
    with pytest.raises(MissingStepError, match=r"no anchor images of 'Ada'\. Run notebook 02_x"):
        require_captures(workspace, "02_x", "anchor")
    new_captures(workspace, "drawn").add("anchor", smooth(90))
    assert require_captures(workspace, "02_x", "anchor").counts()["anchor"] == 1
    with pytest.raises(MissingStepError, match="no positive images"):
        require_captures(workspace, "02_x", "anchor", "positive")


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="POSIX, and no superuser")
def test_a_plain_image_that_cannot_be_removed_is_one_line(workspace: Workspace) -> None:
    captures = new_captures(workspace, "drawn")
    image = captures.add("anchor", smooth(90))
    workspace.anchor.chmod(0o500)
    with pytest.raises(StorageError, match="Cannot remove"):
        captures.remove([image])
    workspace.anchor.chmod(0o700)


def test_capturing_stops_when_the_consent_is_taken_away(captures: VaultCaptures) -> None:
    captures.add("anchor", picture())
    captures.gallery.erase("Ada")
    with pytest.raises(ConsentError):
        VaultCaptures(captures.gallery, "Ada").add("anchor", picture())

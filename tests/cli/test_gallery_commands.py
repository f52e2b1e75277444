"""``siamlab gallery``: what a school's operator types, and what it says."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from siamlab.cli import main
from siamlab.gallery import Gallery
from siamlab.gallery.captures import VaultCaptures
from siamlab.gallery.consent import give_consent
from siamlab.gallery.rights import note_model
from siamlab.gallery.sealing import Argon2

TEMPLATES = np.arange(12, dtype=np.float32).reshape(3, 4) / 7
CONSENT = give_consent("2999-12-31", by="Ada", text="I agree to a lesson.")
Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data folder, no passphrase, and a cheap one where it is needed."""
    monkeypatch.setattr("siamlab.gallery.vault.KDF", Argon2(1, 1, 8))
    monkeypatch.setattr("siamlab.gallery.passphrase._ask", lambda question: None)
    monkeypatch.setattr("siamlab.gallery.passphrase.from_keyring", lambda vault: [])
    for name in ("SIAMLAB_PASSPHRASE", "SIAMLAB_PASSPHRASE_FILE", "SIAMLAB_NEW_PASSPHRASE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SIAMLAB_DATA", str(tmp_path))
    return tmp_path


@pytest.fixture
def gallery(workspace: Path) -> Gallery:
    """Ada with an image, who agreed; Bob, who is drawn; not encrypted."""
    gallery = Gallery(workspace / "gallery")
    gallery.enroll("Ada", TEMPLATES, "m1", consent=CONSENT)
    VaultCaptures(gallery, "Ada").add("anchor", np.full((16, 16, 3), 90, np.uint8))
    gallery.enroll("Bob", TEMPLATES + 1, "m1", consent="drawn")
    return gallery


def run(capsys: Capture, *arguments: str) -> tuple[int, list[str]]:
    """The status, and the lines of either stream."""
    status = main(["gallery", *arguments])
    told = capsys.readouterr()
    return status, (told.out + told.err).splitlines()


OPEN = "This gallery is not encrypted; siamlab gallery rekey encrypts it."


def test_list(capsys: Capture, gallery: Gallery) -> None:
    assert run(capsys, "list") == (
        0,
        [
            "Ada: 3 templates, 1 images; until 2999-12-31",
            "Bob: 3 templates, 0 images; until drawn",
            OPEN,
        ],
    )


def test_list_of_nothing_makes_nothing(capsys: Capture, workspace: Path) -> None:
    assert run(capsys, "list") == (0, ["Nobody is enrolled.", OPEN])
    assert list(workspace.iterdir()) == []


def test_list_names_what_is_damaged(capsys: Capture, gallery: Gallery) -> None:
    (gallery.folder / "Zoe-c6.npz").write_bytes(b"no templates")
    status, told = run(capsys, "list")
    assert status == 0
    assert "Zoe-c6.npz cannot be read: run siamlab gallery audit" in told


def test_show(capsys: Capture, gallery: Gallery, workspace: Path) -> None:
    note_model(gallery, "Ada", workspace / "fine.keras")
    status, told = run(capsys, "show", "Ada")
    assert status == 0
    assert told[0] == "Ada (real): 3 templates, 1 images"
    assert told[1].endswith("by Ada, for face verification on this machine, until 2999-12-31")
    assert told[2:] == [
        f"to this text (SHA-256 {CONSENT.text_sha256}):",
        "I agree to a lesson.",
        f"fine-tuned: {workspace / 'fine.keras'}",
    ]
    assert run(capsys, "show", "Bob")[1] == ["Bob (drawn): 3 templates, 0 images", "consent: drawn"]


@pytest.mark.parametrize("command", [["show"], ["export"], ["erase"]])
def test_a_person_who_is_not_there_is_one_line(
    capsys: Capture, gallery: Gallery, workspace: Path, command: list[str]
) -> None:
    folder = [str(workspace / "out")] if command == ["export"] else []
    status, told = run(capsys, *command, "Zoe", *folder)
    assert (status, len(told)) == (2, 1)
    assert told[0].startswith("siamlab: ")
    assert "Zoe" in told[0]


def test_export_then_erase(capsys: Capture, gallery: Gallery, workspace: Path) -> None:
    folder = workspace / "for Ada"
    assert run(capsys, "export", "Ada", str(folder)) == (
        0,
        [f"{folder}: 1 images, 3 templates. It is not encrypted."],
    )
    assert json.loads((folder / "person.json").read_text())["about"]["name"] == "Ada"
    status, told = run(capsys, "export", "Ada", str(folder))
    assert (status, len(told)) == (2, 1)
    assert run(capsys, "erase", "Ada") == (
        0,
        ["erased Ada", f"An exported copy is in {folder}: remove it."],
    )
    assert gallery.people() == ("Bob",)


def test_purge(capsys: Capture, gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    from datetime import date

    assert run(capsys, "purge") == (0, ["erased 0 people whose consent was over"])
    old = {path: path.read_bytes() for path in gallery.folder.iterdir()}
    gallery.erase("Bob")
    for path, content in old.items():
        path.write_bytes(content)
    monkeypatch.setattr("siamlab.gallery.consent._today", lambda: date(3000, 1, 1))
    assert run(capsys, "purge") == (
        0,
        [
            "erased 1 people whose consent was over: Ada",
            "erased 1 people again who had come back with an old copy of the gallery",
        ],
    )
    assert gallery.people() == ()


def test_audit(capsys: Capture, gallery: Gallery) -> None:
    status, told = run(capsys, "audit", "--log")
    assert status == 0
    assert [line.split()[2] for line in told[:3]] == ["enrolled", "captured", "enrolled"]
    assert told[3:] == [
        "3 entries of the log and all records hold.",
        f"{OPEN} Who can write its files can also sign a log of their own.",
    ]
    (gallery.folder / "audit_head.json").unlink()
    status, told = run(capsys, "audit")
    assert (status, told[0]) == (1, "the note of the log's length is missing")


def test_rekey_needs_a_passphrase(capsys: Capture, gallery: Gallery) -> None:
    status, told = run(capsys, "rekey")
    assert (status, len(told)) == (2, 1)
    assert "SIAMLAB_NEW_PASSPHRASE" in told[0]
    assert not gallery.encrypted


def test_rekey_encrypts_with_the_passphrase_that_is_set(
    capsys: Capture, gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIAMLAB_PASSPHRASE", "correct horse")
    status, told = run(capsys, "list")  # nobody put an open gallery in place of an encrypted one?
    assert (status, len(told)) == (2, 1)
    assert "If it never was: siamlab gallery rekey" in told[0]
    status, told = run(capsys, "rekey")
    assert status == 0
    assert told == [
        "Gallery(2 people, encrypted): everything has new keys.",
        "There is no way back without the passphrase: --recovery-key would make one.",
    ]
    assert run(capsys, "list")[1][-1] == "Bob: 3 templates, 0 images; until drawn"
    monkeypatch.setenv("SIAMLAB_NEW_PASSPHRASE", "battery staple")
    assert run(capsys, "rekey")[0] == 0
    status, told = run(capsys, "list")
    assert (status, "does not open" in told[0]) == (2, True)
    monkeypatch.setenv("SIAMLAB_PASSPHRASE", "battery staple")
    assert run(capsys, "rekey", "--open") == (
        0,
        ["Gallery(2 people, not encrypted): everything has new keys."],
    )
    monkeypatch.delenv("SIAMLAB_PASSPHRASE")
    assert run(capsys, "list")[1][-1] == OPEN


def test_a_recovery_key_is_shown_once(
    capsys: Capture, gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIAMLAB_NEW_PASSPHRASE", "battery staple")
    status, told = run(capsys, "rekey", "--recovery-key")
    assert (status, told[1]) == (
        0,
        "Recovery key, shown this once; write it down and keep it elsewhere:",
    )
    monkeypatch.setenv("SIAMLAB_PASSPHRASE", told[2])
    assert run(capsys, "list")[0] == 0


@pytest.mark.parametrize("other", ["--keyring", "--recovery-key"])
def test_open_goes_alone(capsys: Capture, gallery: Gallery, other: str) -> None:
    status, told = run(capsys, "rekey", "--open", other)
    assert (status, len(told)) == (2, 1)
    assert "goes with no other option" in told[0]


def test_a_keyring_that_is_not_there_is_one_line(
    capsys: Capture, gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "keyring", None)
    status, told = run(capsys, "rekey", "--keyring")
    assert (status, len(told)) == (2, 1)
    assert "siamlab[keyring]" in told[0]
    assert not gallery.encrypted


@pytest.mark.parametrize("action", ["list", "purge", "audit", "rekey"])
def test_an_encrypted_gallery_without_a_passphrase_is_one_line(
    capsys: Capture, workspace: Path, action: str
) -> None:
    Gallery(workspace / "gallery", "correct horse").enroll("Ada", TEMPLATES, "m1", consent="drawn")
    status, told = run(capsys, action)
    assert (status, len(told)) == (2, 1)
    assert "is encrypted. Set SIAMLAB_PASSPHRASE" in told[0]


def test_a_folder_that_is_no_gallery_is_one_line(capsys: Capture, workspace: Path) -> None:
    (workspace / "gallery").mkdir()
    (workspace / "gallery" / "vault.sqlite3").write_bytes(b"no database at all, but long enough")
    for action in ("list", "purge", "audit", "rekey"):
        status, told = run(capsys, action)
        assert (status, len(told)) == (2, 1)
        assert str(workspace) in told[0]
    assert [path.name for path in (workspace / "gallery").iterdir()] == ["vault.sqlite3"]

"""A passphrase comes from the environment, a file, the keyring or the terminal."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from vaults import TEMPLATES

from siamlab.errors import InputError, MissingPackageError, PassphraseError, SiamlabError
from siamlab.gallery import Gallery, passphrase
from siamlab.gallery.passphrase import (
    check_passphrase,
    find_passphrases,
    from_keyring,
    given_passphrase,
    keep_in_keyring,
    new_passphrase,
    put_into_keyring,
)

VAULT = "0" * 32
IMPORT_KEYRING = passphrase._import_keyring  # the fixture of this folder hides it


class FakeKeyring:
    """A system's keyring; ``locked`` fails, ``forgets`` keeps nothing."""

    def __init__(self, locked: bool = False, forgets: bool = False) -> None:
        self.held: dict[tuple[str, str], str] = {}
        self.locked, self.forgets = locked, forgets
        self.errors = SimpleNamespace(KeyringError=KeyError)

    def get_password(self, service: str, name: str) -> str | None:
        if self.locked:
            raise KeyError("locked")
        return self.held.get((service, name))

    def set_password(self, service: str, name: str, value: str) -> None:
        if self.locked:
            raise KeyError("locked")
        if not self.forgets:
            self.held[service, name] = value

    def delete_password(self, service: str, name: str) -> None:
        del self.held[service, name]


@pytest.fixture
def keyring(monkeypatch: pytest.MonkeyPatch) -> FakeKeyring:
    return use_keyring(monkeypatch, FakeKeyring())


def use_keyring(monkeypatch: pytest.MonkeyPatch, fake: FakeKeyring) -> FakeKeyring:
    monkeypatch.setattr(passphrase, "_import_keyring", IMPORT_KEYRING)
    monkeypatch.setitem(sys.modules, "keyring", fake)  # type: ignore[arg-type]
    monkeypatch.setitem(sys.modules, "keyring.errors", fake.errors)  # type: ignore[arg-type]
    return fake


def test_without_any_there_is_none() -> None:
    assert given_passphrase() is None
    assert list(find_passphrases(VAULT)) == []


def test_the_environment_comes_before_the_file_and_the_keyring(
    keyring: FakeKeyring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyring.held["siamlab", VAULT] = "of the keyring"
    assert list(find_passphrases(VAULT)) == ["of the keyring"]
    (tmp_path / "pass").write_text(" of the file \r\n", encoding="utf-8")
    monkeypatch.setenv("SIAMLAB_PASSPHRASE_FILE", str(tmp_path / "pass"))
    assert list(find_passphrases(VAULT)) == [" of the file "]
    monkeypatch.setenv("SIAMLAB_PASSPHRASE", "of the environment")
    assert list(find_passphrases(VAULT)) == ["of the environment"]


def test_an_empty_passphrase_is_no_passphrase(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A script whose secret is missing must not write without encryption."""
    (tmp_path / "pass").write_text("\n")
    monkeypatch.setenv("SIAMLAB_PASSPHRASE_FILE", str(tmp_path / "pass"))
    with pytest.raises(PassphraseError, match="is empty"):
        given_passphrase()
    monkeypatch.setenv("SIAMLAB_PASSPHRASE", "")
    with pytest.raises(PassphraseError, match="empty"):
        Gallery(tmp_path / "gallery").enroll("Ada", TEMPLATES, "m1", consent="drawn")
    with pytest.raises(PassphraseError, match="at least 8"):
        Gallery(tmp_path / "gallery", "").enroll("Ada", TEMPLATES, "m1", consent="drawn")
    assert not (tmp_path / "gallery" / "vault.sqlite3").stat().st_size


@pytest.mark.parametrize("what", ["missing", "a folder", "not text"])
def test_a_passphrase_file_that_cannot_be_read_is_one_line(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "pass"
    if what == "a folder":
        path.mkdir()
    if what == "not text":
        path.write_bytes(b"\xff\xfe\xff")
    monkeypatch.setenv("SIAMLAB_PASSPHRASE_FILE", str(path))
    with pytest.raises(InputError) as caught:
        given_passphrase()
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_short_passphrase_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert check_passphrase("12345678") == "12345678"
    with pytest.raises(PassphraseError, match=r"at least 8 characters\. Received: 7"):
        check_passphrase("1234567")
    monkeypatch.setenv("SIAMLAB_PASSPHRASE", "1234567")
    with pytest.raises(PassphraseError, match="at least 8"):
        Gallery(tmp_path).enroll("Ada", TEMPLATES, "m1", consent="drawn")
    with pytest.raises(PassphraseError, match="at least 8"):
        new_passphrase()


def test_a_new_passphrase_has_a_variable_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PassphraseError, match="SIAMLAB_NEW_PASSPHRASE"):
        new_passphrase()
    monkeypatch.setenv("SIAMLAB_PASSPHRASE", "the present one")
    assert new_passphrase() == "the present one"
    monkeypatch.setenv("SIAMLAB_NEW_PASSPHRASE", "the next one")
    assert new_passphrase() == "the next one"
    monkeypatch.setenv("SIAMLAB_NEW_PASSPHRASE", "")
    with pytest.raises(PassphraseError, match="at least 8"):
        new_passphrase()


def test_the_keyring_keeps_a_random_passphrase(keyring: FakeKeyring, tmp_path: Path) -> None:
    gallery = Gallery(tmp_path)
    gallery.enroll("Ada", TEMPLATES, "m1", consent="drawn")
    with gallery.reading() as view:
        vault = view.keys.vault.hex()
    first = put_into_keyring(vault)
    gallery.vault.rekey(first)
    keep_in_keyring(vault, first)
    assert Gallery(tmp_path).people() == ("Ada",)
    assert Gallery(tmp_path).encrypted
    assert len(first) >= 43  # 32 random bytes
    # Killed before the gallery has the next one, and once more after it has:
    second = put_into_keyring(vault)
    assert Gallery(tmp_path).people() == ("Ada",)
    gallery.vault.rekey(second)
    assert Gallery(tmp_path).people() == ("Ada",)
    third = put_into_keyring(vault)
    assert Gallery(tmp_path).people() == ("Ada",)
    gallery.vault.rekey(third)
    keep_in_keyring(vault, third)
    assert from_keyring(vault) == [third]
    assert Gallery(tmp_path).people() == ("Ada",)


def test_a_passphrase_of_another_kind_takes_the_keyrings_place(keyring: FakeKeyring) -> None:
    put_into_keyring(VAULT)
    keep_in_keyring(VAULT, None)
    assert keyring.held == {}
    keep_in_keyring(VAULT, None)


def test_a_keyring_that_does_not_work_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    use_keyring(monkeypatch, FakeKeyring(locked=True))
    assert from_keyring(VAULT) == []
    with pytest.raises(PassphraseError, match="cannot be used"):
        put_into_keyring(VAULT)
    use_keyring(monkeypatch, FakeKeyring(forgets=True))
    with pytest.raises(PassphraseError, match="kept nothing"):
        put_into_keyring(VAULT)
    monkeypatch.setitem(sys.modules, "keyring", None)
    assert from_keyring(VAULT) == []
    with pytest.raises(MissingPackageError, match=r"siamlab\[keyring\]"):
        put_into_keyring(VAULT)


AT_TERMINAL = """
import sys
from siamlab.cli import main
from siamlab.gallery import vault
from siamlab.gallery.sealing import Argon2

vault.KDF = Argon2(1, 1, 8)
sys.exit(main(sys.argv[1:]))
"""


def at_terminal(folder: Path, typed: list[str], *arguments: str) -> tuple[int, str]:
    """Run a command at a terminal of its own, and type a line whenever it asks."""
    pty = pytest.importorskip("pty")
    end, other = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", AT_TERMINAL, *arguments],
        stdin=other,
        stdout=other,
        stderr=other,
        start_new_session=True,
        env={**os.environ, "SIAMLAB_DATA": str(folder)},
    )
    os.close(other)
    shown = b""
    for line in typed:
        before = shown.count(b": ")
        while shown.count(b": ") == before:
            shown += os.read(end, 1024)
        time.sleep(0.1)  # getpass switches the echo off, and throws away what was typed before
        os.write(end, line.encode())
    try:
        while part := os.read(end, 1024):
            shown += part
    except OSError:
        pass  # Linux's way to say that the other end is closed
    os.close(end)
    return process.wait(), shown.decode()


@pytest.mark.skipif(os.name == "nt", reason="a POSIX terminal")
def test_the_terminal_asks_and_shows_nothing(tmp_path: Path) -> None:
    gallery = Gallery(tmp_path / "gallery", "correct horse")
    gallery.enroll("Ada", TEMPLATES, "m1", consent="drawn")
    status, shown = at_terminal(tmp_path, ["correct horse\n"], "gallery", "list")
    assert status == 0
    assert "Ada: 3 templates" in shown
    assert "correct horse" not in shown
    status, shown = at_terminal(tmp_path, ["wrong horse\n"], "gallery", "list")
    assert status == 2
    assert "does not open" in shown
    status, shown = at_terminal(tmp_path, ["\x04"], "gallery", "list")  # the end of input
    assert status == 2
    assert "is encrypted. Set SIAMLAB_PASSPHRASE" in shown
    assert "Traceback" not in shown


@pytest.mark.skipif(os.name == "nt", reason="a POSIX terminal")
def test_a_new_passphrase_is_asked_for_twice(tmp_path: Path) -> None:
    Gallery(tmp_path / "gallery").enroll("Ada", TEMPLATES, "m1", consent="drawn")
    status, shown = at_terminal(tmp_path, ["battery one\n", "battery two\n"], "gallery", "rekey")
    assert (status, "differ; nothing was changed" in shown) == (2, True)
    assert not Gallery(tmp_path / "gallery").encrypted
    status, shown = at_terminal(tmp_path, ["battery one\n"] * 2, "gallery", "rekey")
    assert (status, "everything has new keys" in shown) == (0, True)
    assert Gallery(tmp_path / "gallery", "battery one").people() == ("Ada",)
    with pytest.raises(SiamlabError, match="is encrypted"):
        Gallery(tmp_path / "gallery").people()

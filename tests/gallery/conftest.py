"""Fixtures of the gallery's tests: cheap passphrases, and none from the environment."""

from __future__ import annotations

from pathlib import Path

import pytest
from vaults import CHEAP

from siamlab.gallery import Gallery


@pytest.fixture(autouse=True)
def cheap_passphrases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("siamlab.gallery.vault.KDF", CHEAP)
    monkeypatch.setattr("siamlab.gallery.passphrase._import_keyring", _no_keyring)
    for name in ("SIAMLAB_PASSPHRASE", "SIAMLAB_PASSPHRASE_FILE", "SIAMLAB_NEW_PASSPHRASE"):
        monkeypatch.delenv(name, raising=False)


def _no_keyring() -> None:
    from siamlab.errors import MissingPackageError

    raise MissingPackageError("no keyring in the tests, unless one brings its own")


@pytest.fixture
def gallery(tmp_path: Path) -> Gallery:
    """A gallery that is not encrypted."""
    return Gallery(tmp_path / "gallery")


@pytest.fixture
def sealed(tmp_path: Path) -> Gallery:
    """An encrypted gallery."""
    return Gallery(tmp_path / "sealed", "correct horse")

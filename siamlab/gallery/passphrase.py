"""Where the passphrase of a gallery comes from.

In this order: the environment variable ``SIAMLAB_PASSPHRASE``; the file that
``SIAMLAB_PASSPHRASE_FILE`` names; the system's keyring, if the package ``keyring`` is installed
and ``siamlab gallery rekey --keyring`` has put one there; the person at the terminal.
"""

from __future__ import annotations

import getpass
import os
import secrets
import sys
from collections.abc import Iterator
from typing import Any

from siamlab.errors import MissingPackageError, PassphraseError
from siamlab.system.files import read_text

SERVICE = "siamlab"  # under this name in the keyring
SHORTEST = 8


def find_passphrases(vault: str) -> Iterator[str]:
    """Passphrases that may open a gallery; the terminal asks when the keyring's did not.

    Args:
        vault: the gallery's id, under which a keyring keeps it.
    """
    given = given_passphrase()
    if given is not None:
        yield given
        return
    yield from from_keyring(vault)
    asked = _ask("Passphrase of the gallery: ")
    if asked is not None:
        yield asked


def given_passphrase() -> str | None:
    """The passphrase from the environment; ``None`` when it names none.

    Raises:
        PassphraseError: an empty one.
        InputError: the file cannot be read.
    """
    given = os.environ.get("SIAMLAB_PASSPHRASE")
    path = os.environ.get("SIAMLAB_PASSPHRASE_FILE")
    if given is None and path:
        given = read_text(path).rstrip("\r\n")
        if not given:
            raise PassphraseError(f"The passphrase file {path} is empty.")
    if given == "":  # a script whose secret is missing must not go on without encryption
        raise PassphraseError("SIAMLAB_PASSPHRASE is set and empty. Give a passphrase or unset it.")
    return given


def from_keyring(vault: str) -> list[str]:
    """What the system's keyring keeps for a gallery; more than one after a killed ``rekey``."""
    try:
        keyring = _import_keyring()
    except MissingPackageError:
        return []
    try:
        found = keyring.get_password(SERVICE, vault)
    except keyring.errors.KeyringError:
        return []
    return str(found).split("\n") if found else []


def put_into_keyring(vault: str) -> str:
    """Make a random passphrase, and leave it with the system's keyring beside the present one.

    When the gallery has it, :func:`keep_in_keyring` forgets the others.

    Raises:
        MissingPackageError: the package ``keyring`` is not installed.
        PassphraseError: the system has no keyring.
    """
    passphrase = secrets.token_urlsafe(32)
    _write_keyring(vault, [passphrase, *from_keyring(vault)])
    return passphrase


def keep_in_keyring(vault: str, passphrase: str | None) -> None:
    """After ``rekey``: let the keyring keep this passphrase alone, if it keeps any."""
    if from_keyring(vault):
        _write_keyring(vault, [] if passphrase is None else [passphrase])


def new_passphrase() -> str:
    """A new passphrase: from ``SIAMLAB_NEW_PASSPHRASE``, or as the present one is given.

    A terminal asks for it twice.

    Raises:
        PassphraseError: none is given, it is too short, or the two differ.
    """
    given = os.environ.get("SIAMLAB_NEW_PASSPHRASE")
    if given is None:
        given = given_passphrase()
    if given is None:
        given = _ask("New passphrase of the gallery: ")
        if given is not None and _ask("The same again: ") != given:
            raise PassphraseError("The two passphrases differ; nothing was changed.")
    if given is None:
        raise PassphraseError(
            "A new passphrase is needed: set SIAMLAB_NEW_PASSPHRASE, SIAMLAB_PASSPHRASE or "
            "SIAMLAB_PASSPHRASE_FILE, or run this at a terminal."
        )
    return check_passphrase(given)


def check_passphrase(passphrase: str) -> str:
    """The passphrase itself, if it is long enough to be one.

    Raises:
        PassphraseError: it has fewer than eight characters.
    """
    if len(passphrase) < SHORTEST:
        raise PassphraseError(
            f"A passphrase has at least {SHORTEST} characters. Received: {len(passphrase)}."
        )
    return passphrase


def _ask(question: str) -> str | None:
    """What is typed at the terminal, unseen; ``None`` without one, or at its end."""
    if sys.stdin is None or not sys.stdin.isatty():
        return None
    try:
        return getpass.getpass(question)
    except EOFError:
        return None


def _write_keyring(vault: str, passphrases: list[str]) -> None:
    keyring, wanted = _import_keyring(), "\n".join(passphrases)
    try:
        if wanted:
            keyring.set_password(SERVICE, vault, wanted)
        else:
            keyring.delete_password(SERVICE, vault)
        kept = keyring.get_password(SERVICE, vault)
    except keyring.errors.KeyringError as error:
        raise PassphraseError(
            f"This system's keyring cannot be used: {error}. Choose a passphrase instead."
        ) from None
    if (kept or "") != wanted:
        raise PassphraseError("This system's keyring kept nothing. Choose a passphrase instead.")


def _import_keyring() -> Any:
    try:
        import keyring
        import keyring.errors
    except ImportError:
        raise MissingPackageError(
            "The system's keyring needs a package that is not installed. "
            'Run: pip install "siamlab[keyring]"'
        ) from None
    return keyring

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
from typing import Any

from siamlab.errors import MissingPackageError, PassphraseError
from siamlab.system.files import read_text

SERVICE = "siamlab"  # under this name in the keyring
SHORTEST = 8


def find_passphrase(vault: str, question: str = "Passphrase of the gallery: ") -> str | None:
    """The passphrase of a gallery, asked for at the terminal if need be.

    Args:
        vault: the gallery's id, under which a keyring keeps it.
        question: what the terminal shows.

    Returns:
        ``None`` when there is none and nobody to ask.
    """
    given = given_passphrase()
    if given is None:
        given = from_keyring(vault)
    if given is None and sys.stdin is not None and sys.stdin.isatty():
        given = getpass.getpass(question)
    return given


def given_passphrase() -> str | None:
    """The passphrase from the environment; ``None`` when it names none.

    Raises:
        PassphraseError: an empty one.
        InputError: the file cannot be read.
    """
    given = os.environ.get("SIAMLAB_PASSPHRASE")
    if not given and (path := os.environ.get("SIAMLAB_PASSPHRASE_FILE")):
        given = read_text(path).rstrip("\r\n")
        if not given:
            raise PassphraseError(f"The passphrase file {path} is empty.")
    return given or None


def from_keyring(vault: str) -> str | None:
    """The passphrase that the system's keyring keeps; ``None`` without a keyring."""
    try:
        keyring = _import_keyring()
    except MissingPackageError:
        return None
    try:
        found = keyring.get_password(SERVICE, vault)
    except keyring.errors.KeyringError:
        return None
    return None if found is None else str(found)


def put_into_keyring(vault: str) -> str:
    """Make a random passphrase, and leave it with the system's keyring.

    Raises:
        MissingPackageError: the package ``keyring`` is not installed.
        PassphraseError: the system has no keyring.
    """
    keyring = _import_keyring()
    passphrase = secrets.token_urlsafe(32)
    try:
        keyring.set_password(SERVICE, vault, passphrase)
        kept = keyring.get_password(SERVICE, vault)
    except keyring.errors.KeyringError as error:
        raise PassphraseError(
            f"This system's keyring cannot be used: {error}. Choose a passphrase instead."
        ) from None
    if kept != passphrase:
        raise PassphraseError("This system's keyring kept nothing. Choose a passphrase instead.")
    return passphrase


def new_passphrase() -> str:
    """A new passphrase: from ``SIAMLAB_NEW_PASSPHRASE``, or as the present one is given.

    A terminal asks for it twice.

    Raises:
        PassphraseError: none is given, it is too short, or the two differ.
    """
    given = os.environ.get("SIAMLAB_NEW_PASSPHRASE") or given_passphrase()
    if given is None and sys.stdin is not None and sys.stdin.isatty():
        given = getpass.getpass("New passphrase of the gallery: ")
        if getpass.getpass("The same again: ") != given:
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

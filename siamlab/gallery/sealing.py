"""Authenticated encryption: what a vault does to each of its records, and the keys for it.

Everything is sealed with AES-256 in Galois/Counter Mode (NIST SP 800-38D) under a random nonce.
A record's *context* (whose it is, what it is, which version) is authenticated with it, so that a
record that was exchanged, put back or shortened does not open. Keys come from a passphrase by
Argon2id (RFC 9106), or from another key by HKDF (RFC 5869).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import unicodedata
from dataclasses import asdict, dataclass

from siamlab.errors import StorageError

KEY_BYTES, NONCE_BYTES = 32, 12
MOST_MEMORY, MOST_ITERATIONS = 2**21, 100  # KiB; a changed file must not take all memory or time


@dataclass(frozen=True)
class Argon2:
    """The cost of trying one passphrase; RFC 9106, section 4, the second recommended choice.

    Attributes:
        iterations: passes over the memory.
        lanes: parts that are worked on side by side.
        memory: in KiB.
    """

    iterations: int = 3
    lanes: int = 4
    memory: int = 64 * 1024

    def derive(self, passphrase: str, salt: bytes) -> bytes:
        """A key of 32 bytes; a passphrase is the same in every Unicode normalization.

        Raises:
            StorageError: the costs are no costs.
        """
        from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

        if not (
            0 < self.iterations <= MOST_ITERATIONS
            and 0 < self.lanes <= 64
            and 8 * self.lanes <= self.memory <= MOST_MEMORY
        ):
            raise StorageError(f"No passphrase is stored at such costs: {self.to_dict()}.")
        kdf = Argon2id(
            salt=salt,
            length=KEY_BYTES,
            iterations=self.iterations,
            lanes=self.lanes,
            memory_cost=self.memory,
        )
        normal = unicodedata.normalize("NFC", passphrase)
        return kdf.derive(normal.encode("utf-8", "surrogatepass"))

    def to_dict(self) -> dict[str, int]:
        """Plain values, for JSON."""
        return asdict(self)


def new_key() -> bytes:
    """A random key of 32 bytes."""
    return os.urandom(KEY_BYTES)


def derive_key(key: bytes, purpose: str) -> bytes:
    """A key for one purpose, from which the other key cannot be found (HKDF's expansion)."""
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

    return HKDFExpand(SHA256(), KEY_BYTES, b"siamlab " + purpose.encode()).derive(key)


def keyed_digest(key: bytes, content: bytes) -> bytes:
    """HMAC-SHA256: 32 bytes that only who has the key can make."""
    return hmac.digest(key, content, "sha256")


def seal(key: bytes, content: bytes, context: bytes) -> bytes:
    """Encrypt under a new nonce, which comes first in the result."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, content, context)


def unseal(key: bytes, sealed: bytes, context: bytes) -> bytes:
    """Decrypt what :func:`seal` gave.

    Raises:
        StorageError: it was changed, shortened, or sealed with another key or context.
    """
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], context)
    except (InvalidTag, ValueError, TypeError):
        raise StorageError(
            "A record of the gallery was changed or damaged. Put back a copy of the gallery, or "
            "erase and enroll this person again."
        ) from None


def to_words(key: bytes) -> str:
    """A key as groups of letters and digits that a person can write down, with a check at the end.

    Example:
        >>> words = to_words(bytes(32))
        >>> from_words(words.lower()) == bytes(32)
        True
    """
    content = key + hashlib.sha256(key).digest()[:3]
    letters = base64.b32encode(content).decode()
    return "-".join(letters[i : i + 7] for i in range(0, len(letters), 7))


def from_words(words: str) -> bytes | None:
    """The key that :func:`to_words` wrote; ``None`` when something was mistyped."""
    letters = "".join(character for character in words.upper() if character.isalnum())
    try:
        content = base64.b32decode(letters)
    except ValueError:
        return None
    key, check = content[:KEY_BYTES], content[KEY_BYTES:]
    good = len(key) == KEY_BYTES and hashlib.sha256(key).digest()[:3] == check
    return key if good else None

"""What is sealed opens again, and nothing else does."""

from __future__ import annotations

import hashlib
import hmac
import unicodedata

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st
from vaults import CHEAP

from siamlab.errors import StorageError
from siamlab.gallery.sealing import (
    KEY_BYTES,
    NONCE_BYTES,
    Argon2,
    derive_key,
    from_words,
    keyed_digest,
    new_key,
    seal,
    to_words,
    unseal,
)

KEY = bytes(range(32))
keys = st.binary(min_size=KEY_BYTES, max_size=KEY_BYTES)


@given(keys, st.binary(), st.binary())
def test_what_is_sealed_opens_again(key: bytes, content: bytes, context: bytes) -> None:
    sealed = seal(key, content, context)
    assert unseal(key, sealed, context) == content
    assert len(sealed) == NONCE_BYTES + len(content) + 16


@given(st.binary(max_size=40), st.data())
def test_a_changed_bit_a_shorter_text_or_another_context_do_not_open(
    content: bytes, data: st.DataObject
) -> None:
    sealed = seal(KEY, content, b"context")
    bit = data.draw(st.integers(0, 8 * len(sealed) - 1))
    changed = bytearray(sealed)
    changed[bit // 8] ^= 1 << bit % 8
    length = data.draw(st.integers(0, len(sealed) - 1))
    context = data.draw(st.binary(max_size=10).filter(lambda other: other != b"context"))
    for key, text, about in [
        (KEY, bytes(changed), b"context"),
        (KEY, sealed[:length], b"context"),
        (KEY, sealed + b"\0", b"context"),
        (KEY, sealed, context),
        (new_key(), sealed, b"context"),
    ]:
        with pytest.raises(StorageError, match="changed or damaged") as caught:
            unseal(key, text, about)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", [None, 7, 1.5, "text"])
def test_what_is_no_bytes_does_not_open(value: object) -> None:
    """A changed SQLite file holds any type in any column."""
    with pytest.raises(StorageError):
        unseal(KEY, value, b"")  # type: ignore[arg-type]


def test_no_nonce_comes_twice() -> None:
    sealed = {seal(KEY, b"the same", b"") for _ in range(2000)}
    assert len({one[:NONCE_BYTES] for one in sealed}) == 2000
    assert len({one[NONCE_BYTES:] for one in sealed}) == 2000


def test_the_format_is_aes_256_gcm_with_the_nonce_first() -> None:
    """A file must still open in years: opened here with cryptography alone."""
    sealed = seal(KEY, b"content", b"context")
    assert AESGCM(KEY).decrypt(sealed[:12], sealed[12:], b"context") == b"content"


def test_derived_keys_are_hkdf_by_hand() -> None:
    """RFC 5869, section 2.3, with one block: HMAC(key, info || 0x01)."""
    for purpose in ("wrap", "names"):
        by_hand = hmac.digest(KEY, f"siamlab {purpose}".encode() + b"\x01", "sha256")
        assert derive_key(KEY, purpose) == by_hand
    assert derive_key(KEY, "wrap") != derive_key(KEY, "names")


def test_the_keyed_digest_is_hmac_sha256() -> None:
    assert keyed_digest(KEY, b"Ada") == hmac.new(KEY, b"Ada", hashlib.sha256).digest()


def test_argon2id_is_what_another_library_computes() -> None:
    """The value is that of argon2-cffi 25.1: t=3, p=4, m=32 KiB, 32 bytes."""
    key = Argon2(3, 4, 32).derive("password", b"somesaltsomesalt")
    assert key.hex() == "f25048ec48311a804ea9edd74e08c30765aa0f8d47c2a5b5a6097243cdf2e5ce"
    assert Argon2().to_dict() == {"iterations": 3, "lanes": 4, "memory": 65536}


def test_a_passphrase_is_the_same_in_every_normalization() -> None:
    """A Mac's keyboard may give the letters and their dots apart."""
    salt = bytes(16)
    composed = CHEAP.derive(unicodedata.normalize("NFC", "Zoë Ångström"), salt)
    assert CHEAP.derive(unicodedata.normalize("NFD", "Zoë Ångström"), salt) == composed
    assert CHEAP.derive("Zoe Angstrom", salt) != composed


@pytest.mark.parametrize("costs", [(0, 1, 8), (1, 0, 8), (1, 1, 2**40), (10**9, 1, 8), (1, 4, 8)])
def test_costs_of_a_changed_file_do_not_take_all_memory(costs: tuple[int, int, int]) -> None:
    with pytest.raises(StorageError):
        Argon2(*costs).derive("passphrase", bytes(16))


@settings(max_examples=40)
@given(keys, st.integers(0, 10_000))
def test_a_recovery_key_is_read_as_it_was_written(key: bytes, seed: int) -> None:
    words = to_words(key)
    assert from_words(words) == key
    assert from_words(words.lower().replace("-", " ")) == key
    place = seed % len(words)
    if words[place] != "-":
        other = "A" if words[place] != "A" else "B"
        assert from_words(words[:place] + other + words[place + 1 :]) is None


@pytest.mark.parametrize("words", ["", "a passphrase", "AAAA-AAAA", "0189", "ä" * 56])
def test_what_is_no_recovery_key_is_none(words: str) -> None:
    assert from_words(words) is None

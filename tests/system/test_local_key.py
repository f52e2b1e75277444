"""A workspace's own key: made once, private, and what its marks prove."""

from __future__ import annotations

import hashlib
import hmac
from concurrent.futures import ThreadPoolExecutor

import pytest
from fakes import unprivileged
from hypothesis import given
from hypothesis import strategies as st

from siamlab.errors import StorageError
from siamlab.system.local_key import check, find_local_key, key_name, local_key, mark

KEYS = st.binary(min_size=32, max_size=32)


def test_a_key_is_made_once_and_for_its_user_alone(tmp_path):
    root = tmp_path / "new" / "work"
    assert find_local_key(root) is None
    key = local_key(root)
    assert len(key) == 32 and local_key(root) == find_local_key(root) == key
    assert [path.name for path in root.iterdir()] == ["local.key"]
    assert (root / "local.key").stat().st_mode & 0o777 == 0o600
    assert local_key(tmp_path / "other") != key


def test_many_at_once_agree_on_one_key(tmp_path):
    for number in range(20):
        with ThreadPoolExecutor(8) as pool:
            keys = set(pool.map(local_key, [tmp_path / str(number)] * 8))
        assert len(keys) == 1 and len(list((tmp_path / str(number)).iterdir())) == 1


def test_damage_and_closed_folders_are_one_line(tmp_path):
    (tmp_path / "local.key").write_bytes(b"short")
    for ask in (local_key, find_local_key):
        with pytest.raises(StorageError, match=r"5 bytes instead of 32\. Delete it"):
            ask(tmp_path)
    (tmp_path / "file").touch()
    assert find_local_key(tmp_path / "file") is None
    with pytest.raises(StorageError, match="Cannot write"):
        local_key(tmp_path / "file")
    local_key(tmp_path / "work")
    (tmp_path / "work").chmod(0)
    with unprivileged(), pytest.raises(StorageError):
        local_key(tmp_path / "work")
    (tmp_path / "work").chmod(0o700)


def test_a_mark_is_hmac_sha256():
    """RFC 4231, test case 2."""
    expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert mark(b"what do ya want for nothing?", b"Jefe") == expected
    assert mark(b"x", b"k" * 32) == hmac.digest(b"k" * 32, b"x", hashlib.sha256).hex()


@given(content=st.binary(max_size=200), other=st.binary(max_size=200), key=KEYS, key2=KEYS)
def test_a_mark_is_of_one_content_under_one_key(content, other, key, key2):
    found = mark(content, key)
    assert check(content, found, key) and not check(content, found[:-1], key)
    assert check(other, found, key) == (other == content)
    assert check(content, found, key2) == (key2 == key)
    assert (key_name(key) == key_name(key2)) == (key == key2)

"""A key of this workspace alone, and the marks that it makes.

A digest shows that a file is whole, not who made it: whoever changes the file writes the digest
anew. A mark needs the key, so only this workspace makes it, and only this workspace can ask whether
it belongs to a name. Input: a workspace's folder; bytes. Output: a key of 32 bytes; marks in
hexadecimal digits (HMAC-SHA256, RFC 2104).
"""

from __future__ import annotations

import hashlib
import hmac
import os
import uuid
from contextlib import suppress
from pathlib import Path

from siamlab.errors import StorageError
from siamlab.system.files import storage_errors

NAME, LENGTH = "local.key", 32


def local_key(root: Path) -> bytes:
    """The key of a workspace; it is made when there is none, readable by its user alone.

    Args:
        root: the workspace's folder.

    Raises:
        StorageError: it cannot be read or written, or is damaged.

    Example:
        >>> from pathlib import Path
        >>> from siamlab.system.local_key import check, local_key, mark
        >>> key = local_key(Path("work"))
        >>> check(b"a file", mark(b"a file", key), key), check(b"a changed file", "00", key)
        (True, False)
    """
    found = find_local_key(root)
    if found is not None:
        return found
    path = root / NAME
    with storage_errors(path):
        root.mkdir(parents=True, exist_ok=True)
        part = root / f".{uuid.uuid4().hex[:8]}-{NAME}"
        try:
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as new:
                new.write(os.urandom(LENGTH))
                new.flush()
                os.fsync(new.fileno())
            with suppress(FileExistsError):  # another process was faster: its key is the key
                os.link(part, path)
        finally:
            part.unlink(missing_ok=True)
    return local_key(root)


def find_local_key(root: Path) -> bytes | None:
    """The key of a workspace, or ``None`` where there is none yet.

    Raises:
        StorageError: it cannot be read, or is damaged.
    """
    path = root / NAME
    try:
        key = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror}.") from None
    if len(key) != LENGTH:
        raise StorageError(
            f"{path} is damaged: {len(key)} bytes instead of {LENGTH}. Delete it: a new one is "
            "made, and what the former one marked is made again or cannot be asked any more."
        )
    return key


def mark(content: bytes, key: bytes) -> str:
    """The mark of some content: 64 hexadecimal digits."""
    return hmac.new(key, content, hashlib.sha256).hexdigest()


def check(content: bytes, found: str, key: bytes) -> bool:
    """Whether a mark is this content's under this key."""
    return hmac.compare_digest(mark(content, key).encode(), found.encode())


def key_name(key: bytes) -> str:
    """Eight digits that tell keys apart and tell nothing about them."""
    return mark(b"name of the key", key)[:8]

"""What the gallery's tests share: templates, whole folders as bytes, and SQL on a vault's file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from siamlab.gallery import Gallery
from siamlab.gallery.consent import give_consent
from siamlab.gallery.sealing import Argon2

CHEAP = Argon2(1, 1, 8)
TEMPLATES = np.arange(12, dtype=np.float32).reshape(3, 4) / 7
CONSENT = give_consent("2999-12-31", by="Ada")


def filled(gallery: Gallery, people: int = 6) -> dict[str, np.ndarray]:
    """Enroll people with one to three templates; no number occurs twice."""
    rng = np.random.default_rng(people)
    truth = {
        f"person {i}": rng.random((1 + i % 3, 4), dtype=np.float32) + np.float32(i)
        for i in range(people)
    }
    gallery.enroll_many(truth.items(), "m1", consent="drawn")
    return truth


def held(gallery: Gallery, model_id: str = "m1") -> dict[str, np.ndarray]:
    """Each person's templates in the matrix."""
    templates = gallery.templates(model_id)
    ends = [*templates.starts[1:], len(templates)]
    return {
        person: np.array(templates.matrix[start:end])
        for person, start, end in zip(templates.people, templates.starts, ends, strict=True)
    }


def assert_holds(gallery: Gallery, truth: dict[str, np.ndarray]) -> None:
    got = held(gallery)
    assert set(got) == set(truth)
    for person, templates in truth.items():
        np.testing.assert_array_equal(got[person], templates)


def picture(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (40, 30, 3), np.uint8)


def contents(folder: Path) -> bytes:
    """Everything that lies in a folder."""
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def readable(secrets: Iterable[bytes], content: bytes) -> list[bytes]:
    """The secrets that stand in a file as they are.

    A short one stands in ciphertext by chance: three given bytes in 1 of 170 files of 100 kB.
    """
    secrets = list(secrets)
    assert min(map(len, secrets)) >= 5, "too short to be sought"
    return [secret for secret in secrets if secret in content]


def copy_of(gallery: Gallery) -> dict[str, bytes]:
    """The gallery's files as they are."""
    return {path.name: path.read_bytes() for path in gallery.folder.iterdir()}


def put_back(gallery: Gallery, files: dict[str, bytes], *names: str) -> None:
    for name in names or files:
        (gallery.folder / name).write_bytes(files[name])


@contextmanager
def raw(gallery: Gallery | Path) -> Iterator[sqlite3.Connection]:
    """The vault's file, as somebody who can write it opens it."""
    path = gallery if isinstance(gallery, Path) else gallery.vault.path
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        yield database


def rows(gallery: Gallery, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    with raw(gallery) as database:
        return database.execute(sql, values).fetchall()

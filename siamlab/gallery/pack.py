"""A cache of everyone's templates in one matrix, so that a large gallery opens at once.

A pack lies in the hidden folder ``.pack``: ``index.npz`` tells which rows belong to whom, and
there is one ``.npy`` matrix for each model, mapped into memory. A pack is compared with people's
files (name, size, time, inode) whenever it is opened, and files that differ are read again; a
missing or damaged pack is made again. Losing it costs time, never templates.
"""

from __future__ import annotations

import json
import os
import secrets
import time
import zlib
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO

import numpy as np

from siamlab.errors import StorageError
from siamlab.gallery.enrollment import json_bytes, read_enrollment

PACK_FOLDER = ".pack"
# Two changes within one tick of the file system's clock have the same time; 20 ms are two ticks of
# the coarsest usual one. A file that changed less than this before a check is checked again.
CLOCK_TICK_NS = 20_000_000
_INT64 = 2**63 - 1
Group = tuple[str, int]  # a model_id and its number of dimensions


@dataclass(frozen=True, eq=False)
class Pack:
    """The templates of a whole gallery.

    Attributes:
        stems: F names of people's files without suffix, sorted.
        people: the person in each file; empty where it cannot be read.
        stamps: int64 ``(F, 3)``, size, time of change in ns and inode of each file.
        owners: int32 ``(F,)``, index into ``groups`` for each file; -1 where it cannot be read.
        counts: int64 ``(F,)``, number of templates in each file.
        groups: model and number of dimensions of each matrix.
        matrices: float32 ``(rows, dimensions)`` for each group, in the order of the files.
        scanned: when the files were checked, in ns.
    """

    stems: list[str]
    people: list[str]
    stamps: np.ndarray
    owners: np.ndarray
    counts: np.ndarray
    groups: list[Group]
    matrices: list[np.ndarray]
    scanned: int

    @cached_property
    def starts(self) -> np.ndarray:
        """int64 ``(F,)``, the first row of each file in the matrix of its group."""
        starts = np.zeros(len(self.counts), np.int64)
        for group in range(len(self.groups)):
            mine = self.owners == group
            counts = self.counts[mine]
            starts[mine] = np.cumsum(counts) - counts
        return starts

    def rows(self, file: int) -> np.ndarray:
        """The templates of one file."""
        start = self.starts[file]
        return self.matrices[self.owners[file]][start : start + self.counts[file]]


@dataclass(frozen=True)
class _Entry:
    person: str
    group: Group
    rows: np.ndarray


def refresh(folder: Path, known: Pack | None) -> Pack:
    """Update a pack from people's files.

    Args:
        folder: the gallery's.
        known: an earlier pack; ``None`` reads every file.

    Returns:
        ``known`` itself where nothing changed, else a new pack.
    """
    scanned = time.time_ns()
    stems, stamps = _scan(folder)
    same = _unchanged(stems, stamps, known)
    if known is not None and len(stems) == len(known.stems) and (same >= 0).all():
        return known
    order = sorted(range(len(stems)), key=stems.__getitem__)
    stems = [stems[file] for file in order]
    entries = [
        _read(folder / f"{stem}.npz") if known is None or file < 0 else _kept(known, file)
        for stem, file in zip(stems, same[order].tolist(), strict=True)
    ]
    return _assemble(stems, stamps[order], entries, scanned)


def _scan(folder: Path) -> tuple[list[str], np.ndarray]:
    """Stems and stamps of people's files, in the folder's order."""
    stems: list[str] = []
    stamps: list[int] = []
    with suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder) as listing:
        for entry in listing:
            name = entry.name
            if name.endswith(".npz") and name[0] != ".":
                try:
                    stat = entry.stat()
                except FileNotFoundError:  # erased meanwhile
                    continue
                stems.append(name[: -len(".npz")])
                stamps += (stat.st_size, stat.st_mtime_ns, stat.st_ino & _INT64)
    return stems, np.array(stamps, np.int64).reshape(-1, 3)


def _unchanged(stems: list[str], stamps: np.ndarray, known: Pack | None) -> np.ndarray:
    """int64 ``(F,)``: the index of each file in the known pack; -1 when it must be read."""
    if known is None or not known.stems or not stems:
        return np.full(len(stems), -1)
    known_index = dict(zip(known.stems, range(len(known.stems)), strict=True))
    index = np.array([known_index.get(stem, -1) for stem in stems], np.int64)
    same = (index >= 0) & (known.stamps[index] == stamps).all(axis=1)
    same &= stamps[:, 1] < known.scanned - CLOCK_TICK_NS
    return np.where(same, index, -1)


def _kept(known: Pack, file: int) -> _Entry | None:
    if known.owners[file] < 0:
        return None
    return _Entry(known.people[file], known.groups[known.owners[file]], known.rows(file))


def _read(path: Path) -> _Entry | None:
    try:
        enrollment = read_enrollment(path)
    except StorageError:
        return None
    group = (enrollment.model_id, enrollment.templates.shape[1])
    return _Entry(enrollment.person, group, enrollment.templates)


def _assemble(
    stems: list[str], stamps: np.ndarray, entries: list[_Entry | None], scanned: int
) -> Pack:
    """A pack of people's files; an entry is ``None`` where the file cannot be read."""
    parts: dict[Group, list[np.ndarray]] = {}
    for entry in filter(None, entries):
        parts.setdefault(entry.group, []).append(entry.rows)
    groups = sorted(parts)
    number = {group: i for i, group in enumerate(groups)}
    matrices = [np.concatenate(parts[group]) for group in groups]
    for matrix in matrices:
        matrix.flags.writeable = False
    return Pack(
        stems,
        [entry.person if entry else "" for entry in entries],
        stamps,
        np.array([number[entry.group] if entry else -1 for entry in entries], np.int32),
        np.array([len(entry.rows) if entry else 0 for entry in entries], np.int64),
        groups,
        matrices,
        scanned,
    )


def has_pack(folder: Path) -> bool:
    """Whether there is a pack on disk, whole or not."""
    return (folder / PACK_FOLDER).is_dir()


def read_pack(folder: Path) -> Pack | None:
    """Read the pack on disk, its matrices mapped and checked; ``None`` if missing or damaged."""
    for _ in range(2):  # another process may replace it between the index and a matrix
        with suppress(Exception):  # zipfile, numpy and json raise many kinds
            return _read_pack(folder / PACK_FOLDER)
    return None


def _read_pack(packed: Path) -> Pack:
    with (packed / "index.npz").open("rb") as file, np.load(file, allow_pickle=False) as archive:
        about = json.loads(archive["about"].tobytes())
        stamps, owners, counts = archive["stamps"], archive["owners"], archive["counts"]
    groups = [(str(model), int(dimensions)) for model, dimensions in about["groups"]]
    matrices = [
        _read_matrix(packed / name, crc)
        for name, crc in zip(about["files"], about["crcs"], strict=True)
    ]
    pack = Pack(
        about["stems"], about["people"], stamps, owners, counts, groups, matrices, about["scanned"]
    )
    _check(pack)
    return pack


def _read_matrix(path: Path, crc: int) -> np.ndarray:
    matrix = np.load(path, mmap_mode="r", allow_pickle=False)
    if _crc(matrix) != crc:
        raise ValueError(f"{path} is damaged")
    return matrix


def _crc(matrix: np.ndarray) -> int:
    return zlib.crc32(matrix.data.cast("B"))


def _check(pack: Pack) -> None:
    lengths = {len(pack.stems), len(pack.people), len(pack.stamps), len(pack.owners)}
    rows = [int(pack.counts[pack.owners == i].sum()) for i in range(len(pack.groups))]
    shapes = [matrix.shape for matrix in pack.matrices]
    expected = [
        (count, dimensions) for count, (_, dimensions) in zip(rows, pack.groups, strict=True)
    ]
    if lengths != {len(pack.counts)} or shapes != expected:
        raise ValueError("the parts of the pack do not match")


def write_pack(folder: Path, pack: Pack) -> None:
    """Replace any pack on disk, and remove all other files of its folder.

    The index is moved into place last: until then the old pack is valid. An empty pack removes
    the folder.

    Raises:
        OSError: it cannot be written; the old pack is still there.
    """
    if not pack.matrices:
        delete_pack(folder)
        return
    packed = folder / PACK_FOLDER
    packed.mkdir(mode=0o700, exist_ok=True)
    files = [f"{secrets.token_hex(8)}.npy" for _ in pack.matrices]
    about = {name: getattr(pack, name) for name in ("stems", "people", "groups", "scanned")}
    about |= {"files": files, "crcs": [_crc(matrix) for matrix in pack.matrices]}
    part = packed / f"{secrets.token_hex(8)}.tmp"
    try:
        for name, matrix in zip(files, pack.matrices, strict=True):
            with _open_private(packed / name) as file:
                np.save(file, matrix, allow_pickle=False)
        with _open_private(part) as file:
            arrays = {name: getattr(pack, name) for name in ("stamps", "owners", "counts")}
            np.savez(file, about=json_bytes(about), **arrays)
        part.replace(packed / "index.npz")
    except BaseException:
        for name in (*files, part.name):
            (packed / name).unlink(missing_ok=True)
        raise
    _clear(packed, {*files, "index.npz"})


def delete_pack(folder: Path) -> None:
    """Remove the pack and what killed processes left of others, if there is any.

    Raises:
        OSError: a file cannot be removed.
    """
    if has_pack(folder):
        _clear(folder / PACK_FOLDER, set())
        with suppress(OSError):  # another process has started a new one
            (folder / PACK_FOLDER).rmdir()


def _clear(folder: Path, kept: set[str]) -> None:
    for path in list(folder.iterdir()):
        if path.name not in kept:
            path.unlink(missing_ok=True)


def _open_private(path: Path) -> IO[bytes]:
    handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0), 0o600)
    return os.fdopen(handle, "wb")

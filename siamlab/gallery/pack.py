"""Everyone's templates in one matrix, so that a large gallery opens at once.

Input: the folder of persons' files. Output: :class:`Pack`, kept in the hidden folder
``.pack`` as numpy files: ``index.npz`` says whose rows are whose, one ``.npy`` matrix for each
model is mapped into memory. The persons' files stay the truth. A pack is compared with them
(name, size, time, inode) whenever it is opened, and what differs is read again; a missing or
damaged one is made anew. Losing it loses time, never templates.
"""

from __future__ import annotations

import json
import os
import secrets
import time
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any

import numpy as np

from siamlab.errors import StorageError
from siamlab.gallery.enrollment import read_enrollment

PLACE = ".pack"
# Two changes within one tick of the file system's clock look like one; 20 ms are two ticks of
# the coarsest usual one. What changed that shortly before a look is looked at again.
TICK_NS = 20_000_000
_INT64 = 2**63 - 1
Group = tuple[str, int]  # a model and its number of dimensions


@dataclass(frozen=True, eq=False)
class Pack:
    """Templates of a whole gallery.

    Attributes:
        stems: names of the persons' files without suffix, sorted, F of them.
        people: the person in each file; empty where it cannot be read.
        stamps: int64 ``(F, 3)``, each file's size, time of change in ns and inode.
        owners: int32 ``(F,)``, which of ``groups`` made the file's templates; -1 where it cannot
            be read.
        counts: int64 ``(F,)``, templates in each file.
        groups: model and number of dimensions of each matrix.
        matrices: float32 ``(rows, dimensions)``, the templates of a group in the files' order.
        scanned: when the files were looked at, ns.
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
        """int64 ``(F,)``, the first row of each file in its group's matrix."""
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
    group: Group | None
    rows: np.ndarray | None


def refresh(folder: Path, known: Pack | None) -> Pack:
    """Bring a pack in line with the persons' files.

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
    """Stems and stamps of the persons' files, in the folder's own order."""
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
    """int64 ``(F,)``: where each file stands in the known pack; -1 when it must be read."""
    if known is None or not known.stems or not stems:
        return np.full(len(stems), -1)
    places = dict(zip(known.stems, range(len(known.stems)), strict=True))
    place = np.array([places.get(stem, -1) for stem in stems], np.int64)
    same = (place >= 0) & (known.stamps[place] == stamps).all(axis=1)
    same &= stamps[:, 1] < known.scanned - TICK_NS
    return np.where(same, place, -1)


def _kept(known: Pack, file: int) -> _Entry:
    if known.owners[file] < 0:
        return _Entry("", None, None)
    return _Entry(known.people[file], known.groups[known.owners[file]], known.rows(file))


def _read(path: Path) -> _Entry:
    try:
        enrollment = read_enrollment(path)
    except StorageError:
        return _Entry("", None, None)
    group = (enrollment.model_id, enrollment.templates.shape[1])
    return _Entry(enrollment.person, group, enrollment.templates)


def _assemble(stems: list[str], stamps: np.ndarray, entries: list[_Entry], scanned: int) -> Pack:
    groups = sorted({entry.group for entry in entries if entry.group is not None})
    number = {group: i for i, group in enumerate(groups)}
    parts: list[list[np.ndarray]] = [[] for _ in groups]
    for entry in entries:
        if entry.group is not None and entry.rows is not None:
            parts[number[entry.group]].append(entry.rows)
    matrices = [np.concatenate(part) for part in parts]
    for matrix in matrices:
        matrix.flags.writeable = False
    return Pack(
        stems,
        [entry.person for entry in entries],
        stamps,
        np.array([-1 if e.group is None else number[e.group] for e in entries], np.int32),
        np.array([0 if e.rows is None else len(e.rows) for e in entries], np.int64),
        groups,
        matrices,
        scanned,
    )


def has_pack(folder: Path) -> bool:
    """Whether there is anything of a pack on disk, whole or not."""
    return (folder / PLACE).is_dir()


def read_pack(folder: Path) -> Pack | None:
    """The pack on disk, its matrices mapped and checked; ``None`` when missing or damaged."""
    for _ in range(2):  # another process may replace it between the index and a matrix
        with suppress(Exception):  # zipfile, numpy and json raise a dozen kinds
            return _read_pack(folder / PLACE)
    return None


def _read_pack(place: Path) -> Pack:
    with (place / "index.npz").open("rb") as file, np.load(file, allow_pickle=False) as archive:
        about = json.loads(archive["about"].tobytes())
        stamps, owners, counts = archive["stamps"], archive["owners"], archive["counts"]
    groups = [(str(model), int(dimensions)) for model, dimensions in about["groups"]]
    matrices = [
        _read_matrix(place / name, crc)
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
    wanted = [(count, dimensions) for count, (_, dimensions) in zip(rows, pack.groups, strict=True)]
    if lengths != {len(pack.counts)} or shapes != wanted:
        raise ValueError("the pack's parts do not fit together")


def write_pack(folder: Path, pack: Pack) -> None:
    """Put a pack in the place of any former one, and remove everything else from that place.

    The index is moved into place last: until then the former pack is valid. A pack of nothing
    removes the place itself.

    Raises:
        OSError: as it comes; the former pack is still there.
    """
    if not pack.matrices:
        drop_pack(folder)
        return
    place = folder / PLACE
    place.mkdir(mode=0o700, exist_ok=True)
    files = [f"{secrets.token_hex(8)}.npy" for _ in pack.matrices]
    part = place / f"{secrets.token_hex(8)}.tmp"
    try:
        for name, matrix in zip(files, pack.matrices, strict=True):
            with _private(place / name) as file:
                np.save(file, matrix, allow_pickle=False)
        with _private(part) as file:
            np.savez(
                file,
                about=_about(pack, files),
                stamps=pack.stamps,
                owners=pack.owners,
                counts=pack.counts,
            )
        part.replace(place / "index.npz")
    except BaseException:
        for name in (*files, part.name):
            (place / name).unlink(missing_ok=True)
        raise
    for path in _others(place, {*files, "index.npz"}):
        path.unlink(missing_ok=True)


def drop_pack(folder: Path) -> None:
    """Remove the pack and what killed processes left of others; no pack is no error.

    Raises:
        OSError: something cannot be removed.
    """
    place = folder / PLACE
    if place.is_dir():
        for path in _others(place, set()):
            path.unlink(missing_ok=True)
        with suppress(OSError):  # another process has begun a new one
            place.rmdir()


def _others(place: Path, kept: set[str]) -> Iterator[Path]:
    return (path for path in list(place.iterdir()) if path.name not in kept)


def _private(path: Path) -> IO[bytes]:
    handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0), 0o600)
    return os.fdopen(handle, "wb")


def _about(pack: Pack, files: list[str]) -> np.ndarray:
    fields: dict[str, Any] = {
        "stems": pack.stems,
        "people": pack.people,
        "groups": pack.groups,
        "files": files,
        "crcs": [_crc(matrix) for matrix in pack.matrices],
        "scanned": pack.scanned,
    }
    return np.frombuffer(json.dumps(fields).encode("ascii"), np.uint8)

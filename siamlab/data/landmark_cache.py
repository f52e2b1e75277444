"""Where the faces of public images are, remembered by the images' content.

Numbers only: the box and five points of each face, under the SHA-256 of the file. No pixels, and
nothing of the user's own people, whose images lie elsewhere.
"""

from __future__ import annotations

import os
import threading
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np

from siamlab.config import default_cache, open_workspace, user_path
from siamlab.errors import StorageError
from siamlab.faces.detectors import FaceBox, Landmarks
from siamlab.system.dlib_files import FIVE_POINTS, find_dlib_file
from siamlab.system.files import whole_file

KINDS = ("yunet", "dlib")  # of landmarks; their number is stored
VERSION = 3  # of the detectors and landmarks; another one finds other faces
DIGEST, NUMBERS = 32, 16  # bytes of a key; box, score, kind, several, points
Found = tuple[FaceBox | None, bool]  # the face that counts, and whether there are others


def is_public(path: Path) -> bool:
    """Whether an image is of a downloaded, unpacked or drawn collection, not of the user's own.

    Those lie in the cache, in the workspace's ``lfw``, ``utkface`` and ``negative``, and in
    ``SIAMLAB_LFW``.
    """
    workspace = open_workspace()
    fetched = [workspace.root / name for name in ("lfw", "utkface")]
    roots = [default_cache().resolve(), *fetched, workspace.negative]
    if given := os.environ.get("SIAMLAB_LFW"):
        roots.append(user_path(given).resolve())
    parents = set(path.resolve().parents)
    return any(root in parents for root in roots)


class LandmarkCache:
    """Faces by the digest of their image, in one file for each detector.

    Args:
        detector: the name of the detector; others find other boxes.
    """

    def __init__(self, detector: str) -> None:
        kind = detector
        if detector != "yunet" and find_dlib_file(FIVE_POINTS) is None:
            kind = f"{detector}-average"  # no landmarks are looked for: see find_landmarks
        self.path = default_cache() / f"landmarks-{kind}-{VERSION}.npz"
        self._lock = threading.Lock()
        self._rows: dict[bytes, np.ndarray] = _read(self.path)
        self._new = False

    def get(self, digest: bytes) -> Found | None:
        """The face of the image with this SHA-256; ``None`` if it was never looked for."""
        row = self._rows.get(digest)
        return None if row is None else _to_found(row)

    def put(self, digest: bytes, box: FaceBox | None, several: bool) -> None:
        """Remember a face, or that there is none."""
        with self._lock:
            self._rows[digest] = _to_row(box, several)
            self._new = True

    def save(self) -> None:
        """Write what is new; on a full or read-only disk the next reading takes longer again."""
        if not self._new:
            return
        with self._lock, suppress(StorageError):
            rows = {**_read(self.path), **self._rows}  # another process may have written
            with whole_file(self.path) as part:
                np.savez(
                    part,
                    digests=np.frombuffer(b"".join(rows), np.uint8).reshape(-1, DIGEST),
                    rows=np.stack(list(rows.values())),
                )
            self._new = False


def _read(path: Path) -> dict[bytes, np.ndarray]:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            digests, rows = arrays["digests"], arrays["rows"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return {}  # none yet, or damaged: it is made again
    if digests.shape != (len(rows), DIGEST) or rows.shape != (len(rows), NUMBERS):
        return {}
    return {digest.tobytes(): row for digest, row in zip(digests, rows, strict=True)}


def _to_row(box: FaceBox | None, several: bool) -> np.ndarray:
    if box is None or box.landmarks is None:
        return np.full(NUMBERS, np.nan)
    marks = box.landmarks
    head = [box.x, box.y, box.size, box.score, KINDS.index(marks.kind), several]
    return np.array([*head, *np.ravel(marks.points)])


def _to_found(row: np.ndarray) -> Found:
    if np.isnan(row[0]):
        return None, False
    x, y, size, score, kind, several, *points = row.tolist()
    pairs = tuple(zip(points[::2], points[1::2], strict=True))
    return FaceBox(x, y, size, score, Landmarks(pairs, KINDS[int(kind)])), bool(several)

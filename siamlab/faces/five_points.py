"""Five landmarks in a face's box: the corners of both eyes and the base of the nose.

Kazemi and Sullivan 2014, "One Millisecond Face Alignment with an Ensemble of Regression Trees":
15 times 500 small trees compare pixels and move the points a little. The trees are dlib's, from
its public-domain file; the box must be of the kind that dlib's own detector gives.
"""

from __future__ import annotations

import threading
import zipfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from siamlab.config import default_cache
from siamlab.errors import StorageError
from siamlab.system.dlib_files import FIVE_POINTS, DlibReader, read_dlib_file
from siamlab.system.files import whole_file

_LEVELS = 4  # of a tree: 15 comparisons, 16 leaves
_OPENING = threading.Lock()  # threads that need the trees wait for the first to read them


@dataclass(frozen=True, eq=False)
class FivePoints:
    """The trees; S stages of T trees, of N comparisons each, P points.

    Attributes:
        mean: float32 ``(P, 2)``, where faces have the points: 0 to 1 from edge to edge of the box.
        anchors: int64 ``(S, M)``, the point that each of a stage's pixels is near.
        offsets: float32 ``(S, M, 2)``, and where it is from there.
        pixels: int64 ``(S, T, N, 2)``, which two pixels a tree compares.
        limits: float32 ``(S, T, N)``, a tree goes left where the first is brighter by more.
        leaves: float32 ``(S, T, N + 1, 2 P)``, how far the points move then.
    """

    mean: np.ndarray
    anchors: np.ndarray
    offsets: np.ndarray
    pixels: np.ndarray
    limits: np.ndarray
    leaves: np.ndarray

    def predict(self, image: np.ndarray, box: tuple[float, float, float]) -> np.ndarray:
        """Find the points.

        Args:
            image: uint8 RGB ``(H, W, 3)``.
            box: left and upper edge and side in pixels, as dlib's detector draws it.

        Returns:
            float64 ``(P, 2)``, x and y in pixels.
        """
        height, width = image.shape[:2]
        # Places are of double precision, as dlib's: a pixel beside may send a tree another way.
        corner, side = np.array(box[:2], np.float64), box[2] - 1.0
        mean, offsets = self.mean.astype(np.float64), self.offsets.astype(np.float64)
        points = self.mean
        every = np.arange(self.pixels.shape[1])
        for stage in range(len(self.anchors)):
            turn = _turn(mean, points.astype(np.float64))
            places = points[self.anchors[stage]] + offsets[stage] @ turn.T
            x, y = np.floor(corner + side * places + 0.5).astype(np.int64).T
            inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
            colors = image[np.where(inside, y, 0), np.where(inside, x, 0)]
            seen = np.where(inside, colors.sum(axis=1, dtype=np.int32) // 3, 0)
            first, second = np.moveaxis(seen[self.pixels[stage]], -1, 0)
            right = first - second <= self.limits[stage]
            node = np.zeros(len(every), np.int64)
            for _ in range(_LEVELS):
                node = 2 * node + 1 + right[every, node]
            moves = self.leaves[stage, every, node - right.shape[1]]
            # One after the other, as dlib adds them.
            points = np.vstack([points.reshape(1, -1), moves]).sum(axis=0).reshape(points.shape)
        return corner + side * points


def _turn(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Rotation and scale ``(2, 2)`` that bring one set of points nearest to another."""
    a, b = source - source.mean(axis=0), target - target.mean(axis=0)
    cosine = (a * b).sum()
    sine = (a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum()
    return np.array([[cosine, -sine], [sine, cosine]]) / (a * a).sum()


def open_five_points() -> FivePoints:
    """Read dlib's trees; the first time ever in seconds, later from a copy in the cache.

    Raises:
        ModelError: dlib's file is not here, or is not the expected one.
    """
    with _OPENING:
        return _read_trees()


@lru_cache(maxsize=1)
def _read_trees() -> FivePoints:
    copy = default_cache() / f"five-points-{FIVE_POINTS.sha256[:12]}.npz"
    if copy.is_file():
        try:
            with copy.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                return FivePoints(**{name: arrays[name] for name in arrays.files})
        except (OSError, ValueError, TypeError, EOFError, zipfile.BadZipFile):
            pass  # damaged: read dlib's file again
    trees = _parse(read_dlib_file(FIVE_POINTS))
    _keep(trees, copy)
    return trees


def _keep(trees: FivePoints, copy: Path) -> None:
    try:
        with whole_file(copy) as part:
            np.savez(part, **vars(trees))
    except StorageError:
        pass  # a read-only or full disk: the next opening takes seconds again


def _parse(content: bytes) -> FivePoints:
    reader = DlibReader(content)
    reader.integer()  # version
    mean = reader.matrix()
    pixels, limits, leaves = [], [], []
    stages = reader.integer()
    for _ in range(stages):
        trees = reader.integer()
        for _ in range(trees):
            for _ in range(reader.integer()):
                pixels.append((reader.integer(), reader.integer()))
                limits.append(reader.number())
            leaves += [reader.matrix() for _ in range(reader.integer())]
    anchors = [[reader.integer() for _ in range(reader.integer())] for _ in range(reader.integer())]
    offsets = [
        [(reader.number(), reader.number()) for _ in range(reader.integer())]
        for _ in range(reader.integer())
    ]
    shape = (stages, trees, 2**_LEVELS - 1)
    return FivePoints(
        mean=mean.reshape(-1, 2),
        anchors=np.array(anchors),
        offsets=np.array(offsets, np.float32),
        pixels=np.array(pixels).reshape(*shape, 2),
        limits=np.array(limits, np.float32).reshape(shape),
        leaves=np.array(leaves, np.float32).reshape(*shape[:2], 2**_LEVELS, mean.size),
    )

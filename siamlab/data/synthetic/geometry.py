"""A head in space: the point and the normal that each pixel sees.

Input: an ellipsoid with the relief of a face, the pose, a grid of pixels. Output:
:class:`Hits`, arrays over the pixels. The projection is orthographic (a face far from the lens),
so every pixel is a ray parallel to the optical axis, and its intersection with an ellipsoid is the
solution of a quadratic equation. Relief is added by moving the ellipsoid towards the viewer and
solving again; three rounds are enough for the slopes of a face.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from siamlab.data.synthetic.conditions import Conditions
from siamlab.data.synthetic.identity import Identity
from siamlab.data.synthetic.maps import HALF_X, LOW_Y
from siamlab.system.opencv import import_cv2

# The point of the head that a face detector takes for the center of the face.
FACE_MIDDLE = (0.0, 8.0, 40.0)


@dataclass(frozen=True)
class View:
    """Position and rotation of the head in the image.

    Attributes:
        turn: float32 (3, 3), head to camera.
        middle: pixels, where the center of the head is.
        scale: pixels to a unit.
    """

    turn: np.ndarray
    middle: tuple[float, float]
    scale: float

    def project(self, points: np.ndarray) -> np.ndarray:
        """Points of the head (n, 3) to pixels (n, 2)."""
        seen = np.asarray(points, np.float32) @ self.turn.T
        return np.asarray(seen[:, :2] * self.scale + np.array(self.middle, np.float32))

    def rays(self, rows: slice, columns: slice) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Head coordinates of each pixel on the plane through the head's middle."""
        x = (np.arange(columns.start, columns.stop, dtype=np.float32) - self.middle[0])[None, :]
        y = (np.arange(rows.start, rows.stop, dtype=np.float32) - self.middle[1])[:, None]
        x, y = x / np.float32(self.scale), y / np.float32(self.scale)
        turn = self.turn
        return tuple(turn[0, k] * x + turn[1, k] * y for k in range(3))


def make_view(conditions: Conditions, box_middle: tuple[float, float], scale: float) -> View:
    """Rotate the head and put the center of the face at ``box_middle`` (pixels)."""
    turn = rotation(conditions.yaw, conditions.pitch, conditions.roll)
    ahead = turn @ np.array(FACE_MIDDLE, np.float32)
    middle = (box_middle[0] - scale * float(ahead[0]), box_middle[1] - scale * float(ahead[1]))
    return View(turn, middle, scale)


def rotation(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """Degrees to a float32 (3, 3) matrix: yaw, then pitch, then roll."""
    a, b, c = (math.radians(v) for v in (yaw, pitch, roll))
    turn = np.array([[math.cos(a), 0, math.sin(a)], [0, 1, 0], [-math.sin(a), 0, math.cos(a)]])
    nod = np.array([[1, 0, 0], [0, math.cos(b), math.sin(b)], [0, -math.sin(b), math.cos(b)]])
    tilt = np.array([[math.cos(c), -math.sin(c), 0], [math.sin(c), math.cos(c), 0], [0, 0, 1]])
    return (tilt @ nod @ turn).astype(np.float32)


@dataclass(frozen=True)
class Shape:
    """An ellipsoid with different upper and lower halves and a width that varies with height.

    Attributes:
        half_width: units.
        depth: units.
        top: units above the middle.
        bottom: units below the middle.
        widths: bumps (height, spread, share) added to the width.
    """

    half_width: float
    depth: float
    top: float
    bottom: float
    widths: tuple[tuple[float, float, float], ...] = ()

    def width_at(self, y: np.ndarray) -> np.ndarray:
        """Half width factor at a height: the same shape as ``y``."""
        factor = np.ones_like(y)
        for height, spread, share in self.widths:
            factor += np.float32(share) / (1.0 + ((y - height) * np.float32(1 / spread)) ** 2) ** 2
        return factor


def head_shape(who: Identity, drop: float) -> Shape:
    """The plain head under the relief of the face."""
    beard = 0.8 * who.beard_length if who.beard == "full" else 0.0
    widths = (
        (-48.0, 20.0, who.temples),
        (40.0, 20.0, who.jaw),
        (who.bottom - 8.0, 12.0, who.chin_width + 0.006 * beard),
    )
    return Shape(who.half_width, who.depth, who.top, who.bottom + 0.8 * drop + beard, widths)


@dataclass(frozen=True)
class Hits:
    """The point of a shape at each pixel; float32 arrays of the grid's size.

    Attributes:
        edge: distance inside the outline, units; negative outside.
        x: head coordinates of the point seen, units.
        y: the same, down.
        z: the same, to the front.
        base: unit normals of the plain shape (h, w, 3), head coordinates.
    """

    edge: np.ndarray
    x: np.ndarray
    y: np.ndarray
    z: np.ndarray
    base: np.ndarray

    def cover(self, scale: float, ragged: np.ndarray | float = 0.0) -> np.ndarray:
        """Share of each pixel that the shape fills, 0 to 1.

        Args:
            scale: pixels to a unit.
            ragged: units by which the outline is moved outwards.
        """
        return np.clip((self.edge + ragged) * np.float32(scale) + np.float32(0.5), 0.0, 1.0)


def strike(
    shape: Shape,
    view: View,
    rows: slice,
    columns: slice,
    relief: np.ndarray | None = None,
    density: float = 1.0,
) -> Hits:
    """Intersect the rays of a window's pixels with a shape.

    Args:
        shape: the plain head, or a shell of hair around it.
        view: its position and rotation.
        rows: window of the image.
        columns: the same.
        relief: float32 map (see ``maps``), units towards the front of the head.
        density: map pixels to a unit.
    """
    cv2 = import_cv2()
    ox, oy, oz = view.rays(rows, columns)
    dx, dy, dz = (float(v) for v in view.turn[2])
    x, y = ox, oy
    lifted: np.ndarray = np.float32(0.0) * oz
    for _ in range(3 if relief is not None else 2):
        inv_a2 = 1.0 / (np.float32(shape.half_width) * shape.width_at(y)) ** 2
        inv_b2 = np.where(y < 0, np.float32(shape.top**-2), np.float32(shape.bottom**-2))
        inv_c2 = np.float32(shape.depth**-2)
        if relief is not None:
            map_x, map_y = map_places(x, y, density)
            lifted = cv2.remap(relief, map_x, map_y, cv2.INTER_LINEAR)
        front = oz - lifted
        qa = dx * dx * inv_a2 + dy * dy * inv_b2 + dz * dz * inv_c2
        qb = ox * dx * inv_a2 + oy * dy * inv_b2 + front * dz * inv_c2
        qc = ox * ox * inv_a2 + oy * oy * inv_b2 + front * front * inv_c2 - 1.0
        inside = qb * qb - qa * qc
        along = (np.sqrt(np.maximum(inside, 0.0)) - qb) / qa
        x, y, z = ox + along * dx, oy + along * dy, front + along * dz
    # -inside/qa is the least value of r^2 - 1 on the line, r being 1 on the surface.
    out = 1.0 - np.sqrt(np.maximum(1.0 - inside / qa, 0.0))
    edge = out * np.float32(0.5 * (shape.half_width + shape.top))
    base = np.stack([x * inv_a2, y * inv_b2, z * inv_c2], -1)
    base *= 1.0 / np.maximum(np.sqrt(np.einsum("hwc,hwc->hw", base, base)), 1e-9)[..., None]
    return Hits(edge, x, y, z + lifted, base)


def map_places(x: np.ndarray, y: np.ndarray, density: float) -> tuple[np.ndarray, np.ndarray]:
    """Units to places in the face maps, for ``cv2.remap``."""
    scale = np.float32(density)
    return (x + np.float32(HALF_X)) * scale, (y - np.float32(LOW_Y)) * scale

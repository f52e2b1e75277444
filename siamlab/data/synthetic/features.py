"""The parts of a face that move: eyes, brows and mouth, drawn onto copies of its maps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from siamlab.data.synthetic.conditions import Conditions
from siamlab.data.synthetic.identity import Color, Identity
from siamlab.data.synthetic.maps import (
    HALF_X,
    LOW_Y,
    FaceMaps,
    axes,
    bell,
    fold_line,
    to_points,
)
from siamlab.system.opencv import import_cv2


@dataclass(frozen=True)
class Surface:
    """A face ready to be wrapped around a head.

    Attributes:
        density: map pixels to a unit.
        color: uint8 (h, w, 3), sRGB.
        relief: float32 (h, w), units in front of the ellipsoid.
        shine: float32 (h, w), strength of the gloss.
        drop: how far the jaw is lowered, units.
    """

    density: float
    color: np.ndarray
    relief: np.ndarray
    shine: np.ndarray
    drop: float


def make_surface(who: Identity, conditions: Conditions, maps: FaceMaps) -> Surface:
    """Draw the moving parts of the face."""
    drop = 9.0 * max(0.0, conditions.mouth_open)
    pen = _Pen(maps, who, drop)
    _grow_beard(pen, who)
    _crease_cheeks(pen, who, conditions)
    _draw_nostrils(pen, who)
    _draw_mouth(pen, who, conditions)
    for side in (-1.0, 1.0):
        _draw_eye(pen, who, conditions, side)
        _draw_brow(pen, who, conditions, side)
    color = np.clip(pen.color, 0, 255).astype(np.uint8)
    return Surface(maps.density, color, pen.relief, pen.shine, drop)


class _Pen:
    """The canvases, and the strokes that all features are made of."""

    def __init__(self, maps: FaceMaps, who: Identity, drop: float) -> None:
        self.cv2 = import_cv2()
        self.density = maps.density
        self.color = _stretched(maps.skin, maps, who, drop)
        self.relief = _stretched(maps.relief, maps, who, drop)
        self.beard = _stretched(maps.beard, maps, who, drop)
        self.shine = np.ones_like(maps.relief)

    def window(self, x: tuple[float, float], y: tuple[float, float]) -> tuple[slice, slice]:
        """The part of the maps around a feature, so that strokes cost little."""
        height, width = self.relief.shape
        left, right = (round((v + HALF_X) * self.density) for v in x)
        top, bottom = (round((v - LOW_Y) * self.density) for v in y)
        return slice(max(0, top), min(height, bottom)), slice(max(0, left), min(width, right))

    def _local(self, xy: np.ndarray, where: tuple[slice, slice]) -> np.ndarray:
        return to_points(xy, self.density) - np.array((where[1].start, where[0].start)) * 16

    def fill(self, xy: np.ndarray, where: tuple[slice, slice], soft: float = 0.0) -> np.ndarray:
        """Coverage of a polygon in a window: float32, 0 to 1."""
        mask = self._blank(where)
        self.cv2.fillPoly(mask, [self._local(xy, where)], 255, self.cv2.LINE_AA, 4)
        return self._finish(mask, soft)

    def line(
        self, xy: np.ndarray, where: tuple[slice, slice], width: float, soft: float = 0.0
    ) -> np.ndarray:
        """Coverage of a line ``width`` units wide."""
        mask = self._blank(where)
        thick = max(1, round(width * self.density))
        points = [self._local(xy, where)]
        self.cv2.polylines(mask, points, False, 255, thick, self.cv2.LINE_AA, 4)
        return self._finish(mask, soft)

    def _blank(self, where: tuple[slice, slice]) -> np.ndarray:
        return np.zeros((where[0].stop - where[0].start, where[1].stop - where[1].start), np.uint8)

    def _finish(self, mask: np.ndarray, soft: float) -> np.ndarray:
        if soft > 0:
            mask = self.cv2.GaussianBlur(mask, (0, 0), soft * self.density)
        return mask.astype(np.float32) * np.float32(1 / 255)

    def axes(self, where: tuple[slice, slice]) -> tuple[np.ndarray, np.ndarray]:
        x, y = axes(self.density)
        return x[:, where[1]], y[where[0]]

    def paint(self, where: tuple[slice, slice], cover: np.ndarray, ink: Color | np.ndarray) -> None:
        """Blend a color in with weights ``cover``."""
        area = self.color[where]
        area += cover[..., None] * (np.asarray(ink, np.float32) - area)

    def darken(self, where: tuple[slice, slice], cover: np.ndarray, by: Color) -> None:
        """Multiply the color down, channel by channel."""
        self.color[where] *= 1.0 - cover[..., None] * np.array(by, np.float32)


def _stretched(values: np.ndarray, maps: FaceMaps, who: Identity, drop: float) -> np.ndarray:
    """A copy with everything under the lips moved down by ``drop`` units."""
    if drop < 0.3:
        return values.copy()
    cv2 = import_cv2()
    _, y = axes(maps.density)
    start, end = who.mouth_y, who.mouth_y + 10.0
    source = y - drop * np.clip((y - start) / (end + drop - start), 0.0, 1.0)
    rows = ((source - LOW_Y) * maps.density).astype(np.float32)
    columns = np.arange(values.shape[1], dtype=np.float32)[None, :]
    map_x, map_y = (np.ascontiguousarray(m) for m in np.broadcast_arrays(columns, rows))
    return cv2.remap(values, map_x, map_y, cv2.INTER_LINEAR)


def _grow_beard(pen: _Pen, who: Identity) -> None:
    if who.woman:
        return
    hair = np.asarray(who.hair, np.float32) * 0.8
    cover = pen.beard[..., None]
    pen.color += cover * (hair - pen.color)
    pen.shine *= 1.0 - 0.8 * pen.beard


def _crease_cheeks(pen: _Pen, who: Identity, conditions: Conditions) -> None:
    """A smile lifts the cheeks and deepens the folds beside the mouth."""
    if conditions.smile <= 0.05:
        return
    for side in (-1.0, 1.0):
        x0, x1 = sorted((side * 8.0, side * 46.0))
        where = pen.window((x0, x1), (who.nose_y - 16, who.mouth_y + 16))
        fold = pen.line(fold_line(who, side), where, 1.2, 1.6)
        x, y = pen.axes(where)
        lift = 2.6 * conditions.smile * bell(x, side * 29, 9) * bell(y, 17, 7)
        pen.relief[where] += lift - (1.5 + 1.6 * who.folds) * conditions.smile * fold


def _draw_nostrils(pen: _Pen, who: Identity) -> None:
    where = pen.window((-24, 24), (who.nose_y - 10, who.nose_y + 14))
    for side in (-1.0, 1.0):
        x, y = who.nose_skew + side * who.nose_width * 0.46, who.nose_y + 4.4
        t = np.linspace(0, 2 * np.pi, 14)
        hole = np.stack([x + who.nose_width * 0.19 * np.cos(t), y + 1.0 * np.sin(t)], 1)
        hole[:, 1] += side * 0.25 * (hole[:, 0] - x)
        pen.darken(where, pen.fill(hole, where, 0.7), (0.55, 0.66, 0.66))
        t = np.linspace(-0.9, 1.5, 8)
        wing = np.stack(
            [
                who.nose_skew + side * (who.nose_width * 0.72 + 3.6 * np.cos(t)),
                who.nose_y + 1 + 4.0 * np.sin(t),
            ],
            1,
        )
        pen.darken(where, pen.line(wing, where, 0.8, 0.7), (0.22, 0.32, 0.32))


def _draw_mouth(pen: _Pen, who: Identity, conditions: Conditions) -> None:
    where = pen.window((-36, 36), (who.mouth_y - 16, who.mouth_y + 34))
    seam, upper, lower, top, bottom = _mouth_lines(who, conditions)
    lips = np.concatenate([top, bottom[::-1]])
    tone = 0.45 + 0.25 * who.make_up
    cover = pen.fill(lips, where, 0.55 - 0.2 * who.make_up)
    x, y = pen.axes(where)
    pen.paint(where, (0.72 + tone * 0.4) * cover, who.lips)
    upper_half = pen.fill(np.concatenate([top, upper[::-1]]), where, 0.4)
    pen.darken(where, upper_half, (0.18, 0.24, 0.24))
    lower_half = pen.fill(np.concatenate([lower, bottom[::-1]]), where, 0.9)
    # The upper lip rolls inwards from its edge to the seam, so it faces down and is darker.
    pen.relief[where] += 1.1 * pen.line(top, where, 1.6, 1.0)
    pen.relief[where] -= 1.6 * pen.line(seam, where, 1.2, 0.9)
    pen.relief[where] += 2.4 * lower_half
    pen.shine[where] *= 1.0 + 0.7 * lower_half
    if float((lower - upper)[:, 1].max()) > 1.0:
        _draw_open_mouth(pen, where, upper, lower)
    else:
        line = pen.line(seam, where, 0.9, 0.3)
        pen.darken(where, line, (0.62, 0.72, 0.70))
    for side in (0, -1):
        spot = bell(x, float(seam[side, 0]), 1.5) * bell(y, float(seam[side, 1]), 1.3)
        pen.darken(where, spot, (0.35, 0.42, 0.42))
    under = bell(x, 0, 9) * bell(y, float(bottom[:, 1].max()) + 2.5, 1.9)
    pen.darken(where, under, (0.12, 0.14, 0.14))


def _mouth_lines(who: Identity, conditions: Conditions) -> tuple[np.ndarray, ...]:
    """Seam, inner edge of either lip, outer edge of either lip: each (n, 2) units."""
    t = np.linspace(-1.0, 1.0, 33)
    gap = 13.0 * conditions.mouth_open + 4.5 * max(0.0, conditions.smile - 0.35)
    wide = who.mouth_width * (1.0 + 0.16 * conditions.smile - 0.10 * conditions.mouth_open)
    lift = 0.9 + 3.6 * conditions.smile + who.mouth_corner
    middle = who.mouth_y + 0.6 * np.exp(-((t / 0.16) ** 2)) - lift * t**2 + 0.35 * lift
    thin = 1.0 - 0.15 * max(0.0, conditions.smile)
    round_gap = np.sqrt(np.maximum(0.0, 1.0 - t**2))
    upper = middle - 0.22 * gap * round_gap
    lower = middle + 0.78 * gap * round_gap
    cupid = 1.0 - 0.26 * np.exp(-((t / 0.13) ** 2))
    top = upper - who.lip_upper * thin * cupid * (1.0 - np.abs(t) ** 1.6)
    bottom = lower + who.lip_lower * thin * (1.0 - np.abs(t) ** 2.4)
    return tuple(np.stack([wide * t, line], 1) for line in (middle, upper, lower, top, bottom))


def _draw_open_mouth(
    pen: _Pen, where: tuple[slice, slice], upper: np.ndarray, lower: np.ndarray
) -> None:
    inside = pen.fill(np.concatenate([upper, lower[::-1]]), where, 0.2)
    pen.paint(where, inside, (58, 20, 20))
    gap = float((lower - upper)[:, 1].max())
    edge = upper.copy()
    middle = float(upper[len(upper) // 2, 1])
    bite = middle + min(5.2, 0.8 * gap) + 0.55 * (upper[:, 1] - middle)
    edge[:, 1] = np.clip(bite, upper[:, 1], lower[:, 1])
    teeth = inside * pen.fill(np.concatenate([upper[3:-3], edge[3:-3][::-1]]), where, 0.25)
    x, y = pen.axes(where)
    shade = 0.93 - 0.4 * np.minimum(1.0, np.abs(x) / 19.0) ** 2
    shade = shade * (1.0 - 0.10 * (np.abs(np.sin(x * (np.pi / 4.6))) < 0.13))
    shade = shade - 0.18 * bell(y, float(upper[:, 1].min()), 1.3)
    ink = np.array((238, 230, 216), np.float32) * shade[..., None].astype(np.float32)
    pen.paint(where, 0.95 * teeth, ink)
    if gap > 7:
        tongue = inside * bell(x, 0, 9) * bell(y, float(lower[:, 1].max()), 3.5)
        pen.paint(where, 0.7 * tongue, (158, 78, 78))
    pen.relief[where] -= 2.0 * (inside - teeth)
    pen.shine[where] *= 1.0 - 0.7 * inside


def _draw_eye(pen: _Pen, who: Identity, conditions: Conditions, side: float) -> None:
    x0, y0 = side * who.eye_x, who.eye_y
    where = pen.window((x0 - 17, x0 + 17), (y0 - 17, y0 + 17))
    upper, lower, crease = _lid_lines(who, conditions, side)
    eye = pen.fill(np.concatenate([upper, lower[::-1]]), where, 0.18)
    x, y = pen.axes(where)
    ball = (236 - 18 * who.age, 229 - 22 * who.age, 222 - 30 * who.age)
    pen.paint(where, eye, ball)
    pen.darken(where, eye * np.minimum(1.0, np.abs(x - x0) / who.eye_width) ** 2, (0.2, 0.3, 0.3))
    _draw_iris(pen, who, conditions, where, (x0, y0), eye)
    pen.darken(where, eye * pen.line(upper, where, 2.6, 0.9), (0.62, 0.62, 0.58))
    inner = upper[0]
    corner = bell(x, float(inner[0]), 1.3) * bell(y, float(inner[1]) + 0.4, 1.0)
    pen.paint(where, 0.7 * corner, (176, 104, 96))
    lash = (34.0, 24.0, 22.0)
    pen.paint(where, 0.85 * pen.line(upper, where, 0.9 + 0.5 * who.make_up, 0.3), lash)
    if who.woman:
        pen.paint(where, 0.6 * pen.line(upper[14:], where, 1.4, 0.4), lash)
    pen.darken(where, pen.line(lower, where, 0.7, 0.35), (0.30, 0.40, 0.40))
    pen.darken(where, pen.line(crease, where, 0.9, 0.5), (0.34, 0.40, 0.40))
    bag = lower.copy()
    bag[:, 1] += 4.6
    pen.relief[where] -= (0.5 + 2.0 * who.bags) * pen.line(bag[5:-5], where, 1.2, 1.0)
    pen.shine[where] *= 1.0 - 0.5 * eye


def _lid_lines(who: Identity, conditions: Conditions, side: float) -> tuple[np.ndarray, ...]:
    """Edge of the upper lid, of the lower lid, and the crease above: each (n, 2) units."""
    t = np.linspace(-1.0, 1.0, 25)
    open_by = np.clip(conditions.eye_open - 0.16 * max(0.0, conditions.smile), 0.0, 1.3)
    shape = 1.0 - np.abs(t) ** 2.3
    # The upper lid is highest towards the nose, the lower one lowest towards the temple.
    upper = -who.eye_height * (1.25 * open_by - 0.25) * shape * (1.0 - 0.13 * t)
    lower = 0.56 * who.eye_height * (0.75 + 0.25 * open_by) * shape * (1.0 + 0.16 * t)
    upper = np.minimum(upper, lower - 0.05)
    gap = 1.3 + 2.1 * who.lid_fold + 1.2 * (1.0 - min(1.0, float(open_by)))
    crease = -who.eye_height * (0.4 + 0.6 * open_by) * (1 - np.abs(t) ** 2.8) - gap
    crease += 1.2 * t**2
    x = side * (who.eye_x + who.eye_width * t)
    slope = -who.eye_tilt * who.eye_width * t
    return tuple(np.stack([x, who.eye_y + slope + line], 1) for line in (upper, lower, crease))


def _draw_iris(
    pen: _Pen,
    who: Identity,
    conditions: Conditions,
    where: tuple[slice, slice],
    middle: tuple[float, float],
    eye: np.ndarray,
) -> None:
    x, y = pen.axes(where)
    at_x = middle[0] + 2.6 * conditions.gaze_x - 0.1 * conditions.yaw * 0.4
    at_y = middle[1] - 0.9 + 1.1 * conditions.gaze_y
    radius = 4.35
    away = np.hypot(x - at_x, y - at_y) / radius
    crisp = pen.density * radius
    iris = np.clip((1.0 - away) * crisp + 0.5, 0.0, 1.0) * eye
    rays = 1.0 + 0.10 * np.sin(11.0 * np.arctan2(y - at_y, x - at_x) + who.seed % 7)
    tone = (0.72 + 0.5 * away * (1.0 - away) * 2.0) * rays * (1.0 - 0.55 * np.clip(away, 0, 1) ** 6)
    tone = tone * (1.0 + 0.35 * np.clip((y - at_y) / radius, -1, 1))
    ink = np.asarray(who.iris, np.float32) * tone[..., None].astype(np.float32)
    pen.paint(where, iris, ink)
    pupil = np.clip((0.42 - away) * crisp + 0.5, 0.0, 1.0) * eye
    pen.paint(where, pupil, (10, 8, 8))
    shift = np.clip(conditions.light_side / 45.0, -1.0, 1.0)
    spark = np.hypot(x - at_x - 1.5 * shift, y - at_y + 1.5) / 1.05
    glint = np.clip((1.0 - spark) * pen.density + 0.5, 0.0, 1.0) * eye
    pen.paint(where, 0.9 * glint, (255, 255, 252))


def _draw_brow(pen: _Pen, who: Identity, conditions: Conditions, side: float) -> None:
    t = np.linspace(0.0, 1.0, 19)
    raised = 2.6 * conditions.brow_raise
    x = who.brow_gap + 2.2 * who.brow_length * t
    frown = min(0.0, conditions.brow_raise)
    y = who.brow_y - raised - 9.0 * who.brow_tilt * (t - 0.3) * 2
    y = y - who.brow_arch * np.sin(np.pi * np.clip(t, 0, 1) ** 1.3) - 1.8 * frown * (1.0 - t) ** 2
    y = y + 2.6 * np.clip(t - 0.62, 0, 1) * 2.2
    half = 0.5 * who.brow_thick * (0.55 + 1.3 * t**0.5 * (1.0 - t) ** 0.55 + 0.3 * (1 - t))
    half[-1] = 0.1
    top, low = np.stack([side * x, y - half], 1), np.stack([side * x, y + half], 1)
    x0, x1 = sorted((side * (who.brow_gap - 6), side * (who.brow_gap + 38)))
    where = pen.window((x0, x1), (who.brow_y - 14, who.brow_y + 14))
    cover = pen.fill(np.concatenate([top, low[::-1]]), where, 0.55)
    strands = np.random.default_rng([who.seed, 5]).standard_normal(cover.shape, dtype=np.float32)
    strands = pen.cv2.GaussianBlur(strands, (0, 0), 0.35 * pen.density, sigmaY=0.8 * pen.density)
    strands *= np.float32(0.15 / max(float(strands.std()), 1e-6))
    ink = np.asarray(who.hair, np.float32) * 0.75
    pen.paint(where, np.clip(cover * (0.80 + strands), 0.0, 0.93), ink)
    pen.relief[where] += 0.5 * cover

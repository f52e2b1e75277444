"""Light on skin, hair and cloth: from normals and colors to linear light.

Normals are in camera coordinates: X right, Y down, Z to the viewer. Linear light is float32, 0 to
about 1; gamma is taken as 2, so that a square and a square root convert colors fast.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from siamlab.data.synthetic.conditions import Conditions
from siamlab.data.synthetic.features import Surface
from siamlab.data.synthetic.geometry import Hits, Shape, View, map_places
from siamlab.data.synthetic.maps import axes
from siamlab.system.opencv import import_cv2


@dataclass(frozen=True)
class Lamp:
    """One lamp and the ambient light.

    Attributes:
        towards: unit vector to the lamp, camera coordinates, float32 (3,).
        key: its strength, linear RGB, float32 (3,).
        around: strength of the ambient light, linear RGB, float32 (3,).
    """

    towards: np.ndarray
    key: np.ndarray
    around: np.ndarray

    def half(self) -> np.ndarray:
        """The normal that mirrors the lamp into the lens."""
        half = self.towards + np.array((0, 0, 1), np.float32)
        return np.asarray(half / max(float(np.linalg.norm(half)), 1e-6))


def make_lamp(conditions: Conditions) -> Lamp:
    """The light of one image."""
    side, up = math.radians(conditions.light_side), math.radians(conditions.light_up)
    towards = np.array(
        (math.sin(side) * math.cos(up), -math.sin(up), math.cos(side) * math.cos(up)), np.float32
    )
    tint = np.array(
        (1 + 0.22 * conditions.warmth, 1 + 0.03 * conditions.warmth, 1 - 0.26 * conditions.warmth)
    )
    key = conditions.light_level * (1.25 - 0.75 * conditions.ambient) * tint
    # Ambient light is cooler than the lamp, as sky and walls are.
    around = conditions.light_level * (0.14 + 0.72 * conditions.ambient) * (0.35 + 0.65 * tint)
    return Lamp(towards, key.astype(np.float32), around.astype(np.float32))


def dot(normals: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """Cosines between unit normals (h, w, 3) and one unit vector (3,)."""
    a, b, c = (np.float32(v) for v in direction)
    return np.asarray(normals[..., 0] * a + normals[..., 1] * b + normals[..., 2] * c)


def linear(color: np.ndarray) -> np.ndarray:
    """sRGB 0 to 255 to linear light 0 to 1, float32."""
    scaled = color.astype(np.float32) * np.float32(1 / 255)
    return np.asarray(scaled * scaled)


def light_cloth(color: np.ndarray, normals: np.ndarray, lamp: Lamp) -> np.ndarray:
    """Matt surfaces: linear light (h, w, 3)."""
    direct = np.clip(0.85 * dot(normals, lamp.towards) + 0.15, 0.0, 1.0)
    sky = 0.75 - 0.25 * normals[..., 1]
    # With one color for all, it is multiplied into the light before, not into every pixel.
    if color.ndim == 1:
        return np.asarray(
            direct[..., None] * (color * lamp.key) + sky[..., None] * (color * lamp.around)
        )
    return np.asarray(color * (direct[..., None] * lamp.key + sky[..., None] * lamp.around))


def light_head(surface: Surface, shape: Shape, hits: Hits, view: View, lamp: Lamp) -> np.ndarray:
    """Linear light of the head (h, w, 3).

    Skin is translucent: its shadows have soft, reddish edges. Hollows are darker than ridges, and
    the relief casts shadows on itself.
    """
    cv2 = import_cv2()
    map_x, map_y = map_places(hits.x, hits.y, surface.density)
    color = linear(cv2.remap(surface.color, map_x, map_y, cv2.INTER_LINEAR))
    layers = _relief_layers(surface, shape, view.turn.T @ lamp.towards)
    seen = cv2.remap(layers, map_x, map_y, cv2.INTER_LINEAR)
    slope_x, slope_y, hollow, lit = (seen[..., k] for k in range(4))
    shine = cv2.remap(surface.shine, map_x, map_y, cv2.INTER_LINEAR)
    normals = _bent_normals(hits, slope_x, slope_y) @ view.turn.T
    facing = dot(normals, lamp.towards)
    soft = np.array((0.28, 0.16, 0.12), np.float32)
    direct = np.clip((facing[..., None] + soft) / (1.0 + soft), 0.0, 1.0)
    direct *= (1.0 - (1.0 - lit)[..., None] * (1.0 - 0.6 * soft)) * lamp.key
    sky = (0.78 - 0.22 * normals[..., 1]) * hollow
    gloss = np.clip(dot(normals, lamp.half()), 0.0, 1.0)
    broad = power16(gloss)
    narrow = broad * broad
    gloss = broad * np.float32(0.05) + narrow * narrow * np.float32(0.06)
    gloss *= shine * lit * np.clip(facing * 4.0, 0.0, 1.0)
    rim = 1.0 - np.clip(normals[..., 2], 0.0, 1.0)
    rim = rim * rim * rim * np.float32(0.05)
    light = color * (direct + sky[..., None] * lamp.around)
    light += gloss[..., None] * lamp.key + (rim * hollow)[..., None] * lamp.around
    return np.asarray(light)


def power16(values: np.ndarray) -> np.ndarray:
    """The sixteenth power by squaring, many times faster than ``**``."""
    for _ in range(4):
        values = values * values
    return values


def _bent_normals(hits: Hits, slope_x: np.ndarray, slope_y: np.ndarray) -> np.ndarray:
    """Tilt the plain head's normals by the slopes of the relief."""
    front = hits.base[..., 2]
    normals = hits.base.copy()
    normals[..., 0] -= front * slope_x
    normals[..., 1] -= front * slope_y
    length = np.sqrt(np.einsum("hwc,hwc->hw", normals, normals))
    normals *= 1.0 / np.maximum(length, 1e-6)[..., None]
    return np.asarray(normals)


def _relief_layers(surface: Surface, shape: Shape, towards: np.ndarray) -> np.ndarray:
    """Slopes, hollows and cast shadows as one float32 map (h, w, 4)."""
    cv2 = import_cv2()
    relief, density = surface.relief, surface.density
    # A slight blur first: the maps are finer than the image, and steps would glitter.
    relief = cv2.GaussianBlur(relief, (0, 0), 0.45 * density)
    slope_x = cv2.Sobel(relief, cv2.CV_32F, 1, 0, ksize=3, scale=density / 8.0)
    slope_y = cv2.Sobel(relief, cv2.CV_32F, 0, 1, ksize=3, scale=density / 8.0)
    small = cv2.resize(relief, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    near = cv2.GaussianBlur(small, (0, 0), 1.1 * density)
    far = cv2.GaussianBlur(small, (0, 0), 3.2 * density)
    hollow = np.clip(1.0 - 0.11 * (near - small) - 0.055 * (far - small), 0.35, 1.12)
    lit = _cast_shadow(small, shape, density * 0.5, towards)
    size = (relief.shape[1], relief.shape[0])
    hollow, lit = (cv2.resize(m, size, interpolation=cv2.INTER_LINEAR) for m in (hollow, lit))
    return np.asarray(cv2.merge([slope_x, slope_y, hollow, lit]))


def _cast_shadow(
    relief: np.ndarray, shape: Shape, density: float, towards: np.ndarray
) -> np.ndarray:
    """Where the lamp is hidden by a nose or a brow: 1 lit to 0 in shadow."""
    cv2 = import_cv2()
    flat = float(math.hypot(towards[0], towards[1]))
    if flat < 0.08 or towards[2] <= 0.05:
        return np.ones_like(relief)
    x, y = axes(density)
    x, y = x[:, : relief.shape[1]], y[: relief.shape[0]]
    bulge = 1.0 - (x / shape.half_width) ** 2 - (y / np.where(y < 0, shape.top, shape.bottom)) ** 2
    bulge = cv2.resize(bulge, (relief.shape[1], relief.shape[0]))
    height = relief + shape.depth * np.sqrt(np.clip(bulge, 0.0, 1.0)).astype(np.float32)
    climb = float(towards[2]) / flat
    over = np.zeros_like(relief)
    for away in (3.0, 6.0, 10.0, 15.0, 21.0):
        shift_x, shift_y = (-away * density * float(v) / flat for v in towards[:2])
        move = np.array([[1, 0, shift_x], [0, 1, shift_y]], np.float32)
        size = (relief.shape[1], relief.shape[0])
        ahead = cv2.warpAffine(height, move, size, borderMode=cv2.BORDER_REPLICATE)
        above = (ahead - height - np.float32(away * climb)) * np.float32(5.0 / (away + 2.0))
        np.maximum(over, above, out=over)
    soft = cv2.GaussianBlur(np.clip(over * 0.45, 0.0, 1.0), (0, 0), 1.0 * density)
    return np.asarray(1.0 - 0.85 * soft)

"""The relief, the skin and the beard of a face, as maps seen from the front.

They are maps over X and Y (see ``identity`` for the units) and depend on the person alone, so they
are cached; the eyes, brows and mouth that move are added in ``features``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from siamlab.data.synthetic.identity import Identity
from siamlab.system.opencv import import_cv2

HALF_X = 72.0  # the maps cover X in [-72, 72] and Y in [-96, 104]
LOW_Y = -96.0
HIGH_Y = 104.0


@dataclass(frozen=True)
class FaceMaps:
    """Maps of one person.

    Attributes:
        density: map pixels to a unit.
        relief: float32 (h, w), units in front of the ellipsoid.
        skin: float32 (h, w, 3), sRGB 0 to 255, beard shadow included.
        beard: float32 (h, w), 0 to 1, how much of the skin the beard hides.
    """

    density: float
    relief: np.ndarray
    skin: np.ndarray
    beard: np.ndarray


def axes(density: float) -> tuple[np.ndarray, np.ndarray]:
    """X as (1, w) and Y as (h, 1) of the maps, units."""
    width, height = round(2 * HALF_X * density), round((HIGH_Y - LOW_Y) * density)
    x = (np.arange(width, dtype=np.float32) / density - HALF_X)[None, :]
    y = (np.arange(height, dtype=np.float32) / density + LOW_Y)[:, None]
    return x, y


def to_points(xy: np.ndarray, density: float) -> np.ndarray:
    """Units (n, 2) to OpenCV's fixed-point map coordinates (n, 2), 4 fractional bits."""
    return np.rint((np.asarray(xy) + np.array((HALF_X, -LOW_Y))) * density * 16).astype(np.int32)


@lru_cache(maxsize=4)
def face_maps(who: Identity, density: float) -> FaceMaps:
    """The maps of one person."""
    rng = np.random.default_rng([0x3A9, who.seed])
    x, y = axes(density)
    beard = _beard(who, x, y, density, rng)
    relief = _relief(who, x, y) + _folds(who, density) + 1.2 * beard
    skin = _skin(who, x, y, density, rng)
    return FaceMaps(density, relief.astype(np.float32), skin.astype(np.float32), beard)


def bell(values: np.ndarray, middle: float, spread: float) -> np.ndarray:
    """A Gaussian bump of height one."""
    return np.exp(-0.5 * ((values - middle) / spread) ** 2).astype(np.float32)


def step(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """A smooth step from 0 at ``low`` to 1 at ``high``."""
    t = np.clip((values - low) / (high - low), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


def _both(x: np.ndarray, away: float, spread: float) -> np.ndarray:
    """The same bump on both sides of the face."""
    return bell(x, away, spread) + bell(x, -away, spread)


def _relief(who: Identity, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Everything but creases, as sums of separable bumps."""
    eye, mouth = who.eye_y, who.mouth_y
    relief = _nose(who, x, y)
    relief = relief + who.brow_ridge * _both(x, 15, 12) * bell(y, who.brow_y + 3, 5.5)
    relief -= who.eye_depth * _both(x, who.eye_x - 1, 10.5) * bell(y, eye + 0.5, 7.5)
    relief += 4.4 * _both(x, who.eye_x, 6.8) * bell(y, eye, 4.8)
    relief += who.cheek_bones * _both(x, 33, 9) * bell(y, 12, 9)
    relief += (2.0 + who.cheeks) * _both(x, 26, 11) * bell(y, 30, 13)
    relief -= 2.2 * _both(x, 47, 8) * bell(y, -26, 12)
    relief -= 1.8 * _both(x, 38, 8) * bell(y, 38, 12)
    relief += 5.0 * bell(x, 0, 17) * bell(y, mouth + 1, 13)
    relief += who.chin_out * bell(x, 0, 12) * bell(y, who.bottom - 12, 8)
    relief -= 3.0 * bell(x, 0, 11) * bell(y, mouth + who.lip_lower + 6.5, 3.2)
    relief -= who.chin_cleft * bell(x, 0, 1.8) * bell(y, who.bottom - 11, 5)
    relief -= 1.0 * bell(x, 0, 2.0) * bell(y, 0.5 * (who.nose_y + mouth) + 2, 4)
    return relief * (1.0 - step(np.abs(x), 50, 64))


def _nose(who: Identity, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    tip, root = who.nose_y, who.eye_y - 3.0
    along = np.clip((y - root) / (tip - root), 0.0, 1.0)
    height = who.nose_bridge + (who.nose_height - who.nose_bridge) * along**1.3
    height += who.nose_bump * bell(along, 0.4, 0.18)
    height *= step(y, root - 9, root + 5) * (1.0 - step(y, tip + 1.0, tip + 7.5))
    spread = 3.9 + (who.nose_tip - 3.0) * along**2 * 0.9
    middle = who.nose_skew * along
    nose = height * np.exp(-0.5 * ((x - middle) / spread) ** 2)
    nose += 3.0 * bell(x, who.nose_skew, who.nose_tip) * bell(y, tip - 1, who.nose_tip * 0.85)
    wings = _both(x, who.nose_width * 0.78, 3.3) * bell(y, tip + 0.8, 3.4)
    return nose + 5.2 * wings


def _folds(who: Identity, density: float) -> np.ndarray:
    """Creases from the nose to the mouth, and lines on an old forehead."""
    cv2 = import_cv2()
    x, y = axes(density)
    mask = np.zeros((y.size, x.size), np.uint8)
    for side in (-1.0, 1.0):
        line = fold_line(who, side)
        cv2.polylines(mask, [to_points(line, density)], False, 255, 2, cv2.LINE_AA, 4)
    creases = 0.0052 * who.folds * cv2.GaussianBlur(mask, (0, 0), 1.9 * density).astype(np.float32)
    lines = max(0.0, who.folds - 0.55)
    forehead = np.zeros_like(mask)
    for height in (-30.0, -37.0, -43.0):
        across = np.linspace(-24, 24, 13)
        bend = height + 1.6 * np.cos(across / 9.0) + 0.6 * np.sin(across / 4.0 + height)
        points = to_points(np.stack([across, bend], 1), density)
        cv2.polylines(forehead, [points], False, 255, 1, cv2.LINE_AA, 4)
    forehead = cv2.GaussianBlur(forehead, (0, 0), 0.8 * density).astype(np.float32)
    return -(5.0 * creases + 0.02 * lines * forehead)


def fold_line(who: Identity, side: float) -> np.ndarray:
    """The nasolabial fold of one side: (n, 2) units."""
    t = np.linspace(0.0, 1.0, 12)
    wide = who.nose_width + 1.5 + (who.mouth_width + 4.5 - who.nose_width) * t**0.8
    down = who.nose_y - 2.0 + (who.mouth_y + 2.0 - who.nose_y) * t
    return np.stack([side * wide, down], 1)


def _skin(
    who: Identity, x: np.ndarray, y: np.ndarray, density: float, rng: np.random.Generator
) -> np.ndarray:
    skin = np.ones((y.size, x.size, 1), np.float32) * np.array(who.skin, np.float32)
    mottle = noise_map(rng, skin.shape[:2], 7 * density) * 0.022
    mottle += noise_map(rng, skin.shape[:2], 0.6 * density) * 0.014
    red = _both(x, 28, 12) * bell(y, 22, 11) + 0.9 * bell(x, 0, 8) * bell(y, who.nose_y, 7)
    red += 0.4 * bell(x, 0, 16) * bell(y, who.bottom - 12, 8)
    red = who.flush * red + 0.7 * who.make_up * _both(x, 33, 9) * bell(y, 18, 9)
    skin *= 1.0 + mottle[..., None]
    skin *= 1.0 - red[..., None] * np.array((0.0, 0.13, 0.12), np.float32)
    eye = _both(x, who.eye_x - 1, 10) * bell(y, who.eye_y, 6)
    bags = who.bags * _both(x, who.eye_x - 2, 8) * bell(y, who.eye_y + 8, 3)
    skin *= 1.0 - (0.10 * eye + 0.10 * bags)[..., None] * np.array((0.8, 1.0, 0.9), np.float32)
    if who.make_up > 0.25:
        shade = who.make_up * _both(x, who.eye_x + 1, 8) * bell(y, who.eye_y - 5.5, 2.8)
        skin *= 1.0 - shade[..., None] * np.array((0.25, 0.34, 0.26), np.float32)
    if who.freckles:
        dots = np.clip(noise_map(rng, skin.shape[:2], 0.75 * density) - 1.15, 0, 1.2)
        place = bell(x, 0, 27) * bell(y, 12, 13)
        skin *= 1.0 - (who.freckles * dots * place)[..., None] * np.array((0.2, 0.32, 0.4))
    for at_x, at_y, size in who.moles:
        spot = bell(x, at_x, size) * bell(y, at_y, size)
        skin *= 1.0 - 0.6 * spot[..., None] * np.array((0.8, 1.0, 1.0), np.float32)
    return skin


def _beard(
    who: Identity, x: np.ndarray, y: np.ndarray, density: float, rng: np.random.Generator
) -> np.ndarray:
    """How much of the skin the beard hides; men without one have a slight shadow."""
    shape = (y.size, x.size)
    if who.woman:
        return np.zeros(shape, np.float32)
    cv2 = import_cv2()
    jaw = _beard_area(who, x, y)
    lip = who.mouth_y - who.lip_upper - 2.5
    # As wide as the mouth and drooping at its ends.
    droop = 0.011 * x * x
    mustache = bell(y - droop, lip - 1.0, 3.0) * (1.0 - step(np.abs(x), 19, 27)) * 1.3
    round_mouth = (1.0 - step(np.hypot(x / 1.05, (y - who.mouth_y - 9) * 0.95), 17, 24)) * (
        step(y, who.mouth_y + 1, who.mouth_y + 6)
    )
    amount = {
        "none": 0.10 * jaw,
        "stubble": 0.42 * np.maximum(jaw, 0.8 * np.clip(mustache, 0, 1)),
        "full": np.maximum(jaw, np.clip(mustache, 0, 1)),
        "goatee": np.maximum(np.maximum(round_mouth, np.clip(mustache, 0, 1)), 0.25 * jaw),
        "mustache": np.maximum(np.clip(mustache, 0, 1), 0.14 * jaw),
    }[who.beard]
    strands = cv2.GaussianBlur(
        rng.standard_normal(shape, dtype=np.float32), (0, 0), 0.35 * density, sigmaY=1.4 * density
    )
    strands *= 1.0 / max(float(strands.std()), 1e-6)
    grain = 0.10 if who.beard in {"none", "stubble"} else 0.28
    thick = amount * (1.0 + grain * strands * (1.0 - 0.6 * amount))
    return np.clip(thick, 0.0, 0.97).astype(np.float32)


def _beard_area(who: Identity, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The jaw up to the sideburns, without the mouth."""
    away = np.abs(x)
    edge = who.mouth_y + 3.0 - 28.0 * step(away, 22, 44) - 10.0 * step(away, 40, 52)
    below = step(y - edge, -4.0, 5.0)
    mouth = np.hypot(x / (who.mouth_width + 2.0), (y - who.mouth_y - 1.0) / (who.lip_lower + 3.0))
    return below * step(mouth, 0.85, 1.25)


def noise_map(rng: np.random.Generator, shape: tuple[int, int], spread: float) -> np.ndarray:
    """Smooth noise of mean 0 and spread about 1: float32 ``shape``.

    Args:
        rng: the source of randomness.
        shape: (height, width).
        spread: size of its blobs, pixels; broad noise is drawn small and enlarged.
    """
    cv2 = import_cv2()
    factor = max(1.0, spread / 1.2)
    small = (max(4, round(shape[0] / factor)), max(4, round(shape[1] / factor)))
    noise = rng.standard_normal(small, dtype=np.float32)
    noise = cv2.GaussianBlur(noise, (0, 0), max(0.3, spread / factor))
    noise *= np.float32(1.0 / max(float(noise.std()), 1e-6))
    return cv2.resize(noise, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)

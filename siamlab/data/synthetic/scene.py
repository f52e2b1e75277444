"""What is around the face: background, neck and clothes, ears and glasses."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from siamlab.data.synthetic.geometry import View
from siamlab.data.synthetic.identity import Identity
from siamlab.data.synthetic.light import Lamp, light_cloth, linear
from siamlab.system.opencv import import_cv2

_CLOTHES = (
    (34, 38, 48), (52, 66, 96), (24, 24, 26), (196, 194, 188), (232, 232, 230), (110, 36, 40),
    (58, 84, 66), (126, 112, 92), (84, 92, 104), (150, 160, 176), (66, 44, 70), (172, 128, 60),
)  # fmt: skip


@lru_cache(maxsize=2)
def background(scene: int, width: int, height: int) -> np.ndarray:
    """A blurred room or street: float32 (height, width, 3), linear light, cached (read only)."""
    cv2 = import_cv2()
    rng = np.random.default_rng([0xB6, scene])
    base = rng.uniform(20, 215) + rng.normal(0, 8, 3)
    small = np.empty((50, 50, 3), np.float32)
    slope = np.linspace(-1, 1, 50, dtype=np.float32)
    tilt = rng.normal(0, 18, (2, 1)) + rng.normal(0, 6, (2, 3))
    small[:] = base + slope[None, :, None] * tilt[0] + slope[:, None, None] * tilt[1]
    for _ in range(int(rng.integers(0, 9))):
        _furnish(small, rng)
    lights = int(rng.integers(3, 12)) if rng.random() < 0.2 else 0
    for _ in range(lights):
        at = (int(rng.integers(0, 50)), int(rng.integers(0, 35)))
        ink = np.clip(base + rng.uniform(30, 110) + rng.normal(0, 18, 3), 0, 255)
        cv2.circle(small, at, int(rng.integers(2, 5)), ink.tolist(), -1, cv2.LINE_AA)
    soft = float(rng.choice([0.7, 1.2, 2.0, 4.0]))
    small = cv2.GaussianBlur(small, (0, 0), max(soft, 1.2) if lights else soft)
    room = cv2.resize(np.clip(small, 6, 250), (width, height), interpolation=cv2.INTER_CUBIC)
    room = np.clip(room, 3, 252)
    return linear(room)


def _furnish(small: np.ndarray, rng: np.random.Generator) -> None:
    """One box that could be a door, a shelf or a window when blurred."""
    cv2 = import_cv2()
    size = rng.uniform(4, 30, 2) * (1.0, 1.4)
    left, top = rng.uniform(-10, 50, 2)
    ink = small[25, 25] + rng.normal(0, 38) + rng.normal(0, 10, 3)
    first, second = (int(left), int(top)), (int(left + size[0]), int(top + size[1]))
    cv2.rectangle(small, first, second, np.clip(ink, 0, 255).tolist(), -1)


def draw_body(
    light: np.ndarray, who: Identity, view: View, lamp: Lamp, scene: int, head: np.ndarray
) -> None:
    """Draw neck, shoulders and clothes.

    Args:
        light: float32 (H, W, 3), linear light, changed in place.
        who: the person.
        view: where the head is.
        lamp: the light.
        scene: seed of the clothes.
        head: float32 (H, W), coverage of the head, which casts a shadow on the neck.
    """
    rng = np.random.default_rng([0xC107, scene])
    shadow = _head_shadow(head, lamp, view.scale)
    cloth, shirt = _clothes(rng)
    shape, depth = float(rng.uniform(-1, 1)), float(rng.uniform(4, 30))
    neck = _body_window(head.shape, view, 25.0, 150.0, 100.0)
    if neck is None:
        return
    x, y = _body_axes(view, *neck)
    cover, skin = _neck(who, x, y, lamp, shadow[neck])
    light[neck] += cover[..., None] * (skin - light[neck])
    trunk = _body_window(head.shape, view, 92.0, 1000.0, 1000.0)
    if trunk is None:
        return
    x, y = _body_axes(view, *trunk)
    cover, normals = _trunk(who, x, y, view.scale)
    opening = _opening(who, x, y, depth, shape, view.scale)
    dim = 0.45 + 0.55 * shadow[trunk]
    dim *= 1.0 - 0.35 * np.exp(-(((opening - 0.5) / 0.28) ** 2))  # the hem
    dim *= 1.0 + 0.02 * rng.standard_normal(x.shape, dtype=np.float32)  # the weave
    area = light[trunk]
    lit = light_cloth(cloth, normals, lamp) * dim[..., None]
    area += (cover * (1.0 - opening))[..., None] * (lit - area)
    if shirt is not None:
        slit = cover * opening * (1.0 - _opening(who, x, y, depth * 0.25, 0.6, view.scale))
        lit = light_cloth(shirt, normals, lamp) * dim[..., None]
        area += slit[..., None] * (lit - area)


def _body_window(
    shape: tuple[int, ...], view: View, above: float, below: float, aside: float
) -> tuple[slice, slice] | None:
    """Part of the image between two heights under the head's center; None when outside."""
    top = max(0, round(view.middle[1] + above * view.scale))
    bottom = min(shape[0], round(view.middle[1] + below * view.scale))
    left = max(0, round(view.middle[0] - aside * view.scale))
    right = min(shape[1], round(view.middle[0] + aside * view.scale))
    if bottom - top < 1 or right - left < 1:
        return None
    return slice(top, bottom), slice(left, right)


def _body_axes(view: View, rows: slice, columns: slice) -> tuple[np.ndarray, np.ndarray]:
    """Units from the center of the collar; a tilted head bends the neck above it."""
    unit = np.float32(view.scale)
    collar = np.float32(view.middle[1] + 104.0 * view.scale)
    down = np.arange(rows.start, rows.stop, dtype=np.float32)[:, None]
    across = np.arange(columns.start, columns.stop, dtype=np.float32)[None, :]
    lean = np.float32(view.turn[0, 1] * 45.0 * view.scale)
    middle = np.float32(view.middle[0]) + lean * np.clip((collar - down) / (79.0 * unit), 0.0, 1.0)
    return (across - middle) / unit, np.broadcast_to(
        (down - collar) / unit, (down.size, across.size)
    )


def _clothes(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray | None]:
    """Linear colors of the outer cloth and, for some, of a shirt under it."""
    outer = np.array(_CLOTHES[int(rng.integers(len(_CLOTHES)))], np.float32) + rng.normal(0, 9, 3)
    under = np.array(_CLOTHES[int(rng.integers(3, 5))], np.float32) - rng.uniform(0, 40)
    cloth = linear(np.clip(outer, 8, 245))
    return cloth, linear(np.clip(under, 8, 245)) if rng.random() < 0.4 else None


def _head_shadow(head: np.ndarray, lamp: Lamp, unit: float) -> np.ndarray:
    """Share of the lamp's light that reaches below the head, 0 to 1."""
    cv2 = import_cv2()
    shift = (-20.0 * float(lamp.towards[0]) * unit, (10 - 16.0 * float(lamp.towards[1])) * unit)
    move = np.array([[1, 0, shift[0]], [0, 1, shift[1]]], np.float32) * np.float32(0.25)
    move[:, :2] = np.eye(2, dtype=np.float32)
    small = cv2.resize(head, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    size = (small.shape[1], small.shape[0])
    small = cv2.warpAffine(small, move, size, borderMode=cv2.BORDER_REPLICATE)
    small = cv2.GaussianBlur(small, (0, 0), max(0.5, 1.6 * unit))
    shadow = cv2.resize(small, (head.shape[1], head.shape[0]), interpolation=cv2.INTER_LINEAR)
    return np.asarray(1.0 - 0.85 * shadow)


def _neck(
    who: Identity, x: np.ndarray, y: np.ndarray, lamp: Lamp, shadow: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Coverage and light of the neck and the bare skin of the chest."""
    half = who.neck_width * (1.0 + 0.10 * np.clip((y + 30) / 30, 0, 1)) + np.clip(y + 8, 0, 60) * 2
    across = np.clip(x / half, -1.0, 1.0)
    cover = np.clip((half - np.abs(x)) * 1.0 + 0.5, 0.0, 1.0)
    forward = np.sqrt(np.maximum(1.0 - across**2, 0.02))
    flat = np.clip((y + 4) / 30, 0.0, 1.0)
    normals = _unit(across * (1 - 0.6 * flat), np.full_like(across, -0.05), forward)
    # Tendons from the ears to the collar bones.
    cord = np.exp(-(((np.abs(x) - 17 + 0.34 * (y + 28)) / 4.0) ** 2)) * np.clip((-y) / 20, 0, 1)
    skin = linear(np.asarray(who.skin, np.float32) * (0.96, 0.93, 0.91))
    light = light_cloth(skin, normals, lamp)
    light *= (0.38 + 0.62 * shadow)[..., None] * (1.0 + 0.07 * cord)[..., None]
    return cover.astype(np.float32), light.astype(np.float32)


def _unit(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Vectors of length one: float32 (h, w, 3)."""
    shrink = 1.0 / np.sqrt(x * x + y * y + z * z)
    return np.stack([x * shrink, y * shrink, z * shrink], -1).astype(np.float32)


def _trunk(
    who: Identity, x: np.ndarray, y: np.ndarray, unit: float
) -> tuple[np.ndarray, np.ndarray]:
    """Coverage and normals of the shoulders."""
    wide = 112.0 if who.woman else 126.0
    away = np.abs(x)
    slope = np.clip((away - who.neck_width) / (wide - who.neck_width), 0.0, 2.0)
    edge = -9.0 + 22.0 * slope**0.8 + 60.0 * np.clip(slope - 0.8, 0, 2) ** 2
    cover = np.clip((y - edge) * unit + 0.5, 0.0, 1.0)
    up = np.exp(-np.maximum(y - edge, 0.0) / 22.0)
    fold = 0.10 * np.sin(x * 0.09 + y * 0.05) + 0.06 * np.sin(x * 0.21 - y * 0.11)
    normals = _unit(
        0.75 * np.clip(x / wide, -1.2, 1.2) + fold, fold - 0.1 - 0.9 * up, np.ones_like(up)
    )
    return cover.astype(np.float32), normals


def _opening(
    who: Identity, x: np.ndarray, y: np.ndarray, depth: float, shape: float, unit: float
) -> np.ndarray:
    """Coverage of the neckline: round for ``shape`` below 0, pointed above."""
    half = who.neck_width * 1.12
    across = np.clip(np.abs(x) / half, 0.0, 1.5)
    low = depth * (1.0 - (across**2 if shape < 0 else across)) - 6.0
    return np.asarray(np.clip((low - y) * unit + 0.5, 0.0, 1.0), np.float32)


def draw_ear(light: np.ndarray, who: Identity, view: View, lamp: Lamp, side: float) -> None:
    """Draw one ear (before the head when the head hides it)."""
    cv2 = import_cv2()
    turn = view.turn
    root = np.array((side * (who.half_width - 1.0), who.eye_y + 11.0, -6.0), np.float32)
    tip = root + np.array((side * who.ear_out, -1.5, -5.0), np.float32)
    seen = (turn @ np.stack([root, tip], 1)).T * view.scale + (*view.middle, 0.0)
    facing = float(side * turn[2, 0])
    half_x = max(1.5, 0.5 * who.ear_out + 5.5 * max(0.0, facing)) * view.scale
    half_y = who.ear_size * view.scale
    middle = seen.mean(0)[:2]
    reach = half_y * 1.5
    y0, y1 = (int(np.clip(v, 0, light.shape[0])) for v in (middle[1] - reach, middle[1] + reach))
    x0, x1 = (int(np.clip(v, 0, light.shape[1])) for v in (middle[0] - reach, middle[0] + reach))
    if y1 - y0 < 2 or x1 - x0 < 2:
        return
    rows = np.arange(y0, y1, dtype=np.float32)[:, None] - np.float32(middle[1])
    columns = np.arange(x0, x1, dtype=np.float32)[None, :] - np.float32(middle[0])
    tilt = float(np.arctan2(turn[1, 0], turn[0, 0])) + side * 0.16
    u = (columns * np.cos(tilt) + rows * np.sin(tilt)) / half_x
    v = (rows * np.cos(tilt) - columns * np.sin(tilt)) / half_y
    u = u / (1.0 - 0.32 * np.clip(v, -1, 1))  # the lobe is narrower
    away = np.sqrt(u * u + v * v)
    cover = np.clip((1.0 - away) * min(half_x, half_y) + 0.5, 0.0, 1.0)
    inner = np.exp(-(((away - 0.55) / 0.22) ** 2)) * (v < 0.6)
    normals = _unit(side * (0.5 + 0.3 * u * side), 0.3 * v, np.full_like(u, 0.7))
    tone = np.asarray(who.skin, np.float32) * (1.0, 0.90, 0.88)
    color = linear(tone) * (1.0 - 0.42 * inner)[..., None]
    shaded = light_cloth(color.astype(np.float32), normals, lamp)
    area = light[y0:y1, x0:x1]
    area += cv2.GaussianBlur(cover.astype(np.float32), (0, 0), 0.5)[..., None] * (shaded - area)


def draw_glasses(light: np.ndarray, who: Identity, view: View, lamp: Lamp) -> None:
    """Draw glasses: frame, bridge, temples, a sheen on the lenses."""
    cv2 = import_cv2()
    front = who.depth + 6.0
    lenses = [_lens(who, side, front) for side in (-1.0, 1.0)]
    thick = (1.1 if who.frame[0] > 140 else 1.9) * view.scale
    frame = np.zeros(light.shape[:2], np.uint8)
    glass = np.zeros_like(frame)
    lines = [np.vstack([lens, lens[:1]]) for lens in lenses]
    lines.append(_bridge(who, front))
    for side, lens in zip((-1.0, 1.0), lenses, strict=True):
        hinge = lens[np.argmax(side * lens[:, 0])]
        ear = np.array((side * (who.half_width + 1.0), who.eye_y + 1.0, -4.0))
        bend = np.array((side * (who.half_width + 1.5), who.eye_y - 2.0, 22.0))
        if side * view.turn[2, 0] > -0.12:
            lines.append(np.stack([hinge, bend, ear]))
    for line in lines:
        points = np.rint(view.project(line) * 16).astype(np.int32)
        cv2.polylines(frame, [points], False, 255, max(1, round(thick)), cv2.LINE_AA, 4)
    for lens in lenses:
        points = np.rint(view.project(lens) * 16).astype(np.int32)
        cv2.fillPoly(glass, [points], 255, cv2.LINE_AA, 4)
    x0, y0, w, h = cv2.boundingRect(np.maximum(frame, glass))
    window = (slice(y0, y0 + h), slice(x0, x0 + w))
    if w == 0 or h == 0:
        return
    area = light[window]
    shadow = cv2.GaussianBlur(np.roll(frame, round(2 * view.scale), 0)[window], (0, 0), view.scale)
    area *= 1.0 - (shadow.astype(np.float32) * np.float32(0.35 / 255))[..., None]
    sheen = np.linspace(0.055, 0.0, h, dtype=np.float32)[:, None]
    lens_cover = glass[window].astype(np.float32) * np.float32(1 / 255)
    area *= 1.0 - 0.07 * lens_cover[..., None]
    area += (lens_cover * sheen)[..., None] * (lamp.around + 0.4 * lamp.key)
    ink = linear(np.asarray(who.frame, np.float32)) * (0.6 * lamp.key + 0.8 * lamp.around) + 0.004
    cover = frame[window].astype(np.float32) * np.float32(1 / 255)
    area += 0.96 * cover[..., None] * (ink - area)


def _lens(who: Identity, side: float, front: float) -> np.ndarray:
    """Outline of one lens: (n, 3) head coordinates."""
    t = np.linspace(0, 2 * np.pi, 28, endpoint=False)
    power = {"round": 1.0, "square": 0.55, "wide": 0.7}[who.glasses]
    wide, high = {"round": (14.0, 13.0), "square": (15.5, 10.5), "wide": (16.5, 11.5)}[who.glasses]
    c, s = np.cos(t), np.sin(t)
    x = side * (who.eye_x + 0.5) + who.glasses_size * wide * np.sign(c) * np.abs(c) ** power
    y = who.eye_y + 2.0 + who.glasses_size * high * np.sign(s) * np.abs(s) ** power
    return np.stack([x, y, front - 0.009 * x**2], 1)


def _bridge(who: Identity, front: float) -> np.ndarray:
    wide = {"round": 14.0, "square": 15.5, "wide": 16.5}[who.glasses] * who.glasses_size
    inner = max(1.0, who.eye_x + 0.5 - wide)
    t = np.linspace(-1, 1, 9)
    y = who.eye_y - 0.5 - 2.2 * (1 - t**2)
    return np.stack([inner * t, y, np.full_like(t, front + 1.0)], 1)

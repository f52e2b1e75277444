"""Hair: a shell around the head with a hairline, strands and a gloss along them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from siamlab.data.synthetic.geometry import Hits, Shape, View, strike
from siamlab.data.synthetic.identity import Identity
from siamlab.data.synthetic.light import Lamp, dot, linear, power16
from siamlab.system.opencv import import_cv2

_WIDTH, _HEIGHT = 640, 320  # of the strand textures: around the head, and down


@dataclass(frozen=True)
class Cut:
    """A haircut as numbers.

    Attributes:
        over: thickness above the skull, units.
        side: thickness beside it.
        line: Y of the hairline in the middle of the forehead.
        recede: 0 straight to 1 deep corners.
        fringe: units by which hair falls below the hairline.
        sweep: share of that fall that one side has more than the other, signed.
        ears: True when the ears are covered.
        length: Y of the ends of hanging hair; 0 for hair that does not hang.
        curl: 0 straight to 1 tight curls.
        cover: 0 shaved to 1 dense.
        bun: size of a bun, units.
    """

    over: float = 8.0
    side: float = 5.0
    line: float = -47.0
    recede: float = 0.0
    fringe: float = 0.0
    sweep: float = 0.0
    ears: bool = False
    length: float = 0.0
    curl: float = 0.0
    cover: float = 1.0
    bun: float = 0.0


def make_cut(who: Identity) -> Cut:
    """Choose the numbers of a person's haircut."""
    volume, line, wave = who.hair_volume, who.hair_line, 0.6 * who.hair_wave
    recede = who.hair_recede
    falling: dict[str, Any] = {"length": who.hair_length, "ears": True, "curl": wave}
    cuts = {
        "long": Cut(8 * volume, 7 * volume, line, 0.2, 4, who.hair_part, **falling),
        "bob": Cut(9 * volume, 9 * volume, line, 0.2, 7, who.hair_part, **falling),
        "long_fringe": Cut(8 * volume, 7 * volume, line, 0.0, 19, 0.1, **falling),
        "bob_fringe": Cut(9 * volume, 9 * volume, line, 0.0, 20, 0.0, **falling),
        "bun": Cut(5 * volume, 3.5, line, 0.25, 0, 0.0, bun=17 * volume),
        "short": Cut(8 * volume, 4.5 * volume, line, recede, 3, who.hair_part, curl=0.5 * wave),
        "side": Cut(9 * volume, 4 * volume, line, recede, 6, 2.2 * who.hair_part),
        "buzz": Cut(1.3, 0.8, line, recede, 0, 0.0, cover=0.82),
        "quiff": Cut(15 * volume, 3 * volume, line, 0.6 * recede, 0, 0.4 * who.hair_part),
        "fringe": Cut(9 * volume, 7 * volume, line, 0.0, 15, who.hair_part, curl=wave),
        "curly": Cut(13 * volume, 10 * volume, line, 0.5 * recede, 5, 0.0, curl=0.9),
        "afro": Cut(24 * volume, 20 * volume, line, 0.3 * recede, 1, 0.0, curl=1.0, ears=True),
        "bald": Cut(0.6, 0.5, -75.0, 1.0, 0, 0.0, cover=0.5),
    }
    return cuts[who.hair_style]


@dataclass(frozen=True)
class Layer:
    """A layer of an image: linear light (h, w, 3), coverage (h, w)."""

    light: np.ndarray
    cover: np.ndarray


def hair_reach(who: Identity) -> tuple[float, float, float]:
    """How far hair reaches from the head's center, units: aside, above (negative), below."""
    cut = make_cut(who)
    below = cut.length + 25.0 if cut.length else 70.0
    over = 2.6 * cut.bun if cut.bun else cut.over
    return 66.0 + 1.6 * cut.side + (20.0 if cut.length else 0.0), -(88.0 + over), below


def front_hair(
    who: Identity, view: View, lamp: Lamp, rows: slice, columns: slice
) -> tuple[Layer, np.ndarray]:
    """Hair in front of the head.

    Returns:
        The layer, and float32 (h, w) in [0, 1]: the shadow of the hair on the face.
    """
    cut = make_cut(who)
    shell = _shell(who, cut)
    hits = strike(shell, view, rows, columns)
    around, strands = _strands(who, cut, hits)
    curly = cut.curl > 0.7
    bumps = _blobs(who, hits) if curly else strands
    rough = (1.3 if curly else 0.4) * bumps
    border = _border(cut, around)
    soft = 1.6 + 1.2 * cut.curl + (3.0 if cut.cover < 1 else 0.0)
    wobble = (1.0 + 1.1 * min(1.0, cut.fringe / 10) + 1.2 * cut.curl) * bumps
    inside = np.clip((border - hits.y + wobble) / soft + 0.5, 0.0, 1.0)
    cover = inside * hits.cover(view.scale, rough) * cut.cover
    if cut.cover < 1.0:
        cover = cover * np.clip(0.92 + 0.16 * strands, 0.0, 1.0)
    shade = np.clip((border - hits.y + 6.0) / 9.0, 0.0, 1.0) * (0.5 if cut.cover == 1.0 else 0.15)
    light = _light_hair(who, cut, hits, view, lamp, bumps, 0.5 * (strands + bumps))
    return Layer(light, cover.astype(np.float32)), shade.astype(np.float32)


def back_hair(who: Identity, view: View, lamp: Lamp, rows: slice, columns: slice) -> Layer | None:
    """Hair that hangs behind the neck, and a bun; None where there is neither."""
    cut = make_cut(who)
    if cut.bun:
        return _bun(who, cut, view, lamp, rows, columns)
    if cut.cover < 1.0:
        return None
    # Even short hair stands off the head: without a layer behind it, the room would show through.
    end = cut.length or (32.0 if cut.ears else 6.0 if cut.side > 6.0 else -14.0)
    hits = strike(_shell(who, cut), view, rows, columns)
    _, strands = _strands(who, cut, hits)
    if cut.curl > 0.7:
        strands = _blobs(who, hits)
    cover = hits.cover(view.scale, (0.5 + 1.5 * cut.curl) * strands)
    ends = np.clip((end - hits.y + 2.0 * strands) / 5.0 + 0.5, 0.0, 1.0)
    tone = linear(np.asarray(who.hair, np.float32)) * 0.5
    light = tone * (0.4 * lamp.key + 0.6 * lamp.around) * (1.0 + 0.25 * strands)[..., None]
    return Layer(np.maximum(light, 0.0), (cover * ends).astype(np.float32))


def _shell(who: Identity, cut: Cut) -> Shape:
    hanging = cut.length > 0
    return Shape(
        who.half_width + cut.side + (2.0 if hanging else 0.0),
        who.depth + (2.5 if cut.cover == 1.0 else 1.2),
        who.top + cut.over,
        480.0 if hanging else who.bottom + 2.0 * cut.side,
        # Hair fills the head out above: an egg's end would look pointed.
        (
            (-48.0, 20.0, who.temples + 0.02),
            (-who.top - cut.over, 24.0, 0.3 if cut.over > 4 else 0.15),
            (60.0, 50.0, 0.16 if hanging else 0.0),
        ),
    )


def _bun(who: Identity, cut: Cut, view: View, lamp: Lamp, rows: slice, columns: slice) -> Layer:
    turn = view.turn @ np.array((0.0, -who.top - 0.25 * cut.bun, -20.0), np.float32)
    middle = (
        view.middle[0] + view.scale * float(turn[0]),
        view.middle[1] + view.scale * float(turn[1]),
    )
    ball = Shape(cut.bun * 1.25, cut.bun, cut.bun, cut.bun)
    there = View(view.turn, middle, view.scale)
    hits = strike(ball, there, rows, columns)
    _, strands = _strands(who, cut, hits)
    light = _light_hair(who, cut, hits, there, lamp, strands, strands)
    return Layer(light, hits.cover(view.scale, 0.5 * strands))


def _border(cut: Cut, around: np.ndarray) -> np.ndarray:
    """The lowest Y that hair reaches at each angle around the head (radians, 0 in front)."""
    points = []
    for side in (-1.0, 1.0):
        swept = cut.fringe * (1.0 + side * cut.sweep * 1.6)
        corner = cut.line + 10.0 - 16.0 * cut.recede + 0.8 * max(0.0, swept)
        rows = [
            (0.0, cut.line + 0.55 * cut.fringe),
            (18.0, cut.line + 1.0 - 5.0 * cut.recede + max(-2.0, swept) * 0.9),
            (33.0, cut.line + 4.0 - 13.0 * cut.recede + max(-2.0, swept)),
            (46.0, corner),
        ]
        if cut.length:
            rows += [
                (52.0, -14.0),
                (54.0, 8.0),
                (56.0, 40.0),
                (60.0, cut.length),
                (180.0, cut.length),
            ]
        elif cut.ears:
            rows += [(56.0, -18.0), (66.0, 8.0), (75.0, 26.0), (180.0, 44.0)]
        else:
            rows += [(60.0, -24.0), (68.0, -14.0), (74.0, 3.0), (81.0, 7.0)]
            rows += [(87.0, -13.0), (105.0, -13.0), (116.0, 20.0), (180.0, 46.0)]
        points += [(side * angle, height) for angle, height in rows]
    points = sorted(set(points))
    angles = np.radians([p[0] for p in points])
    heights = np.array([p[1] for p in points])
    # A table instead of interpolation at every pixel.
    table = np.interp(np.linspace(-np.pi, np.pi, 1024), angles, heights).astype(np.float32)
    place = (around + np.float32(np.pi)) * np.float32((len(table) - 1) / (2 * np.pi))
    return np.asarray(table[place.astype(np.int32)])


@lru_cache(maxsize=8)
def _texture(seed: int, curly: bool) -> np.ndarray:
    """Noise drawn out downwards into strands: float32 (320, 1024), spread about 1."""
    cv2 = import_cv2()
    rng = np.random.default_rng([0x4A1, seed])
    noise = rng.standard_normal((_HEIGHT, _WIDTH), dtype=np.float32)
    fine = cv2.GaussianBlur(noise, (0, 0), 1.15, sigmaY=3.0 if curly else 30.0)
    broad = cv2.GaussianBlur(noise[::-1].copy(), (0, 0), 5.0, sigmaY=8.0 if curly else 50.0)
    return np.asarray(0.65 * fine / fine.std() + 0.6 * broad / broad.std())


@lru_cache(maxsize=4)
def _blob_texture(seed: int) -> np.ndarray:
    cv2 = import_cv2()
    rng = np.random.default_rng([0x4A2, seed])
    noise = cv2.GaussianBlur(rng.standard_normal((256, 512), dtype=np.float32), (0, 0), 2.6)
    return np.asarray(noise / noise.std())


def _strands(who: Identity, cut: Cut, hits: Hits) -> tuple[np.ndarray, np.ndarray]:
    """Angle around the head (radians) and strand noise at each pixel."""
    cv2 = import_cv2()
    angle = cv2.phase(hits.z + np.float32(1e-4), hits.x)
    around = np.where(angle > np.pi, angle - np.float32(2 * np.pi), angle)
    wave = 5.0 * cut.curl * np.sin(hits.y * np.float32(0.11) + around * 2.0)
    lean = (hits.y + 40.0) * np.float32(0.35 * who.hair_part)
    map_x = around * np.float32(_WIDTH / (2 * np.pi)) + np.float32(_WIDTH / 2) + wave + lean
    map_y = (hits.y + np.float32(110.0)) * np.float32(1.05)
    texture = _texture(who.seed % 5, cut.curl > 0.7)
    strands = cv2.remap(texture, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
    return around, strands


def _blobs(who: Identity, hits: Hits) -> np.ndarray:
    """Curls: noise projected from the front, so that it has no pole at the crown."""
    cv2 = import_cv2()
    size = np.float32(1.3 + 0.4 * who.hair_wave)
    map_x = (hits.x - 0.3 * hits.z) * size + np.float32(256.0)
    map_y = (hits.y + 0.5 * hits.z) * size + np.float32(128.0)
    blobs = _blob_texture(who.seed % 3)
    return np.asarray(cv2.remap(blobs, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP))


def _light_hair(
    who: Identity,
    cut: Cut,
    hits: Hits,
    view: View,
    lamp: Lamp,
    bumps: np.ndarray,
    strands: np.ndarray,
) -> np.ndarray:
    """Matt light from the shell, and a gloss where strands lie across the mirror direction."""
    normals = hits.base @ view.turn.T
    facing = dot(normals, lamp.towards) + (0.08 + 0.16 * cut.curl) * bumps
    direct = np.clip((facing + 0.25) / 1.25, 0.0, 1.0)
    sky = np.clip(0.62 - 0.38 * normals[..., 1] + 0.08 * bumps, 0.1, 1.1)
    tone = linear(np.asarray(who.hair, np.float32))
    texture = np.clip(1.0 + (0.22 + 0.1 * cut.curl) * strands, 0.3, 1.8)
    # Strands run down the shell: the part of "down" that lies in its surface.
    down = view.turn[:, 1]
    fall = dot(normals, down)
    tangent_half = dot(normals, lamp.half()) * -fall + float(down @ lamp.half())
    length = np.sqrt(np.maximum(1.0 - fall * fall, 1e-3))
    across = np.maximum(1.0 - (tangent_half / length + 0.06 * strands) ** 2, 0.0)
    gloss = power16(across) * (1.0 - 0.8 * cut.curl) * np.clip(facing, 0.0, 1.0) * 0.11
    gloss = gloss * np.clip(0.7 + 0.5 * strands, 0.0, 2.0) * (1.0 if cut.cover == 1 else 0.3)
    light = (
        tone * texture[..., None] * (direct[..., None] * lamp.key + sky[..., None] * lamp.around)
    )
    return np.asarray(light + gloss[..., None] * (0.3 + np.sqrt(tone)) * lamp.key)

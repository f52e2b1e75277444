"""The identity of a drawn person: all numbers of a face that are the same in every image.

Lengths are in units of a chip pixel: a face fills the central 113.6 units of a 250-unit chip.
X points to the image's right, Y down, Z to the viewer; the origin is the center of the head.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

Color = tuple[float, float, float]

_SKIN = np.array(  # sRGB from little to much melanin
    [
        (241, 208, 188),
        (229, 188, 162),
        (211, 163, 130),
        (184, 132, 98),
        (146, 97, 69),
        (116, 76, 56),
        (90, 60, 46),
    ],
    dtype=np.float64,
)
_HAIR = {
    "black": (28, 24, 24),
    "dark": (52, 36, 28),
    "brown": (88, 58, 38),
    "light": (132, 94, 58),
    "blond": (190, 152, 96),
    "red": (142, 66, 34),
    "gray": (134, 132, 130),
    "white": (208, 206, 202),
}
_IRIS = {
    "brown": (70, 42, 24),
    "dark": (44, 28, 20),
    "hazel": (112, 84, 44),
    "green": (92, 112, 78),
    "blue": (92, 128, 160),
    "gray": (120, 130, 136),
}
_FRAMES = ((24, 24, 28), (70, 44, 28), (120, 30, 36), (40, 54, 92), (150, 146, 140))
_STYLES_F = ("long", "bob", "bun", "short", "curly", "long_fringe", "bob_fringe", "afro")
_CHANCE_F = (0.30, 0.16, 0.16, 0.08, 0.10, 0.08, 0.07, 0.05)
_STYLES_M = ("short", "side", "buzz", "quiff", "bald", "curly", "afro", "long", "fringe")
_CHANCE_M = (0.24, 0.20, 0.14, 0.11, 0.12, 0.07, 0.04, 0.03, 0.05)


@dataclass(frozen=True)
class Identity:
    """The fixed features of one drawn person.

    Args:
        seed: any integer of 0 or more; another seed is another person.

    Example:
        >>> Identity(7) == Identity(7)
        True
    """

    seed: int
    woman: bool = field(init=False)
    age: float = field(init=False)  # 0 young .. 1 old
    # The skull.
    half_width: float = field(init=False)
    depth: float = field(init=False)
    top: float = field(init=False)
    bottom: float = field(init=False)
    jaw: float = field(init=False)
    chin_width: float = field(init=False)
    temples: float = field(init=False)
    cheeks: float = field(init=False)
    cheek_bones: float = field(init=False)
    chin_out: float = field(init=False)
    chin_cleft: float = field(init=False)
    brow_ridge: float = field(init=False)
    neck_width: float = field(init=False)
    # Eyes and brows.
    eye_x: float = field(init=False)
    eye_y: float = field(init=False)
    eye_width: float = field(init=False)
    eye_height: float = field(init=False)
    eye_tilt: float = field(init=False)
    eye_depth: float = field(init=False)
    lid_fold: float = field(init=False)
    bags: float = field(init=False)
    iris: Color = field(init=False)
    brow_y: float = field(init=False)
    brow_thick: float = field(init=False)
    brow_tilt: float = field(init=False)
    brow_arch: float = field(init=False)
    brow_length: float = field(init=False)
    brow_gap: float = field(init=False)
    # Nose, mouth, ears.
    nose_y: float = field(init=False)
    nose_width: float = field(init=False)
    nose_height: float = field(init=False)
    nose_bridge: float = field(init=False)
    nose_bump: float = field(init=False)
    nose_tip: float = field(init=False)
    nose_skew: float = field(init=False)
    mouth_y: float = field(init=False)
    mouth_width: float = field(init=False)
    lip_upper: float = field(init=False)
    lip_lower: float = field(init=False)
    mouth_corner: float = field(init=False)
    ear_size: float = field(init=False)
    ear_out: float = field(init=False)
    # Colors and marks.
    melanin: float = field(init=False)
    skin: Color = field(init=False)
    lips: Color = field(init=False)
    flush: float = field(init=False)
    freckles: float = field(init=False)
    moles: tuple[tuple[float, float, float], ...] = field(init=False)
    folds: float = field(init=False)
    # Hair, beard, glasses.
    hair: Color = field(init=False)
    hair_style: str = field(init=False)
    hair_volume: float = field(init=False)
    hair_line: float = field(init=False)
    hair_recede: float = field(init=False)
    hair_part: float = field(init=False)
    hair_wave: float = field(init=False)
    hair_length: float = field(init=False)
    beard: str = field(init=False)
    beard_length: float = field(init=False)
    glasses: str = field(init=False)
    glasses_size: float = field(init=False)
    frame: Color = field(init=False)
    make_up: float = field(init=False)

    def __post_init__(self) -> None:
        for name, value in _sample(np.random.default_rng([0x51A3, self.seed])).items():
            object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        return (
            f"Identity({self.seed}: {self.hair_style} hair, beard {self.beard}, "
            f"glasses {self.glasses})"
        )


def _normal(rng: np.random.Generator, mean: float, spread: float) -> float:
    """A normal number clipped at two standard deviations, so that no face is a caricature."""
    return float(mean + spread * np.clip(rng.standard_normal(), -2.0, 2.0))


def _sample(rng: np.random.Generator) -> dict[str, Any]:
    woman = bool(rng.random() < 0.45)
    age = float(rng.beta(1.6, 2.4))
    shape = _shape(rng, woman, age)
    skin = _skin(rng, woman, age)
    hair = _hair(rng, woman, age, skin["melanin"])
    return {"woman": woman, "age": age, **shape, **skin, **hair, **_worn(rng, woman, age)}


def _shape(rng: np.random.Generator, woman: bool, age: float) -> dict[str, float]:
    """The skull, then eyes and brows, then nose, mouth and ears."""
    soft = 1.0 if woman else 0.0
    return {
        "half_width": _normal(rng, 50.5 - 1.5 * soft, 2.6),
        "depth": _normal(rng, 60.0, 2.5),
        "top": _normal(rng, 68.0, 2.2),
        "bottom": _normal(rng, 70.0 - 2.5 * soft, 3.6),
        "jaw": _normal(rng, 0.09 - 0.09 * soft, 0.075),
        "chin_width": _normal(rng, -0.02 - 0.07 * soft, 0.09),
        "temples": _normal(rng, 0.05, 0.035),
        "cheeks": _normal(rng, 0.0 + 1.2 * (1 - age), 1.6),
        "cheek_bones": _normal(rng, 3.6, 1.5),
        "chin_out": _normal(rng, 5.0, 1.7),
        "chin_cleft": max(0.0, _normal(rng, -0.6, 1.0)),
        "brow_ridge": _normal(rng, 5.0 - 2.8 * soft, 1.2),
        "neck_width": _normal(rng, 34.0 - 7.0 * soft, 2.6),
        "eye_x": _normal(rng, 21.2, 1.5),
        "eye_y": _normal(rng, -4.5, 1.6),
        "eye_width": _normal(rng, 11.0 + 0.6 * soft, 0.85),
        "eye_height": _normal(rng, 4.8 + 0.6 * soft - 0.5 * age, 0.65),
        "eye_tilt": _normal(rng, 0.05, 0.07),
        "eye_depth": _normal(rng, 7.0 - 1.0 * soft, 1.4),
        "lid_fold": float(rng.uniform(0.0, 1.0)),
        "bags": float(np.clip(_normal(rng, 0.15 + 0.7 * age, 0.25), 0.0, 1.0)),
        "brow_y": _normal(rng, -19.5 - 1.5 * soft, 1.6),
        "brow_thick": max(0.8, _normal(rng, 2.9 - 1.0 * soft, 0.75)),
        "brow_tilt": _normal(rng, 0.02 + 0.04 * soft, 0.09),
        "brow_arch": _normal(rng, 2.4 + 0.8 * soft, 1.1),
        "brow_length": _normal(rng, 14.0, 1.2),
        "brow_gap": _normal(rng, 9.0, 1.4),
        "nose_y": _normal(rng, 21.0 - 1.2 * soft + 1.5 * age, 2.3),
        "nose_width": _normal(rng, 11.2 - 1.5 * soft, 1.5),
        "nose_height": _normal(rng, 16.5 - 1.5 * soft, 2.0),
        "nose_bridge": _normal(rng, 5.0, 1.4),
        "nose_bump": max(-1.5, _normal(rng, 0.4 - 0.4 * soft, 1.3)),
        "nose_tip": _normal(rng, 5.6 - 0.4 * soft, 0.8),
        "nose_skew": _normal(rng, 0.0, 0.6),
        "mouth_y": _normal(rng, 41.5 - 1.0 * soft, 1.9),
        "mouth_width": _normal(rng, 19.8 - 1.2 * soft, 1.7),
        "lip_upper": max(1.4, _normal(rng, 4.0 + 0.7 * soft - 0.9 * age, 0.85)),
        "lip_lower": max(2.2, _normal(rng, 5.6 + 0.8 * soft - 0.9 * age, 1.0)),
        "mouth_corner": _normal(rng, 0.4, 0.8),
        "ear_size": _normal(rng, 15.5, 1.6),
        "ear_out": float(rng.uniform(3.0, 8.5)),
    }


def _skin(rng: np.random.Generator, woman: bool, age: float) -> dict[str, Any]:
    melanin = float(rng.beta(1.1, 1.7))
    place = np.linspace(0.0, 1.0, len(_SKIN))
    skin = np.array([np.interp(melanin, place, _SKIN[:, c]) for c in range(3)])
    skin *= 1.0 + np.array([0.03, 0.0, -0.04]) * rng.normal()
    skin *= 1.0 + 0.03 * rng.normal()
    make_up = float(rng.random() * rng.random()) if woman else 0.0
    rouge = np.array((178, 52, 62)) if rng.random() < 0.6 else np.array((160, 76, 84))
    natural = skin * (0.88, 0.66, 0.66) + (6, 0, 4)
    lips = natural * (1 - 0.8 * make_up) + rouge * 0.8 * make_up
    freckled = melanin < 0.35 and rng.random() < 0.25
    count = int(rng.choice([0, 0, 0, 1, 1, 2]))
    moles = tuple(
        (float(rng.uniform(-36, 36)), float(rng.uniform(-34, 58)), float(rng.uniform(0.7, 1.3)))
        for _ in range(count)
    )
    return {
        "melanin": melanin,
        "skin": _color(skin),
        "lips": _color(lips),
        "make_up": make_up,
        "flush": float(np.clip(_normal(rng, 0.5, 0.25) * (1 - 0.6 * melanin), 0.05, 1.0)),
        "freckles": float(rng.uniform(0.4, 1.0)) if freckled else 0.0,
        "moles": moles,
        "folds": float(np.clip(_normal(rng, 0.25 + 0.9 * age, 0.22), 0.05, 1.4)),
    }


def _hair(rng: np.random.Generator, woman: bool, age: float, melanin: float) -> dict[str, Any]:
    if rng.random() < max(0.0, 1.7 * (age - 0.45)):
        name = "white" if age > 0.72 and rng.random() < 0.5 else "gray"
    elif melanin > 0.5 or rng.random() < 0.2 + 0.5 * melanin:
        name = "black" if rng.random() < 0.7 else "dark"
    else:
        name = str(rng.choice(["dark", "brown", "brown", "light", "blond", "red"]))
    eyes = "brown" if melanin > 0.5 else str(rng.choice(list(_IRIS)))
    if melanin > 0.5 and rng.random() < 0.5:
        eyes = "dark"
    styles, chance = (_STYLES_F, _CHANCE_F) if woman else (_STYLES_M, _CHANCE_M)
    style = str(rng.choice(styles, p=chance))
    long = style.startswith("long")
    return {
        "hair": _color(np.array(_HAIR[name]) * (1.0 + 0.1 * rng.normal())),
        "iris": _color(np.array(_IRIS[eyes]) * (1.0 + 0.12 * rng.normal())),
        "hair_style": style,
        "hair_volume": float(rng.uniform(0.7, 1.35)),
        "hair_line": _normal(rng, -52.0 if woman else -51.0 - 4.0 * age, 2.6),
        "hair_recede": float(rng.uniform(0.0, 0.35) + (0.0 if woman else 0.9 * age * rng.random())),
        "hair_part": float(rng.choice([-1.0, 1.0]) * rng.uniform(0.1, 0.55)),
        "hair_wave": float(rng.uniform(0.0, 1.0)),
        "hair_length": float(rng.uniform(105, 150) if long else rng.uniform(48, 78)),
    }


def _worn(rng: np.random.Generator, woman: bool, age: float) -> dict[str, Any]:
    """Beard and glasses."""
    kinds = ("none", "stubble", "full", "goatee", "mustache")
    beard = "none" if woman else str(rng.choice(kinds, p=(0.5, 0.18, 0.15, 0.09, 0.08)))
    worn = rng.random() < 0.2 + 0.15 * age
    return {
        "beard": beard,
        "beard_length": float(rng.uniform(2.0, 11.0)),
        "glasses": str(rng.choice(["round", "square", "wide"])) if worn else "none",
        "glasses_size": float(rng.uniform(0.9, 1.12)),
        "frame": _color(np.array(_FRAMES[int(rng.integers(len(_FRAMES)))])),
    }


def _color(values: np.ndarray) -> Color:
    red, green, blue = np.clip(values, 4, 250)
    return (float(red), float(green), float(blue))

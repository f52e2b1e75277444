"""What differs between two drawn images of one person: light, pose, expression, scene, camera."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Conditions:
    """The conditions of one image; the defaults are those of a frontal passport photograph.

    Attributes:
        light_level: exposure, 1.0 is neutral.
        light_side: azimuth of the light, degrees; positive from the image's right.
        light_up: elevation of the light, degrees.
        ambient: share of ambient light, 0 (hard) to 1 (flat).
        warmth: color temperature, -1 (blue) to 1 (yellow).
        yaw: rotation of the head, degrees; positive towards the image's right.
        pitch: nod of the head, degrees; positive down.
        roll: tilt of the head, degrees; positive clockwise in the image.
        mouth_open: 0 closed to 1 wide open.
        smile: -1 (sad) to 1 (broad smile).
        eye_open: 0 shut, 1 normal for the person, up to 1.3.
        brow_raise: -1 (frown) to 1 (surprise).
        gaze_x: where the eyes look, -1 to 1.
        gaze_y: the same, down.
        scale: size of the face, 1.0 as in LFW.
        shift_x: offset of the face, in sides of its box.
        shift_y: the same, down.
        scene: seed of background and clothes.
        blur: standard deviation of the blur, pixels of a 250-pixel chip.
        noise: standard deviation of the sensor's noise, gray levels.
        grain: seed of that noise.
        contrast: of the camera, 1.0 is neutral.
        saturation: of the camera, 1.0 is neutral, 0 gray.
        jpeg: JPEG quality; 100 or more is no compression.

    Example:
        >>> Conditions(yaw=20.0, smile=1.0).yaw
        20.0
    """

    light_level: float = 1.0
    light_side: float = -25.0
    light_up: float = 30.0
    ambient: float = 0.4
    warmth: float = 0.0
    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    mouth_open: float = 0.0
    smile: float = 0.1
    eye_open: float = 1.0
    brow_raise: float = 0.0
    gaze_x: float = 0.0
    gaze_y: float = 0.0
    scale: float = 1.0
    shift_x: float = 0.0
    shift_y: float = 0.0
    scene: int = 0
    blur: float = 0.0
    noise: float = 0.0
    grain: int = 0
    contrast: float = 1.0
    saturation: float = 1.0
    jpeg: int = 100

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Conditions:
        """Draw conditions as varied as those of press photographs."""
        return cls(
            light_level=float(np.exp(0.22 * np.clip(rng.normal(), -2, 2))),
            light_side=float(np.clip(32.0 * rng.normal(), -75, 75)),
            light_up=float(rng.uniform(-5, 60)),
            ambient=float(rng.uniform(0.2, 0.75)),
            warmth=float(np.clip(0.1 + 0.45 * rng.normal(), -1, 1)),
            yaw=float(np.clip(12.0 * rng.normal(), -32, 32)),
            pitch=float(np.clip(2.0 + 5.5 * rng.normal(), -12, 15)),
            roll=float(np.clip(4.0 * rng.normal(), -11, 11)),
            scale=float(1.0 + 0.045 * np.clip(rng.normal(), -2, 2)),
            shift_x=float(0.03 * np.clip(rng.normal(), -2, 2)),
            shift_y=float(0.03 * np.clip(rng.normal(), -2, 2)),
            mouth_open=float(rng.uniform(0.1, 0.9)) if rng.random() < 0.35 else 0.0,
            smile=float(np.clip(0.25 + 0.45 * rng.normal(), -0.5, 1.0)),
            eye_open=float(np.clip(0.98 + 0.15 * rng.normal(), 0.45, 1.25)),
            brow_raise=float(np.clip(0.4 * rng.normal(), -1, 1)),
            gaze_x=float(np.clip(0.4 * rng.normal(), -1, 1)),
            gaze_y=float(np.clip(0.25 * rng.normal(), -1, 1)),
            blur=float(min(1.5, rng.exponential(0.45))),
            noise=float(rng.uniform(0.5, 6.0)),
            contrast=float(np.clip(1.0 + 0.12 * rng.normal(), 0.75, 1.25)),
            saturation=(
                0.0 if rng.random() < 0.04 else float(np.clip(rng.normal(1, 0.15), 0.6, 1.4))
            ),
            jpeg=int(rng.integers(45, 96)),
            scene=int(rng.integers(2**31)),
            grain=int(rng.integers(2**31)),
        )

    @classmethod
    def at(cls, seed: int, seconds: float) -> Conditions:
        """The conditions ``seconds`` into a video: a head that moves slowly before a webcam.

        Light, room and clothes depend on the video's ``seed``; pose, expression, blinking and the
        brightness of the room change smoothly with time. No state is kept between calls.
        """
        rng = np.random.default_rng([0xF11, seed])

        def wave(slow: float, fast: float) -> float:
            """The sum of two slow sines, in [-1, 1]."""
            speeds, phases = rng.uniform(slow, fast, 2), rng.uniform(0.0, 2 * math.pi, 2)
            first, second = np.sin(2 * math.pi * speeds * seconds + phases)
            return float(0.62 * first + 0.38 * second)

        talk = max(0.0, wave(0.05, 0.12) - 0.45) * abs(wave(1.2, 2.0))
        return cls(
            light_level=float(rng.uniform(0.95, 1.2)) * (1.0 + 0.06 * wave(0.05, 0.2)),
            light_side=float(rng.uniform(-45, 45)) + 12.0 * wave(0.03, 0.1),
            light_up=float(rng.uniform(10, 45)),
            ambient=float(rng.uniform(0.3, 0.6)),
            warmth=float(rng.uniform(-0.5, 0.6)),
            yaw=15.0 * wave(0.06, 0.16),
            pitch=7.0 * wave(0.06, 0.18),
            roll=6.0 * wave(0.05, 0.14),
            mouth_open=min(1.0, 2.2 * talk),
            smile=0.2 + 0.75 * wave(0.04, 0.1),
            eye_open=_blink(seconds + float(rng.uniform(0, 4))),
            brow_raise=0.5 * wave(0.05, 0.15),
            gaze_x=0.6 * wave(0.1, 0.3),
            gaze_y=0.4 * wave(0.1, 0.3),
            scale=1.0 + 0.08 * wave(0.04, 0.1),
            shift_x=0.09 * wave(0.05, 0.12),
            shift_y=0.05 * wave(0.05, 0.12),
            scene=int(rng.integers(2**31)),
            blur=0.35,
            noise=2.5,
            grain=int(seconds * 1000) ^ (seed << 20),
        )


def _blink(seconds: float) -> float:
    """Shut for about a seventh of a second every four seconds."""
    away = abs((seconds % 4.0) - 2.0)
    return float(np.clip((away - 0.03) / 0.09, 0.0, 1.0))

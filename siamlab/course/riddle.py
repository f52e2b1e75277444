"""The riddle that chapter 01 opens with: who is on the left?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from siamlab.data.synthetic import Conditions, Identity, draw_face


def riddle_images() -> dict[str, np.ndarray]:
    """Four drawn images: one of a known person, and three to choose from.

    A is another person before the same wall in the same light; B is the known person elsewhere,
    with a turned head and a smile; C is a third person where B is.

    Returns:
        ``known``, ``A``, ``B`` and ``C``: uint8 RGB ``(250, 250, 3)``.
    """
    studio = Conditions(light_side=-60, ambient=0.25, warmth=0.6, scene=3)
    street = Conditions(
        light_side=60, ambient=0.3, warmth=-0.5, light_level=0.9, yaw=-18, smile=0.8, scene=8
    )
    known, other, third = Identity(33), Identity(34), Identity(35)
    return {
        "known": draw_face(known, studio),
        "A": draw_face(other, replace(studio, yaw=4)),
        "B": draw_face(known, street),
        "C": draw_face(third, street),
    }

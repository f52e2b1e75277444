"""Whole photographs of drawn people: upright and wide, with the face anywhere, of any size."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from siamlab.data.synthetic.conditions import Conditions
from siamlab.data.synthetic.drawing import draw_frame
from siamlab.data.synthetic.people_files import person_identity, person_name
from siamlab.images.write import write_image

SIZES = ((640, 480), (480, 640), (900, 500))


def write_photographs(root: Path, people: int, images: int = 2, seed: int = 0) -> Path:
    """One folder per person; a face takes 0.22 to 0.34 of the height, and lies off the middle."""
    for person in range(1, people + 1):
        who = person_identity(seed, person)
        for number in range(images):
            rng = np.random.default_rng([seed, person, number])
            size = SIZES[(person + number) % len(SIZES)]
            # A side of the face is the unit of a shift: it stays within the picture.
            room = size[0] / (0.8 * size[1]) - 0.7
            conditions = replace(
                Conditions.sample(rng),
                scale=float(rng.uniform(0.55, 0.85)),
                shift_x=float(rng.choice([-1, 1]) * room * rng.uniform(0.6, 1)),
                shift_y=float(rng.uniform(-0.5, 0.5)),
            )
            photograph, _ = draw_frame(who, conditions, size)
            write_image(root / person_name(person) / f"IMG {number}.jpg", photograph)
    return root

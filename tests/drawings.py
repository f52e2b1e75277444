"""Small alphabets of drawn characters, in Omniglot's layout."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw


def write_characters(
    root: Path, alphabets: Mapping[str, int], drawers: int = 4, seed: int = 0
) -> Path:
    """Write alphabets of random strokes, slightly different for each drawer.

    Args:
        root: gets ``alphabet/character01/0001_01.png``.
        alphabets: name to number of characters.
        drawers: drawings of each character.
        seed: of the strokes.
    """
    rng = np.random.default_rng(seed)
    number = 0
    for alphabet, count in alphabets.items():
        for character in range(1, count + 1):
            number += 1
            strokes = rng.uniform(15, 90, (4, 2))
            folder = root / alphabet / f"character{character:02d}"
            folder.mkdir(parents=True)
            for drawer in range(1, drawers + 1):
                points = strokes + rng.normal(0, 2, strokes.shape)
                image = Image.new("1", (105, 105), 1)
                line = [(float(across), float(down)) for across, down in points]
                ImageDraw.Draw(image).line(line, fill=0, width=3)
                image.save(folder / f"{number:04d}_{drawer:02d}.png")
    return root

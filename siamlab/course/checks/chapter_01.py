"""Chapter 01: what pixels say, and who can be in a pair."""

from __future__ import annotations

from typing import Any

import numpy as np

from siamlab.course.exercises import Exercise, follows, near


def _pixel_distance(first: Any, second: Any) -> Any:
    return np.abs(first.astype(float) - second).mean() / 255


def _image(*values: int) -> np.ndarray:
    return np.array(values, np.uint8)


CHECKS = {
    "01.1": Exercise(
        test=follows(
            _pixel_distance,
            (_image(200, 100), _image(100, 50)),
            (_image(100, 50), _image(200, 100)),
            (np.zeros((2, 2, 3), np.uint8), np.full((2, 2, 3), 255, np.uint8)),
            tolerance=1e-4,
        ),
        hint="Subtract, take the absolute value, the mean, and divide by 255. uint8 has no "
        "negative numbers: 100 - 200 becomes 156. Turn one image into float first.",
        shows="Images are compared as float; in uint8 a small darkening would count as a large "
        "difference, and no error would tell.",
    ),
    "01.2": Exercise(
        test=near(
            10,
            mistakes={
                25: "That counts an image with itself, and each pair twice.",
                20: "Each pair is counted twice: (a, b) and (b, a) are the same two images.",
                15: "That counts an image with itself, which shows nothing.",
            },
        ),
        hint="Write the images as 1, 2, 3, 4, 5, and list the pairs: itertools.combinations does.",
        shows="n images of one person give n(n - 1)/2 genuine pairs, so one image gives none: "
        "whoever has a single image can only ever be the other person of an impostor pair.",
    ),
    "01.3": Exercise(
        test=follows(
            lambda counts: sum(count >= 2 for count in counts),
            ([1, 1, 2, 8],),
            ([3],),
            ([1],),
            ([2, 2, 1, 1, 5],),
        ),
        hint="A genuine pair needs two images. Count those who have at least two.",
        shows="In LFW 1,680 of 5,749 people have two images or more; the other 4,069 are never in "
        "a genuine pair.",
    ),
}

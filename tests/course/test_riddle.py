"""The riddle: pixels choose another person, and like the right one least."""

from __future__ import annotations

import numpy as np

from siamlab.course.riddle import riddle_images


def test_pixels_are_misled():
    images = riddle_images()
    assert list(images) == ["known", "A", "B", "C"]
    known = images.pop("known").astype(float)
    a, b, c = (np.abs(known - image).mean() / 255 for image in images.values())
    assert a < 0.06 < 0.12 < c < b, "chapters 01 and 04 tell this order"

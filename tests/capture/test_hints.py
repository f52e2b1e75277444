"""Hints: the most pressing one, worked out by hand for a frame of 640 x 480."""

from __future__ import annotations

import pytest

from siamlab.capture.hints import find_hint
from siamlab.faces.detectors import FaceBox

SHAPE = (480, 640, 3)  # its guide box has a side of 480 / 2.2 = 218


def box(size: float) -> FaceBox:
    return FaceBox(200, 100, size)


@pytest.mark.parametrize(
    ("boxes", "faults", "hint"),
    [
        ([], ("too dark",), "No face: look into the camera, inside the oval"),
        ([box(200), box(120)], (), "Two faces: be alone in the picture"),
        ([box(200), box(120), box(110)], (), "Several faces: be alone in the picture"),
        ([box(200), box(60)], (), ""),  # somebody far behind
        ([box(130)], ("blurred",), "Come closer"),
        ([box(132)], ("blurred",), "Blurred: hold still"),
        ([box(372)], (), "Move back a little"),
        ([box(218)], ("blurred", "too dark"), "Too dark: turn on a light"),
        ([box(218)], ("low contrast",), "Change the light"),
        ([box(218)], (), ""),
    ],
)
def test_the_most_pressing_hint(boxes: list[FaceBox], faults: tuple[str, ...], hint: str) -> None:
    assert find_hint(SHAPE, boxes, faults) == hint

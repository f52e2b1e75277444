"""A face is followed from frame to frame, and the whole frame is searched from time to time."""

from __future__ import annotations

import numpy as np
import pytest
from fakes import FakeDetector, gray_frame

from siamlab.faces.detectors import FaceBox
from siamlab.verification import tracking
from siamlab.verification.tracking import TrackingDetector


class Confirming(FakeDetector):
    """Counts whole searches; a confirmed face is one pixel further right. Black shows nothing."""

    searches = 0

    def detect(self, image: np.ndarray) -> list[FaceBox]:
        self.searches += 1
        return super().detect(image)

    def confirm(self, image: np.ndarray, box: FaceBox) -> FaceBox | None:
        return FaceBox(box.x + 1, box.y, box.size) if image.any() else None


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that the clock shows next; the last one stays."""
    times = [0.0]
    monkeypatch.setattr(
        tracking.time, "monotonic", lambda: times.pop(0) if len(times) > 1 else times[0]
    )
    return times


def test_the_face_is_looked_for_where_it_was(clock: list[float]) -> None:
    """A search of 0.1 s is a tenth of the time until 0.9 s after it."""
    detector = Confirming()
    follow = TrackingDetector(detector)
    clock[:] = [0.0, 0.1, 0.5]
    places = [follow.detect(gray_frame(100))[0].x for _ in range(3)]
    assert (places, detector.searches) == ([50, 51, 52], 1)
    clock[:] = [1.0]
    assert follow.detect(gray_frame(100))[0].x == 50 and detector.searches == 2


def test_a_lost_face_is_searched_in_the_whole_frame(clock: list[float]) -> None:
    detector = Confirming()
    follow = TrackingDetector(detector)
    clock[:] = [0.0, 0.1]
    assert follow.detect(gray_frame(100))
    assert follow.detect(gray_frame(0)) == [] and detector.searches == 2
    assert follow.detect(gray_frame(100))[0].x == 50 and detector.searches == 3


def test_several_faces_are_not_followed(clock: list[float]) -> None:
    detector = Confirming([FaceBox(10, 30, 40), FaceBox(90, 30, 38)])
    follow = TrackingDetector(detector)
    clock[:] = [0.0, 0.1]
    assert [len(follow.detect(gray_frame(100))) for _ in range(3)] == [2, 2, 2]
    assert detector.searches == 3


def test_a_detector_that_cannot_confirm_searches_every_frame() -> None:
    follow = TrackingDetector(FakeDetector())
    assert follow.detect(gray_frame(100)) == FakeDetector().boxes
    assert follow.detect(gray_frame(0)) == [] and follow.name == "guide"

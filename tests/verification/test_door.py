"""The verdict from k of n frames, the limit on tries, and what the person at the door is told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fakes import FakeDetector, FakeModel, gray_frame

from siamlab.errors import InputError, NotEnrolledError, TooManyTriesError
from siamlab.faces.detectors import FaceBox, Landmarks
from siamlab.gallery import Gallery
from siamlab.verification.challenge import FRONT, STEPS, draw_steps
from siamlab.verification.door import Door, decide_frames
from siamlab.verification.result import Verification
from siamlab.verification.verifier import Verifier

pytestmark = pytest.mark.usefixtures("any_face_is_usable")  # even gray ones, here

YES = Verification("Ada", True, np.float32([0.9]), 0.5, 0.5, None, {}, fused=1.0)
NO = replace(YES, verified=False, scores=np.float32([0.1]), fused=0.0)
NO_FACE = replace(YES, verified=None, scores=np.zeros(0, np.float32), reason="No face was found.")
CROWD = replace(NO_FACE, reason="2 faces of similar size were found; one is expected.")


@pytest.mark.parametrize(
    ("frames", "verified"),
    [
        ([YES], True),
        ([NO], False),
        ([YES, YES, YES, NO, NO], True),  # 3 of 5 are 60 %
        ([YES, YES, NO, NO, NO], False),
        ([YES, YES, NO_FACE, NO_FACE, NO_FACE], None),  # not enough that can be judged
        ([YES, NO, NO_FACE], False),
        ([YES, YES, YES, YES, CROWD], None),
        ([NO_FACE, NO_FACE], None),
    ],
)
def test_k_of_n_frames(frames: list[Verification], verified: bool | None) -> None:
    answer = decide_frames(frames)
    assert answer.verified is verified
    assert answer.frames == len(frames)
    assert bool(answer.reason) == (verified is None)


def test_the_needed_share_is_exact() -> None:
    """0.6 of 5 is 3, although 0.6 * 5 is a little more than 3 in binary for other shares."""
    for count in range(1, 40):
        needed = int(np.ceil(round(0.7 * count, 6)))
        frames = [YES] * needed + [NO] * (count - needed)
        assert decide_frames(frames, 0.7).verified
        assert not decide_frames([*frames[1:], NO], 0.7).verified


def test_no_frames_and_impossible_shares_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="at least one frame"):
        decide_frames([])
    verifier = Verifier(FakeModel(), Gallery(tmp_path), FakeDetector())
    for needed in (0.0, 1.1):
        with pytest.raises(InputError, match="needed"):
            Door(verifier, needed)


@pytest.fixture
def door(tmp_path: Path) -> Door:
    verifier = Verifier(FakeModel(threshold=0.9), Gallery(tmp_path / "gallery"), FakeDetector())
    verifier.enroll("Ada", [gray_frame(100)], consent="drawn")
    return Door(verifier)


def test_who_tries_sees_no_scores(door: Door) -> None:
    answer = door.verify([gray_frame(101)] * 3, "Ada", 0.0)
    assert str(answer) == "Ada verified, 3 frames"
    assert answer.to_dict()["score"] is None
    assert answer.to_dict()["scores"] == []
    operator = Door(door.verifier, show_scores=True)
    assert operator.verify([gray_frame(101)], "Ada", 0.0).probability is not None


def test_a_stranger_has_three_tries(door: Door) -> None:
    stranger = [gray_frame(200)] * 2
    for _ in range(3):
        assert door.verify(stranger, "Ada", 0.0).verified is False
    with pytest.raises(TooManyTriesError):
        door.verify(stranger, "Ada", 1.0)
    with pytest.raises(TooManyTriesError):  # the owner waits, too
        door.verify([gray_frame(100)], "Ada", 1.0)
    assert door.verify([gray_frame(100)], "Ada", 6.0).verified
    assert door.verify(stranger, "Ada", 6.0).verified is False


def test_what_is_unknown_is_no_try(door: Door) -> None:
    black = np.zeros((120, 160, 3), np.uint8)
    for _ in range(10):
        assert door.verify([black], "Ada", 0.0).verified is None
    assert door.verify([gray_frame(100)], "Ada", 0.0).verified


def test_a_frame_of_another_form_is_no_try(door: Door) -> None:
    for _ in range(4):
        with pytest.raises(InputError):
            door.verify([np.zeros((2, 2), np.uint8)], "Ada", 0.0)
    assert door.wait("Ada", 0.0) == ""


def test_the_door_says_how_long_to_wait(door: Door) -> None:
    for _ in range(3):
        door.verify([gray_frame(200)], "Ada", 0.0)
    assert door.wait("Ada", 0.0) == "5 s"
    assert door.wait("Ada", 5.0) == ""


def test_names_cannot_be_tried_out_for_ever(door: Door) -> None:
    for number in range(30):
        with pytest.raises(NotEnrolledError):
            door.verify([gray_frame(100)], f"guess {number}", 0.0)
    with pytest.raises(TooManyTriesError):
        door.verify([gray_frame(100)], "another guess", 1.0)


def test_two_faces_in_a_frame_are_refused(door: Door) -> None:
    door.verifier.detector = FakeDetector([FaceBox(50, 30, 40), FaceBox(5, 5, 40)])
    answer = door.verify([gray_frame(100)], "Ada", 0.0)
    assert answer.verified is None
    assert "2 faces" in answer.reason


class Moving:
    """Frames of a head that does as it was told, for a detector that knows what they show."""

    def __init__(self, level: int, obeys: bool = True) -> None:
        self.level, self.obeys, self.told, self.now = level, obeys, [], 0.0

    def tell(self, instruction: str) -> None:
        self.told.append(instruction)

    def clock(self) -> float:
        self.now += 0.4
        return self.now

    def read(self) -> np.ndarray:
        frame = gray_frame(self.level)
        frame[0, 0] = STEPS.index(self.told[-1]) + 1 if self.obeys and self.told[-1] != FRONT else 9
        return frame


class MovingDetector(FakeDetector):
    """Five points of the pose that the frame's first pixel names."""

    def detect(self, image: np.ndarray) -> list[FaceBox]:
        step = int(image[0, 0, 0])
        nose = {1: (88.0, 65.0), 2: (52.0, 65.0), 3: (70.0, 58.0)}.get(step, (70.0, 65.0))
        points = ((50.0, 40.0), (90.0, 40.0), nose, (55.0, 85.0), (85.0, 85.0))
        size = 60.0 if step == 4 else 40.0
        return [FaceBox(50, 30, size, landmarks=Landmarks(points, "yunet"))]


@pytest.fixture
def moving_door(door: Door, monkeypatch: pytest.MonkeyPatch) -> Door:
    door.verifier.detector = MovingDetector()
    monkeypatch.setattr("siamlab.verification.challenge.parallax", lambda *_: 0.8)
    return door


def test_who_does_as_asked_is_verified(moving_door: Door) -> None:
    head = Moving(100)
    answer = moving_door.challenge(
        head.read, "Ada", head.tell, np.random.default_rng(0), head.clock
    )
    assert answer.verified, answer.reason
    assert [one for one in head.told if one != FRONT] == list(draw_steps(np.random.default_rng(0)))
    assert answer.to_dict()["scores"] == []


def test_who_does_not_move_is_unknown_and_it_counts(moving_door: Door) -> None:
    for _ in range(3):
        head = Moving(100, obeys=False)
        answer = moving_door.challenge(
            head.read, "Ada", head.tell, np.random.default_rng(0), head.clock
        )
        assert answer.verified is None
        assert answer.reason.startswith("no 'come closer' within")
    with pytest.raises(TooManyTriesError):
        moving_door.challenge(head.read, "Ada", head.tell)


def test_a_stranger_who_moves_is_not_verified(moving_door: Door) -> None:
    head = Moving(200)
    answer = moving_door.challenge(head.read, "Ada", head.tell, None, head.clock)
    assert answer.verified is False

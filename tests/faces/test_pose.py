"""Pose from five points by hand, and parallax of heads and of flat pictures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from siamlab.assessment.presentation import flat_print
from siamlab.data.synthetic import Conditions, Identity, draw_frame
from siamlab.errors import InputError
from siamlab.faces.detectors import FaceBox, Landmarks, open_detector
from siamlab.faces.landmarks import find_landmarks
from siamlab.faces.pose import head_pose, parallax
from siamlab.system.dlib_files import FIVE_POINTS, find_dlib_file

needs_points = pytest.mark.skipif(
    find_dlib_file(FIVE_POINTS) is None, reason="dlib's landmarks are not installed"
)


def with_points(points: np.ndarray, kind: str = "yunet") -> FaceBox:
    marks = Landmarks(tuple((float(x), float(y)) for x, y in points), kind)
    return FaceBox(10, 10, 100, landmarks=marks)


FRONT = np.array([(40, 40), (80, 40), (60, 65), (45, 85), (75, 85)])


def test_the_pose_by_hand() -> None:
    """Eyes 40 apart, the nose 25 below their middle: nod 25 / 40; moved by 8 aside: turn 0.2."""
    assert head_pose(with_points(FRONT)).turn == 0.0
    assert head_pose(with_points(FRONT)).nod == 0.625
    turned = FRONT + np.array([[0, 0], [0, 0], [8, 0], [0, 0], [0, 0]])
    assert head_pose(with_points(turned)).turn == pytest.approx(0.2)


@pytest.mark.parametrize(("degrees", "scale"), [(0, 2.0), (30, 1.0), (-75, 0.4)])
def test_the_pose_does_not_depend_on_tilt_and_size(degrees: float, scale: float) -> None:
    angle = np.radians(degrees)
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    moved = FRONT + np.array([[0, 0], [0, 0], [6, 3], [0, 0], [0, 0]])
    first, second = head_pose(with_points(moved)), head_pose(with_points(moved @ turn.T + 7))
    assert (first.turn, first.nod) == pytest.approx((second.turn, second.nod))


def test_dlibs_points_give_the_same_as_eyes_and_nose() -> None:
    corners = np.array([(85, 40), (75, 40), (35, 40), (45, 40), (60, 65)])
    pose = head_pose(with_points(corners, "dlib"))
    assert (pose.turn, pose.nod) == (0.0, 0.625)


def test_no_landmarks_is_one_line() -> None:
    with pytest.raises(InputError, match="no landmarks"):
        head_pose(FaceBox(0, 0, 10))


@needs_points
@pytest.mark.parametrize("person", [201, 202, 203])
def test_a_head_has_parallax_and_its_photograph_has_not(person: int) -> None:
    """Turned by 26 degrees both move the same way; only the head leaves a homography behind."""
    detector = open_detector()
    base = replace(Conditions.at(person, 0.0), yaw=0.0, pitch=0.0, roll=0.0)
    front = draw_frame(Identity(person), base)[0]
    turned = draw_frame(Identity(person), replace(base, yaw=26.0, grain=3))[0]
    flat = flat_print(front, skew=25.0)(26.0, 0.0, 1.0, 1)

    def found(frame: np.ndarray) -> FaceBox:
        return find_landmarks(frame, detector.detect(frame)[0])

    places = {name: found(frame) for name, frame in
              (("front", front), ("turned", turned), ("flat", flat))}  # fmt: skip
    assert head_pose(places["turned"]).turn - head_pose(places["front"]).turn > 0.08
    assert parallax(front, places["front"], turned, places["turned"]) > 0.5
    assert parallax(front, places["front"], flat, places["flat"]) < 0.5
    assert parallax(front, places["front"], front, places["front"]) == 0.0

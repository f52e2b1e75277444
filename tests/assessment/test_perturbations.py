"""Perturbations do what their unit says, whatever the photograph's size."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest

from siamlab.assessment.perturbations import (
    PERTURBATIONS,
    Perturbation,
    blur,
    compress,
    darken,
    find_perturbation,
    light_from_one_side,
    make_small,
    roll,
    show_levels,
    turn,
)
from siamlab.data.synthetic import Conditions, Identity, draw_face
from siamlab.errors import InputError
from siamlab.faces.detectors import FaceBox, guide_box
from siamlab.faces.landmarks import find_landmarks
from siamlab.system.opencv import import_cv2

BOX = FaceBox(25, 25, 50)  # of a 101-pixel image: its middle is (50, 50)


class Side:
    """A generator that always chooses the same side."""

    def __init__(self, value: float) -> None:
        self.value = value

    def random(self) -> float:
        return self.value


def gray(level: int, side: int = 101) -> np.ndarray:
    return np.full((side, side, 3), level, np.uint8)


def dot(x: int, y: int) -> np.ndarray:
    """A white square of five pixels around (x, y) on black."""
    image = gray(0)
    image[y - 2 : y + 3, x - 2 : x + 3] = 255
    return image


def middle(image: np.ndarray) -> tuple[float, float]:
    weights = image[..., 0].astype(float)
    rows, columns = np.indices(weights.shape)
    return (columns * weights).sum() / weights.sum(), (rows * weights).sum() / weights.sum()


@pytest.fixture(scope="module")
def face():
    image = draw_face(Identity(7), Conditions())
    return image, find_landmarks(image, guide_box(image.shape))


def test_a_stop_halves_the_light():
    """2.2 stops are 2 ** (-2.2 / 2.2) = half of a pixel's value; the noise has a mean of 0."""
    dark = darken(gray(200), BOX, 2.2, np.random.default_rng(0)).astype(float)
    assert dark.mean() == pytest.approx(100, abs=0.2)
    assert dark.std() == pytest.approx(3, abs=0.2)


@pytest.mark.parametrize("side", [0.2, 0.8])
def test_light_falls_across_the_face_only(side):
    """From the face's edge at 25 to that at 75 by 2.2 stops: half the value, and flat outside."""
    row = light_from_one_side(gray(200), BOX, 2.2, Side(side))[50, :, 0].astype(int)
    row = row[::-1] if side < 0.5 else row
    assert set(row[:25]) == {200} and set(row[77:]) == {100}
    assert (np.diff(row) <= 0).all()
    assert row[50] == pytest.approx(200 / math.sqrt(2), abs=1.5)


def test_blur_is_a_share_of_the_face():
    """4 % of 50 pixels: the edge follows the normal distribution with a deviation of 2 pixels."""
    edge = gray(0)
    edge[:, 51:] = 200
    row = blur(edge, BOX, 4, Side(0))[50, :, 0]
    for column in (46, 49, 51, 54):
        expected = 200 * NormalDist(0, 2).cdf(column - 50.5)
        assert row[column] == pytest.approx(expected, abs=3)


def test_small_shrinks_to_the_side_and_never_enlarges():
    """A face of 50 in 101 pixels becomes 20 wide in 101 * 20 / 50 = 40 pixels."""
    assert make_small(gray(9), BOX, 20, Side(0)).shape == (40, 40, 3)
    image = gray(9)
    assert make_small(image, BOX, 60, Side(0)) is image


@pytest.mark.parametrize(("side", "place"), [(0.2, (50, 20)), (0.8, (50, 80))])
def test_roll_turns_about_the_middle_of_the_face(side, place):
    """A point 30 to the right of the middle goes 30 above or below it after 90 degrees."""
    assert middle(roll(dot(80, 50), BOX, 90, Side(side))) == pytest.approx(place, abs=0.6)


def test_turn_follows_the_perspective():
    """far = 4 * 50 = 200; at 30 degrees a point 40 to the right goes to
    200 * 40 cos 30 / (200 + 40 sin 30) = 31.49, one 20 below the middle line to
    200 * 20 / (200 + 40 sin 30) = 18.18.
    """
    x, y = middle(turn(dot(90, 70), BOX, 30, Side(0)))
    assert (x, y) == pytest.approx((50 + 31.49, 50 + 18.18), abs=0.6)
    x, _ = middle(turn(dot(90, 70), BOX, 30, Side(1)))
    assert x == pytest.approx(50 + 200 * 40 * math.cos(math.pi / 6) / (200 - 20), abs=0.6)


def test_compression_keeps_the_colors_in_their_order(face):
    red = np.zeros((64, 64, 3), np.uint8)
    red[..., 0] = 200
    found = compress(red, BOX, 50, Side(0)).astype(int)
    assert abs(found - red).max() < 12
    image, box = face
    errors = [
        np.abs(compress(image, box, quality, Side(0)).astype(int) - image).mean()
        for quality in (90, 30, 5)
    ]
    assert errors == sorted(errors) and errors[0] < errors[-1]


@pytest.mark.parametrize("one", PERTURBATIONS, ids=lambda one: one.name)
def test_a_stronger_level_changes_more_and_the_photograph_stays(one, face):
    image, box = face
    before = image.copy()
    cv2 = import_cv2()
    changes = []
    for level in one.levels:
        worse = one.apply(image, box, level, np.random.default_rng(3))
        assert worse.dtype == np.uint8 and worse.ndim == 3 and worse.shape[2] == 3
        again = one.apply(image, box, level, np.random.default_rng(3))
        np.testing.assert_array_equal(worse, again)
        back = cv2.resize(worse, image.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        changes.append(np.abs(back.astype(int) - image).mean())
    assert changes == sorted(changes) and changes[0] > 0.1
    np.testing.assert_array_equal(image, before)


# Noise and JPEG's blocks belong to pixels, so "dark" and "jpeg" are of the photograph's size.
@pytest.mark.parametrize("name", ["side_light", "blur", "small", "roll", "turn", "eyes", "mouth"])
def test_a_photograph_twice_as_large_is_changed_alike(name, face):
    image, _ = face
    cv2 = import_cv2()
    large = cv2.resize(image, None, fx=2, fy=2, interpolation=cv2.INTER_LINEAR)
    one = find_perturbation(name)

    def changed(view: np.ndarray) -> np.ndarray:
        box = find_landmarks(view, guide_box(view.shape))
        worse = one.apply(view, box, one.levels[1], np.random.default_rng(1))
        return cv2.resize(worse, (100, 100), interpolation=cv2.INTER_AREA).astype(int)

    assert np.abs(changed(image) - changed(large)).mean() < 2.5


def test_names_are_different_and_an_unknown_one_is_refused():
    names = [one.name for one in PERTURBATIONS]
    assert len(set(names)) == len(names) and not any(set(name) & set(" .@") for name in names)
    with pytest.raises(InputError, match=r"one of dark, side_light.*Received: 'fog'"):
        find_perturbation("fog")
    with pytest.raises(InputError, match="different levels"):
        Perturbation("fog", "Fog", "percent", (1, 1), blur)


def test_levels_are_shown_on_a_drawn_person():
    images = show_levels(find_perturbation("dark"))
    assert len(images) == 4
    means = [image.mean() for image in images]
    assert means == sorted(means, reverse=True)

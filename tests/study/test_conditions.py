"""benchmarks/conditions.py: what is done to photographs, and how pairs are judged."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from fakes import loaded_script

from siamlab.data.pairs import PairSet
from siamlab.faces.crop import Preprocessing
from siamlab.faces.detectors import GuideDetector, Landmarks

PATH = Path(__file__).parents[2] / "benchmarks" / "conditions.py"


@pytest.fixture(scope="module")
def script():
    with loaded_script(PATH) as module:
        yield module


@pytest.fixture
def gray():
    return np.full((250, 250, 3), 100, np.uint8)


def generator(seed=0):
    return np.random.default_rng(seed)


def test_every_condition_gives_an_image_and_leaves_its_source(script, gray):
    for condition in (*script.CONDITIONS, script.TURNED):
        before = gray.copy()
        image = condition.change(gray, generator())
        assert image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3
        assert (gray == before).all()
    titles = [condition.title for condition in (*script.CONDITIONS, script.TURNED)]
    assert len(set(titles)) == len(titles)


def test_light_from_the_side(script, gray):
    """Gain 1.5 at one edge of the face, 0.15 at the other, (1.5 + 0.15) / 2 in the middle."""
    sides = set()
    for seed in range(8):
        row = script.side_light(gray, generator(seed))[125, :, 0].astype(int)
        assert sorted((row[0], row[-1])) == [15, 150]
        assert row[125] == pytest.approx(82.5, abs=2)
        sides.add(bool(row[0] > row[-1]))
    assert sides == {True, False}, "from both sides"


def test_in_the_dark_there_is_a_quarter_of_the_light_and_noise(script, gray):
    dark = script.dark(gray, generator()).astype(float)
    assert dark.mean() == pytest.approx(25, abs=0.2)
    assert dark.std() == pytest.approx(5, abs=0.2)


def test_a_blur_spreads_a_point_and_keeps_the_light(script):
    point = np.zeros((41, 41, 3), np.uint8)
    point[20, 20] = 255
    blurred = script.blurred(2.0)(point, generator())
    assert 0 < blurred[20, 22, 0] < blurred[20, 20, 0] < 20


def test_a_small_face_has_40_pixels(script, gray):
    """LFW's face is 250 / 2.2 = 113.6 pixels wide: 250 * 40 / 113.6 = 88."""
    assert script.small(gray, generator()).shape == (88, 88, 3)


def test_a_rotation_keeps_the_middle_and_the_size(script):
    image = np.zeros((101, 101, 3), np.uint8)
    image[50, 50:] = 255  # a line from the middle to the right
    for seed in range(4):
        turned = script.rotated(image, generator(seed))
        assert turned.shape == image.shape
        across, down = 50 + 40 * np.cos(np.radians(20)), 40 * np.sin(np.radians(20))
        ends = [turned[round(50 + sign * down), round(across), 0] for sign in (-1, 1)]
        assert turned[50, 50, 0] > 100 and max(ends) > 80 > min(ends)


def test_compression_keeps_red_red(script):
    red = np.zeros((32, 32, 3), np.uint8)
    red[:, :, 0] = 200
    found = script.compressed(red, generator())
    assert found.shape == red.shape
    assert found[..., 0].mean() > 180 and found[..., 2].mean() < 20


class TestTurn:
    FRONTAL = ((10.0, 10.0), (30.0, 10.0), (20.0, 22.0), (12.0, 30.0), (28.0, 30.0))

    def test_a_frontal_head_is_not_turned(self, script):
        assert script.turn(Landmarks(self.FRONTAL, "yunet")) == pytest.approx(0)

    def test_the_nose_half_an_eye_distance_to_the_side(self, script):
        points = (*self.FRONTAL[:2], (30.0, 22.0), *self.FRONTAL[3:])
        assert script.turn(Landmarks(points, "yunet")) == pytest.approx(0.5)

    def test_a_tilt_is_no_turn(self, script):
        turn = np.array([[0.8, -0.6], [0.6, 0.8]])
        points = tuple(map(tuple, (np.array(self.FRONTAL) @ turn.T).tolist()))
        assert script.turn(Landmarks(points, "yunet")) == pytest.approx(0)

    def test_dlib_s_points_say_the_same(self, script):
        """Eyes from 26 to 34 and from 6 to 14: centers 30 and 10, as above."""
        points = ((34.0, 10.0), (26.0, 10.0), (6.0, 10.0), (14.0, 10.0), (25.0, 22.0))
        assert script.turn(Landmarks(points, "dlib")) == pytest.approx(0.25)


def test_the_most_different_pairs_are_half_genuine_and_known(script):
    labels = np.array([1, 1, 1, 0, 0, 0])
    differences = np.array([0.1, np.nan, 0.3, 0.5, 0.2, 0.4])
    assert script.most_different(labels, differences, 2).tolist() == [2, 3]
    assert script.most_different(labels, differences, 4).tolist() == [0, 2, 3, 5]


@pytest.fixture
def system(script):
    """Tells people by their mean color; the strict point is 0.99, the balanced one 0.9."""
    points = {"balanced": 0.9, "fmr_0.001": 0.99}
    model = SimpleNamespace(
        embedding=SimpleNamespace(output_shape=(None, 1)),
        embed=lambda images: images.mean(axis=(1, 2, 3))[:, None],
        score_pairs=lambda first, second: 1 - np.abs(first - second)[:, 0],
        metadata=SimpleNamespace(choose_threshold=lambda _, point: (points[point], point)),
    )
    return script.System("made up", model, Preprocessing(size=8, fraction=0.5, alignment="box"))


def test_embeddings_are_of_the_faces_and_unknown_without_one(script, system, gray):
    class Half(GuideDetector):
        """Sees faces in bright images only."""

        def detect(self, image):
            return super().detect(image) if image.mean() > 50 else []

    rows = script.embed_all(system, [gray, gray // 4, 2 * gray], Half())
    assert rows[:, 0] == pytest.approx([100 / 255, np.nan, 200 / 255], nan_ok=True)


def test_a_pair_without_a_face_is_a_no_at_both_points(script, system):
    """Genuine scores 1, 0.95 and none; impostor 0.5, 0.95 and 0.3, in this order.

    Balanced at 0.9: 2 of 3 genuine pairs and 2 of 3 impostor pairs are right. Strict at 0.99: one
    genuine pair matches, so FNMR is 2/3, and no impostor pair does.
    """
    first = np.full((6, 1), 0.5)
    second = np.array([[0.5], [0.55], [np.nan], [1.0], [0.45], [-0.2]])
    names = ("a", "b", "c", "a", "b", "c")
    others = ("a", "b", "c", "b", "c", "a")
    paths = tuple(Path(f"{number}.png") for number in range(6))
    pairs = PairSet(paths, paths, np.array([1, 1, 1, 0, 0, 0]), names, others)
    row = script.judge(system, first, second, pairs)
    assert (row["model"], row["no_face"]) == ("made up", 1)
    assert row["accuracy"] == pytest.approx(4 / 6)
    assert (row["fmr_strict"], row["fnmr_strict"]) == pytest.approx((0, 2 / 3))
    assert set(row["intervals"]) == {"auc", "accuracy", "fmr_strict", "fnmr_strict"}

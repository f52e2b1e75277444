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


def test_conditions_are_those_of_assessments(script, gray):
    """Six stops less light at one side of the face: 2 ** (-6 / 2.2) of 100 is 15."""
    titles = [condition.title for condition in script.CONDITIONS]
    assert titles[:3] == [
        "as it is", "light from one side, 6 stops across the face", "less light, 4 stops darker",
    ]  # fmt: skip
    row = script.CONDITIONS[1].change(gray, generator())[125, :, 0]
    assert sorted((row[0], row[-1])) == [15, 100]
    small = next(one for one in script.CONDITIONS if "small face" in one.title)
    # LFW's face is 250 / 2.2 = 113.6 pixels wide: 250 * 40 / 113.6 = 88.
    assert small.change(gray, generator()).shape == (88, 88, 3)


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

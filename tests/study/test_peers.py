"""benchmarks/peers.py: pipelines see every image in turn, and no face means no."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from fakes import loaded_script

from siamlab.data.pairs import PairSet
from siamlab.images.write import write_image
from siamlab.system.dlib_files import FIVE_POINTS, RESNET, find_dlib_file

PATH = Path(__file__).parents[2] / "benchmarks" / "peers.py"


@pytest.fixture(scope="module")
def peers():
    with loaded_script(PATH) as module:
        yield module


class Brightness:
    """A pipeline that tells people by how bright they are, and sees nothing in the dark."""

    name, threshold, megabytes = "brightness", 0.95, 0.1

    def find(self, image):
        return image if image.mean() > 20 else None

    def embed(self, face):
        return np.array([face.mean() / 255])

    def compare(self, first, second):
        return 1 - np.abs(first - second)[..., 0]


class Half(Brightness):
    """One that halves every score, so that nothing reaches the threshold."""

    name = "half"

    def compare(self, first, second):
        return super().compare(first, second) / 2


@pytest.fixture
def pairs(tmp_path):
    """Two images each of people with gray values 60, 120 and 180; one more of the first, black."""
    paths = {}
    for gray in (60, 120, 180):
        for number in (0, 1):
            paths[gray, number] = tmp_path / f"{gray}_{number}.png"
            write_image(paths[gray, number], np.full((8, 8, 3), gray + number, np.uint8))
    paths[60, 2] = tmp_path / "black.png"
    write_image(paths[60, 2], np.zeros((8, 8, 3), np.uint8))
    sides = [
        ((60, 0), (60, 1)),
        ((120, 0), (120, 1)),
        ((180, 0), (180, 1)),
        ((60, 0), (60, 2)),  # genuine, and one is black
        ((60, 0), (120, 0)),
        ((120, 1), (180, 0)),
        ((180, 1), (60, 1)),
        ((120, 0), (60, 2)),  # impostor, and one is black
    ]
    first, second = zip(*sides, strict=True)
    return PairSet(
        tuple(paths[one] for one in first),
        tuple(paths[one] for one in second),
        np.array([one[0] == other[0] for one, other in sides], np.int64),
        tuple(str(one[0]) for one in first),
        tuple(str(one[0]) for one in second),
    )


def test_a_pair_without_a_face_counts_as_no(peers, pairs):
    """Of 8 pairs one genuine one is lost to the black image: accuracy 7/8, and FNMR 1/4."""
    (row,) = peers.measure([Brightness()], pairs)
    assert row["no_face"] == 1
    assert row["evaluation"]["accuracy"] == 7 / 8
    assert (row["evaluation"]["fnmr"], row["evaluation"]["fmr"]) == (0.25, 0.0)
    assert row["gain_over"] == {}, "dlib is not among them"
    assert all(row[f"{step}_ms"] >= 0 for step in ("find", "embed", "compare"))


def test_each_image_is_seen_once_by_each(peers, pairs):
    seen = []

    class Counting(Brightness):
        def find(self, image):
            seen.append(image.mean())
            return super().find(image)

    peers.measure([Counting()], pairs)
    assert len(seen) == len(pairs.images) == 7


def test_a_gain_compares_each_at_its_own_threshold(peers, pairs):
    """Half as high scores have the same order, so the same AUC, and miss every genuine pair."""
    scores = {}
    for pipeline in (Brightness(), Half()):
        run = peers.Run(pipeline)
        for path in sorted(set(pairs.images)):
            run.see(peers.read_image(path))
        _, first, second = peers.index_images(pairs)
        scores[pipeline.name] = pipeline, run.scores(first, second)
    found = peers.gains(pairs, scores["half"], scores["brightness"])
    assert found["auc"] == [0.0, 0.0]
    assert found["accuracy"][1] <= 0
    alike = peers.gains(pairs, scores["half"], scores["half"])
    assert alike["accuracy"] == [0.0, 0.0]


def test_dlib_s_distance_becomes_a_score(peers):
    """1 - 0.6 / 2 is 0.7; farther is lower; what is too far is 0."""
    assert peers.distance_score(peers.DISTANCE) == pytest.approx(0.7)
    scores = peers.distance_score(np.array([0.0, 0.3, 0.9, 3.0]))
    assert scores.tolist() == pytest.approx([1.0, 0.85, 0.55, 0.0])


def test_dlib_s_pipeline(peers, tmp_path):
    pytest.importorskip("dlib")
    if None in (find_dlib_file(FIVE_POINTS), find_dlib_file(RESNET)):
        pytest.skip("dlib's files are not installed")
    pipeline = peers.DlibPipeline(0)
    assert pipeline.find(np.full((120, 120, 3), 128, np.uint8)) is None
    rng = np.random.default_rng(0)
    faces = rng.integers(0, 256, (2, 150, 150, 3), np.uint8)
    first, second = map(pipeline.embed, faces)
    distance = float(np.sqrt(((first - second) ** 2).sum()))
    assert first.shape == (128,)
    assert pipeline.compare(first, second) == pytest.approx(1 - distance / 2, abs=1e-6)
    both = pipeline.compare(first, np.stack([first, second]))
    assert both == pytest.approx([1.0, 1 - distance / 2], abs=1e-6)
    assert pipeline.megabytes == pytest.approx(31.6, abs=0.1)

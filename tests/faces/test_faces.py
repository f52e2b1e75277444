"""Boxes, crops and quality, worked out by hand; detectors on real faces where present."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from siamlab.data.synthetic import Identity, draw_face
from siamlab.errors import InputError, ModelError, NoFaceError, SeveralFacesError
from siamlab.faces.crop import Preprocessing, cut_face, find_face, preprocess
from siamlab.faces.detectors import (
    FaceBox,
    GuideDetector,
    HaarDetector,
    guide_box,
    open_detector,
)
from siamlab.faces.detectors.base import largest_first
from siamlab.faces.detectors.yunet import _to_box
from siamlab.faces.quality import face_quality


@dataclass
class FixedDetector:
    """A detector that returns given boxes."""

    boxes: list[FaceBox] = field(default_factory=list)
    name: str = "fixed"

    def detect(self, image: np.ndarray) -> list[FaceBox]:
        return self.boxes


def gradient(height: int, width: int) -> np.ndarray:
    """Every pixel holds its column (red) and row (green)."""
    image = np.zeros((height, width, 3), np.uint8)
    image[:, :, 0] = np.arange(width)
    image[:, :, 1] = np.arange(height)[:, np.newaxis]
    return image


def test_box_numbers() -> None:
    box = FaceBox(10.4, 20.6, 30.2)
    assert box.as_ints() == (10, 21, 30)
    assert box.center == pytest.approx((25.5, 35.7))
    for wrong in ((0, 0, 0), (0, 0, -1), (float("nan"), 0, 1), (0, 0, float("inf"))):
        with pytest.raises(InputError):
            FaceBox(*wrong)


def test_the_guide_box_of_an_lfw_image_is_its_face() -> None:
    """250 / 2.2 = 113.64 in the middle; of a 640x480 frame 480 / 2.2 = 218.2."""
    box = guide_box((250, 250, 3))
    assert box.size == pytest.approx(113.636, abs=1e-3) and box.center == (125, 125)
    frame = guide_box((480, 640))
    assert frame.size == pytest.approx(218.18, abs=0.01) and frame.center == (320, 240)
    image = gradient(250, 250)
    assert np.array_equal(cut_face(image, GuideDetector().detect(image)[0]), image)


def test_cut_face_by_hand() -> None:
    """A side of 20 makes a square of 44 around (100, 60): columns 78 to 121, rows 38 to 81."""
    chip = cut_face(gradient(200, 200), FaceBox(90, 50, 20), size=44)
    assert chip.shape == (44, 44, 3)
    assert chip[0, 0].tolist() == [78, 38, 0] and chip[-1, -1].tolist() == [121, 81, 0]


def test_cut_face_repeats_the_border() -> None:
    """Around (0, 0) a square of 22 starts at -11: eleven columns repeat column 0."""
    chip = cut_face(gradient(50, 50), FaceBox(-5, -5, 10), size=22)
    assert (chip[:12, :12] == 0).all()
    assert chip[-1, -1].tolist() == [10, 10, 0]
    with pytest.raises(InputError, match="outside the 50x50 image"):
        cut_face(gradient(50, 50), FaceBox(500, 0, 10))


def test_cut_face_scales() -> None:
    image = np.full((100, 100, 3), (9, 8, 7), np.uint8)
    for side in (1, 10, 200):
        chip = cut_face(image, FaceBox(50 - side / 2, 50 - side / 2, side))
        assert chip.shape == (250, 250, 3) and (chip == (9, 8, 7)).all()


def test_in_a_chip_the_face_it_was_cropped_around_is_meant() -> None:
    mine, behind = FaceBox(68, 68, 114), FaceBox(0, 20, 100)
    chip, frame = np.zeros((250, 250, 3), np.uint8), np.zeros((250, 300, 3), np.uint8)
    assert find_face(chip, FixedDetector([mine, behind])) == mine
    with pytest.raises(SeveralFacesError):
        find_face(frame, FixedDetector([mine, behind]))
    with pytest.raises(SeveralFacesError):
        find_face(chip, FixedDetector([mine, FaceBox(70, 66, 116)]))


def test_a_chip_is_not_cropped_again() -> None:
    chip = np.random.default_rng(0).integers(0, 255, (250, 250, 3), dtype=np.uint8)
    np.testing.assert_array_equal(cut_face(chip, FaceBox(72, 66, 108)), chip)
    smaller = cut_face(chip, FaceBox(95, 95, 60))
    assert np.abs(smaller.astype(int) - chip).max() > 50


def test_haar_looks_at_the_mirror_image_when_it_finds_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    detector = HaarDetector()
    seen: list[np.ndarray] = []

    def detect(gray: np.ndarray) -> list[tuple[int, int, int, int]]:
        seen.append(gray)
        return [] if len(seen) == 1 else [(10, 20, 30, 30)]

    monkeypatch.setattr(detector, "_detect", detect)
    image = np.random.default_rng(0).integers(0, 255, (90, 100, 3), dtype=np.uint8)
    (box,) = detector.detect(image)
    assert (box.x, box.y, box.size) == (100 - 10 - 30, 20, 30)
    np.testing.assert_array_equal(seen[1], seen[0][:, ::-1])


def test_which_face_is_meant() -> None:
    large, half, small = FaceBox(0, 0, 40), FaceBox(60, 60, 20), FaceBox(45, 45, 10)
    image = np.zeros((100, 100, 3), np.uint8)
    assert find_face(image, FixedDetector([large, small])) == large
    with pytest.raises(SeveralFacesError, match="2 faces"):
        find_face(image, FixedDetector([large, half, small]))
    assert find_face(image, FixedDetector([large, half, small]), "largest") == large
    assert find_face(image, FixedDetector([large, half, small]), "center") == small
    with pytest.raises(NoFaceError):
        find_face(image, FixedDetector())
    with pytest.raises(InputError, match="rule"):
        find_face(image, FixedDetector([large]), "best")


def test_boxes_inside_a_larger_one_are_the_same_face() -> None:
    boxes = [FaceBox(10, 10, 20), FaceBox(0, 0, 40), FaceBox(60, 0, 30)]
    assert largest_first(boxes) == [boxes[1], boxes[2]]


def test_yunet_conversion_by_hand() -> None:
    """Box 80 x 125 (root 100) at half scale, eyes around (60, 55).

    Side 1.055 * 100 = 105.5 and middle (60, 55 + 11.8), all doubled.
    """
    row = np.array([20, 0, 80, 125, 40, 53, 80, 57, 0, 0, 0, 0, 0, 0, 0.9], np.float32)
    box = _to_box(row, 0.5)
    assert box.size == pytest.approx(211.0)
    assert box.center == pytest.approx((120.0, 133.6))
    assert box.landmarks.points[:2] == ((80.0, 106.0), (160.0, 114.0))
    assert box.landmarks.kind == "yunet" and box.score == pytest.approx(0.9)


def test_preprocess_crops_the_center() -> None:
    """Half of 100 pixels: 25 to 74."""
    out = preprocess(gradient(100, 100), Preprocessing(size=50, fraction=0.5))
    assert out[0, 0].tolist() == [25, 25, 0] and out[-1, -1].tolist() == [74, 74, 0]
    wide = preprocess(gradient(100, 200), Preprocessing(size=100))
    assert wide[0, 0].tolist() == [50, 0, 0]


@pytest.mark.parametrize("shape", [(8, 8), (9, 300), (250, 250), (1, 1)])
def test_preprocess_takes_any_size(shape: tuple[int, int]) -> None:
    out = preprocess(np.full((*shape, 3), 77, np.uint8), Preprocessing(31, 0.3))
    assert out.shape == (31, 31, 3) and (out == 77).all() and out.dtype == np.uint8


def test_shrinking_averages() -> None:
    """A chessboard of single pixels becomes an even gray, not stripes."""
    board = (np.indices((210, 210)).sum(axis=0) % 2 * 255).astype(np.uint8)
    out = preprocess(np.repeat(board[:, :, np.newaxis], 3, axis=2), Preprocessing(105))
    assert out.min() >= 127 and out.max() <= 128


def test_preprocessing_records() -> None:
    chosen = Preprocessing(96, 0.56, "haar", "none")
    assert Preprocessing.from_dict(chosen.to_dict()) == chosen
    for wrong in (
        {"size": 0},
        {"fraction": 0.0},
        {"fraction": 1.1},
        {"detector": "magic"},
        {"alignment": "eyes"},
    ):
        with pytest.raises(InputError):
            Preprocessing(**wrong)
    for metadata in ({}, {"size": "x", "fraction": 1, "detector": "auto"}, None):
        with pytest.raises(InputError):
            Preprocessing.from_dict(metadata)


@pytest.mark.parametrize(
    "image", [np.zeros((9, 9)), np.zeros((9, 9, 3)), np.zeros((0, 9, 3), np.uint8), None]
)
def test_other_arrays_are_refused(image: np.ndarray) -> None:
    for use in (
        GuideDetector().detect,
        face_quality,
        lambda i: cut_face(i, FaceBox(0, 0, 5)),
        lambda i: preprocess(i, Preprocessing()),
    ):
        with pytest.raises(InputError, match="uint8 RGB"):
            use(image)


def test_quality_by_hand() -> None:
    """An even gray of 51 = 0.2: dark, flat, and without detail."""
    quality = face_quality(np.full((250, 250, 3), 51, np.uint8))
    assert quality.brightness == pytest.approx(0.2) and quality.contrast == 0
    assert quality.sharpness == pytest.approx(0, abs=1e-6)
    assert quality.warnings == ("too dark", "low contrast", "blurred")
    assert quality.flaws == ("without contrast", "blurred or too small")
    white = face_quality(np.full((250, 250, 3), 255, np.uint8))
    assert "overexposed" in white.warnings


def test_quality_is_of_the_face_without_the_background() -> None:
    rng = np.random.default_rng(0)
    chip = rng.integers(20, 236, (250, 250, 3), dtype=np.uint8)
    assert face_quality(chip).warnings == ()
    inside = chip.copy()
    chip[:50] = 255  # the face is the middle 150 of 250
    chip[200:] = 0
    assert face_quality(chip) == face_quality(inside)


def test_quality_of_real_faces(lfw_images: list[np.ndarray]) -> None:
    good = [image for image in lfw_images[:16] if not face_quality(image).warnings]
    assert len(good) >= 14
    for image in good:
        small = Image.fromarray(image).resize((25, 25)).resize((250, 250), Image.Resampling.BICUBIC)
        assert "blurred" in face_quality(np.asarray(small)).warnings
        assert "too dark" in face_quality(image // 3).warnings
        bright = np.clip(image.astype(int) + 140, 0, 255).astype(np.uint8)
        assert "overexposed" in face_quality(bright).warnings


def test_haar_finds_lfw_faces_in_the_middle(
    haar: HaarDetector, lfw_images: list[np.ndarray]
) -> None:
    found = [boxes[0] for image in lfw_images if (boxes := haar.detect(image))]
    assert len(found) >= 28
    middle = np.median([(*box.center, box.size) for box in found], axis=0)
    assert middle == pytest.approx((125, 125, 113.6), abs=5)


def test_yunet_gives_the_same_boxes_as_haar(
    haar: HaarDetector, lfw_images: list[np.ndarray], shared_yunet: Path
) -> None:
    yunet = open_detector("yunet", shared_yunet)
    boxes = [yunet.detect(image) for image in lfw_images]
    assert all(boxes)
    middle = np.median([(*b[0].center, b[0].size) for b in boxes], axis=0)
    assert middle == pytest.approx((125, 125, 113.6), abs=5)
    for image, (first, *_) in zip(lfw_images[:16], boxes[:16], strict=True):
        for other in haar.detect(image)[:1]:
            assert first.center == pytest.approx(other.center, abs=15)
        assert first.landmarks.points[0][0] < first.landmarks.points[1][0]


def test_a_chip_pasted_into_a_frame_is_found_and_cropped(
    lfw_images: list[np.ndarray], shared_yunet: Path
) -> None:
    """The chip laid twice as large into a frame is found there and scaled back."""
    chip = lfw_images[0]
    frame = np.full((720, 1280, 3), 120, np.uint8)
    frame[100:600, 600:1100] = np.asarray(Image.fromarray(chip).resize((500, 500)))
    box = find_face(frame, open_detector("yunet", shared_yunet))
    assert box.center == pytest.approx((850, 350), abs=25)
    assert box.size == pytest.approx(2 * 113.6, rel=0.2)
    assert cut_face(frame, box).shape == chip.shape


def test_haar_finds_drawn_faces_where_lfw_has_them(haar: HaarDetector) -> None:
    rng = np.random.default_rng(0)
    chips = [draw_face(Identity(seed), rng) for seed in range(12)]
    found = [boxes[0] for chip in chips if (boxes := haar.detect(chip))]
    assert len(found) >= 10
    middle = np.median([(*box.center, box.size) for box in found], axis=0)
    assert middle == pytest.approx((125, 125, 113.6), abs=8)


def test_detectors_find_nothing_in_blank_images(haar: HaarDetector, shared_yunet: Path) -> None:
    yunet = open_detector("yunet", shared_yunet)
    for shape in ((480, 640), (8, 8), (3, 900), (1, 1)):
        blank = np.full((*shape, 3), 90, np.uint8)
        assert haar.detect(blank) == [] and yunet.detect(blank) == []


def test_yunets_file_is_given_or_in_the_data_folder(
    shared_yunet: Path, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setenv("SIAMLAB_DATA", str(tmp_path))
    monkeypatch.delenv("SIAMLAB_YUNET", raising=False)
    assert open_detector("auto", shared_yunet).name == "yunet"
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / shared_yunet.name).write_bytes(shared_yunet.read_bytes())
    assert open_detector("auto").name == "yunet"
    assert open_detector("guide").name == "guide"
    monkeypatch.setattr("siamlab.faces.detectors.haar.haar_file", lambda: None)
    with pytest.raises(ModelError, match="no Haar cascade"):
        open_detector("haar")


def test_yunet_files_that_are_missing_or_damaged(tmp_path: Path, monkeypatch, capfd) -> None:
    monkeypatch.setenv("SIAMLAB_DATA", str(tmp_path))
    monkeypatch.delenv("SIAMLAB_YUNET", raising=False)
    with pytest.raises(ModelError, match="SIAMLAB_YUNET"):
        open_detector("yunet")
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"no network")
    for path, text in ((tmp_path / "absent.onnx", "does not exist"), (broken, "damaged")):
        with pytest.raises(ModelError, match=text):
            open_detector("auto", path)
        monkeypatch.setenv("SIAMLAB_YUNET", str(path))
        with pytest.raises(ModelError, match=text):
            open_detector("yunet")
    assert capfd.readouterr().err == ""
    with pytest.raises(InputError, match="detector"):
        open_detector("magic")

"""Aligned faces: points land on the template, whatever the photograph's size, tilt and format."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from fakes import FakeDetector
from PIL import Image

from siamlab.errors import InputError, NoFaceError, SeveralFacesError
from siamlab.faces.align import FACE_SHARE, align_face, find_chip, similarity
from siamlab.faces.detectors import (
    FaceBox,
    FaceDetector,
    HaarDetector,
    Landmarks,
    MmodDetector,
    open_detector,
)
from siamlab.faces.landmarks import TEMPLATES, find_landmarks
from siamlab.images.decode import read_image
from siamlab.system.opencv import import_cv2

COLORS = ((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (255, 0, 255))


def chip_points(kind: str, size: int = 250) -> np.ndarray:
    """Where a chip has the landmarks: the template fills its central 0.6."""
    return size * (0.2 + 0.6 * TEMPLATES[kind]) - 0.5


def test_similarity_of_points_by_hand() -> None:
    """(x, y) becomes (5 - 2y, 3 + 2x): a quarter turn, twice the size, a shift."""
    source = np.array([(0, 0), (1, 0), (0, 2)], float)
    target = np.array([(5, 3), (5, 5), (1, 3)], float)
    np.testing.assert_allclose(similarity(source, target), [[0, -2, 5], [2, 0, 3]], atol=1e-12)


def test_similarity_is_the_least_squares_solution() -> None:
    """NumPy's solver for the four unknowns (a, -b, b, a and a shift) finds the same."""
    rng = np.random.default_rng(0)
    source, target = rng.normal(size=(5, 2)), rng.normal(size=(5, 2))
    x, y = source.T
    one, none = np.ones(5), np.zeros(5)
    rows = np.vstack([np.c_[x, -y, one, none], np.c_[y, x, none, one]])
    a, b, right, down = np.linalg.lstsq(rows, target.T.ravel(), rcond=None)[0]
    np.testing.assert_allclose(similarity(source, target), [[a, -b, right], [b, a, down]])


@pytest.mark.parametrize("kind", TEMPLATES)
@pytest.mark.parametrize(("degrees", "scale"), [(0, 1), (35, 0.4), (-20, 2.5), (170, 5)])
def test_dots_land_on_the_template(kind: str, degrees: float, scale: float) -> None:
    """Five dots, turned, scaled and shifted in a photograph, are found where they belong."""
    cv2 = import_cv2()
    turn = scale * np.exp(1j * np.radians(degrees))
    centered = chip_points(kind) - 124.5
    moved = (centered[:, 0] + 1j * centered[:, 1]) * turn + (700 + 650j)
    points = np.c_[moved.real, moved.imag]
    image = np.zeros((1300, 1400, 3), np.uint8)
    for point, color in zip(points, COLORS, strict=True):
        cv2.circle(image, tuple(map(round, point)), max(2, round(5 * scale)), color, -1)
    box = FaceBox(0, 0, 9, landmarks=Landmarks(tuple(map(tuple, points.tolist())), kind))
    chip = align_face(image, box).astype(float)
    assert chip.shape == (250, 250, 3)
    for color, expected in zip(COLORS, chip_points(kind), strict=True):
        weight = np.clip(128 - np.abs(chip - color).max(axis=2), 0, None)
        rows, columns = np.indices(weight.shape)
        place = [(weight * at).sum() / weight.sum() for at in (columns, rows)]
        np.testing.assert_allclose(place, expected, atol=2)


def test_the_middle_of_a_chip_is_what_the_template_fills() -> None:
    assert pytest.approx(150) == FACE_SHARE * 250


def test_a_large_photograph_is_averaged_and_not_sampled() -> None:
    """A chessboard of single pixels, 4000 wide, becomes an even gray."""
    board = (np.indices((3000, 4000)).sum(axis=0) % 2 * 255).astype(np.uint8)
    points = (chip_points("dlib") * 11 + 300).tolist()
    box = FaceBox(0, 0, 9, landmarks=Landmarks(tuple(map(tuple, points)), "dlib"))
    chip = align_face(np.repeat(board[:, :, None], 3, axis=2), box)
    assert chip.min() >= 125 and chip.max() <= 130


def test_a_box_without_landmarks_is_refused() -> None:
    with pytest.raises(InputError, match="find_landmarks"):
        align_face(np.zeros((9, 9, 3), np.uint8), FaceBox(0, 0, 9))


def test_other_alignments_are_refused() -> None:
    with pytest.raises(InputError, match="landmarks or box"):
        find_chip(np.zeros((9, 9, 3), np.uint8), FakeDetector(), alignment="none")


def test_no_face_and_several_faces_are_errors() -> None:
    image = np.full((200, 300, 3), 90, np.uint8)
    with pytest.raises(NoFaceError):
        find_chip(image, FakeDetector(boxes=[]))
    two = FakeDetector([FaceBox(10, 10, 60), FaceBox(150, 10, 50)])
    with pytest.raises(SeveralFacesError):
        find_chip(image, two)
    assert find_chip(image, two, "largest")[1].x == 10


def aligned_points(image: np.ndarray, detector: FaceDetector) -> np.ndarray:
    """The landmarks of a face, moved into its chip."""
    _, box = find_chip(image, detector, "center")
    points = np.array(box.landmarks.points)
    return np.c_[points, np.ones(5)] @ similarity(points, chip_points("dlib")).T


@pytest.mark.parametrize(("degrees", "scale"), [(12, 1.0), (-12, 0.6), (0, 3.0), (5, 16.0)])
def test_a_turned_and_scaled_face_gives_the_same_chip(
    mmod: MmodDetector,
    five_points_path: str,
    drawn_images: list[np.ndarray],
    degrees: float,
    scale: float,
) -> None:
    """The landmarks of the same drawn faces come to lie within 2 pixels, most of the time."""
    cv2 = import_cv2()
    apart = []
    for face in drawn_images:
        side = round(320 * scale)
        turn = cv2.getRotationMatrix2D((124.5, 124.5), degrees, scale)
        turn[:, 2] += side / 2 - 124.5
        border = cv2.BORDER_REPLICATE
        photograph = cv2.warpAffine(face, turn, (side, side), borderMode=border)
        before, after = aligned_points(face, mmod), aligned_points(photograph, mmod)
        apart.append(np.abs(before - after).max())
    assert np.median(apart) < 2 and max(apart) < 6


def save_turned(image: Image.Image, path: Path) -> None:
    """Save an image lying on its side, with the tag that says so: 6, turn clockwise to view."""
    exif = Image.Exif()
    exif[0x0112] = 6
    image.transpose(Image.Transpose.ROTATE_90).save(path, exif=exif)


def test_files_of_all_kinds_give_the_chip_of_the_plain_file(
    haar: HaarDetector, drawn_images: list[np.ndarray], tmp_path: Path
) -> None:
    face = Image.fromarray(drawn_images[0])
    face.save(tmp_path / "plain.png")
    face.convert("RGBA").save(tmp_path / "alpha.png")
    face.convert("L").save(tmp_path / "gray.png")
    face.convert("L").convert("RGB").save(tmp_path / "gray_rgb.png")
    save_turned(face, tmp_path / "turned.png")

    def chip(name: str) -> np.ndarray:
        return find_chip(read_image(tmp_path / name), haar)[0]

    np.testing.assert_array_equal(chip("alpha.png"), chip("plain.png"))
    np.testing.assert_array_equal(chip("turned.png"), chip("plain.png"))
    np.testing.assert_array_equal(chip("gray.png"), chip("gray_rgb.png"))


def test_photographs_are_aligned_alike_by_both_kinds_of_landmarks(
    haar: HaarDetector, five_points_path: str, lfw_images: list[np.ndarray], shared_yunet: Path
) -> None:
    """YuNet looks at chips that dlib's points aligned: eyes and mouth are where its own are."""
    yunet = open_detector("yunet", shared_yunet)
    seen = []
    for image in lfw_images:
        boxes = haar.detect(image)
        found = yunet.detect(align_face(image, find_landmarks(image, boxes[0]))) if boxes else []
        seen += [found[0].landmarks.points] if found else []
    assert len(seen) >= 28
    np.testing.assert_allclose(np.median(seen, axis=0), chip_points("yunet"), atol=4)

"""Image files in, faces out: what is counted, what is remembered, and what never is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from fakes import FakeDetector

from siamlab.config import open_workspace
from siamlab.data.batches import PeopleBatches
from siamlab.data.collections import open_collection
from siamlab.data.faces import found_images, load_faces
from siamlab.data.landmark_cache import LandmarkCache, is_public
from siamlab.data.pairs import PairSet
from siamlab.data.pipeline import pair_dataset
from siamlab.errors import EmptyFolderError, ImageError, NoFaceError
from siamlab.faces.align import align_face
from siamlab.faces.crop import Preprocessing, cut_face, preprocess
from siamlab.faces.detectors import FaceBox, Landmarks
from siamlab.faces.landmarks import find_landmarks
from siamlab.images.decode import read_image
from siamlab.images.write import write_image

HOW = Preprocessing(size=24, fraction=0.6)
BOX = FaceBox(60, 60, 100)


class CountingDetector(FakeDetector):
    """Finds a box in every image that is not black, a second one in a blue corner; counts."""

    looked = 0

    def detect(self, image: np.ndarray) -> list[FaceBox]:
        CountingDetector.looked += 1
        if not image.any():
            return []
        second = [FaceBox(160, 0, 80)] if tuple(image[0, 0]) == (0, 0, 255) else []
        return [BOX, *second]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data folder, and a detector that counts how often it is asked."""
    monkeypatch.setenv("SIAMLAB_DATA", str(tmp_path))
    monkeypatch.setattr("siamlab.data.faces.open_detector", lambda kind: CountingDetector([BOX]))
    CountingDetector.looked = 0
    return tmp_path


def write_faces(folder: Path, count: int = 4) -> list[Path]:
    """Smooth random images of 250 pixels; the second is black, the third shows two faces."""
    rng = np.random.default_rng(0)
    paths = []
    for number in range(count):
        image = np.repeat(rng.integers(1, 255, (5, 5, 3), dtype=np.uint8), 50, 0).repeat(50, 1)
        if number == 1:
            image[:] = 0
        if number == 2:
            image[:9, :9] = (0, 0, 255)
        paths.append(write_image(folder / f"{number}.png", image))
    return paths


def test_faces_are_aligned_cut_and_counted(home: Path) -> None:
    paths = write_faces(home / "elsewhere")
    faces = load_faces(paths, HOW)
    assert faces.images.shape == (4, 24, 24, 3) and faces.images.dtype == np.uint8
    assert faces.found.tolist() == [True, False, True, True] and len(faces) == 4
    assert (faces.missing, faces.several) == (1, 1)
    assert not faces.images[1].any()
    for number in (0, 2, 3):
        image = read_image(paths[number])
        chip = align_face(image, find_landmarks(image, BOX))
        np.testing.assert_array_equal(faces.images[number], preprocess(chip, HOW))
    np.testing.assert_array_equal(found_images(paths, HOW), faces.images[faces.found])


def test_by_box_and_as_they_are(home: Path) -> None:
    path = write_faces(home / "elsewhere", 1)
    image = read_image(path[0])
    by_box = Preprocessing(24, 0.6, alignment="box")
    expected = preprocess(cut_face(image, BOX), by_box)
    np.testing.assert_array_equal(load_faces(path, by_box).images[0], expected)
    plain = Preprocessing(24, 0.6, alignment="none")
    looked = CountingDetector.looked
    faces = load_faces(path, plain)
    np.testing.assert_array_equal(faces.images[0], preprocess(image, plain))
    assert faces.found.all() and CountingDetector.looked == looked


def test_of_several_faces_the_one_nearest_the_middle_counts(home: Path) -> None:
    """The first is around (110, 110), the other around (200, 40), of 250 by 250 pixels."""
    image = np.full((250, 250, 3), 90, np.uint8)
    image[0, 0] = (0, 0, 255)
    image[60:160, 60:160] = (200, 10, 10)
    faces = load_faces([write_image(home / "two.png", image)], HOW)
    assert faces.several == 1 and faces.images[0].mean(axis=(0, 1))[0] > 150


def test_nothing_to_load_and_no_face_anywhere_are_errors(home: Path) -> None:
    with pytest.raises(EmptyFolderError, match="no images"):
        load_faces([], HOW)
    black = write_faces(home / "elsewhere")[1]
    with pytest.raises(NoFaceError, match="--aligned"):
        found_images([black], HOW)


@pytest.mark.parametrize("folder", ["elsewhere", "negative"])
@pytest.mark.parametrize("alignment", ["landmarks", "none"])
def test_a_corrupt_file_is_named(home: Path, folder: str, alignment: str) -> None:
    good = write_faces(home / folder, 1)
    bad = home / folder / "bad.jpg"
    bad.write_bytes(b"\xff\xd8 not a picture")
    with pytest.raises(ImageError, match=r"bad\.jpg"):
        load_faces([*good, bad], Preprocessing(24, 0.6, alignment=alignment))


@pytest.mark.parametrize("folder", ["negative/ann", "lfw/lfw/Ann", "cache/lfw-1234/Ann"])
def test_public_images_are_looked_at_once(home: Path, folder: str) -> None:
    paths = write_faces(home / folder)
    first = load_faces(paths, HOW)
    assert CountingDetector.looked == 4
    again = load_faces(paths, HOW)
    assert CountingDetector.looked == 4
    np.testing.assert_array_equal(again.images, first.images)
    np.testing.assert_array_equal(again.found, first.found)
    assert again.several == first.several == 1
    copies = write_faces(home / "negative" / "copies")
    load_faces(copies, HOW)
    assert CountingDetector.looked == 4, "the content counts, not the name"


def test_a_given_lfw_is_public(home: Path, tmp_path: Path, monkeypatch) -> None:
    outside = tmp_path / "given"
    assert not is_public(outside / "Ann" / "a.jpg")
    monkeypatch.setenv("SIAMLAB_LFW", str(outside))
    assert is_public(outside / "Ann" / "a.jpg")


def test_nothing_of_an_own_person_is_remembered(home: Path) -> None:
    """Neither of the captured people nor of a folder that the user names."""
    for folder in (
        open_workspace().anchor,
        home / "people" / "me" / "probes",
        home / "photographs",
    ):
        paths = write_faces(folder)
        CountingDetector.looked = 0
        for _ in range(2):
            load_faces(paths, HOW)
        assert CountingDetector.looked == 8
    assert not list((home / "cache").glob("landmarks*"))


def test_public_and_own_images_together(home: Path) -> None:
    public, own = write_faces(home / "negative"), write_faces(home / "people" / "me", 5)[4:]
    load_faces([*public, *own], HOW)
    cache = LandmarkCache("guide")
    assert len(cache._rows) == 4


def test_what_is_remembered_is_exact(home: Path) -> None:
    cache = LandmarkCache("guide")
    points = tuple((0.1 * number, 1 / (number + 3)) for number in range(5))
    box = FaceBox(1 / 3, -2 / 7, 99.9, 0.7, Landmarks(points, "yunet"))
    cache.put(b"a" * 32, box, True)
    cache.put(b"b" * 32, None, False)
    cache.save()
    again = LandmarkCache("guide")
    assert again.get(b"a" * 32) == (box, True)
    assert again.get(b"b" * 32) == (None, False)
    assert again.get(b"c" * 32) is None
    assert LandmarkCache("yunet").get(b"a" * 32) is None


def test_average_points_are_kept_apart(home: Path, monkeypatch) -> None:
    """Where dlib's file comes later, its points are looked for."""
    place = "siamlab.data.landmark_cache.find_dlib_file"
    monkeypatch.setattr(place, lambda wanted: Path("here"))
    names = {LandmarkCache(kind).path.name for kind in ("haar", "yunet")}
    monkeypatch.setattr(place, lambda wanted: None)
    assert LandmarkCache("haar").path.name not in names
    assert LandmarkCache("yunet").path.name in names


def test_a_damaged_cache_is_made_again(home: Path) -> None:
    paths = write_faces(home / "negative")
    first = load_faces(paths, HOW)
    (cache,) = (home / "cache").glob("landmarks*")
    whole = cache.read_bytes()
    for number, damaged in enumerate((b"", b"PK nothing", whole[:200], whole[:-30]), start=2):
        cache.write_bytes(damaged)
        np.testing.assert_array_equal(load_faces(paths, HOW).images, first.images)
        assert CountingDetector.looked == 4 * number
    load_faces(paths, HOW)
    assert CountingDetector.looked == 4 * number, "and then used again"


def test_a_cache_that_cannot_be_written_does_no_harm(home: Path) -> None:
    paths = write_faces(home / "negative")
    (home / "cache").write_text("a file where the folder should be")
    assert load_faces(paths, HOW).missing == 1


WRITER = """
import sys
from siamlab.data.landmark_cache import LandmarkCache
for number in range(30):
    cache = LandmarkCache("guide")
    for row in range(20):
        cache.put(bytes([int(sys.argv[1]), number, row]) + bytes(29), None, False)
    cache.save()
"""


def test_two_processes_that_write_do_not_damage_it(home: Path) -> None:
    """One may overwrite rows of the other, which are found again; the file stays whole."""
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(who)]) for who in (1, 2)]
    assert [writer.wait(timeout=120) for writer in writers] == [0, 0]
    rows = set(LandmarkCache("guide")._rows)
    written = {
        who: [bytes([who, number, row]) + bytes(29) for number in range(30) for row in range(20)]
        for who in (1, 2)
    }
    assert rows <= {*written[1], *written[2]}
    assert any(rows >= set(written[who][-20:]) for who in (1, 2)), "what was saved last is there"
    assert not [path for path in (home / "cache").iterdir() if path.name.startswith(".")]


def test_pairs_without_a_face_are_left_out(home: Path) -> None:
    paths = write_faces(home / "elsewhere", 5)
    names = ("ann", "ben", "cid")
    pairs = PairSet(tuple(paths[:3]), tuple(paths[2:]), np.array([1, 0, 1]), names, names)
    assert pairs.first[1] == paths[1], "a black one"
    batches = list(pair_dataset(pairs, HOW, batch=2))
    assert len(batches) == 1
    images, labels = batches[0]
    assert labels.numpy().ravel().tolist() == [1, 1]
    faces = load_faces(paths, HOW).images / np.float32(255)
    np.testing.assert_array_equal(images["anchor"], faces[[0, 2]])
    np.testing.assert_array_equal(images["other"], faces[[2, 4]])
    black = PairSet((paths[1],), (paths[0],), np.array([0]), ("ann",), ("ben",))
    with pytest.raises(NoFaceError, match="any pair"):
        pair_dataset(black, HOW)


def test_batches_of_people_hold_faces_only(home: Path) -> None:
    """Each person's second image is black; who has two images has one face, and is left out."""
    for person, count in (("ann", 4), ("ben", 2), ("cid", 3)):
        write_faces(home / "people" / person, count)
    people = open_collection(home / "people")
    data = PeopleBatches(people, HOW, people=2, images=2, steps=4)
    for step in range(4):
        images, labels = data[step]
        assert images.any(axis=(1, 2, 3)).all() and set(labels) == {0, 1}
    assert len(data.pixels) == 3 + 2

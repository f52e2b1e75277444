"""UTKFace: what its names say, listing, and taking a copy."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from siamlab.data.synthetic.identity import Identity
from siamlab.data.synthetic.labeled_files import drawn_age, write_labeled_faces
from siamlab.data.utkface import fetch_utkface, open_utkface, read_labels
from siamlab.errors import EmptyFolderError, InputError, StorageError
from siamlab.images.decode import read_image

NAMES = (
    "100_1_2_20170105174847679.jpg.chip.jpg",
    "1_0_0_20170109190752567.jpg.chip.jpg",
    "26_1_3_20170119171319234.jpg.chip.jpg",
    "26_1_3_20170119171319235.jpg",
)


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SIAMLAB_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    folder = tmp_path / "given" / "UTKFace"
    folder.mkdir(parents=True)
    for name in NAMES:
        (folder / name).write_bytes(b"never read")
    return folder


@pytest.mark.parametrize(
    "name",
    [
        "61_1_20170109142408075.jpg.chip.jpg",  # the race is missing: three such are in UTKFace
        "26_2_3_20170119171319234.jpg.chip.jpg",
        "26_1_5_20170119171319234.jpg.chip.jpg",
        "117_1_0_20170119171319234.jpg.chip.jpg",
        "._26_1_3_20170119171319234.jpg.chip.jpg",
        "person_0001.jpg",
    ],
)
def test_other_names_say_nothing(name: str) -> None:
    assert read_labels(name) is None


def test_a_folder_is_listed_with_its_labels(faces: Path) -> None:
    (faces / "holiday.jpg").write_bytes(b"never read")
    (faces / "notes.txt").write_text("no image")
    found = open_utkface(faces)
    assert tuple(path.name for path in found.paths) == NAMES
    assert found.ages.tolist() == [100, 1, 26, 26]
    assert found.genders.tolist() == [1, 0, 1, 1]
    assert found.races.tolist() == [2, 0, 3, 3]
    assert found.left_out == 1
    assert found.select(found.ages < 27).ages.tolist() == [1, 26, 26]
    assert found.select(np.array([3, 0])).paths == (found.paths[3], found.paths[0])


def test_an_archive_gives_the_same_faces(faces: Path, tmp_path: Path) -> None:
    archive = shutil.make_archive(str(tmp_path / "utk"), "zip", faces.parent)
    found = open_utkface(archive)
    assert tuple(path.name for path in found.paths) == NAMES


def test_faces_without_such_names_are_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"never read")
    with pytest.raises(EmptyFolderError, match=r"age_gender_race_date.*1 images with other names"):
        open_utkface(tmp_path)
    with pytest.raises(InputError, match="does not exist"):
        open_utkface(tmp_path / "nowhere")


def test_a_copy_is_taken_once_and_belongs_to_its_archive(faces: Path, tmp_path: Path) -> None:
    archive = shutil.make_archive(str(tmp_path / "utk"), "zip", faces.parent)
    target = tmp_path / "work" / "utkface"
    for _ in range(2):
        assert fetch_utkface(target, archive, progress=False) == target
        assert len(open_utkface(target)) == 4
    (faces / NAMES[0]).unlink()
    other = shutil.make_archive(str(tmp_path / "other"), "zip", faces.parent)
    with pytest.raises(InputError, match="came from another copy; remove it"):
        fetch_utkface(target, other, progress=False)
    copied = fetch_utkface(tmp_path / "work" / "copied", faces, progress=False)
    assert len(open_utkface(copied)) == 3


def test_what_is_no_copy_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "no.zip").write_bytes(b"no archive")
    target = tmp_path / "utkface"
    for source, expected in (
        (None, "--from"), (tmp_path / "nowhere", "does not exist"),
        (tmp_path / "empty", "holds no faces"), (tmp_path / "no.zip", "no archive"),
    ):  # fmt: skip
        with pytest.raises((InputError, StorageError), match=expected):
            fetch_utkface(target, source, progress=False)
    assert not target.exists()


def test_drawn_faces_are_named_by_what_was_drawn(tmp_path: Path) -> None:
    found = open_utkface(write_labeled_faces(tmp_path / "drawn", people=6, seed=4, size=64))
    assert len(found) == 6
    assert set(found.genders) == {0, 1}
    assert found.ages.min() >= 18 and found.ages.max() <= 78
    assert read_image(found.paths[0]).shape == (64, 64, 3)
    assert drawn_age(Identity(7)) == round(18 + 60 * Identity(7).age)
    with pytest.raises(InputError, match="1 or more"):
        write_labeled_faces(tmp_path / "none", people=0)

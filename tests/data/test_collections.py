"""Collections: folders and archives with one folder per person."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from fakes import unprivileged
from malformed_images import special_files

from siamlab.data.collections import Collection, collect_person, open_collection, person_digest
from siamlab.data.inspection import check_images, copies_note, describe
from siamlab.errors import EmptyFolderError, InputError
from siamlab.images.decode import read_image
from siamlab.images.write import write_image


def _noise(height: int = 20, width: int = 30, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def make_people(root: Path, counts: dict[str, int]) -> Path:
    """Write a small collection: a person's name and how many images of it."""
    for name, count in counts.items():
        for number in range(1, count + 1):
            write_image(root / name / f"{name}_{number:04d}.png", _noise(seed=number))
    return root


def test_collection_of_a_folder(tmp_path: Path) -> None:
    make_people(tmp_path, {"Bo": 2, "Al": 1, "Cy": 3})
    (tmp_path / "Al" / "notes.txt").write_text("no image")
    (tmp_path / "Al" / "._Al_0001.png").write_bytes(b"what macOS leaves")
    (tmp_path / "nobody").mkdir()
    collection = open_collection(tmp_path)
    assert collection.names == ("Al", "Bo", "Cy") and len(collection) == 3
    assert [p.name for p in collection.images[:2]] == ["Al_0001.png", "Bo_0001.png"]
    assert collection.image_people == ("Al", "Bo", "Bo", "Cy", "Cy", "Cy")
    assert collection.select(["Cy", "Al"]).names == ("Al", "Cy")
    assert collection.without(["Cy", "absent"]).names == ("Al", "Bo")
    assert collection.with_at_least(2).names == ("Bo", "Cy")
    assert len(collection.person("Cy")) == 3
    with pytest.raises(InputError, match="Did you mean Bo"):
        collection.person("Boo")


def test_a_single_folder_around_the_people_is_skipped(tmp_path: Path) -> None:
    make_people(tmp_path / "outer" / "inner", {"Al": 1, "Bo": 1})
    assert open_collection(tmp_path).root == tmp_path / "outer" / "inner"
    single = make_people(tmp_path / "one", {"Al": 2})
    assert open_collection(single).names == ("Al",)


def test_images_of_all_kinds_belong_to_a_collection(tmp_path: Path) -> None:
    for suffix in (".jfif", ".avif", ".webp", ".tif", ".gif", ".bmp"):
        write_image(tmp_path / "Al" / f"a{suffix}", _noise())
    collection = open_collection(tmp_path)
    assert len(collection.images) == 6 and not collection.left_out
    assert not check_images(collection) and collection.left_out_note() == ""


def test_what_is_no_image_of_a_person_is_counted_and_said(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("siamlab.images.decode.reads_heic", lambda: False)
    make_people(tmp_path, {"Al": 1, "Bo": 2})
    for name in ("Al/IMG_1.HEIC", "Al/IMG_2.heic", "Bo/notes.txt", "Bo/README", "Cy/a.heic"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"-")
    (tmp_path / "Bo" / "holiday").mkdir()
    (tmp_path / "Al" / ".hidden").touch()
    (tmp_path / "pairs.csv").touch()
    write_image(tmp_path / "group.png", _noise())
    collection = open_collection(tmp_path)
    assert collection.left_out == {
        ".heic": 3,
        ".txt": 1,
        "without suffix": 1,
        "folder": 1,
        "image of nobody": 1,
    }
    note = collection.left_out_note()
    assert "3 .heic, 1 .txt, 1 folder" in note and "siamlab[heic]" in note
    for name in ("Al", "Bo"):
        for image in (tmp_path / name).glob("*.png"):
            image.unlink()
    with pytest.raises(EmptyFolderError, match=r"3 \.heic.*siamlab\[heic\]"):
        open_collection(tmp_path)


def test_empty_collections_say_what_is_expected(tmp_path: Path) -> None:
    with pytest.raises(EmptyFolderError, match="one folder per person"):
        open_collection(tmp_path)
    write_image(tmp_path / "a.png", _noise())
    with pytest.raises(EmptyFolderError, match="in their own"):
        open_collection(tmp_path)
    with pytest.raises(InputError, match="does not exist"):
        open_collection(tmp_path / "absent")
    with pytest.raises(EmptyFolderError):
        collect_person("me", tmp_path / "absent")


def test_collect_person_joins_folders(tmp_path: Path) -> None:
    make_people(tmp_path, {"positive": 2, "anchor": 1})
    me = collect_person("me", tmp_path / "positive", tmp_path / "anchor")
    assert me.names == ("me",)
    assert [p.parent.name for p in me.images] == ["positive", "positive", "anchor"]


def test_check_images_names_unusable_files(tmp_path: Path) -> None:
    make_people(tmp_path, {"Al": 2, "Bo": 2})
    (tmp_path / "Bo" / "Bo_0002.png").write_bytes(b"broken")
    calls: list[tuple[int, int]] = []
    problems = check_images(
        open_collection(tmp_path), progress=lambda done, total: calls.append((done, total))
    )
    assert [p.path.name for p in problems] == ["Bo_0002.png"]
    assert "Bo_0002.png" in problems[0].reason
    assert calls == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_describe_counts(tmp_path: Path) -> None:
    """1, 2 and 4 images: 7 in all, median 2, two people with two or more."""
    collection = open_collection(make_people(tmp_path, {"Al": 1, "Bo": 2, "Cy": 4}))
    summary = describe(collection)
    assert (summary.people, summary.images, summary.with_two) == (3, 7, 2)
    assert (summary.median, summary.most, summary.most_name) == (2.0, 4, "Cy")
    assert "4 (Cy)" in str(summary) and ">7</td>" in summary._repr_html_()
    with pytest.raises(EmptyFolderError):
        describe(collection.select([]))


def test_lfw_archive(lfw_people: Collection) -> None:
    assert (len(lfw_people), len(lfw_people.images)) == (4786, 10492)
    assert read_image(lfw_people.images[0]).shape == (250, 250, 3)


def test_what_is_no_plain_file_is_left_out(tmp_path):
    """Pipes, devices, links that lead nowhere or to themselves, and folders called like images."""
    (tmp_path / "Ada").mkdir()
    special_files(tmp_path / "Ada")
    good = write_image(tmp_path / "Ada" / "good.png", np.zeros((9, 9, 3), np.uint8))
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    collection = open_collection(tmp_path)
    assert collection.names == ("Ada",)
    assert {path.name for path in collection.images} == {good.name, "sparse.jpg"}
    (problem,) = check_images(collection)
    assert problem.path.name == "sparse.jpg" and "too large" in problem.reason


def test_paths_that_are_no_folder_and_no_archive(tmp_path):
    pipe = dict(special_files(tmp_path))["pipe"]
    with pytest.raises(InputError, match="is a pipe or a device"):
        open_collection(pipe)
    for path in (tmp_path / ("z" * 300), tmp_path / "a\0b", tmp_path / "link-to-itself.jpg"):
        with pytest.raises(InputError, match="does not exist"):
            open_collection(path)


def test_folders_that_must_not_be_read(tmp_path):
    folder = tmp_path / "Ada"
    write_image(folder / "a.png", np.zeros((9, 9, 3), np.uint8))
    folder.chmod(0)
    for one in (tmp_path, folder):
        with unprivileged(), pytest.raises(InputError, match=r"cannot be read|does not exist"):
            open_collection(one)
    folder.chmod(0o700)


def test_names_of_people_need_not_be_text(tmp_path):
    for name in ("\udcff\udcfe", "人", "a\nb"):
        write_image(tmp_path / name / "a.png", np.zeros((9, 9, 3), np.uint8))
    names = open_collection(tmp_path).names
    assert len(names) == 3 and len({person_digest(name) for name in names}) == 3


def test_copies_are_counted(tmp_path):
    """Of five files three have the content of an earlier one, and one of them another owner."""
    for number, name in enumerate(("Ada/1", "Ada/2", "Ada/3", "Eve/1", "Eve/2")):
        level = 9 if number == 4 else 0
        write_image(tmp_path / f"{name}.png", np.full((9, 9, 3), level, np.uint8))
    collection = open_collection(tmp_path)
    assert copies_note(collection) == (
        "3 of 5 images are copies of others, 1 of them under another person's name"
    )
    assert copies_note(collection.select(["Ada"])) == "2 of 3 images are copies of others"
    assert copies_note(collection.select(["Eve"])) == ""

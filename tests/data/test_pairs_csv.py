"""Pairs as a CSV file: paths, labels, whose images they are, and errors of one line."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from siamlab.data.collections import open_collection
from siamlab.data.pairs import draw_pairs
from siamlab.data.pairs_csv import is_csv, read_pairs_csv, write_pairs_csv
from siamlab.errors import InputError


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """Files that are named and never read."""
    for name in ("Ada/1.jpg", "Ada/2.jpg", "Bo/1.jpg"):
        path = tmp_path / "people" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    return tmp_path / "people"


def write(folder: Path, *lines: str) -> Path:
    path = folder / "pairs.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8-sig")
    return path


def test_relative_and_absolute_paths_and_a_header(people: Path, tmp_path: Path) -> None:
    (tmp_path / "beside.jpg").write_bytes(b"")
    path = write(
        tmp_path, "a,b,same", "Ada/1.jpg, Ada/2.jpg ,1", "", f"{people}/Bo/1.jpg,beside.jpg,FALSE"
    )
    pairs = read_pairs_csv(path, people)
    assert pairs.labels.tolist() == [1, 0]
    assert pairs.first == (people / "Ada/1.jpg", people / "Bo/1.jpg")
    assert pairs.second == (people / "Ada/2.jpg", tmp_path / "beside.jpg")
    assert pairs.first_people == ("Ada", "Bo") and pairs.second_people[0] == "Ada"


def test_in_a_flat_folder_genuine_pairs_say_who_is_one_person(tmp_path: Path) -> None:
    """1 = 2 and 2 = 3, so 1, 2 and 3 are one person; 4 is another."""
    for number in range(1, 5):
        (tmp_path / f"{number}.jpg").write_bytes(b"")
    path = write(tmp_path, "1.jpg,2.jpg,1", "2.jpg,3.jpg,1", "3.jpg,4.jpg,0")
    pairs = read_pairs_csv(path, tmp_path)
    assert len({*pairs.first_people, *pairs.second_people[:2]}) == 1
    assert pairs.second_people[2] != pairs.first_people[2]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["Ada/1.jpg,Ada/2.jpg,1", "Ada/1.jpg,Bo/1.jpg,2"], "line 2: expected"),
        (["Ada/1.jpg,Ada/2.jpg"], "line 1: expected"),
        (["Ada/1.jpg,,1", "Ada/1.jpg,,1"], "line 2: expected"),
        (["first,second,same"], "holds no pairs"),
        (
            ["Ada/1.jpg,Ada/9.jpg,1", "Adda/2.jpg,Ada/9.jpg,1"],
            r"2 images of .* are missing in .*: Ada/9.jpg \(nearest: Ada/..jpg\), Adda/2.jpg "
            r"\(nearest: Ada/2.jpg\)\.",
        ),
        (
            ["Ada/1.jpg,Ada/2.png,1"],
            r"An image of .* is missing in .*: Ada/2.png \(near.*Ada/2.jpg",
        ),
    ],
)
def test_damaged_files_are_one_line(
    lines: list[str], message: str, people: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=message):
        read_pairs_csv(write(tmp_path, *lines), people)


def test_drawn_pairs_of_any_file_names_are_read_back(tmp_path: Path) -> None:
    names = ("Ada/IMG 1.jpg", "Ada/b,c.jfif", "Bo/Ünï.png", "Bo/ x.webp", 'Cy/"q".gif')
    for name in names:
        path = tmp_path / "people" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    collection = open_collection(tmp_path / "people")
    made = draw_pairs(collection, 4, 0)
    for out in ("new/pairs.csv", "pairs.txt"):  # the format is told by the first line too
        path = write_pairs_csv(tmp_path / out, made, collection.root)
        assert is_csv(path)
        again = read_pairs_csv(path, collection.root)
        assert (again.first, again.second) == (made.first, made.second)
        assert again.labels.tolist() == made.labels.tolist()
        assert (again.first_people, again.second_people) == (made.first_people, made.second_people)
        assert str(tmp_path) not in path.read_text()


def test_a_name_that_is_no_text_is_refused_in_one_line(tmp_path: Path) -> None:
    for name in (b"Ada/1.jpg", b"Ada/\xff.jpg", b"Bo/1.jpg"):
        path = tmp_path / os.fsdecode(name)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"")
    collection = open_collection(tmp_path)
    with pytest.raises(InputError, match=r"not text in UTF-8; rename it: .*Ada") as caught:
        write_pairs_csv(tmp_path / "p.csv", draw_pairs(collection, 2, 0), collection.root)
    assert str(caught.value).isprintable() and not (tmp_path / "p.csv").exists()


def test_unreadable_files(people: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_pairs_csv(tmp_path / "no.csv", people)
    (tmp_path / "bad.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="UTF-8"):
        read_pairs_csv(tmp_path / "bad.csv", people)


def test_which_format_a_file_has(tmp_path: Path) -> None:
    text = tmp_path / "pairs.txt"
    text.write_text("Ada\t1\t2\n")
    assert not is_csv(text) and not is_csv(tmp_path / "no.txt")
    assert is_csv(write(tmp_path, "x"))
    text.write_text("Ada/1.jpg,Ada/2.jpg,1\n")
    assert is_csv(text)

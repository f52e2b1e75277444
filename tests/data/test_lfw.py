"""LFW's files of pairs and people, and names of images."""

from __future__ import annotations

from pathlib import Path

import pytest

from siamlab.data.collections import Collection, Person
from siamlab.data.lfw import (
    PairLine,
    image_number,
    image_path,
    pairs_from_file,
    read_pairs_file,
    write_pairs,
)
from siamlab.data.pairs import draw_pairs
from siamlab.data.report_pairs import report_pairs
from siamlab.errors import InputError


def fake(*sizes: int) -> Collection:
    """A collection of names alone, as LFW has them: P000 has ``sizes[0]`` images, and so on."""
    people = []
    for number, size in enumerate(sizes):
        files = (Path(f"lfw/P{number:03d}/P{number:03d}_{i + 1:04d}.jpg") for i in range(size))
        people.append(Person(f"P{number:03d}", tuple(files)))
    return Collection(Path("lfw"), tuple(people))


LINES = "Al\t1\t2\nBo\t1\tAl\t3\n"


@pytest.mark.parametrize(
    "text",
    [
        LINES,
        "1\n" + LINES,
        "1 1\n" + LINES,
        LINES.replace("\t", " "),
        "\ufeff" + LINES.replace("\n", "\r\n"),
        "\n" + LINES + "\n\n",
    ],
)
def test_all_variants_of_a_pairs_file(tmp_path: Path, text: str) -> None:
    path = tmp_path / "pairs.txt"
    path.write_bytes(text.encode())
    first, second = read_pairs_file(path)
    assert first == PairLine("Al", 1, "Al", 2) and first.genuine
    assert second == PairLine("Bo", 1, "Al", 3) and not second.genuine


def test_folds_are_counted(tmp_path: Path) -> None:
    """2 folds of 1: two genuine and two impostor pairs."""
    path = tmp_path / "pairs.txt"
    path.write_text("2\t1\n" + LINES * 2)
    assert len(read_pairs_file(path)) == 4
    path.write_text("2\t1\n" + LINES)
    with pytest.raises(
        InputError, match=r"'2 1' announces 2 genuine and 2 impostor pairs, and 1 genuine and 1 i"
    ):
        read_pairs_file(path)


def test_names_with_spaces_need_tabs(tmp_path: Path) -> None:
    path = tmp_path / "pairs.txt"
    path.write_text("Al Bo\t1\t2\n")
    assert read_pairs_file(path)[0].first == "Al Bo"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "is empty"),
        (b"\n \n", "is empty"),
        (b"10\n", "no pairs"),
        (b"Al 1 2\nAl one 2\n", "line 2"),
        (b"Al 1\n", "line 1: expected 'name i j'"),
        (b"Al 1 2 3 4\n", "line 1"),
        (b"Al 0 1\n", "numbered from 1"),
        (b"Al 2 2\n", "itself"),
        (b"\xff\xfe\x00", "UTF-8"),
    ],
)
def test_damaged_pairs_files(tmp_path: Path, content: bytes, text: str) -> None:
    path = tmp_path / "pairs.txt"
    path.write_bytes(content)
    with pytest.raises(InputError, match=text) as caught:
        read_pairs_file(path)
    assert "pairs.txt" in str(caught.value) and "\n" not in str(caught.value)


def test_missing_text_files(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_pairs_file(tmp_path / "absent.txt")


def test_images_by_number() -> None:
    collection = fake(2, 1)
    path = image_path(collection, "P000", 2)
    assert path.name == "P000_0002.jpg" and image_number(path, "P000") == 2
    for name, number in (("P000", 3), ("P009", 1)):
        with pytest.raises(InputError):
            image_path(collection, name, number)
    with pytest.raises(InputError, match="named as in LFW"):
        image_number(Path("Al/first.png"), "Al")


def test_official_development_pairs(shared_pairs: Path) -> None:
    pairs = read_pairs_file(shared_pairs)
    assert (len(pairs), sum(pair.genuine for pair in pairs)) == (2200, 1100)


def test_written_pairs_are_read_back(tmp_path: Path) -> None:
    collection = fake(3, 3, 1)
    made = draw_pairs(collection, 6, 0)
    path = write_pairs(tmp_path / "new" / "pairs.txt", made)
    again = pairs_from_file(path, collection)
    assert (again.first, again.second) == (made.first, made.second)
    assert again.labels.tolist() == made.labels.tolist()
    assert (again.first_people, again.second_people) == (made.first_people, made.second_people)
    with pytest.raises(InputError, match="not named as in LFW"):
        write_pairs(path, report_pairs([Path("a.jpg")], [Path("b.jpg")], collection, 2, 0, "me"))


def test_missing_images_are_named_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "pairs.txt"
    path.write_text(
        "P000 1 2\nP000 1 9\nNobody 1 P001 1\n" + "".join(f"Q{i} 1 2\n" for i in range(4))
    )
    with pytest.raises(InputError) as caught:
        pairs_from_file(path, fake(3, 3))
    text = str(caught.value)
    assert text.startswith("10 images of") and "missing in lfw: P000/P000_0009 (nearest: " in text
    assert "Nobody/Nobody_0001 (nobody is called Nobody; nearest: P00" in text
    assert "and 5 more" in text and "\n" not in text


def test_a_person_whose_files_are_named_otherwise_shows_them(tmp_path: Path) -> None:
    collection = Collection(Path("own"), (Person("Ada", (Path("own/Ada/IMG_77.jpg"),)),))
    path = tmp_path / "pairs.txt"
    path.write_text("Ada 1 2\n")
    with pytest.raises(InputError, match=r"Ada/Ada_0001 \(nearest: IMG_77.jpg\)"):
        pairs_from_file(path, collection)


def test_the_official_development_pairs(lfw_people: Collection, shared_pairs: Path) -> None:
    made = pairs_from_file(shared_pairs, lfw_people)
    assert (made.genuine, made.impostor) == (1100, 1100)
    assert all(path.is_file() for path in made.images[:50])

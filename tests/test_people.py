"""Image files in all their forms, and collections of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from siamlab import people
from siamlab.errors import EmptyFolderError, ImageError, InputError, StorageError


def _noise(height: int = 20, width: int = 30, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def make_people(root: Path, counts: dict[str, int]) -> Path:
    """Write a small collection: a person's name and how many images of it."""
    for name, count in counts.items():
        for number in range(1, count + 1):
            people.write_image(root / name / f"{name}_{number:04d}.png", _noise(seed=number))
    return root


def test_png_comes_back_to_the_bit(tmp_path: Path) -> None:
    image = _noise()
    path = people.write_image(tmp_path / "new" / "a.png", image)
    assert np.array_equal(people.read_image(path), image)
    assert [p.name for p in path.parent.iterdir()] == ["a.png"]


def test_jpeg_is_close(tmp_path: Path) -> None:
    image = np.full((32, 32, 3), (200, 100, 50), np.uint8)
    read = people.read_image(people.write_image(tmp_path / "a.jpg", image))
    assert np.abs(read.astype(int) - image).max() <= 3


@pytest.mark.parametrize(
    ("mode", "value", "expected"),
    [
        ("L", 77, (77, 77, 77)),
        ("1", 255, (255, 255, 255)),
        ("RGBA", (10, 20, 30, 255), (10, 20, 30)),
        ("RGBA", (10, 20, 30, 0), (255, 255, 255)),  # transparent shows the white behind it
        ("LA", (10, 0), (255, 255, 255)),
        ("I;16", 257 * 40, (40, 40, 40)),  # 16 bits: 65535 / 257 = 255
        ("I;16", 257, (1, 1, 1)),  # dark, but still 16 bits
        ("I", 257 * 40, (40, 40, 40)),
    ],
)
def test_modes_become_rgb(tmp_path: Path, mode: str, value, expected) -> None:
    path = tmp_path / ("a.tiff" if mode == "I" else "a.png")
    Image.new(mode, (12, 9), value).save(path)
    image = people.read_image(path)
    assert image.shape == (9, 12, 3) and image.dtype == np.uint8
    assert (image == np.array(expected)).all()


def test_palette_with_transparency_and_cmyk_and_float(tmp_path: Path) -> None:
    palette = Image.new("P", (10, 10), 1)
    palette.putpalette([0, 0, 0, 9, 8, 7])
    palette.save(tmp_path / "p.png")
    assert (people.read_image(tmp_path / "p.png") == (9, 8, 7)).all()
    palette.save(tmp_path / "t.png", transparency=1)
    assert (people.read_image(tmp_path / "t.png") == 255).all()
    Image.new("CMYK", (10, 10), (0, 0, 0, 0)).save(tmp_path / "c.jpg")
    assert people.read_image(tmp_path / "c.jpg").min() > 250
    Image.fromarray(np.full((10, 10), 0.5, np.float32)).save(tmp_path / "f.tiff")
    assert (people.read_image(tmp_path / "f.tiff") == 128).all()


def test_orientation_note_is_applied(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # "turn by 90 degrees clockwise to view"
    Image.new("RGB", (40, 10)).save(tmp_path / "turned.jpg", exif=exif)
    assert people.read_image(tmp_path / "turned.jpg").shape == (40, 10, 3)


def test_bad_files_are_named_in_one_line(tmp_path: Path) -> None:
    good = people.write_image(tmp_path / "good.jpg", _noise(100, 100))
    files = {
        "empty.jpg": b"",
        "text.jpg": b"this is no image at all",
        "cut.jpg": good.read_bytes()[: good.stat().st_size // 2],
        "header.png": b"\x89PNG\r\n\x1a\n",
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    Image.new("RGB", (7, 50)).save(tmp_path / "tiny.png")
    Image.new("L", (8001, 8000)).save(tmp_path / "large.png")
    Image.new("1", (12_000, 9_000)).save(tmp_path / "larger.png")  # Pillow would warn
    Image.new("1", (20_000, 10_000)).save(tmp_path / "bomb.png")  # Pillow would refuse
    names = [*files, "tiny.png", "large.png", "larger.png", "bomb.png", "absent.png", ""]
    for name in names:
        with pytest.raises(ImageError) as caught:
            people.read_image(tmp_path / name)
        assert str(tmp_path / name) in str(caught.value) and "\n" not in str(caught.value)


def test_damaged_png_is_reported(tmp_path: Path) -> None:
    path = people.write_image(tmp_path / "a.png", _noise(60, 60))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(bytes(content))
    with pytest.raises(ImageError, match=r"a\.png"):
        people.read_image(path)


def test_write_refuses_other_arrays(tmp_path: Path) -> None:
    for array in (_noise().astype(np.float32), _noise()[:, :, 0], _noise()[:, :, :2]):
        with pytest.raises(InputError, match="uint8"):
            people.write_image(tmp_path / "a.png", array)
    with pytest.raises(InputError, match="suffix"):
        people.write_image(tmp_path / "a.txt", _noise())


def test_a_full_disk_is_one_line_and_leaves_the_old_file(tmp_path: Path, monkeypatch) -> None:
    image = _noise()
    path = people.write_image(tmp_path / "a.png", image)

    def full(self, file, **options):
        Path(file).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    with pytest.raises(StorageError, match="disk is full"):
        people.write_image(path, _noise(seed=1))
    monkeypatch.undo()
    assert np.array_equal(people.read_image(path), image)
    assert len(list(tmp_path.iterdir())) == 1


def test_unique_names_follow_each_other(tmp_path: Path) -> None:
    names = []
    for _ in range(3):
        path = people.unique_name(tmp_path, "anchor")
        path.touch()
        names.append(path.name)
    assert names == sorted(names)
    assert [name[:11] for name in names] == ["anchor_0001", "anchor_0002", "anchor_0003"]
    assert people.unique_name(tmp_path, "anchor") != people.unique_name(tmp_path, "anchor")
    assert people.unique_name(tmp_path / "absent", "x", ".png").suffix == ".png"


def test_collection_of_a_folder(tmp_path: Path) -> None:
    make_people(tmp_path, {"Bo": 2, "Al": 1, "Cy": 3})
    (tmp_path / "Al" / "notes.txt").write_text("no image")
    (tmp_path / "Al" / "._Al_0001.png").write_bytes(b"what macOS leaves")
    (tmp_path / "nobody").mkdir()
    collection = people.open_collection(tmp_path)
    assert collection.names == ("Al", "Bo", "Cy") and len(collection) == 3
    assert [p.name for p in collection.images[:2]] == ["Al_0001.png", "Bo_0001.png"]
    assert collection.image_people == ("Al", "Bo", "Bo", "Cy", "Cy", "Cy")
    assert collection.select(["Cy", "Al"]).names == ("Al", "Cy")
    assert collection.without(["Cy", "absent"]).names == ("Al", "Bo")
    assert collection.with_at_least(2).names == ("Bo", "Cy")
    assert len(collection.person("Cy")) == 3
    with pytest.raises(InputError, match="Did you mean Bo"):
        collection.person("Boo")


def test_folders_around_the_people_are_seen_through(tmp_path: Path) -> None:
    make_people(tmp_path / "outer" / "inner", {"Al": 1, "Bo": 1})
    assert people.open_collection(tmp_path).root == tmp_path / "outer" / "inner"
    single = make_people(tmp_path / "one", {"Al": 2})
    assert people.open_collection(single).names == ("Al",)


def test_empty_collections_say_what_is_expected(tmp_path: Path) -> None:
    with pytest.raises(EmptyFolderError, match="one folder per person"):
        people.open_collection(tmp_path)
    people.write_image(tmp_path / "a.png", _noise())
    with pytest.raises(EmptyFolderError, match="in their own"):
        people.open_collection(tmp_path)
    with pytest.raises(InputError, match="does not exist"):
        people.open_collection(tmp_path / "absent")
    with pytest.raises(EmptyFolderError):
        people.collect_person("me", tmp_path / "absent")


def test_collect_person_joins_folders(tmp_path: Path) -> None:
    make_people(tmp_path, {"positive": 2, "anchor": 1})
    me = people.collect_person("me", tmp_path / "positive", tmp_path / "anchor")
    assert me.names == ("me",)
    assert [p.parent.name for p in me.images] == ["positive", "positive", "anchor"]


def test_check_images_reports_by_name(tmp_path: Path) -> None:
    make_people(tmp_path, {"Al": 2, "Bo": 2})
    (tmp_path / "Bo" / "Bo_0002.png").write_bytes(b"broken")
    calls: list[tuple[int, int]] = []
    problems = people.check_images(
        people.open_collection(tmp_path), progress=lambda done, total: calls.append((done, total))
    )
    assert [p.path.name for p in problems] == ["Bo_0002.png"]
    assert "Bo_0002.png" in problems[0].reason
    assert calls == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_describe_counts(tmp_path: Path) -> None:
    """1, 2 and 4 images: 7 in all, median 2, two people with two or more."""
    collection = people.open_collection(make_people(tmp_path, {"Al": 1, "Bo": 2, "Cy": 4}))
    summary = people.describe(collection)
    assert (summary.people, summary.images, summary.with_two) == (3, 7, 2)
    assert (summary.median, summary.most, summary.most_name) == (2.0, 4, "Cy")
    assert "4 (Cy)" in str(summary) and "<td>7</td>" in summary._repr_html_()
    with pytest.raises(EmptyFolderError):
        people.describe(collection.select([]))


def test_lfw_archive(shared_lfw: Path, tmp_path: Path) -> None:
    collection = people.open_collection(shared_lfw, cache=tmp_path)
    assert (len(collection), len(collection.images)) == (4786, 10492)
    assert people.read_image(collection.images[0]).shape == (250, 250, 3)
    assert len(list(tmp_path.iterdir())) == 1

"""Image files of all formats."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from siamlab.errors import ImageError, InputError, StorageError
from siamlab.images.decode import FORMATS, SUFFIXES, is_image_name, read_image, reads_heic
from siamlab.images.write import unique_name, write_image


def _noise(height: int = 20, width: int = 30, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_png_is_lossless(tmp_path: Path) -> None:
    image = _noise()
    path = write_image(tmp_path / "new" / "a.png", image)
    assert np.array_equal(read_image(path), image)
    assert [p.name for p in path.parent.iterdir()] == ["a.png"]


def test_jpeg_is_nearly_lossless(tmp_path: Path) -> None:
    image = np.full((32, 32, 3), (200, 100, 50), np.uint8)
    read = read_image(write_image(tmp_path / "a.jpg", image))
    assert np.abs(read.astype(int) - image).max() <= 3


@pytest.mark.parametrize(
    ("mode", "value", "expected"),
    [
        ("L", 77, (77, 77, 77)),
        ("1", 255, (255, 255, 255)),
        ("RGBA", (10, 20, 30, 255), (10, 20, 30)),
        ("RGBA", (10, 20, 30, 0), (255, 255, 255)),  # transparent pixels become white
        ("LA", (10, 0), (255, 255, 255)),
        ("I;16", 257 * 40, (40, 40, 40)),  # 16 bits: 65535 / 257 = 255
        ("I;16", 257, (1, 1, 1)),  # dark, but still 16 bits
        ("I", 257 * 40, (40, 40, 40)),
    ],
)
def test_modes_become_rgb(tmp_path: Path, mode: str, value, expected) -> None:
    path = tmp_path / ("a.tiff" if mode == "I" else "a.png")
    Image.new(mode, (12, 9), value).save(path)
    image = read_image(path)
    assert image.shape == (9, 12, 3) and image.dtype == np.uint8
    assert (image == np.array(expected)).all()


def test_palette_with_transparency_and_cmyk_and_float(tmp_path: Path) -> None:
    palette = Image.new("P", (10, 10), 1)
    palette.putpalette([0, 0, 0, 9, 8, 7])
    palette.save(tmp_path / "p.png")
    assert (read_image(tmp_path / "p.png") == (9, 8, 7)).all()
    palette.save(tmp_path / "t.png", transparency=1)
    assert (read_image(tmp_path / "t.png") == 255).all()
    Image.new("CMYK", (10, 10), (0, 0, 0, 0)).save(tmp_path / "c.jpg")
    assert read_image(tmp_path / "c.jpg").min() > 250
    Image.fromarray(np.full((10, 10), 0.5, np.float32)).save(tmp_path / "f.tiff")
    assert (read_image(tmp_path / "f.tiff") == 128).all()


def test_orientation_tag_is_applied(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # "turn by 90 degrees clockwise to view"
    Image.new("RGB", (40, 10)).save(tmp_path / "turned.jpg", exif=exif)
    assert read_image(tmp_path / "turned.jpg").shape == (40, 10, 3)


def test_every_suffix_of_what_is_read_counts_as_an_image() -> None:
    Image.init()
    known = {suffix for suffix, name in Image.EXTENSION.items() if name in {*FORMATS, "MPO"}}
    assert known == SUFFIXES
    for name in ("a.jfif", "a.AVIF", "a.tif", "a.gif", "a.webp", "a.JPG"):
        assert is_image_name(name)
    assert not is_image_name("a.eps") and not is_image_name("jpg")


@pytest.mark.parametrize("suffix", sorted(SUFFIXES - {".pfm"}))
def test_files_of_every_suffix_are_read(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    image = np.full((32, 48, 3), (200, 200, 200), np.uint8)
    Image.fromarray(image).save(path)
    assert np.abs(read_image(path).astype(int) - image).max() <= 55  # .pbm has black and white


def _heif_box(brand: bytes) -> bytes:
    return b"\0\0\0\x18ftyp" + brand + b"\0\0\0\0mif1heic" + bytes(100)


def test_heic_without_its_package_names_the_conversion(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("siamlab.images.decode.reads_heic", lambda: False)
    for brand in (b"heic", b"mif1"):
        (tmp_path / "a.jpg").write_bytes(_heif_box(brand))  # whatever it is called
        with pytest.raises(ImageError, match=r"a\.jpg is a HEIC image.*siamlab\[heic\].*convert"):
            read_image(tmp_path / "a.jpg")
    assert not is_image_name("a.heic")


@pytest.mark.skipif(not reads_heic(), reason="pillow-heif is not installed: extra heic")
def test_heic_is_read_upright_and_damaged_files_are_named(tmp_path: Path) -> None:
    import pillow_heif

    pillow_heif.register_heif_opener()
    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / "a.heic"
    Image.new("RGB", (64, 32), (10, 200, 30)).save(path, exif=exif.tobytes())
    assert is_image_name("IMG_1.HEIC")
    image = read_image(path)
    assert image.shape == (64, 32, 3) and image.dtype == np.uint8
    assert np.abs(image.astype(int) - (10, 200, 30)).max() < 12
    content = path.read_bytes()
    for damaged in (content[: len(content) // 2], _heif_box(b"heic")):
        path.write_bytes(damaged)
        with pytest.raises(ImageError, match=r"a\.heic"):
            read_image(path)


def test_bad_files_are_named_in_one_line(tmp_path: Path) -> None:
    good = write_image(tmp_path / "good.jpg", _noise(100, 100))
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
            read_image(tmp_path / name)
        assert str(tmp_path / name) in str(caught.value) and "\n" not in str(caught.value)


def test_damaged_png_is_reported(tmp_path: Path) -> None:
    path = write_image(tmp_path / "a.png", _noise(60, 60))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(bytes(content))
    with pytest.raises(ImageError, match=r"a\.png"):
        read_image(path)


def test_write_refuses_other_arrays(tmp_path: Path) -> None:
    for array in (_noise().astype(np.float32), _noise()[:, :, 0], _noise()[:, :, :2]):
        with pytest.raises(InputError, match="uint8"):
            write_image(tmp_path / "a.png", array)
    with pytest.raises(InputError, match="suffix"):
        write_image(tmp_path / "a.txt", _noise())


def test_a_full_disk_gives_one_line_and_leaves_the_old_file(tmp_path: Path, monkeypatch) -> None:
    image = _noise()
    path = write_image(tmp_path / "a.png", image)

    def full(self, content):
        with self.open("wb") as file:
            file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(StorageError, match="disk is full"):
        write_image(path, _noise(seed=1))
    monkeypatch.undo()
    assert np.array_equal(read_image(path), image)
    assert len(list(tmp_path.iterdir())) == 1


def test_unique_names_are_numbered_in_order(tmp_path: Path) -> None:
    names = []
    for _ in range(3):
        path = unique_name(tmp_path, "anchor")
        path.touch()
        names.append(path.name)
    assert names == sorted(names)
    assert [name[:11] for name in names] == ["anchor_0001", "anchor_0002", "anchor_0003"]
    assert unique_name(tmp_path, "anchor") != unique_name(tmp_path, "anchor")
    assert unique_name(tmp_path / "absent", "x", ".png").suffix == ".png"

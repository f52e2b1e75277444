"""The digest of an image tells pixels and size, and nothing else."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from siamlab.errors import ImageError
from siamlab.images.decode import read_image
from siamlab.images.digest import content_digests, pixel_digest


def test_the_digest_by_hand() -> None:
    image = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    expected = hashlib.sha256(b"(2, 4, 3)" + bytes(range(24))).hexdigest()[:32]
    assert pixel_digest(image) == expected
    assert pixel_digest(image[:, ::-1][:, ::-1]) == expected  # a view, not contiguous
    other = image.copy()
    other[1, 3, 2] += 1
    assert pixel_digest(other) != expected
    assert pixel_digest(image.reshape(4, 2, 3)) != expected


def test_another_name_and_other_metadata_are_the_same_image(tmp_path: Path) -> None:
    """Also turned, with a note to turn it back: what is seen is the same."""
    pixels = np.random.default_rng(0).integers(0, 256, (16, 12, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    Image.fromarray(np.ascontiguousarray(pixels[::-1, ::-1])).save(tmp_path / "b.png", exif=exif)
    one, two = (pixel_digest(read_image(tmp_path / name)) for name in ("a.png", "b.png"))
    assert one == two == pixel_digest(pixels)


def test_the_digest_of_a_file_is_of_its_content(tmp_path: Path) -> None:
    for name, content in (("a.png", b"one"), ("b.png", b"two"), ("c.png", b"one")):
        (tmp_path / name).write_bytes(content)
    one, two, again = content_digests([tmp_path / f"{name}.png" for name in "abc"])
    assert one == again == hashlib.sha256(b"one").hexdigest()[:32] != two
    with pytest.raises(ImageError, match=r"nowhere\.png does not exist"):
        content_digests([tmp_path / "nowhere.png"])

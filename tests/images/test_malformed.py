"""Files that only look like images: a picture or one line, at once, and nothing else."""

from __future__ import annotations

import io
import os
import signal
import struct
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest
from fakes import unprivileged
from malformed_images import EITHER, ERROR, KINDS, RESULT, contents, picture, saved, special_files
from PIL import Image

from siamlab.errors import ImageError
from siamlab.images import decode
from siamlab.images.decode import read_image

SECONDS = 10


@contextmanager
def time_limit(seconds: int = SECONDS) -> Iterator[None]:
    """Fail where a read does not come back."""

    def too_long(*_: object) -> None:
        pytest.fail(f"it took longer than {seconds} seconds")

    former = signal.signal(signal.SIGALRM, too_long)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, former)


def read(path: Path) -> str:
    """What became of one file; any other exception or warning fails the test."""
    with time_limit():
        try:
            image = read_image(path)
        except ImageError as error:
            assert str(error).isprintable() and len(str(error)) < 800
            return ERROR
    assert image.dtype == np.uint8 and image.shape[2] == 3 and min(image.shape[:2]) >= 8
    return RESULT


def test_every_kind_gives_a_picture_or_one_line(tmp_path, capfd):
    """The whole, 10,000 of them, is benchmarks/malformed.py."""
    found = set()
    for case in contents(10 * len(KINDS), seed=7):
        path = tmp_path / case.name
        path.write_bytes(case.content)
        outcome = read(path)
        assert case.expected in (EITHER, outcome), case.kind
        found.add((case.kind.split()[0], outcome))
        path.unlink()
    assert len(found) > 25 and {outcome for _, outcome in found} == {RESULT, ERROR}
    assert capfd.readouterr() == ("", "")  # libtiff would print
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif"])
def test_all_eight_orientations(tmp_path, suffix):
    """The stored picture is turned by NumPy as EXIF describes it, by where row and column 0 lie."""
    stored = np.zeros((16, 24, 3), np.uint8)
    stored[:8, :8] = (255, 0, 0)
    stored[8:, 16:] = (0, 0, 255)
    upright = {
        1: stored, 2: stored[:, ::-1], 3: stored[::-1, ::-1], 4: stored[::-1],
        5: stored.transpose(1, 0, 2), 6: np.rot90(stored, -1),
        7: stored[::-1, ::-1].transpose(1, 0, 2), 8: np.rot90(stored),
    }  # fmt: skip
    for orientation in range(10):  # 0 and 9 mean nothing
        exif = Image.Exif()
        exif[0x0112] = orientation
        lossless = {"lossless": True} if suffix == "webp" else {}
        content = saved(Image.fromarray(stored), suffix, exif=exif, **lossless)
        (tmp_path / f"a.{suffix}").write_bytes(content)
        image = read_image(tmp_path / f"a.{suffix}").astype(int)
        expected = upright.get(orientation, stored)
        assert image.shape == expected.shape
        assert np.median(np.abs(image - expected)) <= 3 and np.abs(image - expected).mean() < 20


def test_orientation_as_text_means_nothing(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    block = bytearray(exif.tobytes())
    place = block.index(b"\x01\x12\0\x03") + 2  # kind 3 is a number, 2 is text
    block[place : place + 2] = b"\0\x02"
    content = saved(picture(np.random.default_rng(0)), "jpg", exif=bytes(block))
    (tmp_path / "a.jpg").write_bytes(content)
    assert read_image(tmp_path / "a.jpg").shape == (24, 32, 3)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.0, 0.5, 1.0, np.nan, np.inf, -np.inf], [0, 128, 255, 0, 255, 0]),
        ([0.0, 100.0, 255.0, np.nan, np.inf, -3.0], [0, 100, 255, 0, 255, 0]),
        ([0.0, 257.0, 65535.0, np.nan, 3e38, -1.0], [0, 1, 255, 0, 255, 0]),
        ([np.nan] * 6, [0] * 6),
    ],
)
def test_float_pictures_with_strange_numbers(tmp_path, values, expected):
    """In [0, 1] times 255; up to 255 as it is; above, 65535 / 257 = 255."""
    rows = np.repeat(np.float32(values), 8)[None].repeat(8, 0)
    (tmp_path / "a.tif").write_bytes(saved(Image.fromarray(rows), "tif"))
    image = read_image(tmp_path / "a.tif")
    assert image[0, ::8, 0].tolist() == expected


def test_what_is_no_plain_file_is_refused_without_opening_it(tmp_path):
    reasons = {"pipe": "a pipe or", "folder": "a folder", "link to an endless device": "a pipe or",
               "link to itself": "Too many levels", "sparse": "too large", "too long": "too long",
               "link to nothing": "not exist", "zero byte": "no file has"}  # fmt: skip
    for what, path in special_files(tmp_path):
        with time_limit(2), pytest.raises(ImageError, match=reasons.get(what)) as caught:
            read_image(path)
        begin = path.name[:20].split("\0")[0]
        assert str(caught.value).isprintable() and begin in str(caught.value), what


def test_a_file_that_must_not_be_read(tmp_path):
    path = tmp_path / "secret.jpg"
    path.write_bytes(saved(picture(np.random.default_rng(0)), "jpg"))
    path.chmod(0)
    with unprivileged(), pytest.raises(ImageError, match="Permission denied"):
        read_image(path)


def test_names_are_escaped_so_that_an_error_is_one_line(tmp_path):
    path = tmp_path / "a\nb\x1b[31m\udcff.jpg"
    path.write_bytes(b"no image")
    with pytest.raises(ImageError) as caught:
        read_image(path)
    assert r"a b\x1b[31m\udcff.jpg" in str(caught.value)


def test_other_programs_are_never_started(tmp_path, monkeypatch):
    """Pillow hands EPS files to Ghostscript, whatever they are called."""
    monkeypatch.setattr("subprocess.Popen.__init__", lambda *_, **__: pytest.fail("started"))
    path = tmp_path / "a.jpg"
    path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 50 50\n%%EndComments\nquit\n")
    assert read(path) == ERROR


def test_a_large_file_is_refused_unread(tmp_path, monkeypatch):
    monkeypatch.setattr(decode, "MAX_BYTES", 100)
    path = tmp_path / "a.png"
    path.write_bytes(saved(picture(np.random.default_rng(0)), "png"))
    monkeypatch.setattr(Path, "read_bytes", lambda _: pytest.fail("read"))
    with pytest.raises(ImageError, match="too large"):
        read_image(path)


def test_many_passes_over_a_large_picture_are_refused_at_once(tmp_path):
    """2,000 passes over 16 megapixels of black in 200 kB would take minutes."""
    whole = saved(Image.new("L", (4000, 4000)), "jpg", progressive=True)
    last = whole.rindex(b"\xff\xda")
    (tmp_path / "a.jpg").write_bytes(whole[:last] + whole[last:-2] * 2_000 + whole[-2:])
    with time_limit(5), pytest.raises(ImageError, match="passes"):
        read_image(tmp_path / "a.jpg")


def test_threads_keep_standard_error_and_the_warnings_filter(tmp_path, capfd):
    """TIFF files are read with standard error put away: it comes back, whoever ends last."""
    damaged = bytearray(saved(picture(np.random.default_rng(0)), "tif", compression="tiff_lzw"))
    at = struct.unpack_from("<I", damaged, 4)[0]
    for place in range(at + 2, len(damaged) - 12, 12):
        if struct.unpack_from("<H", damaged, place)[0] == 284:
            damaged[place + 4 : place + 8] = struct.pack("<I", 77)
    path = tmp_path / "a.tif"
    path.write_bytes(bytes(damaged))
    before = list(warnings.filters)

    def work() -> None:
        for _ in range(20):
            with suppress(ImageError):
                read_image(path)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert warnings.filters == before
    os.write(2, b"still here")
    assert capfd.readouterr().err == "still here"


def test_a_picture_of_another_kind_is_found_by_content(tmp_path):
    out = io.BytesIO()
    Image.new("RGB", (32, 32), (9, 8, 7)).save(out, "PNG")
    (tmp_path / "a.jpg").write_bytes(out.getvalue())
    assert (read_image(tmp_path / "a.jpg") == (9, 8, 7)).all()

"""Image files as nobody should write them: a seeded stream of all the kinds that we know of.

``contents`` gives named contents by the thousand; ``special_files`` makes what is no plain file.
Each kind says whether it must be read (``RESULT``), must be refused (``ERROR``), or may be either:
a file cut behind its last row is whole, a flipped bit may change one pixel.
"""

from __future__ import annotations

import io
import os
import socket
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

RESULT, ERROR, EITHER = "result", "error", "either"
FORMATS = {"jpg": "JPEG", "png": "PNG", "bmp": "BMP", "webp": "WEBP", "gif": "GIF", "tif": "TIFF",
           "ppm": "PPM"}  # fmt: skip
MAGIC = (
    b"\xff\xd8\xff\xe0\x00\x10JFIF\x00", b"\xff\xd8\xff\xe1\x00\x20Exif\x00\x00",
    b"\x89PNG\r\n\x1a\n",
    b"BM", b"RIFF\x20\x00\x00\x00WEBPVP8 ", b"RIFF\x20\x00\x00\x00WEBPVP8L", b"GIF89a", b"II*\x00",
    b"MM\x00*", b"II+\x00", b"P6\n16 16\n255\n", b"P3\n9 9\n255\n", b"P5 20 20 65535\n", b"P1 8 8 ",
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """One file: its kind, its name, its content, and what a reader must make of it."""

    kind: str
    name: str
    content: bytes
    expected: str = EITHER


def picture(rng: np.random.Generator, height: int = 24, width: int = 32) -> Image.Image:
    return Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8))


def saved(image: Image.Image, suffix: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, FORMATS[suffix], **options)
    return out.getvalue()


def _suffix(rng: np.random.Generator) -> str:
    return str(rng.choice(list(FORMATS)))


def _noise(rng: np.random.Generator, most: int) -> bytes:
    return rng.bytes(int(rng.integers(0, most)))


def random_bytes(rng: np.random.Generator, number: int) -> Case:
    return Case("random bytes", f"{number}.{_suffix(rng)}", _noise(rng, 4096), ERROR)


def magic_then_noise(rng: np.random.Generator, number: int) -> Case:
    begin = MAGIC[int(rng.integers(len(MAGIC)))]
    return Case("magic, then noise", f"{number}.{_suffix(rng)}", begin + _noise(rng, 2000))


def truncated(rng: np.random.Generator, number: int) -> Case:
    suffix = _suffix(rng)
    whole = saved(picture(rng), suffix)
    share = rng.random()
    content = whole[: int(share * len(whole))]
    return Case(
        f"truncated {suffix}", f"{number}.{suffix}", content, ERROR if share < 0.5 else EITHER
    )


def flipped(rng: np.random.Generator, number: int) -> Case:
    suffix = _suffix(rng)
    content = bytearray(saved(picture(rng), suffix))
    for place in rng.integers(0, len(content), int(rng.integers(1, 20))):
        content[place] = int(rng.integers(256))
    return Case(f"changed bytes {suffix}", f"{number}.{suffix}", bytes(content))


def damaged_header(rng: np.random.Generator, number: int) -> Case:
    suffix = _suffix(rng)
    content = bytearray(saved(picture(rng), suffix))
    for place in rng.integers(0, 64, 3):
        content[place] = int(rng.choice([0, 1, 127, 128, 255]))
    return Case(f"damaged header {suffix}", f"{number}.{suffix}", bytes(content))


def spliced(rng: np.random.Generator, number: int) -> Case:
    one, other = (saved(picture(rng), _suffix(rng)) for _ in range(2))
    content = one[: int(rng.integers(8, len(one)))] + other[int(rng.integers(len(other))) :]
    return Case("two files spliced", f"{number}.{_suffix(rng)}", content)


def oriented(rng: np.random.Generator, number: int) -> Case:
    exif = Image.Exif()
    exif[0x0112] = orientation = int(rng.integers(0, 11))  # 1 to 8 mean something
    suffix = str(rng.choice(["jpg", "png", "webp", "tif"]))
    content = saved(picture(rng), suffix, exif=exif)
    return Case("EXIF orientation", f"{number}-{orientation}.{suffix}", content, RESULT)


def other_mode(rng: np.random.Generator, number: int) -> Case:
    mode = str(rng.choice(["1", "L", "LA", "P", "RGBA", "CMYK", "YCbCr", "LAB", "I;16", "I", "F"]))
    if mode in {"I;16", "I", "F"}:
        deep = rng.random((24, 32)) * float(rng.choice([1.0, 300.0, 65535.0]))
        kind = {"I;16": np.uint16, "I": np.int32, "F": np.float32}[mode]
        image = Image.fromarray(deep.astype(kind))
    else:
        image = picture(rng).convert("RGB" if mode == "LAB" else mode)
    suffix = {"CMYK": "jpg", "YCbCr": "jpg", "F": "tif", "I": "tif", "LAB": "tif"}.get(mode, "png")
    return Case(f"mode {mode}", f"{number}.{suffix}", saved(image, suffix), RESULT)


def strange_numbers(rng: np.random.Generator, number: int) -> Case:
    values = rng.normal(0, 1, (24, 32)).astype(np.float32)
    values.flat[rng.integers(0, values.size, 9)] = rng.choice([np.nan, np.inf, -np.inf, 3e38], 9)
    return Case("float TIFF, not finite", f"{number}.tif", saved(Image.fromarray(values), "tif"))


def deep_color(rng: np.random.Generator, number: int) -> Case:
    rows = rng.integers(0, 65536, (24, 32, 3)).astype(">u2")
    body = b"".join(b"\0" + row.tobytes() for row in rows)
    header = struct.pack(">IIBBBBB", 32, 24, 16, 2, 0, 0, 0)
    content = _png((b"IHDR", header), (b"IDAT", zlib.compress(body)), (b"IEND", b""))
    return Case("16-bit color PNG", f"{number}.png", content, RESULT)


def animated(rng: np.random.Generator, number: int) -> Case:
    suffix = str(rng.choice(["gif", "webp", "png", "tif"]))
    frames = [picture(rng) for _ in range(4)]
    whole = saved(frames[0], suffix, save_all=True, append_images=frames[1:])
    share = float(rng.choice([1.0, rng.random()]))
    content = whole[: int(share * len(whole))]
    return Case(
        f"animated {suffix}", f"{number}.{suffix}", content, RESULT if share == 1 else EITHER
    )


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _png(*chunks: tuple[bytes, bytes]) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in chunks)


def _png_header(width: int, height: int, depth: int = 8, color: int = 2) -> tuple[bytes, bytes]:
    return b"IHDR", struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)


def sized(suffix: str, width: int, height: int) -> bytes:
    """A file whose header says this size, and that holds a few bytes."""
    if suffix == "png":
        return _png(
            _png_header(width, height), (b"IDAT", zlib.compress(bytes(500))), (b"IEND", b"")
        )
    if suffix == "gif":
        size = struct.pack("<HH", width & 0xFFFF, height & 0xFFFF)
        head = b"GIF89a" + size + b"\x80\0\0" + bytes(6)
        return head + b"," + bytes(4) + size + b"\0\x02\x02\x4c\x01\0;"
    if suffix == "bmp":
        head = struct.pack(
            "<IiiHHIIiiII", 40, width - 2**31, height - 2**31, 1, 24, 0, 0, 0, 0, 0, 0
        )
        return b"BM" + struct.pack("<IHHI", 600, 0, 0, 54) + head + bytes(500)
    if suffix == "ppm":
        return b"P6\n%d %d\n255\n" % (width, height) + bytes(500)
    whole = saved(picture(np.random.default_rng(0)), suffix)
    if suffix == "jpg":
        place = whole.index(b"\xff\xc0") + 5
        return (
            whole[:place] + struct.pack(">HH", height & 0xFFFF, width & 0xFFFF) + whole[place + 4 :]
        )
    if suffix == "webp":
        place = whole.index(b"\x9d\x01\x2a") + 3
        return (
            whole[:place] + struct.pack("<HH", width & 0xFFFF, height & 0xFFFF) + whole[place + 4 :]
        )
    fields = bytearray(whole)
    at = struct.unpack_from("<I", whole, 4)[0] + 2
    for tag, value in ((256, width), (257, height)):
        place = next(
            p for p in range(at, len(whole), 12) if struct.unpack_from("<H", whole, p)[0] == tag
        )
        fields[place + 2 : place + 12] = struct.pack("<HII", 4, 1, value)
    return bytes(fields)


def other_size(rng: np.random.Generator, number: int) -> Case:
    suffix = _suffix(rng)
    sides = [0, 1, 7, 8, 65_535, 8_001, 2**31 - 1, 2**32 - 1]
    width, height = (int(side) for side in rng.choice(sides, 2))
    return Case(f"size in the header {suffix}", f"{number}.{suffix}", sized(suffix, width, height))


def bomb(rng: np.random.Generator, number: int) -> Case:
    side = int(rng.choice([8_100, 20_000, 60_000]))
    pack = zlib.compressobj(9)
    row = bytes(side // 8 + 1)
    body = b"".join(pack.compress(row) for _ in range(1_000)) + pack.flush()
    content = _png(_png_header(side, side, 1, 0), (b"IDAT", body), (b"IEND", b""))
    return Case("decompression bomb", f"{number}.png", content, ERROR)


def text_bomb(rng: np.random.Generator, number: int) -> Case:
    kind = [b"zTXt", b"iTXt", b"iCCP", b"tEXt"][int(rng.integers(4))]
    many = zlib.compress(bytes(3_000_000), 9)
    body = {
        b"zTXt": b"a\0\0" + many,
        b"iTXt": b"a\0\1\0\0\0" + many,
        b"iCCP": b"a\0\0" + many,
        b"tEXt": b"a\0" + bytes(100_000),
    }[kind]
    rows = zlib.compress(bytes(24 * (32 * 3 + 1)))
    chunks = [_png_header(32, 24), *[(kind, body)] * 3, (b"IDAT", rows), (b"IEND", b"")]
    return Case(f"text bomb {kind.decode()}", f"{number}.png", _png(*chunks))


def passes(rng: np.random.Generator, number: int) -> Case:
    """A progressive JPEG whose last pass is repeated."""
    whole = saved(picture(rng), "jpg", progressive=True)
    last = whole.rindex(b"\xff\xda")
    times = int(rng.choice([3, 400, 5_000]))
    content = whole[:last] + whole[last:-2] * times + whole[-2:]
    return Case(
        f"JPEG of {times} repeated passes",
        f"{number}.jpg",
        content,
        ERROR if times > 90 else EITHER,
    )


def profile(rng: np.random.Generator, number: int) -> Case:
    suffix = str(rng.choice(["jpg", "png", "webp", "tif"]))
    content = saved(picture(rng), suffix, icc_profile=rng.bytes(int(rng.integers(1, 60_000))))
    return Case("ICC profile of noise", f"{number}.{suffix}", content, RESULT)


def exif_noise(rng: np.random.Generator, number: int) -> Case:
    suffix = str(rng.choice(["jpg", "png", "webp"]))
    begin = [b"Exif\0\0", b"Exif\0\0II*\0\x08\0\0\0", b"Exif\0\0MM\0*\0\0\0\x08\xff\xff"]
    block = begin[int(rng.integers(3))] + rng.bytes(int(rng.integers(1, 60_000)))
    content = saved(picture(rng), suffix, exif=block)
    return Case("EXIF block of noise", f"{number}.{suffix}", content)


def huge_exif(rng: np.random.Generator, number: int) -> Case:
    exif = Image.Exif()
    for tag in rng.integers(0xF000, 0xFFF0, 40):
        exif[int(tag)] = "x" * 1_000
    content = saved(picture(rng), "jpg", exif=exif)
    return Case("huge EXIF block", f"{number}.jpg", content, RESULT)


def damaged_tags(rng: np.random.Generator, number: int) -> Case:
    """A TIFF whose directory has entries of other kinds, counts and places."""
    content = bytearray(
        saved(picture(rng), "tif", compression=str(rng.choice(["raw", "tiff_lzw"])))
    )
    at = struct.unpack_from("<I", content, 4)[0]
    entries = struct.unpack_from("<H", content, at)[0]
    for entry in rng.integers(0, entries, 2):
        place = at + 2 + 12 * int(entry) + int(rng.choice([2, 4, 8]))
        content[place : place + 2] = rng.bytes(2)
    return Case("damaged TIFF tags", f"{number}.tif", bytes(content))


def comments(rng: np.random.Generator, number: int) -> Case:
    whole = saved(picture(rng), "gif")
    extension = b"!\xfe" + (b"\xff" + bytes(255)) * int(rng.integers(1, 400)) + b"\0"
    place = 13 + 3 * 256  # behind the table of colors
    content = whole[:place] + extension * 3 + whole[place:]
    return Case("GIF of comments", f"{number}.gif", content)


def run_length(rng: np.random.Generator, number: int) -> Case:
    head = struct.pack("<IiiHHIIiiII", 40, 40, 40, 1, 8, 1, 0, 0, 0, 256, 0)
    body = bytes(1024) + rng.bytes(6_000)
    content = b"BM" + struct.pack("<IHHI", 54 + len(body), 0, 0, 1078) + head + body
    return Case("BMP of run lengths", f"{number}.bmp", content)


def plain_numbers(rng: np.random.Generator, number: int) -> Case:
    words = [b"%d" % value for value in rng.integers(0, 256, 24 * 32 * 3)]
    if rng.integers(2):
        words[int(rng.integers(len(words)))] = [b"x", b"#", b"9" * 5_000][int(rng.integers(3))]
    content = b"P3 32 24 %d\n" % int(rng.choice([0, 255, 300, 70_000])) + b" ".join(words)
    return Case("PNM of written numbers", f"{number}.ppm", content)


OTHERS = (
    b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 50 50\n%%EndComments\n(x) print quit\n%%EOF\n",
    b"<svg xmlns='http://www.w3.org/2000/svg' width='50' height='50'/>",
    b"<html><img src='http://localhost/x'></html>",
    b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF",
    b"#define a_width 16\n#define a_height 16\nstatic char a_bits[] = {0};\n",
    b"\x80\x04\x95\x0c\0\0\0\0\0\0\0\x8c\x02os\x94\x8c\x06system\x94\x93\x94.",
    b"PK\x03\x04" + bytes(26),
    b"#!/bin/sh\nexit 1\n",
    b"8BPS\0\x01" + bytes(40),
    b"\0\0\x01\0\x01\0\x10\x10" + bytes(40),
)


def other_kind(rng: np.random.Generator, number: int) -> Case:
    content = OTHERS[int(rng.integers(len(OTHERS)))]
    return Case("another kind of file", f"{number}.{_suffix(rng)}", content, ERROR)


def wrong_suffix(rng: np.random.Generator, number: int) -> Case:
    content = saved(picture(rng), _suffix(rng))
    return Case("another format's suffix", f"{number}.{_suffix(rng)}", content, RESULT)


def empty(rng: np.random.Generator, number: int) -> Case:
    return Case("empty", f"{number}.{_suffix(rng)}", b"", ERROR)


NAMES = (
    "..{}.jpg", "line\nbreak{}.jpg", "tab\t{}.jpg", "\x1b[31mred{}.jpg", "{}" + "y" * 240 + ".jpg",
    "人脸{}.jpg", "وجه{}.jpg", "é{}.jpg", "\udcff\udcfe{}.jpg", "😀{}.jpg", "-rf {}.jpg", " {}.jpg",
    "%s%n{}.jpg", "a'b\"c{}.jpg", "{}.JPG", "..\\..\\{}.jpg", "\u202egpj.{}.jpg", "*?[{}].jpg",
)  # fmt: skip


def strange_name(rng: np.random.Generator, number: int) -> Case:
    name = NAMES[int(rng.integers(len(NAMES)))].format(number)
    good = bool(rng.integers(2))
    content = saved(picture(rng), "jpg") if good else _noise(rng, 300)
    return Case("strange name", name, content, RESULT if good else ERROR)


KINDS: tuple[Callable[[np.random.Generator, int], Case], ...] = (
    random_bytes, magic_then_noise, truncated, truncated, truncated, flipped, flipped, flipped,
    damaged_header, damaged_header, spliced, oriented, other_mode, strange_numbers, deep_color,
    animated, other_size, other_size, bomb, text_bomb, passes, profile, exif_noise, huge_exif,
    damaged_tags, damaged_tags, comments, run_length, plain_numbers, other_kind, wrong_suffix,
    empty, strange_name, strange_name,
)  # fmt: skip


def contents(count: int, seed: int = 0) -> Iterator[Case]:
    """``count`` files, all kinds in turn; the same seed gives the same ones."""
    rng = np.random.default_rng(seed)
    for number in range(count):
        yield KINDS[number % len(KINDS)](rng, number)


def special_files(folder: Path) -> list[tuple[str, Path]]:
    """What has an image's name and is no plain file: what it is, and its path."""
    made = {name: folder / f"{name.replace(' ', '-')}.jpg" for name in (
        "pipe", "socket", "folder", "link to itself", "link to nothing", "link to a device",
        "link to an endless device", "sparse")}  # fmt: skip
    os.mkfifo(made["pipe"])
    with socket.socket(socket.AF_UNIX) as server:
        here = Path.cwd()
        os.chdir(folder)  # a socket's path may be 107 bytes long
        try:
            server.bind(made["socket"].name)
        finally:
            os.chdir(here)
    made["folder"].mkdir()
    made["link to itself"].symlink_to(made["link to itself"])
    made["link to nothing"].symlink_to(folder / "nothing.jpg")
    made["link to a device"].symlink_to("/dev/null")
    made["link to an endless device"].symlink_to("/dev/zero")
    with made["sparse"].open("wb") as file:
        file.truncate(1 << 40)
    absent = {
        "too long": folder / ("z" * 300 + ".jpg"),
        "zero byte": folder / "a\0b.jpg",
        "parts of ..": folder / ".." / ".." / "none" / ".." / "x.jpg",
        "below a file": made["sparse"] / "x.jpg",
    }
    return [*made.items(), *absent.items()]

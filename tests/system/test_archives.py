"""Archives are unpacked once, safely, completely or not at all."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from fakes import unprivileged

from siamlab.data.collections import open_collection
from siamlab.errors import InputError, StorageError
from siamlab.images.write import write_image
from siamlab.system import archives
from siamlab.system.archives import unpack


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for name in ("Al", "Bo"):
        for number in (1, 2):
            image = rng.integers(0, 256, (24, 24, 3), dtype=np.uint8)
            write_image(tmp_path / "lfw" / name / f"{name}_{number:04d}.png", image)
    return tmp_path / "lfw"


def _tar(tree: Path, name: str) -> Path:
    path = tree.parent / name
    mode = {"tar": "w", "tgz": "w:gz", "xz": "w:xz", "bz2": "w:bz2"}[name.split(".")[-1]]
    with tarfile.open(path, mode) as tar:
        tar.add(tree, arcname="lfw")
    return path


def _zip(tree: Path) -> Path:
    path = tree.parent / "faces.zip"
    with zipfile.ZipFile(path, "w") as bundle:
        for file in sorted(tree.rglob("*.png")):
            bundle.write(file, file.relative_to(tree.parent))
    return path


@pytest.mark.parametrize("name", ["a.tar", "a.tgz", "a.tar.xz", "a.tar.bz2", "zip"])
def test_every_format_is_unpacked_once(tree: Path, tmp_path: Path, name: str) -> None:
    archive = _zip(tree) if name == "zip" else _tar(tree, name)
    cache = tmp_path / "cache"
    calls: list[tuple[int, int]] = []
    first = open_collection(archive, cache, progress=lambda *done: calls.append(done))
    assert first.names == ("Al", "Bo") and len(first.images) == 4
    assert calls and calls[-1][0] <= calls[-1][1]
    calls.clear()
    assert open_collection(archive, cache, progress=lambda *done: calls.append(done)) == first
    assert calls == [] and len(list(cache.iterdir())) == 1


def test_a_changed_archive_is_unpacked_again(tree: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    unpack(_tar(tree, "a.tgz"), cache)
    (tree / "Al" / "Al_0001.png").unlink()
    assert len(open_collection(_tar(tree, "a.tgz"), cache).images) == 3
    assert len(list(cache.iterdir())) == 2


@pytest.mark.parametrize("name", ["a.tar", "a.tgz", "a.tar.xz", "zip"])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 0.99])
def test_a_truncated_archive_gives_one_line_and_leaves_nothing(
    tree: Path, tmp_path: Path, name: str, share: float
) -> None:
    archive = _zip(tree) if name == "zip" else _tar(tree, name)
    content = archive.read_bytes()
    if name == "a.tar":  # without the padding, of which any part may be missing
        content = content.rstrip(b"\0")
    archive.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(InputError) as caught:
        unpack(archive, tmp_path / "cache")
    assert str(archive) in str(caught.value) and "\n" not in str(caught.value)
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_tar_truncated_between_two_members_is_damaged(tree: Path, tmp_path: Path) -> None:
    archive = _tar(tree, "a.tar")
    with tarfile.open(archive) as tar:
        cut = tar.getmembers()[-1].offset
    archive.write_bytes(archive.read_bytes()[:cut])
    with pytest.raises(InputError, match="damaged"):
        unpack(archive, tmp_path / "cache")


def test_a_flipped_bit_fails_the_checksum(tree: Path, tmp_path: Path) -> None:
    archive = _tar(tree, "a.tgz")
    content = bytearray(archive.read_bytes())
    content[len(content) // 2] ^= 0x10
    archive.write_bytes(bytes(content))
    with pytest.raises(InputError, match="damaged"):
        unpack(archive, tmp_path / "cache")


def test_unsafe_members_are_refused(tmp_path: Path) -> None:
    tar_path, zip_path = tmp_path / "a.tgz", tmp_path / "a.zip"
    with tarfile.open(tar_path, "w:gz") as tar:
        member = tarfile.TarInfo("../outside.jpg")
        member.size = 4
        tar.addfile(member, io.BytesIO(b"evil"))
    with zipfile.ZipFile(zip_path, "w") as bundle:
        bundle.writestr("../outside.jpg", b"evil")
    for path in (tar_path, zip_path):
        with pytest.raises(InputError, match="unsafe"):
            unpack(path, tmp_path / "cache")
    assert not (tmp_path / "outside.jpg").exists()


def test_links_out_of_the_archive_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as tar:
        member = tarfile.TarInfo("people")
        member.type, member.linkname = tarfile.SYMTYPE, "/etc"
        tar.addfile(member)
    with pytest.raises(InputError, match="unsafe"):
        unpack(path, tmp_path / "cache")


def test_a_full_disk_gives_one_line_and_leaves_nothing(
    tree: Path, tmp_path: Path, monkeypatch
) -> None:
    archive = _tar(tree, "a.tgz")

    def full(self, *args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tarfile.TarFile, "makefile", full)
    with pytest.raises(StorageError, match="disk is full"):
        unpack(archive, tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_cache_that_cannot_be_made_gives_one_line(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match="Cannot write"):
        unpack(_tar(tree, "a.tgz"), tmp_path / "file" / "cache")


def test_leftovers_of_a_killed_process_are_removed(tree: Path, tmp_path: Path) -> None:
    archive, cache = _tar(tree, "a.tgz"), tmp_path / "cache"
    final = unpack(archive, cache)
    final.rename(cache / f".{final.name}-killed")  # as if the process died before the rename
    fresh = cache / f".{final.name}-at-work"
    fresh.mkdir()
    os.utime(cache / f".{final.name}-killed", (0, 0))
    assert unpack(archive, cache) == final
    assert {path.name for path in cache.iterdir()} == {fresh.name, final.name}


@pytest.mark.parametrize("name", ["a.tgz", "a.tar.xz", "zip"])
def test_what_grows_out_of_proportion_is_refused(tmp_path: Path, monkeypatch, name: str) -> None:
    """200 kB of zeros in a few hundred bytes, where 100 kB and 200 times the file are allowed."""
    monkeypatch.setattr(archives, "FREE_BYTES", 100_000)
    path, zeros = tmp_path / name, bytes(400_000)
    if name == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bundle:
            bundle.writestr("p/a.png", zeros)
    else:
        with tarfile.open(path, "w:gz" if name == "a.tgz" else "w:xz") as tar:
            member = tarfile.TarInfo("p/a.png")
            member.size = len(zeros)
            tar.addfile(member, io.BytesIO(zeros))
    with pytest.raises(InputError, match="would become 0 MB or more"):
        unpack(path, tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_zeros_behind_the_end_of_a_tar_are_not_read_for_ever(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(archives, "FREE_BYTES", 1_000_000)
    (tmp_path / "a.tgz").write_bytes(gzip.compress(bytes(8_000_000)))
    with pytest.raises(InputError, match="would become"):
        unpack(tmp_path / "a.tgz", tmp_path / "cache")


def test_many_files_are_refused(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(archives, "MOST_MEMBERS", 3)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as bundle:
        for number in range(4):
            bundle.writestr(f"p/{number}.png", b"")
    with pytest.raises(InputError, match="in 4 files"):
        unpack(tmp_path / "a.zip", tmp_path / "cache")


def test_a_tar_with_huge_notes_is_not_read_into_memory(tmp_path: Path, monkeypatch) -> None:
    with tarfile.open(tmp_path / "a.tar", "w", format=tarfile.PAX_FORMAT) as tar:
        member = tarfile.TarInfo("people/a.png")
        member.pax_headers = {"comment": "x" * 5_000}
        tar.addfile(member)
    assert (unpack(tmp_path / "a.tar", tmp_path / "cache") / "people" / "a.png").is_file()
    monkeypatch.setattr(archives, "_MOST_NOTES", 4_000)
    with pytest.raises(InputError, match="cannot be unpacked"):
        unpack(tmp_path / "a.tar", tmp_path / "other")


@pytest.mark.parametrize("name", ["a/" + "n" * 300 + ".png", "a.png/b.png", "a\0b.png"])
def test_names_that_no_file_can_have(tmp_path: Path, name: str) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as bundle:
        bundle.writestr("a.png", b"a file")
        bundle.writestr(zipfile.ZipInfo("x" * len(name)), b"another")
    content = (tmp_path / "a.zip").read_bytes().replace(b"x" * len(name), name.encode())
    (tmp_path / "a.zip").write_bytes(content)
    try:
        found = unpack(tmp_path / "a.zip", tmp_path / "cache")
    except InputError as error:
        assert str(error).isprintable()
    else:  # zipfile cuts a name at its zero byte
        assert "\0" in name and len(list(found.rglob("*"))) == 2


def test_symbolic_links_are_refused_even_within(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        member = tarfile.TarInfo("people/a.png")
        member.type, member.linkname = tarfile.SYMTYPE, "b.png"
        tar.addfile(member)
    with pytest.raises(InputError, match="symbolic link"):
        unpack(tmp_path / "a.tar", tmp_path / "cache")


def test_devices_are_refused(tmp_path: Path) -> None:
    for kind in (tarfile.CHRTYPE, tarfile.FIFOTYPE):
        with tarfile.open(tmp_path / "a.tar", "w") as tar:
            member = tarfile.TarInfo("people/a.png")
            member.type = kind
            tar.addfile(member)
        with pytest.raises(InputError, match="unsafe"):
            unpack(tmp_path / "a.tar", tmp_path / "cache")


def test_an_archive_that_must_not_be_read(tree: Path, tmp_path: Path) -> None:
    archive = _tar(tree, "a.tgz")
    archive.chmod(0)
    with unprivileged(), pytest.raises(InputError, match="Permission denied"):
        unpack(archive, tmp_path / "cache")


def test_damaged_archives_of_all_kinds(tree: Path, tmp_path: Path) -> None:
    """Changed bytes and splices: unpacked, or one line; nothing outside the cache."""
    rng = np.random.default_rng(0)
    whole = {name: _tar(tree, name) for name in ("a.tar", "a.tgz", "b.tar.xz", "c.tar.bz2")}
    whole["d.zip"] = _zip(tree)
    contents = {name: path.read_bytes() for name, path in whole.items()}
    work = tmp_path / "work"
    work.mkdir()
    outcomes = set()
    for number in range(200):
        name = list(contents)[number % len(contents)]
        content = bytearray(contents[name])
        for place in rng.integers(0, min(len(content), 2_000), 4) * (number % 2 * 2 - 1):
            content[place] = int(rng.integers(256))
        (work / name).write_bytes(bytes(content))
        try:
            unpack(work / name, work / "cache")
            outcomes.add("result")
        except InputError as error:
            assert str(error).isprintable()
            outcomes.add("error")
    assert outcomes == {"result", "error"}
    assert {path.name for path in work.iterdir()} == {*contents, "cache"}
    assert not [path for path in (work / "cache").iterdir() if path.name.startswith(".")]

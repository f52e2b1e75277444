"""Archives are unpacked once, safely, completely or not at all."""

from __future__ import annotations

import io
import os
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

from siamlab.data.collections import open_collection
from siamlab.errors import InputError, StorageError
from siamlab.images.write import write_image
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

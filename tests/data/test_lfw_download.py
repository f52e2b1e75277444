"""LFW is downloaded from a local server that fails in all ways, or taken from a local copy."""

from __future__ import annotations

import hashlib
import http.server
import io
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from siamlab.data.collections import open_collection
from siamlab.data.lfw import PairLine, read_pairs_file
from siamlab.data.lfw_download import REMOTE, fetch_lfw, fetch_pairs
from siamlab.errors import DownloadError, EmptyFolderError, InputError, StorageError
from siamlab.images.write import write_image
from siamlab.system.download import TRIES


class Server(http.server.ThreadingHTTPServer):
    """Serves one file; ``behave`` answers each request."""

    def __init__(self, content: bytes, behave: Callable[[Handler, int], None]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content, self.behave = content, behave
        self.ranges: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/lfw.tgz"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.ranges.append(self.headers["Range"])
        self.server.behave(self, len(self.server.ranges))

    def log_message(self, *args: object) -> None:
        pass

    def serve(self, most: int | None = None, ranges: bool = True) -> None:
        """Send the file (or what the client lacks of it), at most ``most`` bytes."""
        start = int((self.headers["Range"] or "bytes=0-")[6:-1]) if ranges else 0
        body = self.server.content[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        if start:
            total = len(self.server.content)
            self.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
        self.end_headers()
        self.wfile.write(body[:most])


Serve = Callable[[Callable[[Handler, int], None]], Server]


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for name, count in (("Al", 2), ("Bo", 1)):
        for number in range(1, count + 1):
            image = rng.integers(0, 256, (60, 60, 3), dtype=np.uint8)
            write_image(tmp_path / "tree" / name / f"{name}_{number:04d}.png", image)
    path = tmp_path / "some.tgz"
    with tarfile.open(path, "w:gz") as tar:
        tar.add(tmp_path / "tree", arcname="lfw_funneled")
    return path


@pytest.fixture
def serve(archive: Path, tmp_path: Path, monkeypatch) -> Iterator[Serve]:
    monkeypatch.setattr("siamlab.system.download.WAIT", 0.001)
    monkeypatch.setattr("siamlab.system.download.CHUNK", 10)
    monkeypatch.setenv("SIAMLAB_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    servers = []

    def start(behave: Callable[[Handler, int], None]) -> Server:
        server = Server(archive.read_bytes(), behave)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def fetch(server: Server, folder: Path, **options: object) -> Path:
    options.setdefault("sha256", hashlib.sha256(server.content).hexdigest())
    return fetch_lfw(folder / "lfw", progress=False, url=server.url, **options)


def left_over(folder: Path) -> list[str]:
    """Everything under the data folder and the destination that is a file."""
    places = [folder / "data", folder / "lfw"]
    return [path.name for place in places for path in place.rglob("*") if path.is_file()]


def test_downloads_once(serve: Serve, tmp_path: Path, capfd) -> None:
    server = serve(lambda handler, number: handler.serve())
    root = fetch(server, tmp_path)
    assert open_collection(tmp_path / "lfw").root == root == tmp_path / "lfw" / "lfw_funneled"
    assert open_collection(root).names == ("Al", "Bo")
    assert fetch(server, tmp_path) == root
    assert server.ranges == [None]
    assert sorted(left_over(tmp_path)) == [".source", "Al_0001.png", "Al_0002.png", "Bo_0001.png"]
    assert capfd.readouterr() == ("", "")


def test_progress_is_shown_at_a_terminal_and_fills_no_file(
    serve: Serve, tmp_path: Path, monkeypatch
) -> None:
    server = serve(lambda handler, number: handler.serve())
    digest = hashlib.sha256(server.content).hexdigest()
    shown = {}
    for terminal in (True, False):
        error = io.StringIO()
        monkeypatch.setattr(error, "isatty", lambda terminal=terminal: terminal)
        monkeypatch.setattr("sys.stderr", error)
        fetch_lfw(tmp_path / str(terminal), url=server.url, sha256=digest)
        shown[terminal] = error.getvalue()
    assert "downloading lfw.tgz: 100%" in shown[True] and "unpacking" in shown[True]
    assert shown[False] == ""


def test_an_interrupted_transfer_is_resumed(serve: Serve, tmp_path: Path) -> None:
    server = serve(lambda handler, number: handler.serve(most=1000 if number == 1 else None))
    assert len(open_collection(fetch(server, tmp_path))) == 2
    assert server.ranges == [None, "bytes=1000-"]


def test_without_ranges_the_transfer_starts_again(serve: Serve, tmp_path: Path) -> None:
    def behave(handler: Handler, number: int) -> None:
        handler.serve(most=1000 if number == 1 else None, ranges=False)

    server = serve(behave)
    assert len(open_collection(fetch(server, tmp_path))) == 2
    assert len(server.ranges) == 2


def test_a_busy_server_is_asked_again(serve: Serve, tmp_path: Path) -> None:
    def behave(handler: Handler, number: int) -> None:
        if number < 3:
            handler.send_error(503)
        else:
            handler.serve()

    server = serve(behave)
    assert len(open_collection(fetch(server, tmp_path))) == 2


def check_failure(fetching: Callable[[], Path], folder: Path, error: type, text: str) -> None:
    with pytest.raises(error, match=text) as caught:
        fetching()
    assert "\n" not in str(caught.value)
    assert left_over(folder) == [] and not (folder / "lfw").exists()


@pytest.mark.parametrize(
    ("behave", "text", "requests"),
    [
        (lambda handler, number: handler.send_error(404), "status 404", 1),
        (lambda handler, number: handler.send_error(500), "status 500", TRIES),
        (lambda handler, number: handler.serve(most=0), "connection was cut", TRIES),
        (lambda handler, number: handler.send_error(416), "cannot continue", TRIES),
        (lambda handler, number: handler.connection.close(), "cannot be reached", None),
    ],
)
def test_failures_give_one_line_and_leave_nothing(
    serve: Serve, tmp_path: Path, behave, text: str, requests: int | None
) -> None:
    server = serve(behave)
    check_failure(lambda: fetch(server, tmp_path), tmp_path, DownloadError, text)
    assert requests is None or len(server.ranges) == requests


def test_repeated_interruptions_end_in_an_error(serve: Serve, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("siamlab.system.download.MOST_TRIES", 8)
    server = serve(lambda handler, number: handler.serve(most=10))
    check_failure(lambda: fetch(server, tmp_path), tmp_path, DownloadError, "was cut")
    assert len(server.ranges) == 8


def test_a_slow_server_is_an_error(serve: Serve, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("siamlab.system.download.TIMEOUT", 0.05)
    monkeypatch.setattr("siamlab.system.download.TRIES", 2)
    server = serve(lambda handler, number: time.sleep(0.3))
    check_failure(lambda: fetch(server, tmp_path), tmp_path, DownloadError, "did not answer")


def test_a_file_with_another_digest_is_refused(serve: Serve, tmp_path: Path) -> None:
    server = serve(lambda handler, number: handler.serve())
    check_failure(
        lambda: fetch(server, tmp_path, sha256="0" * 64), tmp_path, DownloadError, "sha256 differs"
    )


def test_no_server_and_no_address(serve: Serve, tmp_path: Path) -> None:
    server = serve(lambda handler, number: handler.serve())
    server.shutdown()
    server.server_close()
    check_failure(lambda: fetch(server, tmp_path), tmp_path, DownloadError, "cannot be reached")
    for url in ("nonsense", "ftp://127.0.0.1/lfw.tgz", "http://"):
        check_failure(
            lambda url=url: fetch_lfw(tmp_path / "lfw", progress=False, url=url),
            tmp_path,
            DownloadError,
            "no address",
        )


def test_a_full_disk(serve: Serve, tmp_path: Path, monkeypatch) -> None:
    server = serve(lambda handler, number: handler.serve())

    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("siamlab.system.download._receive", full)
    check_failure(lambda: fetch(server, tmp_path), tmp_path, StorageError, "disk is full")


def test_a_full_disk_while_unpacking_keeps_the_download(
    serve: Serve, tmp_path: Path, monkeypatch
) -> None:
    server = serve(lambda handler, number: handler.serve())

    def full(*args: object, **options: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(tarfile.TarFile, "makefile", full)
        with pytest.raises(StorageError, match="disk is full"):
            fetch(server, tmp_path)
    assert not (tmp_path / "lfw").exists() and len(left_over(tmp_path)) == 1
    assert len(open_collection(fetch(server, tmp_path))) == 2
    assert server.ranges == [None]


def test_an_address_as_source(serve: Serve, tmp_path: Path) -> None:
    server = serve(lambda handler, number: handler.serve())
    root = fetch_lfw(tmp_path / "lfw", source=server.url, progress=False)
    assert open_collection(root).names == ("Al", "Bo")


def test_an_address_of_something_else(serve: Serve, tmp_path: Path) -> None:
    server = serve(lambda handler, number: handler.serve())
    server.content = b"<html>please log in</html>"
    check_failure(
        lambda: fetch_lfw(tmp_path / "lfw", source=server.url, progress=False),
        tmp_path,
        InputError,
        "no archive",
    )


def test_a_local_archive_or_folder(archive: Path, tmp_path: Path) -> None:
    (tmp_path / "lfw").mkdir()  # an empty one may be there
    root = fetch_lfw(tmp_path / "lfw", source=archive, progress=False)
    assert open_collection(root).names == ("Al", "Bo")
    assert fetch_lfw(tmp_path / "lfw", source=archive, progress=False) == root
    copy = fetch_lfw(tmp_path / "copy", source=tmp_path / "tree", progress=False)
    assert copy == tmp_path / "copy" and len(open_collection(copy).images) == 3
    with pytest.raises(InputError, match="already holds images from"):
        fetch_lfw(tmp_path / "lfw", source=tmp_path / "tree", progress=False)


def test_unusable_local_sources(archive: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "cut.tgz").write_bytes(archive.read_bytes()[:2000])
    (tmp_path / "file").write_text("in the way")
    for source, error in (
        ("absent.tgz", InputError),
        ("cut.tgz", InputError),
        ("empty", EmptyFolderError),
    ):
        with pytest.raises(error) as caught:
            fetch_lfw(tmp_path / "lfw", source=tmp_path / source, progress=False)
        assert source in str(caught.value) and not (tmp_path / "lfw").exists()
    with pytest.raises(InputError, match="is a file"):
        fetch_lfw(tmp_path / "file", source=archive, progress=False)
    assert not list(tmp_path.glob(".*"))


def test_pairs_files_by_name(serve: Serve, tmp_path: Path, monkeypatch) -> None:
    server = serve(lambda handler, number: handler.serve())
    server.content = b"Al\t1\t2\n"
    digest = hashlib.sha256(server.content).hexdigest()
    monkeypatch.setitem(REMOTE, "pairs.txt", (server.url, digest))
    path = fetch_pairs(tmp_path / "pairs", "pairs.txt", progress=False)
    assert read_pairs_file(path) == (PairLine("Al", 1, "Al", 2),)
    with pytest.raises(InputError, match=r"pairsDevTest\.txt"):
        fetch_pairs(tmp_path, "other.txt")

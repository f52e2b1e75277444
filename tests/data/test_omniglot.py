"""Omniglot: listing, alphabets unseen in training, rotated copies, and fetching."""

from __future__ import annotations

import functools
import hashlib
import http.server
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest
from drawings import write_characters

from siamlab.data.omniglot import (
    REMOTE,
    SETS,
    alphabets,
    drawer_of,
    fetch_omniglot,
    find_omniglot,
    open_characters,
    unseen_alphabets,
    with_rotations,
)
from siamlab.errors import DownloadError, EmptyFolderError, InputError
from siamlab.images.decode import read_image


@pytest.fixture
def sets(tmp_path: Path) -> Path:
    """Two archives like Lake's: ``Both`` is in both."""
    for name, contents in zip(SETS, ({"Ah": 2, "Both": 3}, {"Both": 3, "Oh": 4}), strict=True):
        write_characters(tmp_path / "tree" / name, contents)
        (tmp_path / "given").mkdir(exist_ok=True)
        archive = tmp_path / "given" / name
        shutil.make_archive(str(archive), "zip", tmp_path / "tree", name)
    return tmp_path / "given"


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SIAMLAB_DATA", str(tmp_path / "data"))
    monkeypatch.delenv("SIAMLAB_OMNIGLOT", raising=False)
    return tmp_path / "data"


def test_characters_are_listed_as_people(sets: Path) -> None:
    first, second = find_omniglot(sets)
    assert first.names == (
        "Ah/character01", "Ah/character02",
        "Both/character01", "Both/character02", "Both/character03",
    )  # fmt: skip
    assert alphabets(second) == ("Both", "Oh")
    assert [drawer_of(image) for image in first.people[0].images] == [1, 2, 3, 4]
    assert len(second.images) == 7 * 4


def test_unseen_alphabets_share_nothing_with_training(sets: Path) -> None:
    first, second = find_omniglot(sets)
    left = unseen_alphabets(second, first)
    assert alphabets(left) == ("Oh",) and len(left) == 4
    with pytest.raises(EmptyFolderError, match="Every alphabet"):
        unseen_alphabets(second, second)


def test_other_files_are_left_out(tmp_path: Path) -> None:
    root = write_characters(tmp_path / "some", {"Ah": 1})
    folder = root / "Ah" / "character01"
    for name in ("._0001_01.png", "notes.png", "0001_01.txt"):
        (folder / name).write_bytes(b"")
    assert len(open_characters(tmp_path).images) == 4
    with pytest.raises(EmptyFolderError, match="no drawings"):
        open_characters((tmp_path / "empty").mkdir() or tmp_path / "empty")
    with pytest.raises(InputError, match="does not exist"):
        open_characters(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"0108_07\.png"):
        drawer_of(Path("Ada_0001.jpg"))


def test_rotated_copies_are_further_characters(sets: Path, tmp_path: Path) -> None:
    first, _ = find_omniglot(sets)
    four = with_rotations(first, tmp_path / "turned")
    assert len(four) == 4 * len(first) and four.names == tuple(sorted(four.names))
    plain = read_image(four.person("Ah/character02").images[1])
    for quarter in (1, 2, 3):
        turned = read_image(four.person(f"Ah/character02_{90 * quarter}").images[1])
        np.testing.assert_array_equal(turned, np.rot90(plain, quarter))
    before = four.images[1].stat().st_mtime_ns
    assert with_rotations(first, tmp_path / "turned") == four
    assert four.images[1].stat().st_mtime_ns == before, "written once"


def test_found_by_path_by_variable_or_in_the_workspace(
    sets: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError, match="siamlab fetch omniglot"):
        find_omniglot()
    fetch_omniglot(data / "omniglot", source=sets)
    assert len(find_omniglot()[1]) == 7
    monkeypatch.setenv("SIAMLAB_OMNIGLOT", str(sets))
    assert find_omniglot()[0].root != find_omniglot(data / "omniglot")[0].root


@pytest.mark.parametrize("kind", ["given", "tree"])
def test_a_local_copy_is_used(sets: Path, tmp_path: Path, kind: str) -> None:
    folder = fetch_omniglot(tmp_path / "here", source=tmp_path / kind)
    first, second = find_omniglot(folder)
    assert (len(first), len(second)) == (5, 7)
    original = open_characters(tmp_path / "tree" / SETS[0])
    for one, other in zip(original.images, first.images, strict=True):
        np.testing.assert_array_equal(read_image(one), read_image(other))


def test_a_damaged_copy_leaves_nothing(sets: Path, tmp_path: Path) -> None:
    (sets / f"{SETS[1]}.zip").write_bytes(b"no archive")
    with pytest.raises(InputError) as caught:
        fetch_omniglot(tmp_path / "here", source=sets)
    assert "\n" not in str(caught.value)
    assert [path.name for path in (tmp_path / "here").iterdir()] == [SETS[0]]


@pytest.fixture
def server(sets: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")

    class Quiet(http.server.SimpleHTTPRequestHandler):
        requests: list[str] = []  # noqa: RUF012 - one class for each test

        def log_message(self, *args: object) -> None:
            self.requests.append(self.path)

    handler = functools.partial(Quiet, directory=str(sets))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as one:
        threading.Thread(target=one.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{one.server_address[1]}", Quiet.requests
        one.shutdown()


def test_downloads_once(server, sets: Path, tmp_path: Path, data: Path, capfd) -> None:
    url, requests = server
    remote = {
        name: (
            f"{url}/{name}.zip",
            hashlib.sha256((sets / f"{name}.zip").read_bytes()).hexdigest(),
        )
        for name in SETS
    }
    for _ in range(2):
        fetch_omniglot(tmp_path / "here", progress=False, remote=remote)
    assert len(find_omniglot(tmp_path / "here")[1]) == 7
    assert requests == [f"/{name}.zip" for name in SETS]
    assert not list(data.rglob("*.zip")), "the archives are not kept"
    wrong = {name: (address, "0" * 64) for name, (address, _) in remote.items()}
    with pytest.raises(DownloadError, match="sha256 differs"):
        fetch_omniglot(tmp_path / "there", progress=False, remote=wrong)
    assert not (tmp_path / "there").exists()
    assert capfd.readouterr() == ("", "")


def test_the_command_uses_a_local_copy(sets: Path, data: Path, capsys) -> None:
    from siamlab.cli import main

    assert main(["fetch", "omniglot", "--from", str(sets)]) == 0
    assert "7 characters of Both, Oh" in capsys.readouterr().out
    assert main(["fetch", "omniglot", "--from", "nowhere"]) == 0, "it is there already"
    shutil.rmtree(data)
    assert main(["fetch", "omniglot", "--from", "nowhere"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_lakes_small_sets(shared_omniglot: Path) -> None:
    """Five alphabets each, two of them (the very same drawings) in both."""
    for name, (_, sha256) in REMOTE.items():
        content = (shared_omniglot / f"{name}.zip").read_bytes()
        assert hashlib.sha256(content).hexdigest() == sha256
    first, second = find_omniglot(shared_omniglot)
    assert (len(first), len(second)) == (136, 156)
    assert {len(person) for person in (*first.people, *second.people)} == {20}
    assert set(alphabets(first)) & set(alphabets(second)) == {"Greek", "Latin"}
    one, other = (half.person("Greek/character01").images[0] for half in (first, second))
    assert one.read_bytes() == other.read_bytes()
    assert alphabets(unseen_alphabets(second, first)) == (
        "Japanese_(katakana)", "Sanskrit", "Tagalog",
    )  # fmt: skip

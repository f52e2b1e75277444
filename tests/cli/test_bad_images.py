"""Malformed images at the command line: exit status 2, 3 or a verdict, and one line."""

from __future__ import annotations

import numpy as np
import pytest
from fakes import FakeDetector, FakeModel
from malformed_images import contents, special_files

from siamlab.cli import main
from siamlab.data.synthetic import write_people

pytestmark = pytest.mark.usefixtures("any_face_is_usable")  # even gray ones, here


@pytest.fixture
def files(tmp_path):
    folder = tmp_path / "files"
    folder.mkdir()
    cases = [case for case in contents(70, seed=3) if "\0" not in case.name]
    for case in cases:
        (folder / case.name).write_bytes(case.content)
    return [folder / case.name for case in cases] + [path for _, path in special_files(folder)]


@pytest.fixture(autouse=True)
def fakes(monkeypatch, tmp_path):
    """A fake model and detector: what counts is the way of a file to them."""
    import siamlab.verification.compare  # noqa: F401  (before the patches: it would keep them)

    monkeypatch.setenv("SIAMLAB_DATA", str(tmp_path / "data"))
    model = FakeModel(threshold=0.5)
    monkeypatch.setattr("siamlab.models.opening.open_embedder", lambda *_: model)
    monkeypatch.setattr("siamlab.models.saving.load_model", lambda *_: model)
    for module in ("verification.compare", "data.faces"):
        monkeypatch.setattr(f"siamlab.{module}.open_detector", lambda *_: FakeDetector())


@pytest.mark.parametrize("command", ["compare", "embed"])
def test_every_file_gives_a_status_and_at_most_one_line(
    files, command, tmp_path, capfd, monkeypatch
):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    good = str(next((write_people(tmp_path / "drawn", 1, 1)).rglob("*.jpg")))
    found = set()
    for path in files:
        out = str(tmp_path / "data" / "out.npz")
        rest = [good] if command == "compare" else ["--out", out]
        names = ["compare", good, str(path)] if command == "compare" else ["embed", "x", str(path)]
        if path.name.startswith("-"):
            continue
        status = main([*names, *(rest if command == "embed" else [])])
        error = capfd.readouterr().err
        assert status in (0, 1, 2, 3), path
        assert (status == 2) == bool(error) and error.count("\n") == (status == 2), (path, error)
        found.add(status)
    assert {0, 2} <= found
    assert not list((tmp_path / "here").iterdir())


def test_a_collection_with_one_bad_image_is_refused_in_a_line(files, tmp_path, capfd):
    people = write_people(tmp_path / "people", people=4, images=2, seed=1)
    bad = people / "person_0001" / "person_0001_0001.jpg"
    (tmp_path / "pairs.txt").write_text("person_0001\t1\t2\nperson_0001\t1\tperson_0002\t1\n")
    arguments = ["--images", str(people), "--pairs", str(tmp_path / "pairs.txt")]
    assert main(["evaluate", "x", *arguments]) == 0
    capfd.readouterr()
    for content in (b"", b"no image", bad.read_bytes()[:900], np.random.default_rng(0).bytes(99)):
        bad.write_bytes(content)
        assert main(["evaluate", "x", *arguments]) == 2
        error = capfd.readouterr().err
        assert error.count("\n") == 1 and bad.name in error

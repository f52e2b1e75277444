"""Names of folders and files as other systems write them, from the folder to the answer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from siamlab.cli import main
from siamlab.data.collections import open_collection
from siamlab.data.synthetic import write_people
from siamlab.models.embedding import build_embedding
from siamlab.models.metadata import people_marks
from siamlab.models.saving import save_model
from siamlab.models.siamese import build_siamese
from siamlab.system.names import composed, decomposed

ROOT = Path(__file__).parents[2]
NAME = "Zoë_Ångström"


@pytest.fixture
def people(tmp_path, monkeypatch):
    """Drawn people, a tiny model that says it knows one of them, and a place to work in."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SIAMLAB_DATA", str(tmp_path / "data"))
    monkeypatch.delenv("SIAMLAB_LFW", raising=False)
    root = write_people(tmp_path / "people", people=4, images=3, seed=1)
    model = build_siamese(build_embedding("compact", (32, 32, 3), 0.25), "squared")
    save_model(model.with_metadata(people=people_marks([NAME])), "m.keras")
    return root


def rename(root: Path, name: str) -> None:
    """Call the first person so, in the folder's name and the files'."""
    folder = (root / "person_0001").rename(root / name)
    for image in folder.iterdir():
        image.rename(folder / image.name.replace("person_0001", name))


@pytest.mark.parametrize("form", [composed, decomposed])
@pytest.mark.parametrize("other", [composed, decomposed])
def test_a_name_in_two_normalizations_is_one_name(people, form, other, capsys):
    """A folder from a Mac and a file of pairs from elsewhere, or the other way round."""
    rename(people, form(NAME))
    collection = open_collection(people)
    assert NAME in collection.names and len(collection.select([decomposed(NAME)])) == 1
    assert len(collection.without([decomposed(NAME)])) == 3
    wanted = other(NAME)
    Path("pairs.txt").write_text(
        f"{wanted}\t1\t2\nperson_0002\t1\t3\n{wanted}\t1\tperson_0002\t1\nperson_0003\t1\t"
        f"{other(NAME)}\t2\n",
        encoding="utf-8",
    )
    image = f"{wanted}/{wanted}_000"
    Path("pairs.csv").write_text(
        f"{image}1.jpg,{image}2.jpg,1\nperson_0002/person_0002_0001.jpg, {image}3.jpg,0\n",
        encoding="utf-8",
    )
    for pairs in ("pairs.txt", "pairs.csv"):
        words = ["evaluate", "m.keras", "--images", "people", "--pairs", pairs, "--json", "e.json"]
        assert main(words) == 0
        assert json.loads(Path("e.json").read_text())["people_trained_on"] == 1
        assert "the model was trained on 1 of these" in capsys.readouterr().out


def test_two_folders_of_one_name_are_one_person(people):
    (people / composed(NAME)).mkdir()
    (people / "person_0002" / "person_0002_0001.jpg").rename(people / composed(NAME) / "a.jpg")
    rename(people, decomposed(NAME))
    if len(list(people.iterdir())) < 5:
        pytest.skip("this file system has one name for both")
    assert [len(one) for one in open_collection(people).people] == [4, 2, 3, 3]


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are text here")
def test_a_folder_whose_name_is_no_text_crashes_nothing(people):
    rename(people, "J\udcf6rg")
    Path("pairs.txt").write_text("person_0002\t1\t2\nperson_0002\t1\tperson_0003\t1\n")
    commands = (
        ["calibrate", "m.keras", "--images", "people", "--out", "c.keras"],
        ["evaluate", "m.keras", "--images", "people", "--pairs", "pairs.txt"],
        ["train", "--images", "people", "--arch", "koch", "--recipe", "report", "--epochs", "1",
         "--size", "64", "--width", "0.05", "--out", "t.keras"],
    )  # fmt: skip
    # A process of its own: the encoding of its output is chosen when it starts.
    program = f"from siamlab.cli import main\nprint([main(words) for words in {commands}])"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=False,
        env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.stdout.endswith(b"\n[0, 0, 0]\n") and b"Traceback" not in done.stderr, done

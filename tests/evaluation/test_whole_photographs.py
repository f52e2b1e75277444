"""Folders of whole photographs, a face anywhere in each: every reader of a collection finds it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from whole_photographs import write_photographs

import siamlab
from siamlab.cli import main
from siamlab.data.batches import PeopleBatches
from siamlab.data.collections import Collection, open_collection
from siamlab.data.pairs import draw_pairs
from siamlab.faces.align import find_chip
from siamlab.faces.crop import preprocess
from siamlab.faces.detectors import open_detector
from siamlab.images.decode import read_image
from siamlab.images.write import write_image
from siamlab.models.siamese import Siamese

pytestmark = pytest.mark.usefixtures("shallow_compact", "eager_training")

TRAIN = ("--epochs", "1", "--size", "32", "--width", "0.25")


@pytest.fixture(scope="module")
def people(tmp_path_factory) -> Collection:
    return open_collection(write_photographs(tmp_path_factory.mktemp("whole"), 12, 2, seed=4))


@pytest.fixture(scope="module")
def model() -> Siamese:
    return siamlab.load_model("compact")


@pytest.fixture
def blank(tmp_path) -> Path:
    """People whose photographs show nobody."""
    for name in ("Ada", "Bo", "Cy"):
        for number in range(2):
            gray = np.full((300, 400, 3), 90 + 40 * number, np.uint8)
            write_image(tmp_path / "blank" / name / f"{number}.png", gray)
    return tmp_path / "blank"


def one_line(capsys) -> str:
    error = capsys.readouterr().err
    assert error.endswith("\n") and error.count("\n") == 1, error
    return error


def test_evaluate_finds_the_faces(people, model):
    """The photographs as they are, squeezed to the model's input, tell nothing."""
    pairs = draw_pairs(people, 24, 0)
    found = siamlab.evaluate(model, people, pairs)
    assert found.no_face == 0 and found.auc > 0.9
    assert siamlab.evaluate(model, people, pairs, aligned=True).auc < 0.7


def test_calibrate_finds_a_threshold_that_lets_people_in(people, tmp_path):
    """Of photographs squeezed whole, the threshold was 1.0000 and turned everybody away."""
    found = siamlab.calibrate(siamlab.load_model("compact"), people, fmr=0.1)
    assert 0.5 < found.threshold < 1 and found.fnmr < 0.5 and found.eer < 0.25
    out, numbers = str(tmp_path / "mine.keras"), tmp_path / "mine.json"
    arguments = ["calibrate", "compact", "--images", str(people.root), "--fmr", "0.1"]
    assert main([*arguments, "--json", str(numbers), "--out", out]) == 0
    found = json.loads(numbers.read_text())
    assert found["threshold"] < 1 and found["groups"]["own_genuine"]["errors"] <= 6


def test_embed_finds_the_faces(people, model, tmp_path, blank, capsys):
    one, other = people.people[:2]
    files = [*one.images, other.images[0], blank / "Ada" / "0.png"]
    out = tmp_path / "out.npz"
    assert main(["embed", "compact", *map(str, files), "--out", str(out)]) == 0
    assert "0.png: No face was found" in capsys.readouterr().out
    with np.load(out) as saved:
        rows, found = saved["templates"], saved["found"]
    assert found.tolist() == [True, True, True, False] and np.isnan(rows[3]).all()
    chips = [find_chip(read_image(file), open_detector())[0] for file in files[:3]]
    seen = np.stack([preprocess(chip, model.metadata.preprocessing) for chip in chips])
    np.testing.assert_allclose(rows[:3], model.embed(seen.astype(np.float32) / 255), atol=1e-3)
    assert rows[0] @ rows[1] > rows[0] @ rows[2]
    assert model.score_pairs(rows[0], rows[2:3])[0] < 0.99


def test_training_sees_the_faces(people, model, tmp_path):
    how = model.metadata.preprocessing
    batches = PeopleBatches(people, how, people=2, steps=1)
    chip, _ = find_chip(read_image(people.images[0]), open_detector(how.detector))
    np.testing.assert_array_equal(batches.pixels[0], preprocess(chip, how))
    out = str(tmp_path / "trained.keras")
    assert main(["train", "--images", str(people.root), *TRAIN, "--out", out]) == 0


@pytest.mark.parametrize("command", ["train", "calibrate"])
def test_photographs_without_a_face_are_refused_in_a_line(command, blank, tmp_path, capsys):
    out = tmp_path / "m.keras"
    extra = {
        "train": ["train", *TRAIN, "--out", str(out)],
        "calibrate": ["calibrate", "compact", "--out", str(out)],
    }
    assert main([*extra[command], "--images", str(blank)]) == 2
    one_line(capsys)
    assert not out.exists()


def test_evaluate_counts_photographs_without_a_face_as_no(blank, tmp_path, capsys):
    pairs, numbers = tmp_path / "p.csv", tmp_path / "out.json"
    assert main(["pairs", "--images", str(blank), "--out", str(pairs)]) == 0
    arguments = ["--images", str(blank), "--pairs", str(pairs), "--json", str(numbers)]
    assert main(["evaluate", "compact", *arguments]) == 0
    found = json.loads(numbers.read_text())
    assert (found["no_face"], found["rejected"], found["recall"]) == (6, 6, 0)
    assert "6 of 6 images show no face: 6 pairs count as no" in capsys.readouterr().out

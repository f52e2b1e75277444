"""The series: where people come from, who plays the user, and the table at the end."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from siamlab.capture.user_camera import frame_step, user_camera
from siamlab.config import get_profile, open_workspace
from siamlab.course.notebooks import notebook_paths
from siamlab.course.results import (
    format_table,
    read_benchmark,
    read_results,
    record_results,
    results_table,
)
from siamlab.course.runner import run_series
from siamlab.data.collections import open_collection
from siamlab.data.negatives import find_negatives, halve_subject, split_negatives
from siamlab.data.synthetic import write_people
from siamlab.errors import InputError, SiamlabError
from siamlab.evaluation import split_unseen
from siamlab.models.metadata import ModelMetadata, digests


@pytest.fixture
def workspace(tmp_path):
    return open_workspace(tmp_path / "data", "person_0002").make()


@pytest.fixture(scope="module")
def lfw(tmp_path_factory):
    root = tmp_path_factory.mktemp("lfw")
    write_people(root, people=10, images=9, seed=2)
    return root


def test_eight_notebooks_in_order():
    assert [path.stem[:2] for path in notebook_paths()] == [f"0{n}" for n in range(1, 9)]


def test_negatives_given_by_path_leave_the_user_out(workspace, lfw, monkeypatch):
    monkeypatch.setenv("SIAMLAB_LFW", str(lfw))
    found = find_negatives(workspace, get_profile("quick"))
    assert len(found) == 9 and "person_0002" not in found.names


@pytest.fixture(scope="module")
def crowd(tmp_path_factory):
    """Sixty people of one tiny image each: enough names to split."""
    root = tmp_path_factory.mktemp("crowd")
    for number in range(60):
        (root / f"p{number}").mkdir()
        (root / f"p{number}" / "a.png").write_bytes(b"never read")
    return open_collection(root)


def test_split_shares_nobody_and_has_about_the_shares(crowd):
    parts = [set(part.names) for part in split_negatives(crowd)]
    assert sum(map(len, parts)) == 60 and len(set.union(*parts)) == 60
    assert 30 <= len(parts[0]) <= 54


def test_a_persons_side_does_not_depend_on_the_others(crowd):
    whole = split_negatives(crowd)
    part = split_negatives(crowd.without(["p7", "p8"]))
    for before, after in zip(whole, part, strict=True):
        assert set(before.names) - {"p7", "p8"} == set(after.names)


def trained_on(people):
    """As much of a model as the split looks at."""
    return SimpleNamespace(metadata=ModelMetadata(people=digests(people)))


def test_a_model_that_met_nobody_is_judged_on_the_series_split(crowd):
    ours, theirs = split_negatives(crowd), split_unseen(trained_on(["somebody else"]), crowd)
    assert [part.names for part in theirs] == [part.names for part in ours]


def test_whom_the_packages_weights_met_is_in_neither_validation_nor_test(crowd):
    # 0.8 of the digests were trained on: the series' training and validation people.
    ours = split_negatives(crowd)
    met = {*ours.train.names, *ours.validation.names}
    theirs = split_unseen(trained_on(met), crowd)
    assert set(theirs.train.names) == met
    assert {*theirs.validation.names, *theirs.test.names} == set(ours.test.names)


def test_too_few_people_to_split_are_counted(crowd):
    with pytest.raises(InputError, match="too few people"):
        split_negatives(crowd.select(["p1", "p2", "p3"]))


def test_a_subject_is_halved_without_an_image_on_both_sides(workspace, lfw):
    capture, probe = halve_subject(lfw, "person_0002", workspace)
    first = {path.name for path in capture.iterdir()}
    second = {path.name for path in probe.iterdir()}
    assert len(first) == 5 and len(second) == 4 and not first & second


def test_a_subject_with_few_images_cannot_play_the_user(workspace, tmp_path):
    write_people(tmp_path / "few", people=2, images=3, seed=1)
    with pytest.raises(InputError, match="has 3 images"):
        halve_subject(tmp_path / "few", "person_0001", workspace)


def test_a_benchmark_that_was_not_kept_names_its_command():
    said: list[str] = []
    assert read_benchmark("nothing_like_this", said.append) is None
    assert said == ["Nothing is kept here yet; python benchmarks/nothing_like_this.py --lfw PATH "
                    "measures it."]  # fmt: skip
    assert read_benchmark("results", said.append) and len(said) == 1


def test_user_camera_follows_the_environment(monkeypatch):
    monkeypatch.delenv("SIAMLAB_CAMERA", raising=False)
    assert user_camera().startswith("drawn:") and user_camera() != user_camera(session=2)
    monkeypatch.setenv("SIAMLAB_CAMERA", "0")
    assert user_camera() == "0"


def test_a_folder_is_used_whole_and_a_film_is_not(tmp_path):
    assert frame_step(str(tmp_path)) == 1 and frame_step("drawn") == frame_step(0) == 5


def test_results_are_kept_and_printed(workspace):
    assert read_results(workspace) == {}
    record_results(workspace, "06_evaluation", strangers=[{"model": "compact", "auc": 0.91234}])
    record_results(workspace, "08_what_makes_it_work", losses=[{"loss": "triplet", "AUC": 0.7}])
    record_results(workspace, "times", **{"01_setup": 12.2, "02_webcam_collection": 3.0})
    table = results_table(workspace)
    assert "triplet  0.700" in table
    assert "compact  0.912" in table
    assert table.splitlines()[-1].split() == ["all", "15"]


def test_table_columns_are_aligned():
    lines = format_table([{"a": "x", "b": None}, {"a": "longer", "b": 1.5}]).splitlines()
    assert lines[0] == "a       b" and lines[2] == "x       -" and lines[3] == "longer  1.500"


def tiny_notebook(folder, name, source):
    import nbformat

    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    nbformat.write(notebook, folder / f"{name}.ipynb")
    return folder / f"{name}.ipynb"


RECORDS = """
import siamlab
from siamlab.course.results import record_results
workspace = siamlab.open_workspace()
(workspace.figures / "a.svg").write_text("<svg/>")
record_results(workspace, "06_evaluation", strangers=[{"model": workspace.person, "auc": 0.5}])
"""


def test_the_series_runs_headless_and_leaves_notebooks_figures_and_a_table(
    tmp_path, lfw, monkeypatch
):
    path = tiny_notebook(tmp_path, "06_evaluation", RECORDS)
    monkeypatch.setattr("siamlab.course.runner.notebook_paths", lambda: (path,))
    out = tmp_path / "out"
    table = run_series(out, "quick", lfw, "person_0003", say=lambda _: None)
    assert "person_0003  0.500" in table and "06_evaluation" in table
    assert (out / "figures" / "a.svg").exists()
    executed = (out / "notebooks" / "06_evaluation.ipynb").read_text()
    assert '"execution_count": 1' in executed
    assert len(list((out / "data" / "camera" / "probe").iterdir())) == 4


def test_a_failing_cell_is_one_line_and_what_ran_is_kept(tmp_path, monkeypatch):
    path = tiny_notebook(tmp_path, "01_setup", "raise RuntimeError('the camera is on fire')")
    monkeypatch.setattr("siamlab.course.runner.notebook_paths", lambda: (path,))
    with pytest.raises(SiamlabError, match="the camera is on fire") as caught:
        run_series(tmp_path / "out", say=lambda _: None)
    assert "\n" not in str(caught.value) and "\x1b" not in str(caught.value)
    assert "RuntimeError" in (tmp_path / "out" / "notebooks" / "01_setup.ipynb").read_text()

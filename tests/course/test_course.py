"""The series: its notebooks, its results, and its headless run."""

from __future__ import annotations

import pytest

from siamlab.config import open_workspace
from siamlab.course.notebooks import notebook_paths
from siamlab.course.results import (
    format_table,
    read_benchmark,
    read_results,
    record_results,
    results_table,
    rows_table,
)
from siamlab.course.runner import run_series
from siamlab.errors import SiamlabError


@pytest.fixture
def workspace(tmp_path):
    return open_workspace(tmp_path / "data", "person_0002").make()


def test_notebooks_in_order():
    numbers = [f"{n:02}" for n in range(1, 14)]
    assert [path.stem[:2] for path in notebook_paths()] == numbers
    assert [path.stem[:2] for path in notebook_paths(beyond=False)][-1] == "08"


def test_a_benchmark_without_stored_results_names_its_command():
    said: list[str] = []
    assert read_benchmark("nothing_like_this", said.append) is None
    assert said == ["Nothing is stored here yet; python benchmarks/nothing_like_this.py --lfw PATH "
                    "measures it."]  # fmt: skip
    assert read_benchmark("results", said.append) and len(said) == 1


def test_results_are_stored_and_printed(workspace):
    assert read_results(workspace) == {}
    record_results(workspace, "06_evaluation", strangers=[{"model": "compact", "auc": 0.91234}])
    record_results(workspace, "09_losses_and_data", losses=[{"loss": "triplet", "AUC": 0.7}])
    record_results(workspace, "times", **{"01_setup": 12.2, "02_webcam_collection": 3.0})
    table = results_table(workspace)
    assert "triplet  0.700" in table
    assert "compact  0.912" in table
    assert table.splitlines()[-1].split() == ["all", "15"]


def test_table_columns_are_aligned():
    lines = format_table([{"a": "x", "b": None}, {"a": "longer", "b": 1.5}]).splitlines()
    assert lines[0] == "a       b" and lines[2] == "x       -" and lines[3] == "longer  1.500"
    assert "<td>1.500</td>" in rows_table([{"a": "longer", "b": 1.5}])._repr_html_()


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


def test_a_headless_run_writes_notebooks_and_figures_and_returns_a_table(
    tmp_path, drawn_lfw, monkeypatch
):
    path = tiny_notebook(tmp_path, "06_evaluation", RECORDS)
    monkeypatch.setattr("siamlab.course.runner.notebook_paths", lambda beyond: (path,))
    out = tmp_path / "out"
    table = run_series(out, "quick", drawn_lfw, "person_0003", say=lambda _: None)
    assert "person_0003  0.500" in table and "06_evaluation" in table
    assert (out / "figures" / "a.svg").exists()
    executed = (out / "notebooks" / "06_evaluation.ipynb").read_text()
    assert '"execution_count": 1' in executed
    assert len(list((out / "data" / "camera" / "probe").glob("[!.]*"))) == 4


def test_without_a_subject_the_user_is_the_drawn_person(tmp_path, monkeypatch):
    for name in ("PERSON", "CAMERA", "PROBES"):
        monkeypatch.delenv(f"SIAMLAB_{name}", raising=False)
    path = tiny_notebook(tmp_path, "06_evaluation", RECORDS)
    monkeypatch.setattr("siamlab.course.runner.notebook_paths", lambda beyond: (path,))
    assert "drawn  0.500" in run_series(tmp_path / "out", "quick", say=lambda _: None)
    assert (tmp_path / "out" / "data" / "people" / "drawn").is_dir()


def test_a_failing_cell_is_one_line_and_its_notebook_is_written(tmp_path, monkeypatch):
    path = tiny_notebook(tmp_path, "01_setup", "raise RuntimeError('the camera is on fire')")
    monkeypatch.setattr("siamlab.course.runner.notebook_paths", lambda beyond: (path,))
    with pytest.raises(SiamlabError, match="the camera is on fire") as caught:
        run_series(tmp_path / "out", say=lambda _: None)
    assert "\n" not in str(caught.value) and "\x1b" not in str(caught.value)
    assert "RuntimeError" in (tmp_path / "out" / "notebooks" / "01_setup.ipynb").read_text()

"""benchmarks/assessment.py, and the file that it wrote."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest
from fakes import loaded_script
from gray_people import GrayModel

from siamlab.assessment.bars import known_values
from siamlab.assessment.dated_report import read_assessment
from siamlab.data.synthetic import write_people

FOLDER = Path(__file__).parents[2] / "benchmarks"


def test_the_script_measures_people_of_the_test_part(tmp_path, monkeypatch):
    write_people(tmp_path / "people", people=40, images=2, seed=3)
    with loaded_script(FOLDER / "assessment.py") as script:
        monkeypatch.setattr(script, "load_model", lambda name: GrayModel())
        monkeypatch.setattr(script, "assess", partial(script.assess, perturbations=()))
        where = ["--out", str(tmp_path / "found.json"), "--page", str(tmp_path / "page.html")]
        script.main(["--lfw", str(tmp_path / "people"), "--count", "4", *where])
    found = read_assessment(tmp_path / "found.json")
    assert found["data"]["pairs"] == 4 and "--count 4 --seed 0" in found["command"]
    assert (tmp_path / "page.html").read_text().startswith("<!doctype html>")


@pytest.mark.parametrize("name", ["assessment.json", "assessment_yunet.json"])
def test_the_stored_results_are_whole(name):
    """They can be compared with, and hold every value that a bar may ask for but drift."""
    found = read_assessment(FOLDER / name)
    assert set(known_values()) - set(found["values"]) == {"drift.slope", "drift.falling"}
    assert found["data"]["detector"] == ("yunet" if "yunet" in name else "mmod")
    assert "/" not in json.dumps(found["data"]), "no folder of this machine"

"""Reports on disk: dated, private, never replaced, and refused where they are something else."""

from __future__ import annotations

import json

import pytest
from assessments import made_up

from siamlab.assessment.bars import Bar
from siamlab.assessment.comparison import compare_assessments
from siamlab.assessment.dated_report import free_name, read_assessment, write_assessment
from siamlab.errors import InputError


def test_a_report_comes_back_and_the_next_one_of_the_day_stands_beside_it(tmp_path):
    last = made_up(0.1)
    path, page = write_assessment(last, tmp_path / "new")
    assert (path.name, page.name) == ("2026-11-27.json", "2026-11-27.html")
    found = read_assessment(path)
    assert {name: found[name] for name in last.to_dict()} == last.to_dict()
    assert found["bars"] == [] and found["against"] is None
    before = path.read_bytes()
    now = made_up(0.3)
    comparison = compare_assessments(found, now.to_dict())
    second, _ = write_assessment(now, tmp_path / "new", [Bar("fnmr", None, 0.2)], comparison)
    assert second.name == "2026-11-27_2.json" and path.read_bytes() == before
    again = json.loads(second.read_text())
    assert again["bars"][0]["broken"].startswith("fnmr is 0.300")
    assert again["against"]["date"] == last.date
    for file in (path, page, second):
        assert file.stat().st_mode & 0o777 == 0o600, "it may name people"


def test_a_page_alone_keeps_its_name(tmp_path):
    (tmp_path / "2026-11-27.html").touch()
    assert free_name(tmp_path, "2026-11-27T01:02:03") == "2026-11-27_2"


BAD = {
    "no JSON": ("{", "is not JSON"),
    "a list": ("[]", "is no assessment"),
    "another file": ('{"pairs": 3}', "is no assessment"),
    "another format": ('{"kind": "siamlab assessment", "format": 9}', "of format 9; this"),
    "no values": ('{"kind": "siamlab assessment", "format": 1}', "is damaged"),
}


@pytest.mark.parametrize("case", BAD)
def test_another_file_is_refused_in_one_line(case, tmp_path):
    text, message = BAD[case]
    (tmp_path / "last.json").write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        read_assessment(tmp_path / "last.json")
    assert "\n" not in str(caught.value)


def test_a_damaged_number_is_found(tmp_path):
    found = made_up().to_dict()
    found["values"]["fmr"] = {"value": "low", "interval": None}
    (tmp_path / "last.json").write_text(json.dumps(found))
    with pytest.raises(InputError, match="value and an interval"):
        read_assessment(tmp_path / "last.json")
    with pytest.raises(InputError, match="cannot be read"):
        read_assessment(tmp_path / "absent.json")

"""One table of environment variables: that of the code, and that of the page."""

from __future__ import annotations

import re
from pathlib import Path

from siamlab.system.variables import VARIABLES, show_variables

ROOT = Path(__file__).parents[2]
NAME = re.compile(r"\bSIAMLAB_[A-Z]+(?:_[A-Z]+)*\b")


def names_in(paths) -> set[str]:
    return {name for path in paths for name in NAME.findall(path.read_text())}


def test_the_table_has_every_variable_that_code_and_notebooks_name():
    code = [p for p in (ROOT / "siamlab").rglob("*.py") if p.name != "variables.py"]
    notebooks = list((ROOT / "notebooks").glob("*.ipynb"))
    assert len(notebooks) > 5 and names_in(code) >= {"SIAMLAB_DATA", "SIAMLAB_DEBUG"}
    assert names_in([*code, *notebooks]) == set(VARIABLES)


def test_the_page_has_them_too():
    page = (ROOT / "docs" / "command_line.md").read_text()
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `SIAMLAB_")]
    assert set(NAME.findall(" ".join(rows))) == set(VARIABLES)


def test_what_is_set_is_shown_and_no_value(monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SIAMLAB_PASSPHRASE", "correct horse")
    shown = {line.split()[0]: line.split()[1] for line in str(show_variables()).splitlines()}
    assert shown["SIAMLAB_PASSPHRASE"] == "set" and shown["SIAMLAB_DATA"] == "-"
    assert "horse" not in str(show_variables())

"""The README's commands and snippets work, and what it links to is there."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

from siamlab.cli import build_parser

ROOT = Path(__file__).parents[1]
PAGES = ("README.md", "siamlab/models/weights/README.md")
README = (ROOT / "README.md").read_text()


def command(number: int) -> str:
    block = re.search(
        rf"<!-- command {number} -->\n```bash\n(.*?)\n```\n<!-- end -->", README, re.S
    )
    assert block, f"command {number} is marked in the README"
    return block[1]


@pytest.mark.parametrize("number", [1, 2])
def test_each_set_up_is_one_line_pinned_by_the_constraints(number):
    line = command(number)
    assert "\n" not in line and "-c constraints.txt" in line and "http" not in line


def test_the_gate_runs_the_readmes_own_test_command():
    script = (ROOT / ".ci" / "run").read_text().replace("eval ", "exit 0; eval ")
    done = subprocess.run(
        ["bash", "-c", script.replace('"$(dirname "$0")/.."', f'"{ROOT}"')],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == f"+ {command(2)}"


def test_the_usage_block_names_every_command_and_only_those():
    usage = re.search(r"```text\n(siamlab run.*?)```", README, re.S)
    assert usage
    named = set(re.findall(r"siamlab (\w+)", usage[1]))
    actions = build_parser()._subparsers._group_actions[0].choices  # type: ignore[union-attr]
    assert named == set(actions)


def test_python_snippets_run(tmp_path):
    for snippet in re.findall(r"```python\n(.*?)```", README, re.S):
        done = subprocess.run(
            [sys.executable, "-c", snippet], cwd=tmp_path, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        assert "templates match" in done.stdout or "38964545" in done.stdout


def readme_tables():
    spec = importlib.util.spec_from_file_location("tables", ROOT / "scripts" / "readme_tables.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", PAGES)
def test_tables_say_what_was_measured(page):
    """Made again from the files that the benchmarks wrote, a page stays as it is."""
    text = (ROOT / page).read_text()
    names = re.findall(r"<!-- table (\w+) -->\n\|", text)
    assert len(names) >= 3, "tables are filled"
    assert readme_tables().render(text) == text


def test_a_table_follows_its_file(monkeypatch):
    tables = readme_tables()
    before = tables.koch()
    found = tables.read("koch")
    found["runs"][0]["auc"] += 0.1
    read = tables.read
    monkeypatch.setattr(tables, "read", lambda name: found if name == "koch" else read(name))
    assert tables.koch() != before


@pytest.mark.parametrize(
    "page", ["README.md", "CONTRIBUTING.md", "data/README.md", "siamlab/models/weights/README.md"]
)
def test_links_lead_somewhere(page):
    text = (ROOT / page).read_text()
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        if not target.startswith("http"):
            assert ((ROOT / page).parent / target).exists(), target


def test_every_pin_is_a_version_and_nothing_else():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert len(pins) > 50
    assert all(re.fullmatch(r"[\w.\-]+==[\w.+!]+", pin) for pin in pins)

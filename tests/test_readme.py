"""The README's commands and examples work, and its tables hold what was measured."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from fakes import loaded_script

from siamlab.cli import build_parser

ROOT = Path(__file__).parents[1]
TABLES = {
    "README.md": 1,
    "docs/results.md": 14,
    "docs/security.md": 6,
    "docs/distributed.md": 3,
    "siamlab/models/weights/README.md": 4,
}
README = (ROOT / "README.md").read_text()
COMMAND_LINE = (ROOT / "docs" / "command_line.md").read_text()


def command(number: int) -> str:
    block = re.search(
        rf"<!-- command {number} -->\n```bash\n(.*?)\n```\n<!-- end -->", README, re.S
    )
    assert block, f"command {number} is marked in the README"
    return block[1]


def examples(page: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", page, re.S)


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Run an example in an empty folder, as a program of its own, and return what it prints."""
    monkeypatch.chdir(tmp_path)

    def run_example(code: str) -> str:
        exec(compile(code, "example", "exec"), {"__name__": "__main__"})
        return str(capsys.readouterr().out)

    return run_example


@pytest.mark.parametrize("number", [1, 2])
def test_each_command_is_one_command_pinned_by_the_constraints(number):
    *lines, last = command(number).splitlines()
    assert all(line.endswith(" \\") for line in lines) and not last.endswith("\\")
    one = " ".join(line.rstrip("\\").strip() for line in (*lines, last))
    assert "-c constraints.txt" in one and "http" not in one


def test_commands_fit_on_a_phone():
    """GitHub at 390 pixels: 326 for code, a character of 13.6 pixels takes 8.2."""
    for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *ROOT.glob("docs/how_to/*.md")):
        for block in re.findall(r"```bash\n(.*?)```", page.read_text(), re.S):
            assert max(map(len, block.splitlines())) <= 39, f"{page.name}: {block}"


def test_the_gate_runs_the_readmes_own_test_command():
    script = (ROOT / ".ci" / "run").read_text().replace("eval ", "exit 0; eval ")
    script = script.replace("apt-get -qq", "false")  # as where it cannot install Chromium
    done = subprocess.run(
        ["bash", "-c", script.replace('"$(dirname "$0")/.."', f'"{ROOT}"')],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == f"+ {command(2)}"
    assert subprocess.run(["bash", "-n", "-c", command(2)], check=False).returncode == 0


def test_the_readme_has_at_most_140_lines():
    """Commands are broken so that they fit on a phone."""
    assert len(README.splitlines()) <= 140


def test_the_usage_block_names_every_command_and_only_those():
    usage = re.search(r"```text\n(siamlab run.*?)```", COMMAND_LINE, re.S)
    assert usage
    named = set(re.findall(r"siamlab (\w+)", usage[1]))
    actions = build_parser()._subparsers._group_actions[0].choices  # type: ignore[union-attr]
    assert named == set(actions)


def test_the_first_example_compares_two_images(run):
    assert run(examples(README)[0]).startswith("the same person: probability")


STRANGERS = """
refused = 0
for number in range(8, 28):
    with siamlab.open_camera(f"drawn:{number}") as other:
        refused += verifier.verify(other.read(), "Ada").verified is False
print(refused)
"""


def test_the_enrollment_example_verifies_ada_and_refuses_strangers(run, tmp_path, monkeypatch):
    monkeypatch.setenv("SIAMLAB_DATA", str(tmp_path / "data"))
    lines = run(examples(README)[1] + STRANGERS).splitlines()
    assert lines[0].startswith("Ada verified: 3 of 3 templates match")
    assert lines[1].startswith("Ada not verified: 0 of 3 templates match")
    assert int(lines[2]) >= 19, "of 20 other drawn people"
    assert [path.name for path in tmp_path.iterdir()] == ["data"], "nothing outside the workspace"


def test_the_command_lines_example_builds_koch(run):
    (example,) = examples(COMMAND_LINE)
    assert run(example).split() == ["38964545"]


@pytest.fixture
def tables():
    with loaded_script(ROOT / "scripts" / "tables.py") as module:
        yield module


def test_tables_are_made_for_every_page_that_has_some(tables):
    assert set(tables.PAGES) == set(TABLES)
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("siamlab/**/*.md")]
    with_tables = {path for path in pages if "<!-- table " in path.read_text()}
    assert with_tables == {ROOT / page for page in TABLES}


@pytest.mark.parametrize("page", TABLES)
def test_tables_hold_what_was_measured(tables, page):
    """Made again from the files that the benchmarks wrote, a page stays as it is."""
    text = (ROOT / page).read_text()
    names = re.findall(r"<!-- table (\w+) -->\n\|", text)
    assert len(names) == TABLES[page], "tables are filled"
    assert tables.render(text) == text


def test_a_table_follows_its_file(tables, monkeypatch):
    before = tables.koch()
    found = tables.read("koch")
    found["runs"][0]["auc"] += 0.1
    read = tables.read
    monkeypatch.setattr(tables, "read", lambda name: found if name == "koch" else read(name))
    assert tables.koch() != before


def test_every_pin_is_a_version_and_nothing_else():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert len(pins) > 50
    assert all(re.fullmatch(r"[\w.\-]+==[\w.+!]+", pin) for pin in pins)

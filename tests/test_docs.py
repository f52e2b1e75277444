"""The pages agree with the code: links, the packages' order, the glossary's places."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from fakes import loaded_script
from test_architecture import ORDER

from siamlab.course.notebooks import notebook_paths

ROOT = Path(__file__).parents[1]
FOLDERS = (".", "data", "docs", "docs/how_to", "docs/reference", "siamlab/models/weights")
PAGES = sorted(
    str(path.relative_to(ROOT)) for folder in FOLDERS for path in ROOT.glob(f"{folder}/*.md")
)
DESIGN = (ROOT / "docs" / "design.md").read_text()
CHAPTERS = [str(path.relative_to(ROOT)) for path in notebook_paths()]
ENTRIES = re.findall(r"^### (.+)\n\n((?:.+\n)+)", (ROOT / "docs" / "glossary.md").read_text(), re.M)


def anchor(heading: str) -> str:
    """What GitHub makes of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def prose(page: str) -> str:
    """What a reader reads: a page, or a notebook's cells of text."""
    text = (ROOT / page).read_text()
    if not page.endswith(".ipynb"):
        return text
    cells = json.loads(text)["cells"]
    return "\n\n".join("".join(one["source"]) for one in cells if one["cell_type"] == "markdown")


@pytest.mark.parametrize("page", [*PAGES, *CHAPTERS])
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)]+)\)", prose(page)):
        if target.startswith("http"):
            continue
        path, _, place = target.partition("#")
        other = (ROOT / page).parent / path if path else ROOT / page
        assert other.exists(), target
        if place:
            headings = re.findall(r"^#+ (.+)$", other.read_text(), re.M)
            assert place in map(anchor, headings), target


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_word_of_a_chapter_leads_to_its_entry_of_the_glossary(chapter):
    words = re.findall(r"\[([^]]+)\]\(\.\./docs/glossary\.md(#?)", prose(chapter))
    assert words
    assert {word for word, place in words if not place} <= {"glossary"}


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_references_are_cited_by_author_and_year(chapter):
    """Standards are cited by their number; the list is alphabetical."""
    text, listed = prose(chapter).split("## References\n\n")
    entries = re.findall(r"^- .+(?:\n  .+)*", listed, re.M)
    assert "\n".join(entries) == listed.split("\n\n")[0]
    assert entries == sorted(entries, key=lambda one: one.lower().replace("van der ", ""))
    for entry in entries:
        standard = re.match(r"- ((?:ISO/IEC|NIST SP|RFC) [\w-]+)", entry)
        if standard:
            assert standard[1] in text, entry
            continue
        first, year = re.match(r"- (.+?)(?:, .+?| et al\.)? (\d{4}), ", entry).groups()
        named = rf"{first}(?: and [^\d(]+| et al\.)? \(?{year}"
        assert re.search(named, " ".join(text.split())), f"not cited: {entry}"


@pytest.fixture
def package_map():
    with loaded_script(ROOT / "scripts" / "package_map.py") as module:
        yield module


def test_the_design_page_lists_the_packages_in_their_order(package_map):
    listed = re.search(r"<!-- packages -->\n(.*?)<!-- end packages -->", DESIGN, re.S)
    assert listed
    rows = re.findall(r"^\| `(\w+)` \| (.+) \|$", listed[1], re.M)
    assert tuple(name for name, _ in rows) == ORDER == package_map.order()
    assert package_map.render(DESIGN) == DESIGN, "run python scripts/package_map.py"


def test_the_figure_of_packages_shows_the_real_imports(package_map):
    drawn = re.findall(r'id="(\w+)-imports-(\w+)"', package_map.FIGURE.read_text())
    real = [(name, other) for name, others in package_map.imports().items() for other in others]
    assert sorted(drawn) == sorted(real), "run python scripts/package_map.py"
    assert package_map.FIGURE.with_suffix(".png").is_file()
    assert all(ORDER.index(other) < ORDER.index(name) for name, other in drawn)


def test_the_glossary_is_alphabetical():
    terms = [re.sub(r"[^a-z0-9 ]", "", term.lower()) for term, _ in ENTRIES]
    assert len(terms) > 40
    assert terms == sorted(terms)


@pytest.mark.parametrize("entry", [text for _, text in ENTRIES], ids=[term for term, _ in ENTRIES])
def test_a_glossary_entry_is_short_and_names_a_place_that_exists(entry):
    text, _, place = entry.partition("\n[`")
    assert len(text) < 500
    if "does not detect it" in text:  # there is no code for what siamlab does not do
        return
    found = re.fullmatch(r"(.+)`\]\(\.\./siamlab/(.+)\): `(\w+)`", place.strip())
    assert found and found[1] == found[2], entry
    assert re.search(rf"\b{found[3]}\b", (ROOT / "siamlab" / found[1]).read_text()), entry

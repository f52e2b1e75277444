"""The site is built without a warning, whole, small, and needs neither a network nor a server."""

from __future__ import annotations

import ast
import html
import importlib
import json
import re
import subprocess
import sys
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

import siamlab
from siamlab.cli import build_parser
from siamlab.course.notebooks import notebook_paths

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "tests" / "ui" / "browser"))

from jupyter_in_browser import chromium, missing_part, wait_for  # noqa: E402

FETCHED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "video": "src"}
SHOWN_LINKS = {"canonical", "next", "prev", "author"}  # named in the page's head, not fetched


class Page(HTMLParser):
    """What a page links to, what it fetches, and which anchors it has."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.anchors = {""}
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.anchors |= {given.get("id", ""), given.get("name", "")}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag in FETCHED and FETCHED[tag] in given:
            self.fetched.append(given[FETCHED[tag]])
        if tag == "link" and given.get("rel") not in SHOWN_LINKS:
            self.fetched.append(given["href"])
        self.fetched += re.findall(r"url\(['\"]?([^'\")]+)", given.get("style", ""))


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The whole site, built once."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "build_site.py"), str(folder)],
        capture_output=True, text=True, check=False, cwd=folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.strip() == f"open {folder / 'index.html'}"
    return folder


@cache
def read(path: Path) -> Page:
    return Page(path)


def pages(site: Path) -> list[Path]:
    return sorted(site.rglob("*.html"))


def public_names() -> dict[str, list[str]]:
    """The functions and classes that packages call public; of the commands there is a page."""
    found = {"siamlab": [name for name in siamlab.__all__ if name != "__version__"]}
    for path in sorted((ROOT / "siamlab").glob("*/**/__init__.py")):
        listed = re.search(r"^__all__ = (\[.*?\])", path.read_text(), re.S | re.M)
        if listed and path.parent.name != "cli":
            package = ".".join(path.parent.relative_to(ROOT).parts)
            names = ast.literal_eval(listed[1])
            found[package] = [name for name in names if not name.isupper()]  # constants have none
    return found


def test_every_page_and_chapter_is_there(site):
    docs = [path.relative_to(ROOT) for path in (ROOT / "docs").rglob("*.md")]
    solutions = (ROOT / "notebooks" / "solutions").glob("*.ipynb")
    chapters = [path.relative_to(ROOT) for path in (*notebook_paths(), *solutions)]
    missing = [
        str(path) for path in (*docs, *chapters) if not (site / path).with_suffix(".html").is_file()
    ]
    assert not missing
    start = read(site / "docs" / "index.html").links
    assert {f"../notebooks/{path.stem}.html" for path in notebook_paths()} <= set(start)


def test_stored_outputs_are_shown(site):
    text = (site / "notebooks" / f"{notebook_paths()[0].stem}.html").read_text()
    assert "profile: quick" in text, "what the first chapter printed"
    assert re.search(r'<img [^>]*src="\.\./_images/\w+\.png"', text)


def leads_somewhere(page: Path, path: str, anchor: str) -> bool:
    other = (page.parent / unquote(path)).resolve() if path else page
    is_page = other.is_file() and other.suffix == ".html"
    return unquote(anchor) in read(other).anchors if is_page else other.is_file()


def test_every_link_leads_to_a_page_and_an_anchor(site):
    wrong = []
    for path in pages(site):
        for link in read(path).links:
            parts = urlsplit(link)
            if not parts.scheme and not leads_somewhere(path, parts.path, parts.fragment):
                wrong.append((path.name, link))
    assert not wrong


def test_nothing_is_fetched_from_elsewhere(site):
    fetched = [(path.name, link) for path in pages(site) for link in read(path).fetched]
    assert len(fetched) > 100
    for path in site.rglob("*.css"):
        rules = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.S)
        found = re.findall(r"url\(\s*['\"]?([^'\")]+)|@import\s+['\"]([^'\"]+)", rules)
        fetched += [(path.name, a or b) for a, b in found]
    wrong = [
        (page, link)
        for page, link in fetched
        if urlsplit(link).scheme not in ("", "data") or link.startswith("//")
    ]
    assert not wrong


def test_it_is_small(site):
    assert sum(path.stat().st_size for path in site.rglob("*") if path.is_file()) < 30e6


def test_formulas_are_drawn_by_the_browser(site):
    text = (site / "notebooks" / "12_privacy_and_attacks.html").read_text()
    assert '<math xmlns="http://www.w3.org/1998/Math/MathML" display="block">' in text
    assert '<span class="number">(12.1)</span>' in text
    assert r"\tag" not in text and r"\mathrm" not in text


@pytest.fixture
def extension(monkeypatch):
    """One of Sphinx' extensions in docs/extensions."""
    monkeypatch.syspath_prepend(str(ROOT / "docs" / "extensions"))
    return importlib.import_module


def test_an_unknown_command_of_a_formula_is_an_error(extension):
    mathml = extension("mathml")
    assert "<mfrac>" in mathml.to_mathml(r"\frac{1}{2}", "inline")
    assert "<mn>𝟙</mn>" in mathml.to_mathml(r"\mathbb{1}", "inline"), "no browser knows it else"
    assert mathml.to_mathml(r"\bigl\lVert a \bigr\rVert", "inline").count(">‖</mo>") == 2
    assert "<mo>arg</mo>" in mathml.to_mathml(r"\arg z", "inline")
    with pytest.raises(ValueError, match="unknown commands: fraction"):
        mathml.to_mathml(r"\fraction{1}{2}", "inline")


def test_fenced_examples_of_docstrings_become_code(extension):
    lines = ["    ```python", "    panel.show()", "    ```", "    End."]
    assert extension("docstrings").replace_fences(lines) == [
        "    .. code-block:: python", "", "        panel.show()", "", "    End.",
    ]  # fmt: skip


def test_a_picture_keeps_its_words(extension, site):
    cell = {"outputs": [{"metadata": {"image/png": {"alt": "Two faces."}}}], "metadata": {}}
    notebook = extension("picture_words").carry_words({"cells": [cell]})
    assert notebook["cells"][0]["metadata"]["mystnb"] == {"image": {"alt": "Two faces."}}
    for path in notebook_paths():
        text = html.unescape((site / "notebooks" / f"{path.stem}.html").read_text())
        words = re.findall(r'"alt": (".*")', path.read_text())
        assert all(json.loads(word) in text for word in words), path.name


def test_every_public_name_has_an_entry(site):
    verbs = read(site / "docs" / "reference" / "siamlab.html").anchors
    assert len(public_names()) > 8
    for package, names in public_names().items():
        page = ROOT / "docs" / "reference" / f"{package.split('.')[-1]}.md"
        assert page.is_file(), f"write {page.relative_to(ROOT)}, as the others of its folder are"
        own = read(site / "docs" / "reference" / f"{page.stem}.html").anchors
        for name in names:  # of Gallery the entry is among the verbs
            assert f"{package}.{name}" in own or f"siamlab.{name}" in verbs, f"{package}.{name}"


def test_every_commands_help_is_on_its_page(site):
    text = (site / "docs" / "command_help.html").read_text()
    (commands,) = build_parser()._subparsers._group_actions  # type: ignore[union-attr]
    for name in commands.choices:  # type: ignore[union-attr]
        assert f'id="siamlab-{name}"' in text
    assert 'id="siamlab-gallery-erase"' in text, "actions too"
    assert "share of impostors let in (default: 0.01)" in text


# Parts that leave the page at the right and cannot be scrolled to; commands that must be scrolled.
OVERFLOWING = """
const width = document.documentElement.clientWidth;
const scrolls = (part) => {
  for (; part && part !== document.body; part = part.parentElement) {
    const style = getComputedStyle(part);
    if (/auto|scroll/.test(style.overflowX) || style.position === "fixed") return true;
  }
  return false;
};
const found = [...document.querySelectorAll("article *")].filter((part) => {
  const box = part.getBoundingClientRect();
  return box.width > 0 && box.right > width + 1 && !scrolls(part);
});
for (const block of document.querySelectorAll(".highlight-bash pre"))
  if (block.scrollWidth > block.clientWidth + 1) found.push(block);
if (document.documentElement.scrollWidth > width) found.push(document.documentElement);
return found.map((part) => part.outerHTML.slice(0, 100));
"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """Headless Chromium without a server."""
    if missing_part():
        pytest.skip(missing_part())
    with chromium(tmp_path_factory.mktemp("profile"), ("--hide-scrollbars",)) as driver:
        yield driver


def look(browser, page: Path, width: int, theme: str) -> None:
    """Open a page as a device of this width shows it."""
    wish = [{"name": "prefers-color-scheme", "value": theme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": wish})
    size = {"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.get(page.as_uri())


def test_nothing_leaves_the_page_on_a_phone(site, browser):
    for page in pages(site):
        if page.parent != site:  # the index and the search are lists of links
            look(browser, page, 390, "light")
            assert browser.execute_script(OVERFLOWING) == [], page.name


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 768, 1280])
def test_pages_fit_every_width_in_both_themes(site, browser, width, theme):
    for name in ("docs/index", "docs/results", f"notebooks/{notebook_paths()[0].stem}"):
        look(browser, site / f"{name}.html", width, theme)
        assert browser.execute_script(OVERFLOWING) == [], name
        paper = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
        light = sum(map(int, re.findall(r"\d+", paper)[:3])) > 3 * 127
        assert light == (theme == "light"), paper


def test_the_search_works_without_a_server(site, browser):
    browser.get(f"{(site / 'search.html').as_uri()}?q=passphrase")
    answers = "return [...document.querySelectorAll('#search-results a')].map((a) => a.pathname)"
    privacy = str(site / "docs" / "privacy.html")
    wait_for(lambda: privacy in browser.execute_script(answers), 60, "privacy is found")
    assert not [line for line in browser.get_log("browser") if line["level"] == "SEVERE"]

"""The page: one file, no script, every name escaped, every picture in words too."""

from __future__ import annotations

import base64
from html.parser import HTMLParser

import numpy as np
import pytest
from assessments import made_up

from siamlab.assessment.assessment_page import render_page
from siamlab.assessment.bars import Bar
from siamlab.assessment.comparison import compare_assessments
from siamlab.assessment.drift import measure_drift
from siamlab.assessment.measured import Measured

VOID = {"meta", "img"}
NAME = "<script>alert('x')</script>"


class Page(HTMLParser):
    """Checks that tags are closed in order, and collects pictures, tags and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.pictures: list[dict[str, str]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        if tag == "img":
            self.pictures.append(dict(attributes))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(self.words)


@pytest.fixture(scope="module")
def page() -> Page:
    days = np.tile(np.arange(20) * 30 * 86_400.0, 2)
    odds = np.concatenate([6 - 0.3 * np.arange(20), np.full(20, 5.0)])
    drift = measure_drift([NAME] * 20 + ["Bob"] * 20, days, 1 / (1 + np.exp(-odds)), 0.5)
    groups = {f"group.{NAME}.{rate}": Measured(0.25, None, 8) for rate in ("fnmr", "fmr")}
    full = made_up(
        0.3,
        model={**made_up().model, "name": NAME},
        values=made_up(0.3).values | groups | {"attack.fgsm": Measured(0.4, None, 23)},
        groups={NAME: 5},
        attacks={"fgsm": "FGSM at 2/255"},
        drift=drift,
    )
    bars = [Bar("fnmr", None, 0.2), Bar("auc", 0.9), Bar("attack.pgd", None, 0.5)]
    return Page(render_page(full, bars, compare_assessments(made_up().to_dict(), full.to_dict())))


def test_there_is_no_script_and_names_are_text(page):
    assert not page.tags & {"script", "link", "iframe", "object", "form"}
    assert page.text.count("alert('x')") >= 4  # title, group, drift, falling
    assert "A note with <angles> & signs." in page.text


def test_pictures_are_inside_the_page_and_in_words(page):
    assert len(page.pictures) == 3  # a condition's chart and faces, and the drift
    kinds = []
    for picture in page.pictures:
        kind, _, data = picture["src"].partition(";base64,")
        kinds.append(kind)
        assert base64.b64decode(data)[:5] in (b"<?xml", b"\xff\xd8\xff\xe0\x00")
        assert len(picture["alt"]) > 20
    assert kinds == ["data:image/svg+xml", "data:image/jpeg", "data:image/svg+xml"]
    assert page.pictures[0]["alt"].startswith("Less light: the FNMR is 0.30 as it is, 0.30 at 2 st")


def test_bars_groups_attacks_drift_and_the_comparison_are_told(page):
    for words in (
        "2 of 3 bars are broken.", "BROKEN", "not measured", "FGSM at 2/255", "at most 0.2",
        "1 of 2 people fall toward the threshold", "intervals apart", "then", "+0.200",
    ):  # fmt: skip
        assert words in page.text, words


def test_what_was_not_measured_is_said():
    text = Page(render_page(made_up(conditions=()))).text
    for words in ("No labels", "No attacks were tried", "No records of enrolled people"):
        assert words in text
    assert "Bars" not in text and "Since" not in text
    nobody = made_up(conditions=(), drift=measure_drift([], [], [], 0.5))
    assert "Nobody has enough records" in Page(render_page(nobody)).text
    kept = Page(render_page(made_up(conditions=()), [Bar("auc", 0.9)]))
    assert "All 1 bars are kept." in kept.text

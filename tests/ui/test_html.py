"""HTML of the panels: contrast in both themes, and a text alternative for each picture."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from siamlab.ui import html as page
from siamlab.ui.score_trace import ScoreTrace
from siamlab.verification.result import VERDICT_COLORS, Verification, badge

DARK_THEME = (17, 17, 17)  # the ground of cells' outputs in JupyterLab's dark theme


def luminance(color: tuple[int, ...]) -> float:
    """WCAG 2.2's relative luminance."""
    parts = np.array(color) / 255
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))


def contrast(one: tuple[int, ...], other: tuple[int, ...]) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def verdict(verified: bool | None) -> Verification:
    scores = np.float32([] if verified is None else [0.9])
    return Verification("Ada", verified, scores, 0.5, 0.5, None, {}, "no face", fused=0.9)


def colored_words(text: str) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Ink and ground of all words that have a color of their own."""
    found = []
    for style in re.findall(r"style='([^']*)'", text):
        ink = re.search(r"(?<![-\w])color:(#fff|rgb\([^)]*\))", style)
        if ink:
            ground = re.search(r"background:rgb(\([^)]*\))", style)
            assert ground, f"colored words on the page's own ground: {style}"
            ink_color = (255,) * 3 if ink[1] == "#fff" else eval(ink[1][3:])
            found.append((ink_color, eval(ground[1])))
    return found


def test_the_measure_of_contrast() -> None:
    """Black on white is 21; the former red on the dark theme was below the 4.5 that are asked."""
    assert contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)
    assert contrast(VERDICT_COLORS[False], DARK_THEME) == pytest.approx(2.87, abs=0.02)


@pytest.mark.parametrize("verified", [True, False, None])
def test_verdicts_can_be_read_on_both_themes(verified: bool | None) -> None:
    """White words on an opaque ground: the page behind it does not matter."""
    words = colored_words(page.verdict_html(verdict(verified)) + verdict(verified)._repr_html_())
    assert len(words) == 2
    assert all(contrast(*pair) >= 4.5 for pair in words)


def test_hints_and_errors_can_be_read_on_both_themes() -> None:
    text = page.large_text("Come closer", page.HINT_COLOR) + badge("lost", VERDICT_COLORS[False])
    assert [contrast(*pair) >= 4.5 for pair in colored_words(text)] == [True, True]


def test_no_panel_writes_colored_words_on_the_page_itself() -> None:
    """Colors of words are set in one place, the badge."""
    for path in Path(page.__file__).parent.rglob("*.py"):
        assert not re.search(r"[\"';{\s]color:\s*(rgb|#)", path.read_text()), path


def test_pictures_have_a_text_alternative() -> None:
    assert "role='img' aria-label='score 0.90" in page.score_bar(verdict(True))
    assert "alt='Ada &amp; &#x27;Bob&#x27;'" in page.image_row([("data:,", "Ada & 'Bob'", "0.9")])
    assert "aria-label='12 of 20 images'" in page.progress_bar(12, 20)
    assert "role='img' aria-label='no scores" in ScoreTrace().svg(0.5)


def test_the_trace_by_hand() -> None:
    """Ten seconds are 300 units wide; a score of 0.5 is at 40, 0 and 1 are at 77 and 3."""
    trace = ScoreTrace(seconds=10)
    for now, score in ((0.0, 0.1), (5.0, 1.0), (15.0, 0.0), (15.5, None)):
        trace.add(now, score)
    assert trace.lines() == [[(15.0, 0.0)]]  # what is older than ten seconds is gone
    drawn = trace.svg(threshold=0.5)
    assert "cx='285.0' cy='77.0'" in drawn
    assert "y1='40.0'" in drawn
    trace.clear()
    assert "no scores" in trace.svg(0.5)


def test_words_are_escaped() -> None:
    assert "<b>" not in page.large_text("<b>") + page.large_text("<b>", page.HINT_COLOR)

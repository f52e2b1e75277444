"""Pieces of the page: texts are escaped, and nothing comes from outside."""

from __future__ import annotations

import base64

from siamlab.assessment.page_parts import chart, frame, photograph, table, text
from siamlab.plotting.style import new_figure


def test_texts_are_escaped():
    assert text("a < b & c", "bad") == '<p class="bad">a &lt; b &amp; c</p>'
    assert "&lt;i&gt;" in table([("<i>", "1")]) and "<i>" not in table([("<i>", "1")])
    whole = frame("<Ada>", [text("one")])
    assert whole.count("&lt;Ada&gt;") == 2 and "<p>one</p>" in whole
    assert "default-src 'none'" in whole and 'name="viewport"' in whole


def test_a_picture_is_in_the_page_with_its_words():
    figure = new_figure(1, 1)
    drawn, seen = chart(figure, 'a "b"'), photograph(figure, "c")
    assert 'alt="a &quot;b&quot;"' in drawn
    data = drawn.partition("base64,")[2].partition('"')[0]
    assert b"<svg" in base64.b64decode(data)
    assert base64.b64decode(seen.partition("base64,")[2].partition('"')[0])[:2] == b"\xff\xd8"

"""One table as text, HTML and Markdown, written out by hand."""

from __future__ import annotations

from siamlab.system.table import Table

TABLE = Table([("Koch", "0.75", "x"), ("<b>", "0.9", "")], ("model", "AUC", "note"), "<><")


def test_text_is_aligned_and_has_no_spaces_at_the_end():
    assert str(TABLE) == "model   AUC  note\nKoch   0.75  x\n<b>     0.9"
    assert repr(TABLE) == str(TABLE)


def test_the_last_alignment_serves_for_the_columns_after():
    assert str(Table([("a", "bb", "c"), ("aa", "b", "cc")], align="<>")) == "a   bb   c\naa   b  cc"


def test_gaps_and_a_rule():
    narrow = Table([("1", "2", "3")], ("a", "b", "c"), gap=(3, 1), rule=True)
    assert str(narrow) == "a   b c\n-------\n1   2 3"


def test_html_names_rows_and_escapes():
    html = TABLE._repr_html_()
    assert html.startswith("<table><thead><tr><th style='text-align:left'>model</th><th>AUC</th>")
    assert "<tr><th style='text-align:left'>&lt;b&gt;</th><td>0.9</td>" in html
    assert "<thead>" not in Table([("a", "b")])._repr_html_()


def test_markdown():
    assert TABLE.to_markdown().splitlines()[:2] == [
        "| model | AUC | note |",
        "| --- | ---: | --- |",
    ]

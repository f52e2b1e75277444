"""A line now and then while something takes long."""

from __future__ import annotations

from siamlab.system.progress import countdown


def test_at_most_ten_lines_however_long_it_takes():
    now, said = [0.0], []
    report = countdown("drawing", 100, said.append, lambda: now[0])
    for done in range(1, 101):
        now[0] += 60
        report(done, 100)
    assert len(said) == 2 + 9 and said[1] == "drawing: 10 of 100, about 5400 s left"


def test_a_line_at_once_now_and_then_and_at_the_end():
    """Ten steps of two seconds: after 6, 12 and 18 s a line, and what is left of 20 s."""
    now, said = [100.0], []
    report = countdown("drawing", 10, said.append, lambda: now[0])
    for done in range(1, 11):
        now[0] += 2
        report(done, 10)
    assert said == [
        "drawing: 10 to do",
        "drawing: 3 of 10, about 14 s left",
        "drawing: 6 of 10, about 8 s left",
        "drawing: 9 of 10, about 2 s left",
        "drawing: 10 in 20 s",
    ]

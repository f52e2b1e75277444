"""A line now and then while something takes long."""

from __future__ import annotations

from siamlab.system.progress import countdown


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

"""The arrows of a loss start at their embeddings and end where it pulls them."""

from __future__ import annotations

import numpy as np
import pytest

from siamlab.errors import InputError
from siamlab.plotting import plot_pulls

POINTS = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
PULLS = np.array([[0.0, 2.0], [0.0, 0.0], [1.0, 0.0]])


def test_the_longest_arrow_of_a_panel_has_one_length() -> None:
    figure = plot_pulls(POINTS, ["Ada", "Ada", "Bob"], {"a": PULLS, "b": 100 * PULLS})
    for panel in figure.axes:
        arrows = {tuple(note.xyann): tuple(note.xy) for note in panel.texts}
        assert arrows[1.0, 0.0] == pytest.approx((1.0, 0.45))
        assert arrows[0.0, 1.0] == (0.0, 1.0)
        assert arrows[-1.0, 0.0] == pytest.approx((-0.775, 0.0))
    assert "a leaves 1 of 3 at rest" in figure.alt


def test_people_are_told_apart_by_marks_not_only_by_color() -> None:
    panel = plot_pulls(POINTS, ["Ada", "Ada", "Bob"], {"a": PULLS}).axes[0]
    assert [len(drawn.get_offsets()) for drawn in panel.collections] == [2, 1]
    assert len({drawn.get_paths()[0].vertices.tobytes() for drawn in panel.collections}) == 2


def test_other_shapes_and_too_many_people_are_refused() -> None:
    for labels, pulls in (("abc", {"a": PULLS[:2]}), ("abc", {}), ("ab", {"a": PULLS})):
        with pytest.raises(InputError, match="Points and pulls"):
            plot_pulls(POINTS, list(labels), pulls)
    five = np.eye(2)[[0, 1, 0, 1, 0]]
    with pytest.raises(InputError, match="of 5 people"):
        plot_pulls(five, list("abcde"), {"a": five})

"""The figure of a limit shows both shares, and where the limit is."""

from __future__ import annotations

from siamlab.plotting.limit_plots import plot_limits


def test_each_measure_has_a_panel_with_both_shares_and_its_limit():
    found = {
        "limit": [0.0, 0.1, 0.2],
        "verified": [0.3, 0.1, 0.0],
        "clean_refused": [0.0, 0.0, 0.5],
        "chosen": 0.1,
        "refused_above": False,
    }
    other = {**found, "chosen": 0.2, "refused_above": True}
    figure = plot_limits({"sharpness": found, "burnt": other, "contrast": found})
    first, second, _ = figure.axes
    lines = [list(line.get_ydata()) for line in first.lines]
    assert lines[:2] == [[0.3, 0.1, 0.0], [0.0, 0.0, 0.5]]
    assert list(first.lines[2].get_xdata()) == [0.1, 0.1]
    assert first.get_xlabel() == "sharpness: refused below"
    assert second.get_xlabel() == "burnt: refused above"
    assert "burnt (chosen: 0.2)" in figure.alt

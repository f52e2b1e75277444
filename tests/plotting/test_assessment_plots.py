"""Pictures of an assessment hold the numbers that they were given."""

from __future__ import annotations

import numpy as np
import pytest

from siamlab.assessment.by_condition import RATES
from siamlab.assessment.drift import measure_drift
from siamlab.assessment.measured import Measured
from siamlab.assessment.perturbations import PERTURBATIONS
from siamlab.errors import InputError
from siamlab.evaluation import Interval
from siamlab.plotting.assessment_plots import plot_condition, plot_conditions, plot_drift

DARK, SIDE, *_ = PERTURBATIONS


def values_of(*conditions):
    """FNMR 0, 0.1, 0.2, … from as it is to the strongest level, FMR unknown."""
    values = {}
    for one in conditions:
        for place, prefix in enumerate(["", *(f"{one.name}@{level:g}." for level in one.levels)]):
            rate = place / 10
            values |= {
                f"{prefix}{name}": Measured(rate, Interval(rate, rate + 0.2)) for name in RATES
            }
            values[f"{prefix}fmr"] = Measured(None)
    return values


def test_a_condition_from_as_it_is_to_its_strongest_level():
    (axes,) = plot_condition(DARK, values_of(DARK)).axes
    assert [label.get_text() for label in axes.get_xticklabels()] == ["as it is", "2", "4", "6"]
    fnmr, fmr, no_face = (one.lines[0].get_ydata(orig=False) for one in axes.containers)
    assert list(fnmr) == pytest.approx([0, 0.1, 0.2, 0.3]) == list(no_face)
    assert np.isnan(fmr).all(), "what was not measured is not drawn"
    ends = axes.containers[0].lines[2][0].get_segments()
    assert ends[3][:, 1] == pytest.approx([0.3, 0.5])
    assert axes.get_xlabel() == DARK.unit and axes.get_title(loc="left") == DARK.title


def test_all_conditions_in_one_figure_have_one_legend():
    figure = plot_conditions([DARK, SIDE], values_of(DARK, SIDE))
    assert [axes.get_title(loc="left") for axes in figure.axes] == [DARK.title, SIDE.title]
    assert [axes.get_legend() is not None for axes in figure.axes] == [True, False]
    assert len(plot_conditions([DARK, SIDE, DARK, SIDE], values_of(DARK, SIDE)).axes) == 6


def test_drift_has_a_row_for_each_person_and_a_mark_for_those_who_fall():
    days = np.tile(np.arange(20) * 30 * 86_400.0, 2)
    odds = np.concatenate([6 - 0.3 * np.arange(20), np.full(20, 5.0)])
    drift = measure_drift(["Ada"] * 20 + ["Bob"] * 20, days, 1 / (1 + np.exp(-odds)), 0.5)
    (axes,) = plot_drift(drift.people).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["Ada", "Bob"]
    dots = [one.lines[0] for one in axes.containers]
    assert [one.get_marker() for one in dots] == ["v", "o"]
    assert [float(one.get_xdata()[0]) for one in dots] == pytest.approx([-0.3, 0], abs=1e-9)


def test_nothing_to_draw_is_refused():
    for draw in (lambda: plot_conditions([], {}), lambda: plot_drift([])):
        with pytest.raises(InputError, match="Received: none"):
            draw()
    with pytest.raises(InputError, match="no values of dark"):
        plot_condition(DARK, {})

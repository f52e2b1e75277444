"""Age and gender as figures."""

from __future__ import annotations

import numpy as np
import pytest

from siamlab.errors import InputError
from siamlab.plotting import plot_age, plot_group_errors


def test_an_age_is_drawn_with_its_mean_its_interval_and_the_truth() -> None:
    shares = np.zeros(101)
    shares[[30, 50]] = 0.5
    axes = plot_age(shares, 40.0, (30.0, 50.0), age=45).axes[0]
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels == ["interval, 30 to 50", "expected, 40.0", "true, 45"]
    assert axes.get_xlim() == (0, 100)


def test_groups_are_drawn_from_the_top_with_their_size() -> None:
    ends = {"age_mae": [4.0, 6.0], "gender_accuracy": [0.9, 1.0]}
    one = {"n": 12, "age_mae": 5.0, "gender_accuracy": 0.95, "intervals": ends}
    alone = {**one, "n": 1, "intervals": {**ends, "age_mae": None}}
    figure = plot_group_errors({"0-9": one, "80+": alone})
    left, right = figure.axes
    assert [text.get_text() for text in left.get_yticklabels()] == ["0-9 (12)", "80+ (1)"]
    assert left.yaxis_inverted()
    assert right.get_xlabel() == "share of right answers"
    with pytest.raises(InputError):
        plot_group_errors({})

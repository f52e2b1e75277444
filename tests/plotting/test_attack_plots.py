"""The figures of attacks and attendance show the numbers they are given."""

from __future__ import annotations

import pytest

from siamlab.assessment.measured import wilson
from siamlab.errors import InputError
from siamlab.plotting.attack_plots import plot_success
from siamlab.plotting.attendance_plots import plot_attendance


def test_success_against_epsilon() -> None:
    rates = {"FGSM": [wilson(1, 10), wilson(5, 10)], "PGD": [wilson(4, 10), wilson(10, 10)]}
    axes = plot_success(rates, (1, 4)).axes[0]
    drawn = [line.get_ydata().tolist() for line in axes.get_lines() if len(line.get_ydata()) == 2]
    assert [0.1, 0.5] in drawn
    assert [0.4, 1.0] in drawn
    assert [label.get_text() for label in axes.get_xticklabels()] == ["1", "4"]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["FGSM", "PGD"]
    axes.figure.canvas.draw()
    assert axes.get_legend().get_window_extent().y0 >= axes.bbox.y1  # it hides no interval
    assert "pixel" in axes.get_xlabel()
    assert "PGD, 4 of 255: 1.000 (" in axes.figure.alt


@pytest.mark.parametrize("rates", [{}, {"FGSM": [wilson(1, 2)]}])
def test_success_needs_a_rate_for_each_epsilon(rates) -> None:
    with pytest.raises(InputError, match="Each attack needs 2 rates"):
        plot_success(rates, (1, 2))


def test_attendance_is_told_apart_by_marks_not_only_by_color() -> None:
    axes = plot_attendance(["Ada", "Bob"], ["Mon", "Tue"], [["present", "late"], ["absent"] * 2])
    axes = axes.axes[0]
    shown = {one.get_label(): one.get_offsets().tolist() for one in axes.collections}
    assert shown == {"present": [[0, 0]], "late": [[1, 0]], "absent": [[0, 1], [1, 1]]}
    marks = [one.get_paths()[0].vertices.tobytes() for one in axes.collections]
    assert len(set(marks)) == 3
    assert [label.get_text() for label in axes.get_yticklabels()] == ["Ada", "Bob"]


@pytest.mark.parametrize("people", [[], ["Ada"]])
def test_attendance_needs_a_row_for_each_person(people) -> None:
    with pytest.raises(InputError, match="picture of attendance"):
        plot_attendance(people, ["Mon"], [["present"]] * 2)

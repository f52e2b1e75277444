"""The picture of the register: a mark for each person and session, told apart by shape too."""

from __future__ import annotations

import io

import numpy as np
import pytest

from siamlab.errors import InputError
from siamlab.plotting.attendance_plots import plot_attendance

STATUS = [["present", "late"], ["absent", "present"], ["present", "present"]]


def test_every_person_and_session_has_one_mark_at_its_place() -> None:
    axes = plot_attendance(["Ada", "Bob", "Zoë"], ["Monday", "Tuesday"], STATUS).axes[0]
    spots = {one.get_label(): one.get_offsets().tolist() for one in axes.collections}
    assert spots == {
        "present": [[0, 0], [1, 1], [0, 2], [1, 2]],
        "late": [[1, 0]],
        "absent": [[0, 1]],
    }
    assert [label.get_text() for label in axes.get_yticklabels()] == ["Ada", "Bob", "Zoë"]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["Monday", "Tuesday"]
    assert axes.yaxis_inverted()  # the first person is on top


def test_marks_differ_in_shape_and_in_lightness() -> None:
    """By ITU-R BT.709's weights: told apart in gray, so by whatever kind of color vision."""
    axes = plot_attendance(["Ada", "Bob", "Zoë"], ["Monday", "Tuesday"], STATUS).axes[0]
    shapes = {one.get_paths()[0].vertices.tobytes() for one in axes.collections}
    assert len(shapes) == 3
    present, late = (
        float(np.dot(one.get_facecolor()[0][:3], (0.2126, 0.7152, 0.0722)))
        for one in axes.collections[:2]
    )
    assert abs(present - late) > 0.05


@pytest.mark.parametrize(
    ("people", "sessions", "status"),
    [([], ["Monday"], []), (["Ada"], [], [[]]), (["Ada"], ["Monday"], [["late", "late"]])],
)
def test_nothing_to_draw_is_refused(people: list, sessions: list, status: list) -> None:
    with pytest.raises(InputError, match="picture of attendance"):
        plot_attendance(people, sessions, status)


def test_a_picture_has_an_end() -> None:
    with pytest.raises(InputError, match="room for 250 people"):
        plot_attendance(["a"] * 251, ["Monday"], [["late"]] * 251)


def test_names_are_no_formulas() -> None:
    figure = plot_attendance([r"$\frac{1$", "a_b"], ["$Monday$"], [["late"], ["present"]])
    figure.savefig(io.BytesIO())
    assert figure.axes[0].get_yticklabels()[0].get_text() == r"$\frac{1$"

"""Who attended what: people by sessions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from siamlab.errors import InputError
from siamlab.plotting.style import GENUINE, GRAY, IMPOSTOR, new_figure, styled

# Status: color and mark; told apart by their shapes too, and in gray.
_MARKS = {"present": (GENUINE, "o"), "late": (IMPOSTOR, "^"), "absent": (GRAY, "x")}

MOST = 250  # people or sessions in a picture
FEW = 40  # up to which a column or row has room


@styled
def plot_attendance(
    people: Sequence[str], sessions: Sequence[str], status: Sequence[Sequence[str]]
) -> Any:
    """Draw a table of people and sessions.

    Args:
        people: P names, from top to bottom.
        sessions: S names, from left to right.
        status: for each person S of ``present``, ``late``, ``absent``.

    Returns:
        The figure.

    Raises:
        InputError: there is nothing to draw, more than a picture can hold, or the sizes differ.
    """
    if not people or not sessions or [len(row) for row in status] != [len(sessions)] * len(people):
        raise InputError(
            f"A picture of attendance needs a row of {len(sessions)} for each of {len(people)} "
            "people, and one of each at least."
        )
    if max(len(people), len(sessions)) > MOST:
        raise InputError(
            f"A picture of attendance has room for {MOST} people and {MOST} sessions. Received: "
            f"{len(people)} people, {len(sessions)} sessions; draw a part of them."
        )
    wide, high = len(sessions) <= FEW, len(people) <= FEW
    figure = new_figure(
        3 + (0.4 if wide else 0.14) * len(sessions), 1.6 + (0.25 if high else 0.14) * len(people)
    )
    axes = figure.add_subplot()
    for kind, (color, mark) in _MARKS.items():
        spots = [(x, y) for y, row in enumerate(status) for x, one in enumerate(row) if one == kind]
        if spots:
            across, down = zip(*spots, strict=True)
            axes.scatter(across, down, color=color, marker=mark, s=36, label=kind)
    turned = {"rotation": 45, "ha": "right"} if wide else {"rotation": 90, "ha": "center"}
    axes.set_xticks(range(len(sessions)), sessions, parse_math=False, **turned)
    axes.set_yticks(range(len(people)), people, parse_math=False)  # "$" in a name is no formula
    axes.set_xlim(-0.6, len(sessions) - 0.4)
    axes.set_ylim(len(people) - 0.4, -0.6)
    axes.set_xlabel("session")
    axes.set_ylabel("person")
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False)
    return figure

"""Hints of the chapters from 09 on: what one easily gets wrong is named."""

from __future__ import annotations

import pytest

from siamlab.course.exercises import check
from siamlab.gallery.sealing import unseal


@pytest.mark.parametrize(
    ("number", "answer", "hint"),
    [
        ("09.1", lambda d, genuine, m: d**2 / 2, "For 0.6, 0, 1 it gives 0.18"),
        ("09.2", 60, "The margin asks for more."),
        ("09.3", lambda w, b, mean, v, gamma, beta: (gamma * w / v, beta), "is expected"),
        ("10.1", lambda scores, answers: (scores.argmax(1) == answers).mean(), "is expected"),
        ("10.3", lambda dx, dy: int(dx < 0), "For -1, 0 it gives 1; 0 is expected."),
        ("11.2", (6, False), "0.417"),
        ("11.2", (7, True), "It does not go below rho."),
        ("11.3", 0.8, "That is the squared length."),
        ("12.1", lambda wrapped, old, new, context: wrapped, "does not open with the new"),
        ("12.1", lambda wrapped, old, new, context: unseal(old, wrapped, context), "the bare key"),
        ("12.2", lambda entries, noted, key: 1, "With nothing changed it gives 1; 3"),
        ("12.3", lambda image, gradient, epsilon: image + epsilon * (gradient > 0), "is expected"),
        ("12.4", lambda passed, shown, refused, people: (0.1, 0.06), "is expected"),
    ],
)
def test_a_wrong_answer_gets_its_hint(number, answer, hint, capsys):
    check(number, answer)
    said = capsys.readouterr().out
    assert said.startswith(f"{number}: not yet. ") and hint in said

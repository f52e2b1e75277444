"""Hints of the chapters from 09 on: what one easily gets wrong is named."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from siamlab.attributes.age import age_interval
from siamlab.course.checks.chapter_13 import CHECKS, _hills, _shortest
from siamlab.course.exercises import check
from siamlab.gallery.sealing import unseal

ROOT = Path(__file__).parents[2]


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
        ("13.1", lambda p, share: age_interval(p[None], share)[0], "the interval of (13.2)"),
        ("13.1", lambda p, share: (1, 3 if share == 0.65 else 4), "the interval of (13.2)"),
        ("13.1", lambda p, share: (1, 2) if share == 0.65 else (0, 3), "need not lie side by side"),
        ("13.1", lambda p, share: (1, 2) if share == 0.65 else (3, 5), "its last year counts"),
        ("13.1", lambda p, share: 2, "it gives 2; [1, 2] is expected."),
        ("13.2", lambda woman, cost: woman > 1 - 1 / cost, "is as sure as one near 1"),
        ("13.2", lambda woman, cost: cost * np.minimum(woman, 1 - woman) > 1, "left unsure"),
        ("13.2", lambda woman, cost: np.maximum(woman, 1 - woman) > 1 / cost, "not a right answer"),
        ("13.3", lambda off, own, everybody: np.average(off, weights=own), "the group's own mean"),
        ("13.3", lambda off, own, everybody: off.mean(), "counts the same"),
        ("13.3", lambda off, own, everybody: np.average(off, weights=everybody), "it gives nan"),
        (
            "13.3",
            lambda off, own, everybody: np.nansum(off * everybody) / everybody.sum(),
            "must leave the counts",
        ),
    ],
)
def test_a_wrong_answer_gets_its_hint(number, answer, hint, capsys):
    check(number, answer)
    said = capsys.readouterr().out
    assert said.startswith(f"{number}: not yet. ") and hint in said


def test_what_13_3_shows_is_what_was_measured():
    """The errors from 20 years on: of the far faces, at everybody's ages, and of everybody."""
    real = json.loads((ROOT / "benchmarks" / "attributes.json").read_text())
    decades = [name for name in real["head"]["by_group"] if name[0] in "2345678"]
    assert len(decades) == 7
    (n, off), (far_n, far_off) = (
        [np.array([groups[name][key] for name in decades]) for key in ("n", "age_mae")]
        for groups in (real["head"]["by_group"], real["far"]["by_group"])
    )
    three = [(far_off, far_n), (far_off, n), (off, n)]
    said = [f"{np.average(values, weights=weights):.2f}" for values, weights in three]
    text = "their {} years become {}, beside {} of everybody".format(*said)
    assert text in CHECKS["13.3"].shows


def test_what_13_1_shows_is_right():
    hills = _hills(30, 50, 0.7)
    assert _shortest(hills, 0.65) == (23, 37)
    assert age_interval(hills[None], 0.65).tolist() == [[27, 49]]

"""Chapter 03: a similarity transform, how rare genuine pairs are, and leaks between parts."""

from __future__ import annotations

from typing import Any

import numpy as np

from siamlab.course.exercises import Exercise, follows, near


def _eyes(left: Any, right: Any) -> tuple[float, float]:
    across = np.subtract(right, left)
    return 100 / float(np.hypot(*across)), float(np.degrees(np.arctan2(across[1], across[0])))


def _people(pairs: Any) -> set[str]:
    return {name for pair in pairs for name in pair}


_TRAIN = [("Ada", "Ada"), ("Ada", "Grace")]


def _finds_leaks(answer: Any) -> str | None:
    for test in ([("Mary", "Mary")], [("Mary", "Grace")], [("Ada", "Ada"), ("Grace", "Mary")]):
        got, expected = set(answer(_TRAIN, test)), _people(_TRAIN) & _people(test)
        if got != expected:
            return (
                f"For {_TRAIN} and {test} it gives {got or 'nobody'}, not {expected or 'nobody'}."
            )
    return None


CHECKS = {
    "03.1": Exercise(
        test=follows(
            _eyes,
            ((10.0, 20.0), (60.0, 20.0)),
            ((0.0, 0.0), (0.0, 200.0)),
            ((5.0, 5.0), (35.0, 45.0)),
            tolerance=0.01,
        ),
        hint="numpy.hypot gives the length of the line between the eyes, numpy.arctan2(dy, dx) "
        "its angle; numpy.degrees turns radians into degrees.",
        shows="Two points fix all four numbers of a similarity transform. With five points no "
        "single one decides, so an eye found a little wrong does less harm.",
    ),
    "03.2": Exercise(
        test=near(
            700 / 19_900,
            tolerance=1e-4,
            mistakes={
                0.5: "Half is what training draws. Count all pairs that there are.",
                700: "That is how many are genuine; which share of all pairs is that?",
            },
        ),
        hint="A person with 8 images gives 8 · 7 / 2 genuine pairs; 200 images give "
        "200 · 199 / 2 pairs in all.",
        shows="About 1 pair in 28, and the more people, the fewer: whoever draws pairs blindly "
        "trains on impostors. So half are drawn genuine on purpose.",
    ),
    "03.3": Exercise(
        test=_finds_leaks,
        hint="Collect the names of each list in a set; & gives those in both.",
        shows="One shared person is enough: the network may know that face by heart, and a test "
        "with it measures memory.",
    ),
}

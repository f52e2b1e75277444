"""What answers to the exercises of chapter 11, several images, must do."""

from __future__ import annotations

from typing import Any

from siamlab.course.exercises import Exercise, follows, near


def _variance(variance: float, rho: float, n: int) -> float:
    return variance / n * (1 + (n - 1) * rho)


def _frames(answer: Any) -> str | None:
    frames, possible = answer
    if bool(possible):
        return "What is left of equation 11.1 as n grows without end? It does not go below rho."
    if frames == 7:
        return None
    if frames == 6:
        return "Six leave 0.3 + 0.7 / 6 = 0.417, which is still more than 0.4."
    return "Solve 0.3 + 0.7 / n = 0.4 for n, and round up."


CHECKS = {
    "11.1": Exercise(
        follows(_variance, (1.0, 0.0, 4), (2.0, 0.3, 10), (1.0, 1.0, 5), (0.5, 0.8, 1)),
        "One frame leaves the variance as it is, whatever rho is.",
        "For rho = 1 the variance stays, for rho = 0 it is divided by n.",
    ),
    "11.2": Exercise(
        _frames,
        "Equation 11.1 with variance 1 is rho + (1 - rho) / n.",
        "Seven frames, and no number of them comes below 0.3.",
    ),
    "11.3": Exercise(
        near((0.94208, 0.001158), 1e-4),
        "Add up equation 11.2 for 3, 4 and 5 matches of 5, once with p = 0.8, once with 0.05.",
        "Three of five refuses fewer right people than one frame, and lets in fewer strangers.",
    ),
}

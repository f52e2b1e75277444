"""What answers to the exercises of chapter 11, several images, must do."""

from __future__ import annotations

from typing import Any

from siamlab.course.exercises import Exercise, follows, near


def _variance(variance: float, rho: float, n: int) -> float:
    return variance / n * (1 + (n - 1) * rho)


def _frames(answer: Any) -> str | None:
    frames, possible = answer
    if bool(possible):
        return "What is left of (11.1) as n grows without end? It does not go below rho."
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
        "(11.1) with variance 1 is rho + (1 - rho) / n.",
        "Seven frames, and no number of them comes below 0.3.",
    ),
    "11.3": Exercise(
        near(
            0.8**0.5,
            mistakes={
                0.8: "That is the squared length.",
                0.7**0.5: "Three of the nine products are those of an embedding with itself.",
            },
        ),
        "Of nine products three are 1, and six are 0.7.",
        "The length of the mean says how much the images agree: 1 if they are equal.",
    ),
}

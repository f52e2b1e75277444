"""What answers to the exercises of chapter 09, losses and data, must do."""

from __future__ import annotations

from siamlab.course.exercises import Exercise, follows, near


def _contrastive(distance: float, genuine: int, margin: float) -> float:
    return distance**2 / 2 if genuine else max(0.0, margin - distance) ** 2 / 2


def _fold(
    weight: float, bias: float, mean: float, variance: float, gamma: float, beta: float
) -> tuple[float, float]:
    scale = gamma / variance**0.5
    return weight * scale, (bias - mean) * scale + beta


CHECKS = {
    "09.1": Exercise(
        near(
            96,
            mistakes={
                192: "Each pair is counted twice: a with b, and b with a.",
                6: "So many has one person; there are sixteen.",
                32: "That is with two images of each person.",
            },
        ),
        "Equation 9.1, with P = 16 and K = 4.",
        "More images of fewer people make three times as many genuine pairs of the same batch.",
    ),
    "09.2": Exercise(
        follows(_contrastive, (0.6, 1, 1.0), (0.6, 0, 1.0), (1.7, 1, 1.0), (1.7, 0, 1.0)),
        "A genuine pair costs half its squared distance. What does an impostor pair cost, and "
        "what if it is farther apart than the margin?",
        "An impostor pair beyond the margin costs nothing, so nothing moves it.",
    ),
    "09.3": Exercise(
        follows(_fold, (2.0, 1.0, 3.0, 4.0, 0.5, 0.1), (-1.0, 0.5, 0.2, 0.25, 2.0, -0.3)),
        "Both new numbers have the factor gamma / sqrt(variance).",
        "A layer with its normalization is one layer with other numbers.",
    ),
}

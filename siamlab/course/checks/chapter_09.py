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
        follows(_contrastive, (0.6, 1, 1.0), (0.6, 0, 1.0), (1.7, 1, 1.0), (1.7, 0, 1.0)),
        "A genuine pair costs half its squared distance. What does an impostor pair cost, and "
        "what if it is farther apart than the margin?",
        "An impostor pair beyond the margin costs nothing, so nothing moves it.",
    ),
    "09.2": Exercise(
        near(
            66.42,
            0.1,
            mistakes={
                60: "Then both are equally near. The margin asks for more.",
                126.42: "The angle from Ada's second image is asked for, not from the first.",
                25.84: "That is a squared distance of 0.2 alone, without Ada's.",
                6.42: "That is how much farther than Ada's own image.",
            },
        ),
        "(9.2) is zero when Grace's squared distance is Ada's, which is 1, plus 0.2.",
        "A margin of 0.2 is about six degrees here: enough that a small change of an image does "
        "not turn the order.",
    ),
    "09.3": Exercise(
        follows(_fold, (2.0, 1.0, 3.0, 4.0, 0.5, 0.1), (-1.0, 0.5, 0.2, 0.25, 2.0, -0.3)),
        "Both new numbers have the factor gamma / sqrt(variance).",
        "A layer with its normalization is one layer with other numbers.",
    ),
}

"""Chapter 04: the weights of a network, its head, and what makes two towers one."""

from __future__ import annotations

from typing import Any

import numpy as np

from siamlab.course.exercises import Exercise, follows, near


def _probability(a: Any, b: Any, weights: Any, bias: float) -> Any:
    return 1 / (1 + np.exp(-(np.abs(a - b) @ weights + bias)))


def _order_matters(answer: Any) -> str | None:
    if not isinstance(answer, (set, list, tuple)):
        return 'A set of texts is expected, such as {"|a - b|"}.'
    if "a - b" not in answer:
        return "One is missing: swap a and b in each of them, and look at the signs."
    wrong = sorted(map(str, set(answer) - {"a - b"}))
    return f"{', '.join(wrong)}: the same when a and b are swapped." if wrong else None


CHECKS = {
    "04.1": Exercise(
        test=near(
            2_260_288,
            mistakes={
                1_207_616: "Those are the convolutions; the dense layer is missing.",
                1_052_672: "That is the dense layer; the convolutions are missing.",
                38_960_448: "Those are the weights for 105 pixels: what is left of 64?",
                38_960_448 - 37_752_832 + 4 * 256 * 4096 + 4096: "Is the last map really 2 x 2?",
            },
        ),
        hint="The convolutions keep their 1,207,616 weights. Follow the side: 64, minus 9, half of "
        "it rounded up, minus 6, half, minus 3, half, minus 3; then (4.2) with k = 1.",
        shows="The last map is 1 x 1 instead of 6 x 6, so the dense layer has a thirty-sixth of "
        "its weights. What an image costs is decided by its last map.",
    ),
    "04.2": Exercise(
        test=follows(
            _probability,
            (np.array([0.9, 0.1]), np.array([0.4, 0.1]), np.array([-4.0, -2.0]), 3.0),
            (np.array([0.4, 0.1]), np.array([0.9, 0.3]), np.array([-4.0, -2.0]), 3.0),
            (np.zeros(3), np.zeros(3), np.ones(3), 0.0),
        ),
        hint="Formula (4.3): absolute differences times weights, summed (@ does both), plus the "
        "bias, through the sigmoid 1 / (1 + exp(-z)).",
        shows="All of the Siamese model above the towers is this one line. For equal images only "
        "the bias is left: the highest score that this head gives while its weights are negative.",
    ),
    "04.3": Exercise(
        test=_order_matters,
        hint="Swap a and b in each. Which one changes?",
        shows="a - b changes its sign, so 'is A like B?' and 'is B like A?' would get two answers. "
        "A comparison must not depend on who comes first.",
    ),
}

"""Chapter 05: losses, a step of Adam, and the pairs of a batch."""

from __future__ import annotations

import math
from typing import Any

from siamlab.course.exercises import Exercise, follows, near

SURE = -(9 * math.log(0.99) + math.log(0.01)) / 10
CAREFUL = -math.log(0.7)


def _moves(answer: Any) -> str | None:
    if near((0.5, 0.0005), 1e-6)(answer) is None:
        return "That is plain gradient descent. Adam divides by the root of the squares' mean."
    return near((0.1, 0.1))(answer)


CHECKS = {
    "05.1": Exercise(
        test=near(
            (SURE, CAREFUL),
            mistakes={
                (CAREFUL, SURE): "Both are right, in the other order: the sure network comes "
                "first.",
                (10 * SURE, 10 * CAREFUL): "These are sums over ten pairs; (5.1) is the mean.",
            },
        ),
        hint="A pair costs -log of what the network gave to the truth; take the mean over ten.",
        shows="Nine answers of 0.99 cost almost nothing, and the one mistake made surely costs "
        "more than all ten careful answers together: cross-entropy punishes being sure and wrong.",
    ),
    "05.2": Exercise(
        test=_moves,
        hint="With the same g each time, the first is g and the second g²: what is left of the "
        "fraction in (5.3)?",
        shows="Both weights move by ten learning rates. The gradient's size is divided out, so the "
        "learning rate alone says how far weights can go in a number of steps.",
    ),
    "05.3": Exercise(
        test=follows(
            lambda people, images: (
                people * images * (images - 1) // 2,
                people * (people - 1) // 2 * images**2,
            ),
            (16, 2),
            (32, 2),
            (16, 4),
            (5, 1),
        ),
        hint="Each person has K(K - 1)/2 pairs of images; each two people have K² pairs.",
        shows="64 images give 32 genuine pairs as 32 people with 2 each, and 96 as 16 people with "
        "4 each; but the second batch shows half as many people.",
    ),
}

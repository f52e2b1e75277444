"""Chapter 06: error rates at a threshold, and what a number of pairs can show."""

from __future__ import annotations

from typing import Any

import numpy as np

from siamlab.course.exercises import Exercise, follows, near


def _tar_at_far(labels: Any, scores: Any, rate: float) -> float:
    genuine, values = np.asarray(labels) == 1, np.asarray(scores)
    impostor = np.sort(values[~genuine])[::-1]
    allowed = int(rate * len(impostor))
    return 1.0 if allowed == len(impostor) else float((values[genuine] > impostor[allowed]).mean())


def _numbers(answer: Any) -> str | None:
    if near((30_000, 30_000))(answer) is None:
        return "The pairs are right. n people give n(n - 1)/2 pairs: fewer people will do."
    if near((30_000, 245))(answer) is None:
        return "The pairs are right. 245 people give 29,890 pairs, a few too few."
    return near((30_000, 246), 0.5)(answer)


CHECKS = {
    "06.1": Exercise(
        test=near(
            (1 / 3, 0.0),
            mistakes={
                (0.0, 1 / 3): "FMR comes first: the share of impostor pairs that match.",
                (1 / 6, 0.0): "The FMR is a share of the impostor pairs alone, of which there are "
                "three.",
            },
        ),
        hint="Which of the three impostor pairs score 0.25 or more? Which genuine ones less?",
        shows="No genuine pair is missed any more, and no further stranger matches: on these six "
        "pairs 0.25 is better than 0.5, which is the middle of nothing but the scale.",
    ),
    "06.2": Exercise(
        test=follows(
            _tar_at_far,
            ([1, 1, 1, 0, 0, 0], [0.9, 0.8, 0.3, 0.6, 0.2, 0.1], 0.0),
            ([1, 1, 1, 0, 0, 0], [0.9, 0.8, 0.3, 0.6, 0.2, 0.1], 0.34),
            ([1, 1, 0, 0], [0.7, 0.5, 0.5, 0.4], 0.4),
            ([1, 0, 0], [0.2, 0.5, 0.9], 1.0),
        ),
        hint="Of N impostor pairs, int(rate * N) may match. Take the next highest impostor score.",
        shows="A genuine pair that ties with that impostor does not count: the threshold lies "
        "above both.",
    ),
    "06.3": Exercise(
        test=_numbers,
        hint="(6.6) solved for N; then the smallest n with n(n - 1)/2 of at least that.",
        shows="30,000 pairs are only 246 people compared with one another. But pairs that share a "
        "person are not independent, so 246 people promise less than 30,000 strangers would.",
    ),
}

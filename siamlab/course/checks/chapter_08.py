"""Chapter 08: distances and cosines, alignment, distillation."""

from __future__ import annotations

from siamlab.course.exercises import Exercise, near

CHECKS = {
    "08.1": Exercise(
        test=near(
            0.82,
            mistakes={
                0.7: "(8.2) has the squared distance: square 0.6 first.",
                0.64: "Divide by two: the cosine is 1 - d² / 2.",
                0.18: "That is half of the squared distance; subtract it from one.",
            },
        ),
        hint="Put d = 0.6 into (8.2) and solve for the cosine.",
        shows="A cosine of 0.82 is an angle of 35 degrees. In 128 dimensions two directions drawn "
        "at random are at nearly 90, so that is near.",
    ),
    "08.2": Exercise(
        test=near(
            (0.5, -90.0),
            mistakes={
                (0.5, 90.0): "The scale is right; the angle has the other sign: which factor is "
                "conjugated?",
                (2.0, 90.0): "That is the way from the places to the photograph; (8.4) goes the "
                "other way.",
            },
        ),
        hint="Subtract the means first: a is -20i and 20i, b is -10 and 10.",
        shows="Half as large, and a quarter turn. A shift that brings the means together is all "
        "that is missing.",
    ),
    "08.3": Exercise(
        test=near(
            (2.0, 0.0),
            mistakes={
                (0.0, 2.0): "Both are right, in the other order: the direction comes first.",
                (1.0, 0.0): "Divide the direction's part by s.",
            },
        ),
        hint="At 90 degrees each cosine with the teacher is zero. Do the cosines among the "
        "student's own embeddings change?",
        shows="This student verifies exactly as well as its teacher, since all its cosines are the "
        "teacher's; only the two could not be compared with each other. The second part sees that.",
    ),
}

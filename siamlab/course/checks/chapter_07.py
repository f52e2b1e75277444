"""Chapter 07: votes of stored images, of frames, and repeated tries."""

from __future__ import annotations

from siamlab.course.exercises import Exercise, near

CHECKS = {
    "07.1": Exercise(
        test=near(
            14,
            mistakes={
                13: "13 of 20 is a share of 0.65, which is less than 0.66.",
                13.2: "A number of images is whole: is 13 of 20 enough?",
            },
        ),
        hint="(7.1): which is the smallest k with k / 20 of at least 0.66?",
        shows="With few images the verification threshold works in steps: from 0.651 to 0.70 it "
        "asks for the same 14 of 20.",
    ),
    "07.2": Exercise(
        test=near(
            (0.94208, 0.05792),
            mistakes={
                (0.05792, 0.94208): "Both are right, in the other order: you come first.",
                (0.2048, 0.0512): "That is exactly three of five; four and five open the door too.",
            },
        ),
        hint="(7.3) with n = 5 and k = 3: add the terms of 3, 4 and 5 frames.",
        shows="A stranger's two in ten become six in a hundred, and you are refused as rarely: "
        "0.2 and 0.8 mirror each other, and so do the results. If the frames are independent.",
    ),
    "07.3": Exercise(
        test=near(
            69,
            mistakes={
                50: "Chances of repeated tries do not add up: 100 tries are not certain either.",
                68: "After 68 tries it is 0.495, still a little less than even.",
            },
        ),
        hint="The smallest k at which (7.4) is above 0.5; a loop finds it, or two logarithms.",
        shows="About 0.69 / FMR tries, in general: log 2 over the rate. At 1 in 1,000 it takes "
        "693.",
    ),
}

"""Chapter 01: pairs of the same person."""

from __future__ import annotations

from siamlab.course.exercises import Exercise, follows, near

CHECKS = {
    "01.1": Exercise(
        test=near(
            10,
            mistakes={
                25: "That counts an image with itself, and each pair twice.",
                20: "Each pair is counted twice: (a, b) and (b, a) are the same two images.",
                15: "That counts an image with itself, which shows nothing.",
            },
        ),
        hint="Write the images as 1, 2, 3, 4, 5, and list the pairs: itertools.combinations does.",
        shows="n images of one person give n(n - 1)/2 genuine pairs, so one image gives none: "
        "whoever has a single image can only ever be the other person of an impostor pair.",
    ),
    "01.2": Exercise(
        test=follows(
            lambda counts: sum(count >= 2 for count in counts),
            ([1, 1, 2, 8],),
            ([3],),
            ([1],),
            ([2, 2, 1, 1, 5],),
        ),
        hint="A genuine pair needs two images. Count those who have at least two.",
        shows="In LFW 1,680 of 5,749 people have two images or more; the other 4,069 are never a "
        "genuine pair.",
    ),
}

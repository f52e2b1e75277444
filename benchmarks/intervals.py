"""How often 95 % intervals of a false match rate hold the true one: python benchmarks/intervals.py

Simulated: own people, strangers and comparisons have random effects on the score, and the true
rate over all such people is known. Own people and strangers are resampled separately, as in a
calibration, or all in one pool.
"""

from __future__ import annotations

from statistics import NormalDist

import numpy as np

from siamlab.evaluation import bootstrap_people

SPREAD, LIMIT = 0.6, 2.2  # of people, and the score from which a comparison matches
STRANGERS, PAIRS, RUNS, ROUNDS = 200, 1000, 400, 200


def coverage(own: int) -> tuple[float, float]:
    """Share of the runs whose interval holds the truth: drawn in strata, and in one pool."""
    truth = 1 - NormalDist(0, (1 + 2 * SPREAD**2) ** 0.5).cdf(LIMIT)
    held = np.zeros(2)
    for run in range(RUNS):
        rng = np.random.default_rng((run, own))  # not the stream of the resampling
        a, b = rng.integers(own, size=PAIRS), rng.integers(STRANGERS, size=PAIRS)
        people, strangers = (rng.normal(0, SPREAD, size) for size in (own, STRANGERS))
        match = people[a] + strangers[b] + rng.normal(size=PAIRS) > LIMIT
        first, second = [f"own {i}" for i in a], [f"stranger {i}" for i in b]
        strata = {**dict.fromkeys(first, "own"), **dict.fromkeys(second, "strangers")}
        for place, given in enumerate((strata, None)):
            found = bootstrap_people(
                np.zeros(PAIRS), 0.1 + 0.8 * match, first, second, "fmr", run, ROUNDS, 0.5,
                strata=given,
            )  # fmt: skip
            held[place] += found is not None and found.low <= truth <= found.high
    return float(held[0] / RUNS), float(held[1] / RUNS)


def main() -> None:
    """Measure and print."""
    print(f"{'own people':>10} {'in strata':>10} {'one pool':>10}")
    for own in (3, 10, 30):
        print(f"{own:>10}", *(f"{share:>10.2f}" for share in coverage(own)))


if __name__ == "__main__":
    main()

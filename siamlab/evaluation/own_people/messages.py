"""Sentences about the errors of a threshold and about what the pairs cannot show."""

from __future__ import annotations

import math

from siamlab.evaluation.group_rates import Confusion, GroupRate


def one_in(errors: int, pairs: int) -> str:
    """A rate in plain words: ``about 1 in 12``, ``about 7 in 10``, ``none of 40``."""
    if errors in (0, pairs):
        return "all" if errors else f"none of {pairs}"
    rate = errors / pairs
    if rate <= 0.4:
        return f"about 1 in {round(1 / rate)}"
    return f"about {round(10 * rate)} in 10" if rate <= 0.95 else "nearly all"


def cost_notes(groups: dict[str, GroupRate]) -> list[str]:
    """Sentences about false non-matches."""
    own, strangers = groups["own_genuine"], groups["stranger_genuine"]
    if not own.pairs:
        return [
            "What it costs you cannot be known: none of your people has two images. Of the "
            f"strangers' {one_in(strangers.errors, strangers.pairs)} were turned away."
        ]
    lines = [
        f"What it costs: {one_in(own.errors, own.pairs)} of your own images turned away, each "
        "compared with one enrolled image. Images of one sitting flatter it; several enrolled "
        "images and frames lower it."
    ]
    if own.unit == "images":
        lines.append("Its interval is about one person's images, not about other people.")
    elif own.rough:
        lines.append(
            f"{own.people} people are too few for a promise: with others of yours it may be more, "
            "and intervals marked rough are too narrow."
        )
    return lines


def family_notes(
    group: GroupRate,
    worst: Confusion | None,
    strict: tuple[float, float | None] | None,
    fmr: float,
) -> list[str]:
    """Sentences about own people taken for each other."""
    if not group.pairs or worst is None:
        return ["Whether your people are taken for each other is unknown: there is one person."]
    lines = [f"Among your own people {worst}."]
    if strict is not None:
        threshold, fnmr = strict
        price = "" if fnmr is None else f" and would turn {fnmr:.0%} of your own images away"
        lines.append(
            f"Their false match rate is {group.rate:.3f}, above the {fmr:g} aimed at: --strict "
            f"would hold it with a threshold of {threshold:.3f}{price}."
        )
    evidence = group.evidence(fmr)
    if evidence == "nothing":
        least = math.ceil(3 / fmr - 1e-9)
        needed = math.ceil((1 + math.sqrt(1 + 8 * least)) / 2)
        lines.append(
            f"{group.people} of your own people ({group.person_pairs} person pairs, {group.pairs} "
            f"pairs) are too few to promise an FMR of {fmr:g} among them: that takes {least} "
            f"person pairs, or {needed} people (rule of 3)."
        )
    elif evidence == "roughly":
        lines.append(f"An FMR of {fmr:g} among your own people is known only roughly.")
    return lines

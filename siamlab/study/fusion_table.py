"""The rules of fusion as a table, measured here or read from ``benchmarks/fusion.json``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from siamlab.evaluation import Interval
from siamlab.evaluation.rates import format_rate
from siamlab.study.several_images import FusionResult
from siamlab.system.table import Table

HEADER = ("enrolled", "frames", "templates", "frames by", "EER (95 %)", "gain, 95 %")


def fusion_table(results: Iterable[FusionResult | Mapping[str, Any]]) -> Table:
    """A row for each rule: what is fused, the equal error rate, and the gain.

    Args:
        results: of :func:`siamlab.study.several_images.measure_fusion`, or their ``to_dict``.
    """
    found = [one.to_dict() if isinstance(one, FusionResult) else one for one in results]
    return Table([_row(one) for one in found], HEADER, "<<<<<>")


def _row(one: Mapping[str, Any]) -> tuple[str, ...]:
    interval = one["eer_interval"] and Interval(*one["eer_interval"])
    gain = one["gain"] and "{:+.3f} to {:+.3f}".format(*one["gain"][:2])
    rules = [one[f"{of}_rule"].replace("none", "-") for of in ("templates", "frames")]
    eer = format_rate(one["eer"], interval)
    return (str(one["enroll"]), str(one["frames"]), *rules, eer, gain or "")

"""The table of fusion says the same of a result and of what is stored of it."""

from __future__ import annotations

from dataclasses import replace

from siamlab.evaluation import Interval
from siamlab.study.fusion_table import HEADER, fusion_table
from siamlab.study.several_images import FusionResult

SINGLE = FusionResult(
    1, 1, "none", "none", 9, 9, 90, 0.126, Interval(0.086, 0.177), None, 0.3, None, 0.1, 0.1
)
SEVERAL = replace(
    SINGLE, enroll=3, templates_rule="mean_template", eer=0.065, gain=Interval(-0.004, 0.1026)
)


def test_a_row_for_each_rule_with_its_interval_and_its_gain() -> None:
    table = fusion_table([SINGLE, SEVERAL])
    assert table.header == HEADER
    assert table.rows[0] == ("1", "1", "-", "-", "0.126 (0.086 to 0.177)", "")
    assert table.rows[1][2] == "mean_template" and table.rows[1][-1] == "-0.004 to +0.103"
    assert fusion_table([SINGLE.to_dict(), SEVERAL.to_dict()]) == table


def test_a_result_without_interval() -> None:
    assert fusion_table([replace(SINGLE, eer_interval=None)]).rows[0][4] == "0.126"

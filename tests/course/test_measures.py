"""What chapters measure more than once, as rows of tables."""

from __future__ import annotations

import numpy as np
import pytest

from siamlab.course.measures import acceptance_row, judged_row, share_verified, stage_row
from siamlab.data.pairs import draw_pairs
from siamlab.evaluation import evaluate_scores
from siamlab.models.embedding import build_embedding
from siamlab.models.siamese import build_siamese


def test_a_stage_has_a_column_for_each_test(drawn_lfw):
    from siamlab.data.collections import open_collection

    people = open_collection(drawn_lfw)
    model = build_siamese(build_embedding("compact", (24, 24, 3), 0.125), "squared")
    tests = {"strangers": draw_pairs(people, 20, seed=0)}
    row = stage_row("new", model, people, tests)
    assert list(row) == ["stage", "strangers: AUC (95 %)", "strangers: accuracy"]
    area, interval = row["strangers: AUC (95 %)"].split(" ", 1)
    low, high = (float(end) for end in interval.strip("()").split(" to "))
    assert low <= float(area) <= high and 0 <= row["strangers: accuracy"] <= 1


def test_an_acceptance_has_wilsons_intervals():
    """Of 20 with no miss the lower end is 20 / (20 + 1.96²) = 0.839; of 37 with none let in the
    upper one is 1.96² / (37 + 1.96²) = 0.094."""
    row = acceptance_row("compact", 1.0, 20, 0.0, 37)
    assert row["accepted (95 %)"] == "1.000 (0.839 to 1.000)"
    assert row["falsely accepted (95 %)"] == "0.000 (0.000 to 0.094)"
    assert (row["probes"], row["impostors"]) == (20, 37)


def test_a_judged_row_is_the_same_from_a_file():
    names = np.repeat(["a", "b", "c", "d"], 4)
    labels, scores = np.tile([1, 0, 1, 0], 4), np.linspace(0.1, 0.9, 16)
    found = evaluate_scores(labels, scores, 0.5, names, names, rounds=20).to_dict()
    row = judged_row("mine", found)
    assert (row["model"], row["AUC"], row["FMR"]) == ("mine", found["auc"], found["fmr"])
    assert row["95 %"] == "{:.3f} to {:.3f}".format(*found["intervals"]["auc"])


@pytest.mark.parametrize(("verdicts", "share"), [([True, False, None, True], 0.5), ([None], 0.0)])
def test_unknown_is_no(verdicts, share):
    class Answers:
        def verify(self, image, person):
            assert person == "Ada"
            return type("Answer", (), {"verified": verdicts[image]})

    assert share_verified(Answers(), "Ada", range(len(verdicts))) == share

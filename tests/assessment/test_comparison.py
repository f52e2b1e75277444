"""Two assessments: differences, whether intervals overlap, and what cannot be compared."""

from __future__ import annotations

import pytest
from assessments import made_up

from siamlab.assessment.comparison import APART, GONE, NEW, OVERLAP, UNKNOWN, compare_assessments
from siamlab.assessment.measured import Measured
from siamlab.errors import InputError
from siamlab.evaluation import Interval


def one_change(before: Measured, now: Measured):
    last, this = (made_up(values={"fmr": one}).to_dict() for one in (before, now))
    (change,) = compare_assessments(last, this).changes
    return change


def test_intervals_that_touch_overlap_and_those_beside_each_other_do_not():
    low, high = Measured(0.1, Interval(0.0, 0.2)), Measured(0.3, Interval(0.2, 0.4))
    assert one_change(low, high).word == OVERLAP == one_change(high, low).word
    far = Measured(0.5, Interval(0.21, 0.6))
    change = one_change(low, far)
    assert change.word == APART and change.difference == pytest.approx(0.4)
    assert (
        str(change) == "fmr: 0.100 (0.000 to 0.200), now 0.500 (0.210 to 0.600), +0.400, " + APART
    )


def test_what_only_one_of_them_measured():
    known, bare = Measured(0.1, Interval(0, 0.2)), Measured(0.2)
    assert one_change(Measured(None), known).word == NEW
    assert one_change(known, Measured(None)).word == GONE
    assert one_change(known, bare).word == UNKNOWN
    last = made_up(values={"fmr": known, "attack.fgsm": known}).to_dict()
    changes = compare_assessments(last, made_up(values={"fmr": known}).to_dict()).changes
    assert [(one.name, one.word) for one in changes] == [("fmr", OVERLAP), ("attack.fgsm", GONE)]
    nothing = made_up(values={"eer": Measured(None)}).to_dict()
    assert compare_assessments(nothing, nothing).changes == ()


def test_a_whole_assessment_that_got_worse():
    found = compare_assessments(made_up(0.1).to_dict(), made_up(0.3).to_dict())
    assert {one.name for one in found.apart} == set(made_up().values) - {"auc", "eer"}
    assert [one.name for one in found.apart if one.headline] == [
        "accuracy", "fmr", "fnmr", "no_face", "dark.fnmr",
    ]  # fmt: skip
    assert found.summary().startswith("The intervals of 20 of 21 values do not overlap")
    assert found.notes == (
        "The same pairs were measured: a difference can be real although intervals overlap.",
    )
    assert found.to_dict()["changes"][0]["difference"] == pytest.approx(0.2)


def test_another_model_other_pairs_and_another_threshold_are_named():
    last, now = made_up(), made_up(threshold=0.5, operating_point="default")
    other = {**now.to_dict(), "model": {**now.model, "id": "xyz", "name": "compact"}}
    other["data"] = {**now.data, "digest": "d2", "detector": "yunet"}
    notes = " ".join(compare_assessments(last.to_dict(), other).notes)
    for words in (
        "Two different models are compared: pretrained (resnet) then, compact (resnet) now",
        "Other pairs were measured then", "threshold was 0.9000 (fmr_0.001)", "by mmod then, by yu",
    ):  # fmt: skip
        assert words in notes


def test_drawings_are_not_compared_with_photographs_nor_cut_images_with_whole_ones():
    last = made_up().to_dict()
    drawn = made_up(data={**made_up().data, "domain": "drawings"}).to_dict()
    with pytest.raises(InputError, match=r"measured photographs, this one measures drawings"):
        compare_assessments(last, drawn)
    cut = made_up(model={**made_up().model, "alignment": "none"}).to_dict()
    with pytest.raises(InputError, match="alignment landmarks, this one has none"):
        compare_assessments(last, cut)
    box = made_up(model={**made_up().model, "alignment": "box"}).to_dict()
    assert compare_assessments(last, box).changes, "both look for faces"

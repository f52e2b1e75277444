"""Rates under conditions, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from fakes import FakeDetector
from gray_people import BLACK, LIFT, GrayModel, lift

from siamlab.assessment import face_reading
from siamlab.assessment.by_condition import condition_rates, level_key
from siamlab.assessment.condition_scores import AS_IT_IS, score_conditions
from siamlab.assessment.perturbations import Perturbation

pytestmark = pytest.mark.usefixtures("any_face_is_usable")  # even gray ones, here

THRESHOLD = 0.95


def test_scores_and_rates_by_hand(gray_pairs):
    """Genuine pairs score 1, 1 - 5/255, 1 - 50/255; impostor pairs, whose second is 50 lighter,
    1 - 50/255, 1 - 55/255, 1 - 100/255. From 0.95 on (12.75 levels) a pair matches.
    """
    scored = score_conditions(GrayModel(), gray_pairs, [LIFT])
    assert list(scored) == [AS_IT_IS, ("lift", 5), ("lift", 50)]
    for level, (genuine, impostor) in zip(scored, [(0, 50), (5, 55), (50, 100)], strict=True):
        expected = [1 - genuine / 255] * 4 + [1 - impostor / 255] * 3
        np.testing.assert_allclose(scored[level].judgement.scores, expected, atol=1e-6)
    rates = condition_rates(gray_pairs, scored, THRESHOLD)
    assert {name: rates[name].value for name in ("fnmr", "fmr", "accuracy", "no_face")} == {
        "fnmr": 0, "fmr": 0, "accuracy": 1, "no_face": 0,
    }  # fmt: skip
    assert rates["lift@5.fnmr"].value == 0 and rates["lift@50.fnmr"].value == 1
    assert rates["lift@50.accuracy"].value == pytest.approx(3 / 7)
    # All levels together, and the rule of 3 on 4 people and on 3 person pairs.
    assert rates["lift.fnmr"].value == 0.5 and rates["lift.fnmr"].count == 8
    assert tuple(rates["lift@50.fnmr"].interval) == pytest.approx((0.25, 1))
    assert tuple(rates["fmr"].interval) == (0, 1) and rates["fmr"].count == 3


def test_lifting_toward_the_others_lets_them_in(gray_pairs):
    """Lowered by 50, each second image looks like the first of its impostor pair."""

    def lower(image, box, level, rng):
        return lift(image, box, -level, rng)

    fall = Perturbation("fall", "Lowered", "gray levels", (50,), lower)
    rates = condition_rates(
        gray_pairs, score_conditions(GrayModel(), gray_pairs, [fall]), THRESHOLD
    )
    # a at 40 goes to 0 only: its own pair still fails, by 40 levels.
    assert rates["fall@50.fmr"].value == 1 and rates["fall@50.fnmr"].value == 1
    assert rates["fall@50.accuracy"].value == 0


def test_a_changed_image_without_a_face_is_a_no(gray_pairs, monkeypatch):
    monkeypatch.setattr(face_reading, "open_detector", lambda kind: FakeDetector())
    scored = score_conditions(GrayModel(), gray_pairs, [BLACK])
    black = scored["black", 1]
    assert not black.judgement.judged.any() and black.judgement.no_face == black.images == 4
    rates = condition_rates(gray_pairs, scored, THRESHOLD)
    assert rates["no_face"].value == 0 and rates["black@1.no_face"].value == 1
    assert rates["black@1.fnmr"].value == 1 and rates["black@1.fmr"].value == 0


def test_names_of_values():
    assert (
        level_key("") == "" and level_key("dark") == "dark." and level_key("dark", 4) == "dark@4."
    )

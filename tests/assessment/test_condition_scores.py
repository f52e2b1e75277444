"""Scores under conditions: every image is changed as it should be, and judged as elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
from fakes import FakeDetector
from gray_people import LIFT, GrayModel

from siamlab.assessment import face_reading
from siamlab.assessment.condition_scores import AS_IT_IS, score_conditions
from siamlab.assessment.perturbations import Perturbation
from siamlab.data.collections import open_collection
from siamlab.data.pairs import PairSet, draw_pairs
from siamlab.errors import InputError
from siamlab.evaluation.scoring import judge_pairs
from siamlab.images.write import write_image

pytestmark = pytest.mark.usefixtures("any_face_is_usable")  # even gray ones, here


def test_both_sides_changed_alike_change_nothing(gray_pairs):
    scored = score_conditions(GrayModel(), gray_pairs, [LIFT], side="both")
    for level in (("lift", 5), ("lift", 50)):
        np.testing.assert_allclose(
            scored[level].judgement.scores, scored[AS_IT_IS].judgement.scores, atol=1e-6
        )
    assert scored["lift", 5].images == scored[AS_IT_IS].images == 8
    assert score_conditions(GrayModel(), gray_pairs, [LIFT])["lift", 5].images == 4


def test_an_image_without_a_face_has_none_in_any_condition(gray_pairs, tmp_path, monkeypatch):
    """The first genuine pair's second image is black: its pair is no, whatever is done to it."""
    monkeypatch.setattr(face_reading, "open_detector", lambda kind: FakeDetector())
    black = write_image(tmp_path / "black.png", np.zeros((60, 60, 3), np.uint8))
    one = PairSet(gray_pairs.first, (black, *gray_pairs.second[1:]), gray_pairs.labels, *(
        gray_pairs.first_people, gray_pairs.second_people))  # fmt: skip
    scored = score_conditions(GrayModel(), one, [LIFT])
    assert [found.judgement.judged[0] for found in scored.values()] == [False] * 3
    assert [found.judgement.no_face for found in scored.values()] == [1, 1, 1]


def test_an_image_gets_the_same_noise_at_each_level(gray_pairs):
    def paint(image, box, level, rng):
        return np.full_like(image, rng.integers(256))

    noisy = Perturbation("noisy", "Noisy", "no matter", (1, 2), paint)
    scored = score_conditions(GrayModel(), gray_pairs, [noisy])
    one, other = (scored["noisy", level].judgement.scores for level in (1, 2))
    np.testing.assert_array_equal(one, other)
    assert len(set(one.tolist())) > 1
    again = score_conditions(GrayModel(), gray_pairs, [noisy], seed=1)["noisy", 1].judgement.scores
    assert (again != one).any()


def test_pairs_as_they_are_score_as_in_an_evaluation(drawn_lfw):
    """The images are read here a second time, by other code than `siamlab evaluate` uses."""
    drawn = draw_pairs(open_collection(drawn_lfw), 20, 0)
    model = GrayModel(alignment="landmarks", fraction=0.6)
    done = []
    scored = score_conditions(model, drawn, [], progress=lambda *counts: done.append(counts))
    np.testing.assert_allclose(
        scored[AS_IT_IS].judgement.scores, judge_pairs(model, drawn).scores, atol=1e-6
    )
    assert done[-1] == (len(drawn.images), len(drawn.images))


def test_cut_images_are_not_searched_for_faces(gray_pairs):
    """With the alignment "none" an image is the model's input, and a cover still has a place."""
    model = GrayModel(alignment="none")
    found = score_conditions(model, gray_pairs, [LIFT])
    assert found["lift", 50].judgement.judged.all()


def test_bad_arguments_are_refused(gray_pairs):
    with pytest.raises(InputError, match="second or both"):
        score_conditions(GrayModel(), gray_pairs, side="first")
    with pytest.raises(InputError, match="0 pairs"):
        score_conditions(GrayModel(), gray_pairs.subset([]))

"""Rates under conditions: gray images, whose scores can be worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from fakes import FakeDetector

from siamlab.assessment import face_reading
from siamlab.assessment.by_condition import (
    AS_IT_IS,
    condition_rates,
    level_key,
    score_conditions,
)
from siamlab.assessment.perturbations import Perturbation
from siamlab.data.collections import open_collection
from siamlab.data.pairs import PairSet, draw_pairs
from siamlab.errors import InputError
from siamlab.evaluation.scoring import judge_pairs
from siamlab.faces.crop import Preprocessing
from siamlab.images.write import write_image
from siamlab.models.metadata import ModelMetadata

LEVELS = {"a": 40, "b": 90, "c": 140, "d": 190}  # gray level of both images of a person
THRESHOLD = 0.95


class GrayModel:
    """The score is 1 less the difference of two mean levels, in 0 to 1."""

    def __init__(self, **preprocessing) -> None:
        made = Preprocessing(size=16, **{"detector": "guide", "alignment": "box", **preprocessing})
        self.metadata = ModelMetadata(preprocessing=made, versions={})
        self.model_id = "gray"

    def embed(self, images: np.ndarray) -> np.ndarray:
        return np.repeat(images.mean(axis=(1, 2, 3))[:, None], 2, axis=1).astype(np.float32)

    def score_pairs(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        return (1 - np.abs(first[:, 0] - second[:, 0])).astype(np.float32)


def lift(image, box, level, rng):
    return np.clip(image.astype(int) + round(level), 0, 255).astype(np.uint8)


LIFT = Perturbation("lift", "Lifted", "gray levels", (5, 50), lift)
BLACK = Perturbation("black", "Black", "no matter", (1,), lambda image, *_: np.zeros_like(image))


@pytest.fixture(scope="module")
def pairs(tmp_path_factory) -> PairSet:
    """A genuine pair of each person, and each person against the next lighter one."""
    root = tmp_path_factory.mktemp("gray")
    for name, level in LEVELS.items():
        for number in (1, 2):
            image = np.full((60, 60, 3), level, np.uint8)
            write_image(root / name / f"{name}_{number:04d}.png", image)
    sides = [(name, name) for name in LEVELS] + [("a", "b"), ("b", "c"), ("c", "d")]
    return PairSet(
        tuple(root / one / f"{one}_0001.png" for one, _ in sides),
        tuple(root / other / f"{other}_0002.png" for _, other in sides),
        np.array([one == other for one, other in sides], np.int64),
        tuple(one for one, _ in sides),
        tuple(other for _, other in sides),
    )


def test_scores_and_rates_by_hand(pairs):
    """Genuine pairs score 1, 1 - 5/255, 1 - 50/255; impostor pairs, whose second is 50 lighter,
    1 - 50/255, 1 - 55/255, 1 - 100/255. From 0.95 on (12.75 levels) a pair matches.
    """
    scored = score_conditions(GrayModel(), pairs, [LIFT])
    assert list(scored) == [AS_IT_IS, ("lift", 5), ("lift", 50)]
    for level, (genuine, impostor) in zip(scored, [(0, 50), (5, 55), (50, 100)], strict=True):
        expected = [1 - genuine / 255] * 4 + [1 - impostor / 255] * 3
        np.testing.assert_allclose(scored[level].judgement.scores, expected, atol=1e-6)
    rates = condition_rates(pairs, scored, THRESHOLD)
    assert {name: rates[name].value for name in ("fnmr", "fmr", "accuracy", "no_face")} == {
        "fnmr": 0, "fmr": 0, "accuracy": 1, "no_face": 0,
    }  # fmt: skip
    assert rates["lift@5.fnmr"].value == 0 and rates["lift@50.fnmr"].value == 1
    assert rates["lift@50.accuracy"].value == pytest.approx(3 / 7)
    # All levels together, and the rule of 3 on 4 people and on 3 person pairs.
    assert rates["lift.fnmr"].value == 0.5 and rates["lift.fnmr"].count == 8
    assert tuple(rates["lift@50.fnmr"].interval) == pytest.approx((0.25, 1))
    assert tuple(rates["fmr"].interval) == (0, 1) and rates["fmr"].count == 3


def test_lifting_toward_the_others_lets_them_in(pairs):
    """Lowered by 50, each second image looks like the first of its impostor pair."""
    fall = Perturbation("fall", "Lowered", "gray levels", (50,), lambda i, b, level, r:
                        lift(i, b, -level, r))  # fmt: skip
    rates = condition_rates(pairs, score_conditions(GrayModel(), pairs, [fall]), THRESHOLD)
    # a at 40 goes to 0 only: its own pair still fails, by 40 levels.
    assert rates["fall@50.fmr"].value == 1 and rates["fall@50.fnmr"].value == 1
    assert rates["fall@50.accuracy"].value == 0


def test_both_sides_changed_alike_change_nothing(pairs):
    scored = score_conditions(GrayModel(), pairs, [LIFT], side="both")
    for level in (("lift", 5), ("lift", 50)):
        np.testing.assert_allclose(
            scored[level].judgement.scores, scored[AS_IT_IS].judgement.scores, atol=1e-6
        )
    assert scored["lift", 5].images == scored[AS_IT_IS].images == 8
    assert score_conditions(GrayModel(), pairs, [LIFT])["lift", 5].images == 4


def test_a_changed_image_without_a_face_is_a_no(pairs, monkeypatch):
    monkeypatch.setattr(face_reading, "open_detector", lambda kind: FakeDetector())
    scored = score_conditions(GrayModel(), pairs, [BLACK])
    black = scored["black", 1]
    assert not black.judgement.judged.any() and black.judgement.no_face == black.images == 4
    rates = condition_rates(pairs, scored, THRESHOLD)
    assert rates["no_face"].value == 0 and rates["black@1.no_face"].value == 1
    assert rates["black@1.fnmr"].value == 1 and rates["black@1.fmr"].value == 0


def test_an_image_without_a_face_has_none_in_any_condition(pairs, tmp_path, monkeypatch):
    """The first genuine pair's second image is black: its pair is no, whatever is done to it."""
    monkeypatch.setattr(face_reading, "open_detector", lambda kind: FakeDetector())
    black = write_image(tmp_path / "black.png", np.zeros((60, 60, 3), np.uint8))
    one = PairSet(pairs.first, (black, *pairs.second[1:]), pairs.labels, *(
        pairs.first_people, pairs.second_people))  # fmt: skip
    scored = score_conditions(GrayModel(), one, [LIFT])
    assert [found.judgement.judged[0] for found in scored.values()] == [False] * 3
    assert [found.judgement.no_face for found in scored.values()] == [1, 1, 1]


def test_an_image_gets_the_same_noise_at_each_level(pairs):
    def paint(image, box, level, rng):
        return np.full_like(image, rng.integers(256))

    noisy = Perturbation("noisy", "Noisy", "no matter", (1, 2), paint)
    scored = score_conditions(GrayModel(), pairs, [noisy])
    one, other = (scored["noisy", level].judgement.scores for level in (1, 2))
    np.testing.assert_array_equal(one, other)
    assert len(set(one.tolist())) > 1
    again = score_conditions(GrayModel(), pairs, [noisy], seed=1)["noisy", 1].judgement.scores
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


def test_cut_images_are_not_searched_for_faces(pairs, monkeypatch):
    """With the alignment "none" an image is the model's input, and a cover still has a place."""
    model = GrayModel(alignment="none")
    found = score_conditions(model, pairs, [LIFT])
    assert found["lift", 50].judgement.judged.all()


def test_bad_arguments_are_refused(pairs):
    with pytest.raises(InputError, match="second or both"):
        score_conditions(GrayModel(), pairs, side="first")
    with pytest.raises(InputError, match="0 pairs"):
        score_conditions(GrayModel(), pairs.subset([]))


def test_names_of_values():
    assert (
        level_key("") == "" and level_key("dark") == "dark." and level_key("dark", 4) == "dark@4."
    )

"""The fusion protocol: no image on both sides, rates by hand, and gains."""

from __future__ import annotations

import json

import numpy as np
import pytest

from siamlab.errors import InputError
from siamlab.study.several_images import _score_all, draw_trials, measure_fusion

PEOPLE = tuple(f"p{i}" for i in range(20) for _ in range(6))


def closeness(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return np.exp(-np.linalg.norm(first - second, axis=1))


@pytest.fixture(scope="module")
def embeddings() -> np.ndarray:
    """Twenty people, each image a center and noise of its own: errors that average away."""
    rng = np.random.default_rng(0)
    centers = np.repeat(rng.normal(size=(20, 4)), 6, axis=0)
    return (centers + 0.9 * rng.normal(size=centers.shape)).astype(np.float32)


def test_trials_share_no_image_and_name_the_right_people() -> None:
    trials = draw_trials(PEOPLE, enroll=3, frames=2, impostors=4, draws=2, seed=1)
    owners = np.array(PEOPLE)
    assert len(trials.labels) == 2 * 20 * 5
    assert trials.labels.sum() == 2 * 20
    for templates, probes, claimed, actual in zip(
        trials.templates, trials.probes, trials.claimed, trials.actual, strict=True
    ):
        assert set(owners[templates]) == {claimed}
        assert set(owners[probes]) == {actual}
        assert len({*templates, *probes}) == 5


def test_people_with_too_few_images_are_left_out() -> None:
    people = [*PEOPLE, *["few"] * 4]
    assert "few" not in draw_trials(people, 3, 2).claimed
    with pytest.raises(InputError, match="three people with 9 images or more"):
        draw_trials(PEOPLE, 5, 4)
    with pytest.raises(InputError, match="1 or more"):
        draw_trials(PEOPLE, 0, 4)


def test_all_scores_are_those_of_single_comparisons() -> None:
    rng = np.random.default_rng(0)
    probes, templates = rng.random((5, 2, 4)), rng.random((5, 3, 4))
    found = _score_all(probes, templates, closeness)
    assert found.shape == (5, 2, 3)
    one = closeness(probes[3, 1][None], templates[3, 2][None])[0]
    assert found[3, 1, 2] == pytest.approx(one)


def test_fusion_gains_where_errors_are_independent(embeddings: np.ndarray) -> None:
    results = measure_fusion(embeddings, PEOPLE, closeness, 0.2, 3, 3, rounds=100)
    single, *others = results
    assert (single.templates_rule, single.frames_rule, single.gain) == ("none", "none", None)
    named = {(one.enroll, one.frames, one.templates_rule, one.frames_rule): one for one in others}
    assert len(named) == len(others)
    both = named[3, 3, "mean_template", "mean_probe"]
    assert both.eer < 0.75 * single.eer
    assert both.gain.low > 0
    assert named[3, 1, "mean_template", "none"].eer < single.eer
    assert both.eer_interval.low <= both.eer <= both.eer_interval.high
    assert json.loads(json.dumps(both.to_dict()))["gain"] == list(both.gain)
    assert "3 enrolled, 3 frames" in str(both)


def test_frames_with_the_same_error_gain_nothing(embeddings: np.ndarray) -> None:
    """Three equal views of one image score as the one does, by every rule."""
    views = np.repeat(embeddings[:, None], 3, axis=1)
    single, *others = measure_fusion(
        embeddings, PEOPLE, closeness, 0.2, 3, 3, views=views, rounds=50
    )
    frames_only = [one for one in others if one.enroll == 1 and one.frames_rule != "vote"]
    assert len(frames_only) == 3
    for one in frames_only:
        assert one.eer == pytest.approx(single.eer)
        assert tuple(one.gain) == pytest.approx((0, 0))
    with pytest.raises(InputError, match="4 frames need that many views"):
        measure_fusion(embeddings, PEOPLE, closeness, frames=4, views=views)


def test_max_lets_more_impostors_in_at_the_same_threshold(embeddings: np.ndarray) -> None:
    results = measure_fusion(embeddings, PEOPLE, closeness, 0.2, 3, 1, rounds=50)
    by_rule = {one.templates_rule: one for one in results if one.enroll == 3}
    assert by_rule["max"].fixed_fmr > by_rule["mean"].fixed_fmr
    assert by_rule["max"].fixed_fnmr < by_rule["mean"].fixed_fnmr

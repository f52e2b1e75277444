"""N-way trials: what is compared, right answers, ties, and intervals over classes."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siamlab.errors import InputError
from siamlab.evaluation import Interval
from siamlab.study.oneshot import (
    OneShot,
    OneShotTrials,
    answer_trials,
    class_trials,
    cluster_interval,
    cosine,
    drawer_trials,
    join_trials,
    judge_trials,
)

PEOPLE = [name for name, images in (("a", 3), ("b", 1), ("c", 2), ("d", 1)) for _ in range(images)]


@settings(max_examples=30, deadline=None)
@given(ways=st.integers(2, 4), count=st.integers(1, 40), seed=st.integers(0, 99))
def test_a_trial_has_one_image_of_each_class_and_another_of_the_probe(ways, count, seed) -> None:
    trials = class_trials(PEOPLE, ways, count, seed)
    names = np.array(PEOPLE)
    assert trials.gallery.shape == (count, ways) and trials.ways == ways
    for gallery, probe, answer, name in zip(
        trials.gallery, trials.probes, trials.answers, trials.classes, strict=True
    ):
        assert len(set(names[gallery])) == ways
        assert names[gallery[answer]] == names[probe] == name
        assert probe not in gallery
    # a and c alone have two images; they take turns.
    assert abs(trials.classes.count("a") - trials.classes.count("c")) <= 1


def test_trials_follow_the_seed() -> None:
    one, same, other = (class_trials(PEOPLE, 3, 50, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.gallery, same.gallery)
    assert (one.gallery != other.gallery).any()
    assert repr(one) == "OneShotTrials(50 trials, 3-way, 2 classes)"


def test_impossible_trials() -> None:
    with pytest.raises(InputError, match=r"number of classes, 4 here\. Received: ways=5"):
        class_trials(PEOPLE, 5, 1)
    with pytest.raises(InputError, match="ways=1"):
        class_trials(PEOPLE, 1, 1)
    with pytest.raises(InputError, match="two images"):
        class_trials(["a", "b"], 2, 1)


def alphabet_rows() -> tuple[list[str], list[int], list[str]]:
    """Alphabets of 5, 3 and 4 characters by 3 drawers, but Y's drawers share nothing."""
    rows = [(f"X{c}", d, "X") for c in range(5) for d in (1, 2, 3)]
    rows += [(f"Y{c}", d, "Y") for c in range(3) for d in (1, 2, 3)]
    rows += [(f"Z{c}", d, "Z") for c in range(4) for d in (1, 2)]
    classes, drawers, groups = zip(*rows, strict=True)
    return list(classes), list(drawers), list(groups)


def test_drawers_are_compared_within_an_alphabet() -> None:
    classes, drawers, groups = alphabet_rows()
    trials = drawer_trials(classes, drawers, groups, ways=4, runs=3, seed=0)
    assert len(trials) == 2 * 3 * 4, "Y has too few characters"
    assert set(trials.groups) == {"X", "Z"}
    for run in range(6):
        part = slice(4 * run, 4 * run + 4)
        gallery, probes = trials.gallery[4 * run], trials.probes[part]
        assert (trials.gallery[part] == gallery).all()
        enrolled = {drawers[row] for row in gallery}
        asked = {drawers[row] for row in probes}
        assert len(enrolled) == len(asked) == 1 and enrolled != asked
        right = gallery[trials.answers[part]]
        assert [classes[row] for row in right] == [classes[row] for row in probes]
        assert len({classes[row] for row in gallery}) == 4
        assert {groups[row] for row in (*gallery, *probes)} == {trials.groups[4 * run]}


def test_small_alphabets_and_drawers_without_common_characters() -> None:
    with pytest.raises(InputError, match=r"largest alphabet, 5 here\. Received: ways=20"):
        drawer_trials(*alphabet_rows(), ways=20)
    with pytest.raises(InputError, match="runs=0"):
        drawer_trials(*alphabet_rows(), ways=3, runs=0)
    with pytest.raises(InputError, match="No two drawers of A share 2 characters"):
        drawer_trials(["x", "y"], [1, 2], ["A", "A"], ways=2)


HAND = OneShotTrials(
    gallery=np.array([[0, 1], [0, 1], [2, 3]]),
    probes=np.array([4, 4, 5]),
    answers=np.array([0, 1, 1]),
    classes=("p", "q", "q"),
    groups=("p", "q", "q"),
)


def test_the_most_similar_is_the_answer() -> None:
    """Row 4 lies with row 0 (right in the first trial, wrong in the second); row 5 is equally
    near to rows 2 and 3, of which one is right: half a point."""
    rows = np.array([[1, 0], [0, 1], [1, 1], [2, 2], [3, 0.1], [1, 1]], float)
    np.testing.assert_allclose(answer_trials(rows, HAND), [1, 0, 0.5])

    def nearness(first: np.ndarray, second: np.ndarray) -> np.ndarray:
        return -np.abs(first - second).sum(axis=1)

    np.testing.assert_allclose(answer_trials(rows, HAND, nearness), [1, 0, 0])


def test_a_constant_embedding_scores_as_guessing() -> None:
    trials = class_trials(PEOPLE, 4, 60)
    result = judge_trials(trials, answer_trials(np.ones((len(PEOPLE), 3)), trials))
    assert result.accuracy == pytest.approx(0.25) == result.chance


def test_large_sets_are_answered_in_parts(monkeypatch) -> None:
    rows = np.random.default_rng(0).normal(size=(len(PEOPLE), 4))
    trials = class_trials(PEOPLE, 3, 50)
    whole = answer_trials(rows, trials)
    monkeypatch.setattr("siamlab.study.oneshot._CHUNK", 7)
    np.testing.assert_array_equal(answer_trials(rows, trials), whole)


def test_joined_trials_keep_their_images() -> None:
    rows = np.random.default_rng(0).normal(size=(len(PEOPLE), 4))
    parts = [class_trials(PEOPLE, 3, count, seed) for count, seed in ((5, 0), (7, 1))]
    both = join_trials(parts, [len(PEOPLE), len(PEOPLE)])
    apart = [answer_trials(one, part) for one, part in zip((rows, -(rows**2)), parts, strict=True)]
    together = answer_trials(np.concatenate([rows, -(rows**2)]), both)
    np.testing.assert_array_equal(together, np.concatenate(apart))
    assert both.classes == parts[0].classes + parts[1].classes
    with pytest.raises(InputError, match="one N"):
        join_trials([parts[0], class_trials(PEOPLE, 2, 1)], [7, 7])


def test_cosine_by_hand() -> None:
    first = np.array([[3, 4], [1, 0], [0, 0]], float)
    second = np.array([[6, 8], [0, 2], [1, 1]], float)
    np.testing.assert_allclose(cosine(first, second), [1, 0, 0])


def test_results_by_hand() -> None:
    """Two of three right; of q's two trials one: groups are not listed, each is its own class."""
    result = judge_trials(HAND, [1, 0, 1])
    assert (result.ways, result.trials) == (2, 3)
    assert result.accuracy == pytest.approx(2 / 3)
    # Classes p (mean 1) and q (mean 1/2): p twice gives 1, q twice 1/2, each 1/4 of the time.
    assert tuple(result.by_class) == pytest.approx((0.5, 1.0))
    assert result.by_group is None and result.groups == {}
    assert str(result) == "2-way: 0.667 (0.500 to 1.000) in 3 trials"


def test_groups_are_listed() -> None:
    trials = drawer_trials(*alphabet_rows(), ways=4, runs=2)
    right = np.array([group == "X" for group in trials.groups], float)
    result = judge_trials(trials, right)
    assert result.groups == {"X": 1.0, "Z": 0.0}
    assert tuple(result.by_group) == pytest.approx((0.0, 1.0))
    assert result.by_class.high - result.by_class.low < 1
    again = OneShot.from_dict(json.loads(json.dumps(result.to_dict())))
    assert again == result
    with pytest.raises(InputError, match="1 answers for 16 trials"):
        judge_trials(trials, [1.0])


def test_intervals_resample_clusters() -> None:
    """Copies of the same answers do not narrow an interval over clusters; more clusters do."""
    rng = np.random.default_rng(0)
    answers = rng.integers(0, 2, 40).astype(float)
    names = [f"{i}" for i in range(40)]
    once = cluster_interval(answers, names)
    ten = cluster_interval(np.tile(answers, 10), names * 10)
    assert tuple(once) == pytest.approx(tuple(ten))
    apart = cluster_interval(np.tile(answers, 10), [str(i) for i in range(400)])
    assert apart.high - apart.low < 0.5 * (once.high - once.low)
    assert cluster_interval([1.0, 0.0], ["a", "a"]) is None


def test_intervals_have_their_nominal_coverage() -> None:
    """60 classes with effects of their own, 200 worlds; 95 % hold within sampling error."""
    rng = np.random.default_rng(3)
    held = 0
    for world in range(200):
        shares = rng.beta(4, 2, 60)
        answers = rng.random((60, 5)) < shares[:, None]
        names = [str(i) for i in range(60) for _ in range(5)]
        low, high = cluster_interval(answers.ravel().astype(float), names, world, 400)
        held += low <= 4 / 6 <= high
    assert 180 <= held <= 199
    assert isinstance(cluster_interval([1, 0], ["a", "b"]), Interval)


def test_turns_are_even() -> None:
    """Every class comes up before one comes a second time."""
    trials = class_trials([*"aabbccdd"], 2, 12, seed=5)
    rounds = [trials.classes[start : start + 4] for start in range(0, 12, 4)]
    assert all(sorted(one) == list("abcd") for one in rounds)
    assert any(one != other for one, other in pairwise(rounds))

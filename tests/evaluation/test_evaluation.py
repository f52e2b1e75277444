"""Evaluation: values worked out by hand, NumPy oracles, scikit-learn, and rules for all inputs."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siamlab import evaluation as ev
from siamlab.data.faces import Faces
from siamlab.data.pairs import PairSet
from siamlab.errors import InputError
from siamlab.evaluation.report import evaluate_judgement
from siamlab.evaluation.scoring import judge_pairs

# Worked by hand in the tests below: genuine 0.9, 0.8, 0.6, 0.4 and impostor 0.7, 0.3, 0.2, 0.1.
LABELS = np.array([1, 1, 1, 1, 0, 0, 0, 0])
SCORES = np.array([0.9, 0.8, 0.6, 0.4, 0.7, 0.3, 0.2, 0.1])


def many_pairs(count: int = 1000, people: int = 200, seed: int = 0) -> tuple:
    """Labels, float32 scores and the two people of each pair."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    scores = 1 / (1 + np.exp(-rng.normal(2.4 * labels - 1.2, 1.0)))
    first = rng.integers(0, people, count)
    second = np.where(labels == 1, first, (first + rng.integers(1, people, count)) % people)
    return labels, scores.astype(np.float32), first.astype(str), second.astype(str)


@st.composite
def labeled_scores(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Both kinds of pairs, with many ties and the ends 0 and 1."""
    genuine = draw(st.lists(st.integers(0, 8), min_size=1, max_size=12))
    impostor = draw(st.lists(st.integers(0, 8), min_size=1, max_size=12))
    labels = np.array([1] * len(genuine) + [0] * len(impostor))
    return labels, np.array(genuine + impostor, np.float32) / np.float32(8)


def eer_by_hand(labels: np.ndarray, scores: np.ndarray) -> float:
    """An independent oracle: walk the thresholds downwards, join the points by a line."""
    genuine, impostor = scores[labels == 1], scores[labels == 0]
    points = [(0.0, 1.0)]
    for threshold in sorted(set(scores.tolist()), reverse=True):
        points.append((np.mean(impostor >= threshold), np.mean(genuine < threshold)))
    for (x0, y0), (x1, y1) in pairwise(points):
        if x1 >= y1:
            # x0 + t (x1 - x0) = y0 + t (y1 - y0)
            t = (y0 - x0) / ((x1 - x0) - (y1 - y0))
            return float(x0 + t * (x1 - x0))
    raise AssertionError("the curve ends at (1, 0)")


class TestCheckedInput:
    def test_nan_scores_are_counted(self) -> None:
        with pytest.raises(InputError, match="2 of 3 scores are NaN"):
            ev.operating_point([1, 0, 1], [np.nan, 0.5, np.nan], 0.5)

    @pytest.mark.parametrize("scores", [[-0.1, 0.5], [0.2, 1.5], [0.1, np.inf]])
    def test_scores_outside_0_to_1(self, scores: list[float]) -> None:
        with pytest.raises(InputError, match=r"probabilities in \[0, 1\]"):
            ev.evaluate_scores([0, 1], scores)

    @pytest.mark.parametrize(
        ("labels", "scores", "message"),
        [
            ([1, 0, 1], [0.5, 0.5], "3 labels and 2 scores"),
            ([], [], "no pairs"),
            ([1, 2], [0.5, 0.5], "Received: 1, 2"),
            ([1, 0], [[0.1, 0.2], [0.3, 0.4]], r"shape \(2, 2\)"),
            (["yes", "no"], [0.1, 0.2], "numbers"),
            ([[1], [0, 1]], [0.1, 0.2], "numbers"),
        ],
    )
    def test_other_wrong_forms(self, labels: list, scores: list, message: str) -> None:
        with pytest.raises(InputError, match=message) as caught:
            ev.check_scores(labels, scores)
        assert "\n" not in str(caught.value)

    def test_columns_from_keras_and_all_number_types(self) -> None:
        for labels in (LABELS.astype(bool), LABELS.astype(np.float32), LABELS[:, None]):
            point = ev.operating_point(labels, SCORES[:, None].astype(np.float32), 0.5)
            assert point.true_positives == 3

    def test_float32_scores_meet_a_float64_threshold_exactly(self) -> None:
        # float32(0.1) is above 0.1, float32(0.7) is below 0.7.
        scores = np.array([0.1, 0.7], np.float32)
        assert ev.operating_point([1, 1], scores, 0.1).true_positives == 2
        assert ev.operating_point([1, 1], scores, 0.7).true_positives == 0


class TestOperatingPoint:
    def test_by_hand(self) -> None:
        """At 0.5: TP 3 (0.9, 0.8, 0.6), FN 1 (0.4), FP 1 (0.7), TN 3."""
        point = ev.operating_point(LABELS, SCORES, 0.5)
        counts = (point.true_positives, point.false_negatives)
        assert counts == (3, 1)
        assert (point.false_positives, point.true_negatives) == (1, 3)
        assert point.accuracy == 6 / 8
        assert point.precision == 3 / 4
        assert point.recall == 3 / 4
        assert point.f1 == pytest.approx(3 / 4)
        assert (point.fmr, point.fnmr) == (1 / 4, 1 / 4)

    def test_a_score_at_the_threshold_matches(self) -> None:
        assert ev.operating_point([1], [0.5], 0.5).recall == 1.0

    def test_unknown_rates_are_none(self) -> None:
        genuine_only = ev.operating_point([1, 1], [0.9, 0.1], 0.5)
        assert (genuine_only.fmr, genuine_only.recall) == (None, 0.5)
        impostor_only = ev.operating_point([0, 0], [0.9, 0.1], 0.5)
        assert (impostor_only.fnmr, impostor_only.recall, impostor_only.f1) == (None, None, None)
        assert impostor_only.fmr == 0.5
        assert ev.operating_point(LABELS, SCORES, 0.95).precision is None
        assert "precision –" in repr(ev.operating_point(LABELS, SCORES, 0.95))

    def test_threshold_zero_is_a_threshold(self) -> None:
        assert ev.operating_point(LABELS, SCORES, 0.0).fmr == 1.0

    def test_agrees_with_scikit_learn(self) -> None:
        from sklearn.metrics import accuracy_score, f1_score, precision_score, recall_score

        labels, scores, _, _ = many_pairs()
        point = ev.operating_point(labels, scores, 0.4)
        predicted = scores >= np.float32(0.4)
        for ours, theirs in (
            (point.accuracy, accuracy_score),
            (point.precision, precision_score),
            (point.recall, recall_score),
            (point.f1, f1_score),
        ):
            assert ours == pytest.approx(theirs(labels, predicted))


class TestThresholdAtFmr:
    def test_by_hand(self) -> None:
        """Of 4 impostors one may match at 0.25: the threshold is just above 0.3."""
        threshold = ev.threshold_at_fmr(LABELS, SCORES, 0.25)
        assert 0.3 < threshold < 0.3000001
        assert 0.7 < ev.threshold_at_fmr(LABELS, SCORES, 0.24) < 0.7000001
        assert ev.threshold_at_fmr(LABELS, SCORES, 1.0) == 0.0

    def test_a_tie_counts_as_too_many(self) -> None:
        """Two of four impostors tie at 0.5: a rate of 1/4 cannot be had there."""
        threshold = ev.threshold_at_fmr([0, 0, 0, 0], [0.5, 0.5, 0.2, 0.1], 0.25)
        assert ev.operating_point([0, 0, 0, 0], [0.5, 0.5, 0.2, 0.1], threshold).fmr == 0.0

    def test_rates_that_floating_point_spoils(self) -> None:
        """0.29 * 100 is 28.999…: still 29 of 100 may match."""
        scores = np.arange(100) / 100
        threshold = ev.threshold_at_fmr(np.zeros(100), scores, 0.29)
        assert ev.operating_point(np.zeros(100), scores, threshold).fmr == 0.29

    def test_saturated_impostors_leave_no_threshold(self) -> None:
        assert ev.threshold_at_fmr([0, 1], [1.0, 1.0], 0.01) > 1

    @given(labeled_scores(), st.floats(0, 1))
    def test_it_is_the_smallest(self, pair: tuple, fmr: float) -> None:
        labels, scores = pair
        threshold = ev.threshold_at_fmr(labels, scores, fmr)
        impostor = scores[labels == 0]
        # In the score's own type, as a verifier compares: float32 against a Python float.
        assert np.mean(impostor >= threshold) <= fmr
        below = float(np.nextafter(np.float32(threshold), np.float32(-1)))
        assert below < 0 or np.mean(impostor >= below) > fmr

    def test_no_impostors_or_no_rate(self) -> None:
        with pytest.raises(InputError, match="impostor"):
            ev.threshold_at_fmr([1], [0.4], 0.1)
        with pytest.raises(InputError, match="between 0 and 1"):
            ev.threshold_at_fmr(LABELS, SCORES, 1.2)


class TestEqualError:
    def test_a_point_on_the_diagonal(self) -> None:
        """At 0.6: impostors >= 0.6 are 1 of 4, genuine below are 1 of 4, so 0.25.

        No score lies between 0.4 and 0.6: the threshold is their middle.
        """
        eer, threshold = ev.equal_error(LABELS, SCORES)
        assert eer == pytest.approx(0.25)
        assert threshold == pytest.approx(0.5)

    def test_interpolated_between_two_points(self) -> None:
        """Genuine 0.9, 0.5; impostor 0.7, 0.6, 0.1.

        Points (FMR, FNMR) at 0.9: (0, 1/2); 0.7: (1/3, 1/2); 0.6: (2/3, 1/2). From the second
        to the third FNMR stays 1/2 and FMR rises through it: the EER is 1/2. |FMR - FNMR| is 1/6
        at both; the stricter one is 0.7, and (0.7 + 0.6) / 2 decides as it does.
        """
        eer, threshold = ev.equal_error([1, 1, 0, 0, 0], [0.9, 0.5, 0.7, 0.6, 0.1])
        assert eer == pytest.approx(1 / 2)
        assert threshold == pytest.approx(0.65)

    def test_interpolated_along_a_tie(self) -> None:
        """All scores equal: the line from (0, 1) to (1, 0) crosses at 1/2; nobody is verified."""
        eer, threshold = ev.equal_error([1, 0, 0], [0.5, 0.5, 0.5])
        assert eer == pytest.approx(0.5)
        assert threshold > 0.5

    def test_slanted_crossing(self) -> None:
        """Genuine 0.8, 0.5, 0.5; impostor 0.5, 0.2.

        Points: 0.8: (0, 2/3); 0.5: (1/2, 0). On the line x = t/2 and y = 2/3 (1 - t) meet at
        t = (2/3) / (7/6) = 4/7, so the EER is 2/7.
        """
        assert ev.equal_error([1, 1, 1, 0, 0], [0.8, 0.5, 0.5, 0.5, 0.2])[0] == pytest.approx(2 / 7)

    def test_perfect_and_inverted(self) -> None:
        eer, threshold = ev.equal_error([1, 1, 0, 0], [0.9, 0.8, 0.2, 0.1])
        assert (eer, threshold) == (0.0, pytest.approx(0.5))
        assert ev.equal_error([1, 0], [0.1, 0.9])[0] == pytest.approx(1.0)

    @given(labeled_scores())
    def test_agrees_with_the_oracle(self, pair: tuple) -> None:
        assert ev.equal_error(*pair)[0] == pytest.approx(eer_by_hand(*pair))

    @given(labeled_scores())
    def test_no_other_threshold_is_more_equal(self, pair: tuple) -> None:
        labels, scores = pair
        threshold = ev.equal_error(labels, scores)[1]
        point = ev.operating_point(labels, scores, threshold)
        for other in [*np.unique(scores), 1.1]:
            rival = ev.operating_point(labels, scores, float(other))
            assert abs(point.fmr - point.fnmr) <= abs(rival.fmr - rival.fnmr) + 1e-9
        # The same decisions in float32.
        assert int((scores[labels == 1] >= threshold).sum()) == point.true_positives

    def test_agrees_with_the_roc_curve_of_scikit_learn(self) -> None:
        from sklearn.metrics import roc_curve

        labels, scores, _, _ = many_pairs(seed=3)
        fmr, tmr, _ = roc_curve(labels, scores, drop_intermediate=False)
        grid = np.linspace(0, 1, 200_001)
        fnmr = 1 - np.interp(grid, fmr, tmr)
        near = grid[np.argmin(np.abs(grid - fnmr))]
        assert ev.equal_error(labels, scores)[0] == pytest.approx(near, abs=2e-5)

    def test_one_kind_is_refused(self) -> None:
        for function in (ev.equal_error, ev.roc, ev.det, ev.precision_recall, ev.area_under_roc):
            with pytest.raises(InputError, match="2 genuine pairs only"):
                function([1, 1], [0.2, 0.3])


class TestCurves:
    def test_roc_by_hand(self) -> None:
        curve = ev.roc(LABELS, SCORES)
        assert curve.fmr.tolist() == [0, 0, 0, 0.25, 0.25, 0.25, 0.5, 0.75, 1]
        assert curve.tmr.tolist() == [0, 0.25, 0.5, 0.5, 0.75, 1, 1, 1, 1]
        assert np.all(np.diff(curve.thresholds) < 0)

    def test_area_by_hand(self) -> None:
        """Of 16 genuine-impostor comparisons 14 are right (0.6 and 0.4 lose to 0.7)."""
        assert ev.area_under_roc(LABELS, SCORES) == pytest.approx(14 / 16)
        assert ev.area_under_roc([1, 0], [0.5, 0.5]) == 0.5

    def test_det_is_roc_upside_down(self) -> None:
        curve = ev.det(LABELS, SCORES)
        assert np.all(np.diff(curve.fmr) >= 0)
        for threshold, fmr, fnmr in zip(curve.thresholds, curve.fmr, curve.fnmr, strict=True):
            if np.isfinite(threshold):
                point = ev.operating_point(LABELS, SCORES, threshold)
                assert (point.fmr, point.fnmr) == (fmr, fnmr)

    def test_precision_recall(self) -> None:
        curve = ev.precision_recall(LABELS, SCORES)
        assert (curve.precision[-1], curve.recall[-1]) == (1, 0)
        # Recall rises by 1/4 at precisions 1, 1, 3/4 and 4/5.
        assert curve.average_precision == pytest.approx((1 + 1 + 3 / 4 + 4 / 5) / 4)


class TestReliability:
    def test_by_hand(self) -> None:
        """Two bins: 0.1, 0.3 (none genuine) and 0.5, 1.0 (one of two genuine).

        Gaps |0 - 0.2| and |0.5 - 0.75|, two pairs each: 0.225. Brier (0.01 + 0.09 + 0.25 + 0)/4.
        """
        labels, scores = [0, 0, 0, 1], [0.1, 0.3, 0.5, 1.0]
        table = ev.reliability(labels, scores, bins=2)
        assert table.counts.tolist() == [2, 2]
        assert table.scores == pytest.approx([0.2, 0.75])
        assert table.shares == pytest.approx([0.0, 0.5])
        assert table.error == pytest.approx(0.225)
        assert ev.brier_score(labels, scores) == pytest.approx(0.35 / 4)

    def test_empty_bins_are_unknown(self) -> None:
        table = ev.reliability([1, 0], [0.95, 0.05])
        assert table.counts.sum() == 2
        assert np.isnan(table.shares[4])
        assert table.error == pytest.approx(0.05)

    def test_no_bins(self) -> None:
        with pytest.raises(InputError, match="bins"):
            ev.reliability([1, 0], [0.9, 0.1], bins=0)


def copies(weights: np.ndarray, *arrays: np.ndarray) -> list[np.ndarray]:
    """What a weight stands for: that many copies of the pair."""
    return [np.repeat(array, weights.astype(int)) for array in arrays]


class TestBootstrap:
    def test_weights_are_products_of_multiplicities(self) -> None:
        first, second = ["a", "a", "b", "a"], ["a", "b", "c", "c"]
        weights = ev.person_weights(first, second, 50, np.random.default_rng(0))
        assert weights.shape == (50, 4)
        # (a, a) weighs m_a; (a, b) m_a m_b; (a, c) m_a m_c; (b, c) m_b m_c; m_a + m_b + m_c = 3.
        # m_a^2 (b, c) = (a, b) (a, c)
        genuine, ab, bc, ac = weights.T
        np.testing.assert_array_equal(genuine**2 * bc, ab * ac)
        positive = genuine > 0
        total = genuine[positive] + (ab + ac)[positive] / genuine[positive]
        np.testing.assert_allclose(total, 3)

    def test_people_are_drawn_within_their_strata(self) -> None:
        """Two own people and 40 strangers: the own people's counts always sum to two."""
        first = ["me", "you", *(f"s{i}" for i in range(40))]
        strata = {"me": "own", "you": "own"}
        rng = np.random.default_rng(0)
        weights = ev.person_weights(first, first, 200, rng, strata)
        np.testing.assert_array_equal(weights[:, :2].sum(axis=1), 2)
        np.testing.assert_array_equal(weights[:, 2:].sum(axis=1), 40)
        assert len(np.unique(weights[:, 0])) == 3

    @pytest.mark.parametrize("name", list(ev.STATISTICS))
    def test_a_weighted_statistic_is_that_of_repeated_pairs(self, name: str) -> None:
        labels, scores, first, second = many_pairs(60, people=12, seed=2)
        scores = np.round(scores.astype(float), 1)  # ties
        weights = ev.person_weights(first, second, 8, np.random.default_rng(1))
        values = ev.STATISTICS[name](labels.astype(bool), scores, weights, 0.5)
        for value, row in zip(values, weights, strict=True):
            result = ev.evaluate_scores(*copies(row, labels, scores), 0.5).to_dict()
            rate = name.removeprefix("tar_at_far_")
            expected = result["tar_at_far"][rate] if rate != name else result[name]
            assert value == pytest.approx(expected)

    def test_same_seed_same_interval(self) -> None:
        labels, scores, first, second = many_pairs()
        one, two, other = (
            ev.bootstrap_people(labels, scores, first, second, "auc", seed=seed)
            for seed in (4, 4, 5)
        )
        assert one == two
        assert one != other
        assert one.low < ev.area_under_roc(labels, scores) < one.high

    def test_own_statistic(self) -> None:
        labels, scores, first, second = many_pairs()

        def mean_score(truth, values, weights, threshold):  # type: ignore[no-untyped-def]
            return weights @ values / weights.sum(axis=1)

        interval = ev.bootstrap_people(labels, scores, first, second, mean_score)
        assert interval.low < scores.mean() < interval.high

    def test_people_give_wider_intervals_than_pairs(self) -> None:
        """Ten people, each always right or always wrong: 200 pairs are ten observations."""
        first = np.repeat([f"p{number}" for number in range(10)], 20)
        scores = np.repeat([0.9, 0.9, 0.1, 0.9, 0.9, 0.1, 0.9, 0.9, 0.9, 0.1], 20)
        labels = np.ones(200)
        people = ev.bootstrap_people(labels, scores, first, first, "recall")
        pairs = [str(number) for number in range(200)]
        alone = ev.bootstrap_people(labels, scores, pairs, pairs, "recall")
        assert people.high - people.low > 3 * (alone.high - alone.low)
        assert people.low < 0.7 < people.high

    def test_coverage_of_a_share_between_people(self) -> None:
        """95 % intervals of a rate that varies between 40 people hold the truth nearly always."""
        rng = np.random.default_rng(0)
        people = np.repeat(np.arange(40), 5).astype(str)
        held = 0
        for seed in range(100):
            chance = np.repeat(rng.beta(2, 2, 40), 5)  # mean 0.5
            scores = np.where(rng.random(200) < chance, 0.9, 0.1)
            found = ev.bootstrap_people(
                np.ones(200), scores, people, people, "recall", seed, rounds=200
            )
            held += found.low <= 0.5 <= found.high
        assert held >= 88

    def test_one_person_has_no_interval(self) -> None:
        """A user's own genuine pairs say nothing about other people."""
        first = ["me"] * 8
        second = ["me"] * 4 + ["p1", "p2", "p3", "p4"]
        found = ev.evaluate_scores(LABELS, SCORES, 0.5, first, second)
        assert found.intervals["fnmr"] is None
        assert found.intervals["auc"] is None
        assert found.intervals["fmr"] is not None
        assert any("one person" in note for note in found.notes)

    def test_image_names_in_place_of_people(self) -> None:
        first = ["me_1", "me_2", "me_3", "me_4", "me_1", "me_2", "me_3", "me_4"]
        second = ["me_5", "me_6", "me_7", "me_8", "p1", "p2", "p3", "p4"]
        found = ev.bootstrap_people(LABELS, SCORES, first, second, "recall")
        assert found.low < 0.75 < found.high

    def test_wrong_arguments(self) -> None:
        labels, scores, first, second = many_pairs(20)
        with pytest.raises(InputError, match="19 and 20 people for 20 pairs"):
            ev.bootstrap_people(labels, scores, first[:19], second, "auc")
        with pytest.raises(InputError, match="statistic is one of accuracy"):
            ev.bootstrap_people(labels, scores, first, second, "gini")
        with pytest.raises(InputError, match="rounds"):
            ev.bootstrap_people(labels, scores, first, second, "auc", rounds=3)

    def test_large_sets_are_done_in_parts(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from siamlab.evaluation import intervals

        labels, scores, first, second = many_pairs(200)
        whole = ev.bootstrap_all(labels, scores, first, second, rounds=50)
        monkeypatch.setattr(intervals, "_CHUNK", 1400)
        parts = ev.bootstrap_all(labels, scores, first, second, rounds=50)
        for name, interval in whole.items():
            assert tuple(parts[name]) == pytest.approx(tuple(interval))


class TestCalibration:
    def test_rules_of_3_and_30(self) -> None:
        """For an FMR of 0.1 the rule of 3 asks for 30 impostor pairs, the rule of 30 for 300."""
        for impostors, enough, words in (
            (20, False, "too few"),
            (100, False, "only roughly"),
            (300, True, "are enough"),
        ):
            labels = np.array([1] * 50 + [0] * impostors)
            scores = np.concatenate([np.linspace(0.6, 1, 50), np.linspace(0, 0.7, impostors)])
            found = ev.calibrate_scores(labels, scores, ["a", "b", "a"], fmr=0.1)
            assert found.enough is enough
            assert words in found.note
            assert found.fmr <= 0.1
            assert (found.genuine, found.impostor, found.people) == (50, impostors, 2)
        few = ev.calibrate_scores([1] * 5 + [0] * 20, [0.9] * 5 + [0.1] * 20, ["a"], fmr=0.01)
        assert "may be 0.15" in few.note  # 3 / 20

    def test_thresholds_for_other_rates(self) -> None:
        labels, scores, first, _ = many_pairs(2000)
        found = ev.calibrate_scores(labels, scores, first)
        assert found.threshold == found.thresholds["0.01"]
        assert found.thresholds["0.1"] < found.thresholds["0.01"] < found.thresholds["0.001"]
        for rate, threshold in found.thresholds.items():
            assert ev.operating_point(labels, scores, threshold).fmr <= float(rate)

    def test_a_notebook_shows_a_table_of_operating_points(self) -> None:
        labels, scores, first, second = many_pairs(2000)
        found = ev.calibrate_scores(
            labels, scores, first, first_people=first, second_people=second, rounds=20
        )
        shown = found._repr_html_()
        assert shown.count("<tr>") == 2 + len(found.thresholds)  # a header, fewest errors
        assert f"{found.thresholds['0.01']:.3f} ({found.intervals['threshold_0.01']})" in shown
        assert found.summary in shown and found.summary == str(found).splitlines()[0]

    @pytest.mark.parametrize(("impostors", "known"), [(29_999, False), (30_000, True)])
    def test_a_rate_for_searches_where_enough_is_compared(
        self, impostors: int, known: bool
    ) -> None:
        """Rule of 3: an FMR of 0.0001 needs 30,000 independent impostor pairs."""
        labels = np.array([1] * 10 + [0] * impostors)
        scores = np.concatenate([np.ones(10), np.linspace(0, 0.7, impostors)])
        found = ev.calibrate_scores(labels, scores, ["a", "b"])
        assert ("0.0001" in found.thresholds, "0.0001" in found.fnmrs) == (known, known)
        if known:  # three of them are at or above it
            assert np.count_nonzero(scores[10:] >= found.thresholds["0.0001"]) == 3

    def test_without_a_rate_the_equal_error_point(self) -> None:
        labels, scores, first, _ = many_pairs()
        found = ev.calibrate_scores(labels, scores, first, fmr=None)
        assert (found.eer, found.threshold) == ev.equal_error(labels, scores)
        assert found.target_fmr is None
        assert found.enough is True  # about 57 of 500 errors of either kind
        assert not ev.calibrate_scores(LABELS, SCORES, ["a"], fmr=None).enough

    def test_json_and_back(self) -> None:
        labels, scores, first, _ = many_pairs()
        found = ev.calibrate_scores(labels, scores, first)
        again = ev.Calibration.from_dict(json.loads(json.dumps(found.to_dict())))
        assert again == found
        with pytest.raises(InputError, match="no calibration"):
            ev.Calibration.from_dict({"threshold": 0.5})
        with pytest.raises(InputError, match="color"):
            ev.Calibration.from_dict({**found.to_dict(), "color": "red"})
        assert "FMR of at most 0.01" in str(found)

    def test_intervals_of_thresholds_hold_them_and_survive_json(self) -> None:
        labels, scores, first, second = many_pairs(2000)
        found = ev.calibrate_scores(labels, scores, first, 0.01, first, second, rounds=100)
        for rate, threshold in found.thresholds.items():
            point = ev.operating_point(labels, scores, threshold)
            assert found.fnmrs[rate] == point.fnmr
            assert found.intervals[f"fnmr_{rate}"].low < point.fnmr
            assert found.intervals[f"fnmr_{rate}"].high > point.fnmr
            low, high = found.intervals[f"threshold_{rate}"]
            assert low <= threshold <= high
        assert found.intervals["threshold"] == found.intervals["threshold_0.01"]
        assert ev.Calibration.from_dict(json.loads(json.dumps(found.to_dict()))) == found
        assert "FMR 0.01   threshold" in str(found)
        alone = ev.calibrate_scores(labels, scores, first, None, first, second, rounds=50)
        assert (
            alone.intervals["threshold"].low <= alone.threshold <= alone.intervals["eer"].high + 1
        )

    def test_balanced_threshold_by_hand(self) -> None:
        """From 0.3 to 0.4 one of four impostor pairs matches and no genuine pair is lost; that is
        the fewest errors, and 0.35 is the middle."""
        assert ev.balanced_threshold(LABELS, SCORES) == pytest.approx(0.35)
        assert ev.calibrate_scores(LABELS, SCORES, ["a"]).balanced == pytest.approx(0.35)
        # Two intervals with one error each, (0.5, 0.9] and (0.2, 0.3]: the wider one.
        found = ev.balanced_threshold([1, 0, 1, 0], [0.9, 0.5, 0.3, 0.2])
        assert found == pytest.approx(0.7)

    @given(labeled_scores())
    def test_no_threshold_is_better_balanced(self, pairs: tuple[np.ndarray, np.ndarray]) -> None:
        labels, scores = pairs

        def errors(threshold: float) -> float:
            point = ev.operating_point(labels, scores, threshold)
            return point.fmr + point.fnmr

        best = errors(ev.balanced_threshold(labels, scores))
        grid = np.append(np.unique(scores), 1.1)
        assert best == pytest.approx(min(map(errors, grid)), abs=1e-9)

    def test_calibration_of_an_older_file_has_no_intervals(self) -> None:
        found = ev.calibrate_scores(LABELS, SCORES, ["a"], 0.25).to_dict()
        for name in ("fnmrs", "person_pairs", "intervals", "balanced"):
            del found[name]
        again = ev.Calibration.from_dict(found)
        assert (again.intervals, again.fnmrs, again.person_pairs) == ({}, {}, None)
        assert again.balanced is None
        assert len(str(again).splitlines()) == 2
        with pytest.raises(InputError, match="no calibration"):
            ev.Calibration.from_dict({**found, "intervals": {"fmr": 3}})

    def test_many_pairs_of_few_people_are_not_enough(self) -> None:
        """300 impostor pairs do for an FMR of 0.1, but they show 3 person pairs: at best 3 / 3."""
        first = np.array(["a", "a", "b"] * 100 + ["a", "b", "c"] * 10)
        second = np.array(["b", "c", "c"] * 100 + ["a", "b", "c"] * 10)
        labels = (first == second).astype(int)
        scores = np.where(labels == 1, 0.9, 0.1)
        assert ev.calibrate_scores(labels, scores, first, 0.1).enough
        found = ev.calibrate_scores(labels, scores, first, 0.1, first, second, rounds=20)
        assert (found.enough, found.person_pairs) == (False, 3)
        assert "3 person pairs" in found.note
        assert "rule of 3: 30 person pairs" in found.note

    def test_lower_limit_of_the_threshold(self) -> None:
        """At 0.25 one of four impostors may match: just above 0.3. A part asks for 0.65."""
        found = ev.calibrate_scores(LABELS, SCORES, ["a"], 0.25, at_least=0.65)
        assert (found.threshold, found.fnmr) == (0.65, 0.5)
        assert ev.calibrate_scores(LABELS, SCORES, ["a"], 0.25, at_least=0.1).threshold > 0.3

    @pytest.mark.parametrize("rate", [0.0, 0.1, 0.25, 0.5, 1.0])
    def test_a_weighted_threshold_is_that_of_repeated_pairs(self, rate: float) -> None:
        from siamlab.evaluation import threshold_statistic

        labels, scores, first, second = many_pairs(60, people=12, seed=3)
        scores = np.round(scores.astype(float), 1)  # ties
        weights = ev.person_weights(first, second, 20, np.random.default_rng(1))
        values = threshold_statistic(rate)(labels.astype(bool), scores, weights, 0.5)
        for value, row in zip(values, weights, strict=True):
            if row[labels == 0].sum() == 0:
                assert np.isnan(value)
            else:
                assert value == ev.threshold_at_fmr(*copies(row, labels, scores), rate)

    def test_saturated_scores_are_noted(self) -> None:
        found = ev.calibrate_scores([1, 0], [1.0, 1.0], ["a", "b"])
        assert found.threshold > 1
        assert "verifies nobody" in found.note

    def test_wrong_arguments(self) -> None:
        with pytest.raises(InputError, match="3 impostor pairs only"):
            ev.calibrate_scores([0, 0, 0], [0.1, 0.2, 0.3], ["a"])
        for fmr in (0.0, -0.1, 1.5, float("nan")):
            with pytest.raises(InputError, match="fmr"):
                ev.calibrate_scores(LABELS, SCORES, ["a"], fmr=fmr)


class TestGroups:
    def test_rates_and_person_pairs_by_hand(self) -> None:
        first, second = list("aaab"), list("bbcc")
        found = ev.group_rate("own", False, np.array([0.9, 0.6, 0.2, 0.4]), first, second, 0.5)
        assert (found.errors, found.pairs, found.people, found.person_pairs) == (2, 4, 3, 3)
        assert found.rate == 0.5
        assert found.rough
        assert json.loads(json.dumps(found.to_dict()))["rate"] == 0.5
        genuine = ev.group_rate("own", True, np.array([0.9, 0.4]), ["a", "b"], ["a", "b"], 0.5)
        assert (genuine.errors, genuine.person_pairs, genuine.units) == (1, 0, 2)

    def test_few_own_people_stay_few_among_many_strangers(self) -> None:
        """3 own people and 40 strangers: 120 person pairs, but 40 trials: 0 to 3 / 40; rough."""
        first = [own for own in "abc" for _ in range(40)]
        second = [f"s{i}" for i in range(40)] * 3
        strata = {**dict.fromkeys("abc", "own"), **dict.fromkeys(second, "strangers")}
        found = ev.group_rate("between", False, np.zeros(120), first, second, 0.5, strata=strata)
        assert (found.person_pairs, found.units, found.fewest) == (120, 40, 3)
        assert found.rough
        assert tuple(found.interval) == (0.0, 3 / 40)

    def test_interval_without_errors_follows_the_rule_of_3(self) -> None:
        """200 pairs of 2 person pairs without an error: 3 / 2 person pairs, not 3 / 200 pairs."""
        first, second = ["a"] * 100 + ["a"] * 100, ["b"] * 100 + ["c"] * 100
        found = ev.group_rate("own", False, np.zeros(200), first, second, 0.5)
        assert tuple(found.interval) == (0.0, 1.0)  # 3 / 2 person pairs
        many = ev.group_rate(
            "x", False, np.zeros(60), ["a"] * 60, [f"p{i}" for i in range(60)], 0.5
        )
        assert tuple(many.interval) == (0.0, 3 / 60)

    def test_one_person_is_resampled_by_images(self) -> None:
        images = ([f"i{n}" for n in range(8)], [f"i{n}" for n in range(8, 16)])
        scores = np.array([0.9] * 6 + [0.1] * 2)
        found = ev.group_rate("own", True, scores, ["me"] * 8, ["me"] * 8, 0.5, images)
        assert found.unit == "images"
        assert found.interval.low < 0.25 < found.interval.high
        alone = ev.group_rate("own", True, scores, ["me"] * 8, ["me"] * 8, 0.5)
        assert (alone.unit, alone.interval) == ("people", None)

    @pytest.mark.parametrize(("people", "word"), [(24, "nothing"), (26, "roughly"), (80, "shown")])
    def test_evidence_depends_on_person_pairs(self, people: int, word: str) -> None:
        """For 0.01 the rule of 3 needs 300 person pairs (25 people), the rule of 30 3,000."""
        sides = [(str(a), str(b)) for a in range(people) for b in range(a) for _ in range(2)]
        first, second = zip(*sides, strict=True)
        found = ev.group_rate("x", False, np.zeros(len(sides)), first, second, 0.5)
        assert found.evidence(0.01) == word

    def test_nothing_to_count(self) -> None:
        found = ev.group_rate("x", False, np.zeros(0), [], [], 0.5)
        assert (found.rate, found.interval, str(found)) == (None, None, "x: no pairs")
        with pytest.raises(InputError, match="all of one kind"):
            ev.group_rate("x", False, np.zeros(1), ["a"], ["a"], 0.5)

    def test_worst_confusion_by_hand(self) -> None:
        """b and a match in 1 of 2, a and c in 0 of 1 with the highest score below 0.5."""
        scores = np.array([0.6, 0.1, 0.45])
        worst = ev.worst_confusion(scores, ["b", "a", "a"], ["a", "b", "c"], 0.5)
        assert (worst.first, worst.second, worst.matches, worst.pairs) == ("a", "b", 1, 2)
        assert "a is taken for b in 1 of 2" in str(worst)
        kept = ev.worst_confusion(scores, ["b", "a", "a"], ["a", "b", "c"], 0.7)
        assert "are the most alike (score 0.600), and are kept apart" in str(kept)
        assert ev.worst_confusion(np.zeros(0), [], [], 0.5) is None


class TestEvaluation:
    def test_json_of_the_command_line(self) -> None:
        labels, scores, first, second = many_pairs()
        result = ev.evaluate_scores(labels, scores, 0.4, first, second)
        found = json.loads(result.to_json())
        for key in [
            "pairs",
            "genuine",
            "impostor",
            "threshold",
            "accuracy",
            "precision",
            "recall",
            "f1",
            "auc",
            "eer",
        ]:
            assert isinstance(found[key], int | float), key
        assert (found["pairs"], found["genuine"], found["impostor"]) == (1000, 500, 500)
        assert set(found["tar_at_far"]) == {"0.1", "0.01", "0.001"}
        for key in ["accuracy", "auc", "eer", "fmr", "fnmr", "precision", "recall"]:
            low, high = found["intervals"][key]
            assert 0 <= low <= found[key] <= high <= 1
        assert found["operating_points"]["half"]["threshold"] == 0.5
        point = found["operating_points"]["eer"]
        assert point["fmr"] == pytest.approx(point["fnmr"], abs=0.01)

    def test_tar_at_far_by_hand(self) -> None:
        """No impostor may match at 0.1 or below: above 0.7 there are 2 of 4 genuine pairs."""
        result = ev.evaluate_scores(LABELS, SCORES)
        assert result.tar_at_far == {"0.1": 0.5, "0.01": 0.5, "0.001": 0.5}
        assert any("rule of 3" in note for note in result.notes)

    def test_one_kind_only(self) -> None:
        result = ev.evaluate_scores([1, 1, 1], [0.9, 0.8, 0.3], 0.5, list("abc"), list("abc"))
        found = json.loads(result.to_json())
        assert found["recall"] == pytest.approx(2 / 3)
        for key in ("fmr", "auc", "eer"):
            assert found[key] is None
        assert found["intervals"]["auc"] is None
        assert found["intervals"]["recall"] is not None
        assert "no impostor pairs" in result.notes[0]
        impostors = ev.evaluate_scores([0, 0], [0.9, 0.1], 0.5, ["a", "b"], ["c", "d"])
        assert (impostors.fmr, impostors.recall, impostors.auc) == (0.5, None, None)

    def test_without_people(self) -> None:
        result = ev.evaluate_scores(LABELS, SCORES)
        assert result.people is None
        assert set(result.intervals.values()) == {None}
        assert any("Without the people" in note for note in result.notes)
        with pytest.raises(InputError, match="both sides"):
            ev.evaluate_scores(LABELS, SCORES, 0.5, first_people=["a"] * 8)

    def test_text_and_html(self) -> None:
        result = ev.evaluate_scores(LABELS, SCORES, 0.5, list("abcdabcd"), list("abcdbcda"))
        assert "precision         0.750" in str(result)
        assert "<th style='text-align:left'>precision</th>" in result._repr_html_()

    def test_table_of_models(self) -> None:
        result = ev.evaluate_scores(LABELS, SCORES)
        nobody = ev.evaluate_scores(LABELS, SCORES, 1.0)
        table = ev.comparison_table({"Koch": result, "<compact>": nobody})
        lines = str(table).splitlines()
        assert lines[0].split()[:3] == ["model", "pairs", "threshold"]
        assert lines[1].split() == [
            "Koch",
            "8",
            "0.500",
            "0.750",
            "0.750",
            "0.750",
            "0.250",
            "0.250",
            "0.250",
            "0.875",
        ]
        assert lines[2].split()[4] == "–"
        assert len({len(line) for line in lines}) == 1
        assert "&lt;compact&gt;" in table._repr_html_()
        assert table.to_markdown().splitlines()[1].startswith("| --- | ---: |")

    @settings(deadline=None, max_examples=30)
    @given(labeled_scores(), st.floats(0, 1))
    def test_always_json(self, pair: tuple, threshold: float) -> None:
        labels, scores = pair
        names = [f"p{number % 3}" for number in range(len(labels))]
        result = ev.evaluate_scores(labels, scores, threshold, names, names, rounds=20)
        assert json.loads(result.to_json())["pairs"] == len(labels)


class TestPredictions:
    def test_prediction_table(self) -> None:
        found = ev.prediction_table(LABELS, SCORES, 0.5, count=5)
        assert found.predicted.tolist() == [1, 1, 1, 0, 1]
        assert found.truth.tolist() == [1, 1, 1, 1, 0]
        assert found.correct.tolist() == [True, True, True, False, False]
        lines = str(found).splitlines()
        assert lines[1].split() == ["y_pred", "1", "1", "1", "0", "1"]
        assert lines[3].split() == ["x", "x"]
        assert "3 of 5 right at threshold 0.5" in lines[4]
        shown = found._repr_html_()
        assert shown.count("<tr>") == 4 and shown.count(">x</td>") == 2
        assert "<p>3 of 5 right at threshold 0.5" in shown
        assert len(ev.prediction_table(LABELS, SCORES, 0.5, count=None)) == 8

    def test_worst_mistakes(self) -> None:
        labels, scores = [0, 0, 1, 1, 0], [0.9, 0.6, 0.1, 0.4, 0.2]
        false_matches, false_non_matches = ev.worst_mistakes(labels, scores, 0.5)
        assert false_matches.tolist() == [0, 1]
        assert false_non_matches.tolist() == [2, 3]
        assert ev.worst_mistakes(labels, scores, 0.5, count=1)[0].tolist() == [0]
        assert [len(found) for found in ev.worst_mistakes([1], [0.9], 0.5)] == [0, 0]


@dataclass
class BrightnessModel:
    """A stand-in: embeds an image by its mean brightness, scores by closeness."""

    metadata: SimpleNamespace
    embedded: int = 0
    largest: int = 0

    def embed(self, images: np.ndarray) -> np.ndarray:
        assert images.dtype == np.float32
        assert 0 <= images.min() <= images.max() <= 1
        self.embedded += len(images)
        self.largest = max(self.largest, len(images))
        return images.mean(axis=(1, 2, 3), keepdims=False)[:, None]

    def score_pairs(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        return 1 - np.abs(first - second)[:, 0]


@pytest.fixture
def brightness_model(monkeypatch: pytest.MonkeyPatch) -> BrightnessModel:
    """The model, and a loader in place of files: ``Path("51")`` is an image of 51s.

    Black images show no face, those of 204s several, and those of 153s one that is too poor.
    """

    def face_batches(
        paths: list[Path], preprocessing: object, batch: int, judged: bool
    ) -> Iterator[Faces]:
        assert judged
        for start in range(0, len(paths), batch):
            levels = np.array([int(path.name) for path in paths[start : start + batch]])
            images = np.broadcast_to(levels[:, None, None, None], (len(levels), 4, 4, 3))
            found = levels > 0
            usable = found & (levels != 153)
            yield Faces(images.astype(np.uint8), found, usable, int((levels == 204).sum()))

    monkeypatch.setattr("siamlab.evaluation.scoring.face_batches", face_batches)
    return BrightnessModel(SimpleNamespace(preprocessing=None))


def level_pairs(
    levels: Sequence[tuple[int, int]], labels: Sequence[int], first: str, second: str
) -> PairSet:
    """Pairs of images of these levels; a letter for each person."""
    sides = (tuple(Path(str(level)) for level in side) for side in zip(*levels, strict=True))
    return PairSet(*sides, np.array(labels), tuple(first), tuple(second))


class TestScorePairs:
    def test_each_image_is_embedded_once(self, brightness_model: BrightnessModel) -> None:
        """Brightness 51 and 102 of 255 are 0.2 apart, 51 and 255 are 0.8 apart."""
        first = Path("51"), Path("51"), Path("102")
        second = Path("102"), Path("255"), Path("102")
        pairs = PairSet(first, second, np.array([1, 0, 1]), ("a", "a", "b"), ("b", "c", "b"))
        scores = ev.score_pairs(brightness_model, pairs, batch=2)
        assert scores.dtype == np.float32
        assert scores == pytest.approx([0.8, 0.2, 1.0])
        assert brightness_model.embedded == 3
        assert brightness_model.largest == 2

    def test_many_pairs_are_scored_some_at_a_time(
        self, brightness_model: BrightnessModel, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """An image without a face among them: the score of each pair stays in its place."""
        levels = ((51, 102), (0, 51), (51, 255), (102, 102), (51, 51))
        pairs = level_pairs(levels, (0,) * 5, "aaaaa", "bbbbb")
        whole = judge_pairs(brightness_model, pairs)
        assert whole.scores == pytest.approx([0.8, 0, 0.2, 1, 1])
        monkeypatch.setattr("siamlab.evaluation.scoring._AT_ONCE", 1)
        parts = judge_pairs(brightness_model, pairs)
        assert np.array_equal(parts.scores, whole.scores)
        assert np.array_equal(parts.judged, whole.judged)

    def test_a_pair_with_no_face_is_a_no_and_counted(
        self, brightness_model: BrightnessModel
    ) -> None:
        """Two genuine pairs score 1 and 0 (no face), an impostor pair 0.2 and another 0 (no face).
        At 0.5 all pairs: FNMR 1/2, FMR 0. The two judged pairs are right."""
        levels = ((51, 51), (102, 0), (51, 255), (204, 0))
        pairs = level_pairs(levels, (1, 1, 0, 0), "abad", "abce")
        found = evaluate_judgement(pairs, judge_pairs(brightness_model, pairs), rounds=20)
        assert (found.no_face, found.rejected, found.several) == (1, 2, 1)
        assert (found.fnmr, found.fmr, found.accuracy) == (0.5, 0.0, 0.75)
        assert set(found.judged) == {"pairs", "accuracy", "fmr", "fnmr", "auc", "eer", "tar_at_far"}
        assert (found.judged["pairs"], found.judged["accuracy"], found.judged["fnmr"]) == (2, 1, 0)
        assert "1 of 5 images shows no face: 2 pairs count as no." in str(found)
        values = json.loads(found.to_json())
        assert values["judged"]["tar_at_far"] == {"0.1": 1.0, "0.01": 1.0, "0.001": 1.0}
        assert (values["no_face"], values["rejected"], values["several"]) == (1, 2, 1)

    def test_a_poor_face_has_a_score_and_no_answer(self, brightness_model: BrightnessModel) -> None:
        """Genuine pairs score 1 and 1 (poor), impostor pairs 0.2 and 0.4: AUC 1, but one
        genuine pair is refused."""
        levels = ((51, 51), (153, 153), (51, 255), (102, 255))
        pairs = level_pairs(levels, (1, 1, 0, 0), "abad", "abcc")
        found = evaluate_judgement(pairs, judge_pairs(brightness_model, pairs), rounds=20)
        assert (found.no_face, found.unusable, found.rejected) == (0, 1, 1)
        assert (found.fnmr, found.accuracy) == (0.5, 0.75)
        assert (found.auc, found.eer, found.tar_at_far["0.1"]) == (1, 0, 1)
        assert found.intervals["auc"] == ev.Interval(1, 1)
        assert found.judged["fnmr"] == 0
        assert "1 of 4 images shows a face too poor to judge: 1 pair counts as no." in str(found)

    def test_nothing_judged(self, brightness_model: BrightnessModel) -> None:
        pairs = PairSet((Path("0"),), (Path("51"),), np.array([1]), ("a",), ("a",))
        found = evaluate_judgement(pairs, judge_pairs(brightness_model, pairs), rounds=20)
        assert found.judged["pairs"] == 0 and found.judged["accuracy"] is None
        assert found.recall == 0

    def test_no_pairs(self, brightness_model: BrightnessModel) -> None:
        empty = SimpleNamespace(first=(), second=(), labels=np.zeros(0))
        assert ev.score_pairs(brightness_model, empty).shape == (0,)
        with pytest.raises(InputError, match="batch"):
            ev.score_pairs(brightness_model, empty, batch=0)


def test_importing_loads_nothing_heavy() -> None:
    code = (
        "import sys, siamlab.evaluation, siamlab.evaluation.own_people; "
        "heavy = 'sklearn', 'scipy', 'keras', 'tensorflow', 'matplotlib'; "
        "print([module for module in heavy if module in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"

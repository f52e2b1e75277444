"""Fusion rules: values by hand, and properties that hold for all scores."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from siamlab.errors import InputError
from siamlab.verification.fusion import (
    FRAME_RULES,
    TEMPLATE_RULES,
    SlidingWindow,
    fuse_frames,
    fuse_templates,
    mean_template,
)

SCORES = np.array([[0.9, 0.2, 0.7], [0.5, 0.4, 0.6]])  # two frames, three templates
RULES = [rule for rule in TEMPLATE_RULES if rule != "mean_template"]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("max", [0.9, 0.6]),
        ("mean", [0.6, 0.5]),
        ("median", [0.7, 0.5]),
        ("vote", [2 / 3, 2 / 3]),
    ],
)
def test_templates_by_hand(rule: str, expected: list[float]) -> None:
    np.testing.assert_allclose(fuse_templates(SCORES, rule, 0.5), expected)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [("mean", [0.7, 0.3, 0.65]), ("max", [0.9, 0.4, 0.7]), ("vote", [1.0, 0.0, 1.0])],
)
def test_frames_by_hand(rule: str, expected: list[float]) -> None:
    np.testing.assert_allclose(fuse_frames(SCORES, rule, 0.5), expected)


def test_mean_of_unit_templates_has_length_one() -> None:
    """(1, 0) and (0, 1) have the mean (0.5, 0.5): scaled, both are sqrt(0.5)."""
    found = mean_template(np.eye(2))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, np.sqrt([0.5, 0.5]), atol=1e-6)
    np.testing.assert_array_equal(mean_template(np.array([[1.0, 0.0], [-1.0, 0.0]])), [0, 0])


def test_mean_of_other_templates_is_the_plain_mean() -> None:
    np.testing.assert_allclose(mean_template(np.array([[0.2, 0.4], [0.6, 0.8]])), [0.4, 0.6])
    many = np.random.default_rng(0).random((4, 5, 3))
    np.testing.assert_allclose(mean_template(many), many.mean(axis=1), atol=1e-6)


def test_unknown_rules_and_empty_scores_are_refused() -> None:
    with pytest.raises(InputError, match="rule is one of vote, max, mean, median"):
        fuse_templates(SCORES, "mean_template")
    with pytest.raises(InputError, match="rule is one of mean, median"):
        fuse_frames(SCORES, "last")
    with pytest.raises(InputError, match=r"shape \(2, 0\)"):
        fuse_templates(np.zeros((2, 0)), "max")
    with pytest.raises(InputError, match=r"shape \(3,\)"):
        fuse_frames(np.zeros(3))


scores = arrays(np.float64, (3, 4), elements=st.floats(0, 1))


@given(scores, st.sampled_from(RULES), st.sampled_from(FRAME_RULES), st.integers(0, 2**32 - 1))
def test_order_does_not_matter_and_scores_stay_scores(
    values: np.ndarray, rule: str, frames: str, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    fused = fuse_templates(fuse_frames(values, frames), rule)
    mixed = values[rng.permutation(3)][:, rng.permutation(4)]
    assert fuse_templates(fuse_frames(mixed, frames), rule) == pytest.approx(fused)
    assert 0 <= fused <= 1


@given(scores, scores, st.sampled_from(RULES), st.sampled_from(FRAME_RULES))
def test_higher_scores_never_lower_the_fused_score(
    one: np.ndarray, other: np.ndarray, rule: str, frames: str
) -> None:
    high = np.maximum(one, other)
    fused, above = (fuse_templates(fuse_frames(values, frames), rule) for values in (one, high))
    assert above >= fused - 1e-12


def test_a_sliding_window_holds_the_last_second() -> None:
    window: SlidingWindow[str] = SlidingWindow(1.0)
    assert window.add("a", 0.0) == ("a",)
    assert window.add("b", 0.6) == ("a", "b")
    assert window.add("c", 1.0) == ("a", "b", "c")
    assert window.add("d", 1.5) == ("b", "c", "d")
    window.clear()
    assert window.add("e", 1.6) == ("e",)
    with pytest.raises(InputError, match="0 or more"):
        SlidingWindow(-1.0)

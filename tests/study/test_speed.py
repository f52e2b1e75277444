"""Speed measurements: what is counted and how; no time is asserted."""

from __future__ import annotations

import json

import numpy as np
import pytest

from siamlab.faces.crop import Preprocessing
from siamlab.models.embedding import build_embedding
from siamlab.models.siamese import build_siamese
from siamlab.study.speed.benchmark import BenchmarkResults
from siamlab.study.speed.timing import (
    alternate,
    matmul,
    median_seconds,
    multiply_adds,
    step_work,
)
from siamlab.study.speed.training_speed import (
    InputCost,
    PairsRate,
    measure_input,
    measure_pairs,
)
from siamlab.study.speed.verification_speed import (
    measure_live,
    measure_one_core,
    measure_verification,
)


@pytest.fixture(scope="module")
def small():
    model = build_siamese(build_embedding("koch", (64, 64, 3), width=0.05))
    return model.with_metadata(preprocessing=Preprocessing(size=64, fraction=0.56))


def test_median_leaves_the_first_call_out():
    calls = []
    assert median_seconds(lambda: calls.append(1), 3) >= 0
    assert len(calls) == 4


def test_work_of_kochs_network_by_hand():
    """Places times kernel weights: 96*96*(10*10*3*64) + 42*42*(7*7*64*128) + ... + 9216*4096."""
    expected = 96**2 * 100 * 3 * 64 + 42**2 * 49 * 64 * 128 + 18**2 * 16 * 128 * 128
    expected += 6**2 * 16 * 128 * 256 + 9216 * 4096
    assert multiply_adds(build_embedding()) == expected


def test_both_ways_of_verification_agree(small):
    slow, fast, difference = measure_verification(small, stored=3)
    assert slow > 0 and fast > 0 and difference < 1e-5


def test_step_matmul_and_live_loop_are_measured(small):
    rate = measure_pairs(small.embedding, images=4, batch=2, rounds=1)
    assert (
        rate.report_step_seconds > 0 and rate.report_gflops > 0 and alternate([matmul(64)])[0] > 0
    )
    live = measure_live(small, frames=3, stored=2)
    assert live["fps"] > 0 and {"detect", "embed", "score"} <= set(live)


def test_calls_are_measured_in_turn():
    calls = []
    medians = alternate([lambda: calls.append("a"), lambda: calls.append("b")], 2)
    assert calls == ["a", "b"] * 3 and len(medians) == 2


def test_a_step_is_a_pass_forward_and_two_back(small):
    """Three passes, a multiplication and an addition each: 6 operations a multiply-add."""
    assert step_work(small.embedding, 5) == 30 * multiply_adds(small.embedding)


def test_pairs_are_counted_once(small):
    """Six images make 6 * 5 / 2 = 15 pairs; the report's two pairs take four images."""
    rate = measure_pairs(small.embedding, images=6, batch=2, rounds=1)
    assert rate.pairs == 15
    assert rate.pairs_per_second == pytest.approx(15 / rate.step_seconds, rel=0.02)
    assert rate.images_per_second == pytest.approx(6 / rate.step_seconds, rel=0.02)
    report = rate.report_step_seconds + rate.report_predict_seconds
    assert rate.report_pairs_per_second == pytest.approx(2 / report, rel=0.02)
    assert rate.report_images_per_second == pytest.approx(4 / report, rel=0.02)
    assert rate.share == pytest.approx(rate.gflops / rate.matmul_gflops, abs=0.06)
    assert rate.ratio == pytest.approx(rate.pairs_per_second / rate.report_pairs_per_second, 0.02)


def test_input_is_measured_on_files():
    embedding = build_embedding("compact", (32, 32, 3), width=0.125)
    cost = measure_input(embedding, people=2, steps=2, rounds=1)
    assert cost.images == 4 and cost.steps == 2
    assert cost.ratio == pytest.approx(cost.step_seconds / cost.cached_step_seconds, rel=0.02)
    assert cost.augment_seconds > 0


def test_one_core_runs_in_a_process_of_its_own():
    assert 0 < measure_one_core("compact", 32, stored=3) < 10_000


def test_results_print_and_go_to_json():
    rate = PairsRate(
        128, 8128, 0.6, 0.2, 2.0, 20.0, 4064.0, 203.2, 40.0, 64.0, 350.0, 360.0, 500.0, 0.7, 0.72
    )
    results = BenchmarkResults(
        "a machine", 50, 6.0, 0.03, 200.0, 1e-8, {"compact": 4.5}, 100.0, 2.2, 90.0, 0.9,
        {"koch": rate}, {"compact": InputCost(128, 20, 0.25, 0.255, 1.02, 0.01)},
        {"compact": {"fps": 30.0, "read": 1.0}},
    )  # fmt: skip
    text = str(results)
    assert "200 times faster" in text and "30.0 frames/s (read 1.0 ms)" in text
    assert "compact on one core: 4.5 ms" in text
    assert (
        "203 times as many, from 1.6 times the images" in text
        and "72% of the machine's speed" in text
    )
    assert "255 ms from files with augmentation, 250 ms from one batch in memory: +2.0%" in text
    kept = json.loads(results.to_json())
    assert kept["live"]["compact"]["fps"] == 30.0 and kept["pairs"]["koch"]["pairs"] == 8128
    assert kept["input"]["compact"]["ratio"] == 1.02 and np.isclose(results.step_share, 0.9)

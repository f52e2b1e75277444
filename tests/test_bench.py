"""The measurements measure what they say; no time is asserted."""

from __future__ import annotations

import json

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from siamlab.bench import (  # noqa: E402
    BenchResults,
    measure_live,
    measure_matmul,
    measure_step,
    measure_verification,
    median_seconds,
    multiply_adds,
)
from siamlab.faces import Preprocessing  # noqa: E402
from siamlab.models import build_embedding, build_siamese  # noqa: E402


@pytest.fixture(scope="module")
def small():
    model = build_siamese(build_embedding("koch", (64, 64, 3), width=0.05))
    return model.with_record(preprocessing=Preprocessing(size=64, fraction=0.56))


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
    seconds, gflops = measure_step(small, batch=2)
    assert seconds > 0 and gflops > 0 and measure_matmul(64) > 0
    live = measure_live(small, frames=3, stored=2)
    assert live["fps"] > 0 and {"detect", "embed", "score"} <= set(live)


def test_results_print_and_go_to_json():
    results = BenchResults("a machine", 50, 6.0, 0.03, 200.0, 1e-8, 100.0, 2.2, 90.0, 0.9, {
        "compact": {"fps": 30.0, "read": 1.0}
    })  # fmt: skip
    assert "200 times sooner" in str(results) and "30.0 frames/s (read 1.0 ms)" in str(results)
    assert json.loads(results.to_json())["live"]["compact"]["fps"] == 30.0
    assert np.isclose(results.step_share, 0.9)

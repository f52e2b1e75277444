"""The time of steps."""

from __future__ import annotations

import pytest

from siamlab.training.callbacks import StepTimes


@pytest.mark.parametrize(("steps", "seconds"), [(1, 50.0), (5, 5.0)])
def test_the_time_of_steps_leaves_out_what_comes_first_and_what_delays_few(
    monkeypatch, steps, seconds
):
    """From 10 s on, ends at 60, 61, 62, 72, 73: steps of 1, 1, 10 and 1 s, median 1."""
    clock = iter([10.0, 60.0, 61.0, 62.0, 72.0, 73.0])
    monkeypatch.setattr("siamlab.training.callbacks.time.perf_counter", lambda: next(clock))
    times = StepTimes()
    times.on_train_begin()
    for step in range(steps):
        times.on_train_batch_end(step)
    assert times.seconds == pytest.approx(seconds)

"""Measurements of this machine, each as a ratio within one run.

Comes in: nothing but drawn people. Goes out: :class:`BenchResults`, printed by
``siamlab bench`` and by ``benchmarks/run.py``. ``timing`` has the clocks, ``training`` and
``verifying`` what is measured, ``results`` all of it together.
"""

from siamlab.bench.results import BenchResults, measure_all
from siamlab.bench.timing import (
    alternate,
    fresh_model,
    measure_matmul,
    median_seconds,
    multiply_adds,
    step_work,
)
from siamlab.bench.training import (
    InputCost,
    PairsRate,
    measure_input,
    measure_pairs,
    measure_step,
)
from siamlab.bench.verifying import measure_live, measure_one_core, measure_verification

__all__ = [
    "BenchResults",
    "InputCost",
    "PairsRate",
    "alternate",
    "fresh_model",
    "measure_all",
    "measure_input",
    "measure_live",
    "measure_matmul",
    "measure_one_core",
    "measure_pairs",
    "measure_step",
    "measure_verification",
    "median_seconds",
    "multiply_adds",
    "step_work",
]

"""TensorFlow starts without notices, wherever it is started from."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WORK = {
    "a model": """
import numpy as np
import siamlab
model = siamlab.build_siamese(siamlab.build_embedding("compact", (32, 32, 3), 0.25))
model.predict([np.zeros((2, 32, 32, 3), np.float32)] * 2, verbose=0)
""",
    "the processors": """
from siamlab.system.environment import prepare_devices
prepare_devices()
""",
}


@pytest.mark.parametrize("work", WORK)
def test_nothing_is_printed_though_nobody_set_a_level(work):
    environment = {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"}
    done = subprocess.run(
        [sys.executable, "-c", WORK[work] + "import os; print(os.environ['TF_CPP_MIN_LOG_LEVEL'])"],
        capture_output=True, text=True, cwd=ROOT, env=environment, check=True,
    )  # fmt: skip
    assert done.stderr == "" and done.stdout == "3\n"


def test_a_level_that_was_set_stays():
    code = "import siamlab.system.backend, os; print(os.environ['TF_CPP_MIN_LOG_LEVEL'])"
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, env=environment,
        check=True,
    )  # fmt: skip
    assert done.stdout == "1\n"

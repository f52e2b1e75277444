"""The whole test run works in a temporary data folder and in the quick profile.

The notebooks' kernels inherit this environment, so nbval runs the series in one folder. With
pytest-xdist every worker has a folder of its own.
"""

from __future__ import annotations

import gc
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

WHOLE = ("notebooks", "browser")  # folders that one worker tests as a whole
# What is begun first: were it last, the other worker would wait for it.
LONGEST = (
    *WHOLE,
    "tests/cli/test_school_day.py",
    "tests/cli/test_train_together.py",
    "tests/models/test_jax.py",
    "tests/training/test_distributed.py",
)
# What tests compute is small, and the workers share the machine: threads of these libraries would
# wait for each other, here and in the processes that tests start.
ONE_THREAD = (
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "OPENCV_FOR_THREADS_NUM",
)
_FOLDER = pytest.StashKey[tempfile.TemporaryDirectory[str]]()


def pytest_configure(config: pytest.Config) -> None:
    """Choose the folder and the profile before any test is collected."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    for variable in ONE_THREAD:
        os.environ.setdefault(variable, "1")
    # Where Python is told not to store what it compiled, each process would compile siamlab anew.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    # TensorFlow's million objects stay, and a search through them for garbage takes 0.4 seconds.
    gc.set_threshold(700, 10, 100)
    for variable in ("SIAMLAB_LFW", "SIAMLAB_CAMERA", "SIAMLAB_PROBES", "SIAMLAB_PERSON"):
        os.environ.pop(variable, None)
    folder = tempfile.TemporaryDirectory(prefix="siamlab-tests-")
    config.stash[_FOLDER] = folder
    os.environ["SIAMLAB_DATA"] = folder.name
    os.environ["SIAMLAB_PROFILE"] = "quick"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give a worker whole files, and one of them all chapters: each reads what others wrote."""
    from xdist.scheduler import LoadScopeScheduling

    class WholeFiles(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = Path(nodeid.split("::")[0])
            if file.parent.name in WHOLE:
                return file.parent.name
            return str(file)

        def _assign_work_unit(self, node: Any) -> None:
            """The longest first."""
            for scope in reversed(LONGEST):
                if scope in self.workqueue:
                    self.workqueue.move_to_end(scope, last=False)
            super()._assign_work_unit(node)

    return WholeFiles(config, log)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the folder."""
    config.stash[_FOLDER].cleanup()

"""The whole test run works in a temporary data folder and in the quick profile.

The notebooks' kernels inherit this environment, so nbval runs the series in one folder.
"""

from __future__ import annotations

import os
import tempfile

import pytest

_FOLDER = pytest.StashKey[tempfile.TemporaryDirectory[str]]()


def pytest_configure(config: pytest.Config) -> None:
    """Choose the folder and the profile before any test is collected."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    for variable in ("SIAMLAB_LFW", "SIAMLAB_CAMERA", "SIAMLAB_PROBES", "SIAMLAB_PERSON"):
        os.environ.pop(variable, None)
    folder = tempfile.TemporaryDirectory(prefix="siamlab-tests-")
    config.stash[_FOLDER] = folder
    os.environ["SIAMLAB_DATA"] = folder.name
    os.environ["SIAMLAB_PROFILE"] = "quick"


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the folder."""
    config.stash[_FOLDER].cleanup()

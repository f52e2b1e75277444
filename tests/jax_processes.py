"""What processes that train together on JAX have in common: quick to start and to compile."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).parents[1]
# Most of the time is XLA's, and tiny networks gain nothing by its optimizations.
FLAGS = (
    "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true "
    "--xla_cpu_multi_thread_eigen=false"
)
# Keras imports TensorFlow to copy and to save a network, and is content without it.
WITHOUT_TENSORFLOW = """
import sys

class WithoutTensorFlow:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "tensorflow":
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, WithoutTensorFlow())
"""


def jax_environment(folder: Path) -> dict[str, str]:
    """The environment of such processes; what one has compiled the next one finds in ``folder``."""
    site = folder / "site"
    site.mkdir(exist_ok=True)
    (site / "sitecustomize.py").write_text(WITHOUT_TENSORFLOW)
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(site), str(ROOT)]),
        "KERAS_BACKEND": "jax",
        "JAX_PLATFORMS": "cpu",
        "XLA_FLAGS": FLAGS,
        "JAX_COMPILATION_CACHE_DIR": str(folder / "compiled"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }

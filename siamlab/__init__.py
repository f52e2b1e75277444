"""One-shot face verification with a Siamese network: a small library behind eight notebooks.

Everything public is loaded when first used, so that ``import siamlab`` is quick and does
not import TensorFlow.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_HOMES = {
    "L1Distance": "layers",
    "SquaredDistance": "layers",
    "build_embedding": "networks",
    "build_siamese": "models",
    "load_model": "models",
    "save_model": "models",
    "Gallery": "gallery",
    "Verifier": "verification",
    "open_camera": "cameras",
    "open_collection": "people",
    "open_finder": "faces",
    "open_workspace": "profiles",
    "get_profile": "profiles",
    "fetch_lfw": "lfw",
    "evaluate_scores": "evaluation",
    "calibrate": "evaluation",
    "SiamlabError": "errors",
}

__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'siamlab' has no attribute {name!r}")
    return getattr(import_module(f"siamlab.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)

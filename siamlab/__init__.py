"""One-shot face verification with a Siamese network: a small library behind eight notebooks.

Everything public is loaded when first used, so that ``import siamlab`` is quick and does
not import TensorFlow.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from siamlab.system.registration import register_with_keras

__version__ = "0.1.0"

_HOMES = {
    "L1Distance": "models.layers",
    "SquaredDistance": "models.layers",
    "build_embedding": "models.embedding",
    "build_siamese": "models.siamese",
    "load_model": "models.saving",
    "save_model": "models.saving",
    "Gallery": "gallery",
    "Verifier": "verification.verifier",
    "open_camera": "capture.cameras",
    "open_collection": "data.collections",
    "open_detector": "faces.detectors",
    "open_workspace": "config",
    "get_profile": "config",
    "fetch_lfw": "data.lfw_download",
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


register_with_keras()

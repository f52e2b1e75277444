"""One-shot face verification with a Siamese network: a small library behind the notebooks.

Every public name is loaded when it is first used, so that ``import siamlab`` is quick and does
not import TensorFlow.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from siamlab.system.registration import register_with_keras

if TYPE_CHECKING:  # what a type checker sees; _HOMES says the same to Python
    from siamlab.capture.cameras import open_camera as open_camera
    from siamlab.config import get_profile as get_profile
    from siamlab.config import open_workspace as open_workspace
    from siamlab.data.collections import open_collection as open_collection
    from siamlab.errors import SiamlabError as SiamlabError
    from siamlab.evaluation.evaluate import calibrate as calibrate
    from siamlab.evaluation.evaluate import evaluate as evaluate
    from siamlab.faces.detectors import open_detector as open_detector
    from siamlab.gallery import Gallery as Gallery
    from siamlab.models.embedding import build_embedding as build_embedding
    from siamlab.models.layers import L1Distance as L1Distance
    from siamlab.models.layers import SquaredDistance as SquaredDistance
    from siamlab.models.saving import load_model as load_model
    from siamlab.models.saving import save_model as save_model
    from siamlab.models.siamese import build_siamese as build_siamese
    from siamlab.training.recipes import train as train
    from siamlab.verification.compare import embed as embed
    from siamlab.verification.compare import verify as verify
    from siamlab.verification.verifier import Verifier as Verifier

__version__ = "0.4.0"

_HOMES = {
    "verify": "verification.compare",
    "embed": "verification.compare",
    "train": "training.recipes",
    "evaluate": "evaluation.evaluate",
    "calibrate": "evaluation.evaluate",
    "load_model": "models.saving",
    "save_model": "models.saving",
    "open_workspace": "config",
    "get_profile": "config",
    "open_camera": "capture.cameras",
    "open_collection": "data.collections",
    "open_detector": "faces.detectors",
    "Verifier": "verification.verifier",
    "Gallery": "gallery",
    "build_embedding": "models.embedding",
    "build_siamese": "models.siamese",
    "L1Distance": "models.layers",
    "SquaredDistance": "models.layers",
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

"""The names under which model files know siamlab's classes, given to Keras before it asks.

A ``.keras`` file names the classes it is made of, and Keras builds those that are registered.
Registering a class takes importing it, and with it Keras and TensorFlow, which ``import siamlab``
must not do. So Keras gets a stand-in for each class, which imports it when a file needs it: at
once where Keras is loaded already, else as soon as it is.
"""

from __future__ import annotations

import importlib.abc
import importlib.util
import sys
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from siamlab.errors import ModelError

PACKAGE = "siamlab"
# Class to its module.
CLASSES = {
    "Siamese": "models.siamese",
    "L1Distance": "models.layers",
    "SquaredDistance": "models.layers",
    "Mirror": "models.layers",
    "PadTo": "models.resnet",
    "PersonCosines": "models.training_heads",
    "PairLogits": "models.training_heads",
    "PairCrossEntropy": "models.losses",
    "Contrastive": "models.losses",
    "SemiHardTriplet": "models.losses",
    "SupervisedContrastive": "models.losses",
    "LargeMarginCosine": "models.losses",
    "AdditiveAngularMargin": "models.losses",
    "WeightedSum": "models.losses",
    "DistillationLoss": "training.distillation",
    "WarmupCosine": "training.schedules",
}

# Layers of former compact networks, which are no more.
RETIRED = (
    "CentralView",
    "CentredUnit",
    "CohortNormalisation",
    "CohortNormalization",
    "OrientedGradients",
)


class OnDemand:
    """Stands for a class in Keras' registry until a model file needs it.

    Args:
        name: of the class.
        module: where it is, below ``siamlab``.
    """

    def __init__(self, name: str, module: str) -> None:
        self.name, self.module = name, module

    def from_config(self, config: dict[str, Any]) -> Any:
        """What the class itself makes of its configuration."""
        return getattr(import_module(f"{PACKAGE}.{self.module}"), self.name).from_config(config)


class Retired:
    """Stands for a layer that siamlab has no longer: a file that needs it says what to do.

    Args:
        name: of the layer.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def from_config(self, config: dict[str, Any]) -> Any:
        """Refuse in one line.

        Raises:
            ModelError: always.
        """
        raise ModelError(
            f"This file is of an earlier siamlab, whose layer {self.name} is no more. Train the "
            "model again (siamlab train --arch compact) and enroll with it; if it was pretrained "
            "with a threshold of your own, run siamlab calibrate pretrained."
        )


class _AfterKeras(importlib.abc.MetaPathFinder):
    """Registers the stand-ins when somebody imports Keras."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Keras' own specification, with one step more at the end of its import."""
        if name != "keras":
            return None
        # Off the list only for this search: TensorFlow looks for Keras before it imports it.
        sys.meta_path.remove(self)
        try:
            spec = importlib.util.find_spec(name)
        finally:
            sys.meta_path.insert(0, self)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def execute_and_register(module: ModuleType) -> None:
                if self in sys.meta_path:
                    sys.meta_path.remove(self)
                execute(module)
                _register(module)

            spec.loader.exec_module = execute_and_register  # type: ignore[method-assign]
        return spec


def _register(keras: Any) -> None:
    registry = keras.saving.get_custom_objects()
    for name, module in CLASSES.items():
        registry.setdefault(f"{PACKAGE}>{name}", OnDemand(name, module))
    for name in RETIRED:
        registry.setdefault(f"{PACKAGE}>{name}", Retired(name))


def register_with_keras() -> None:
    """Let ``keras.saving.load_model`` read siamlab's files, whichever is imported first."""
    keras = sys.modules.get("keras")
    if keras is None:
        sys.meta_path.insert(0, _AfterKeras())
    elif hasattr(keras, "saving"):
        _register(keras)

"""What a model file says about the model, so that verification needs nothing but the file."""

from __future__ import annotations

import platform
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from siamlab import __version__
from siamlab.data.collections import person_digest
from siamlab.errors import InputError
from siamlab.faces.crop import Preprocessing

DEFAULT_THRESHOLD = 0.5  # of a model that was never calibrated


def digests(people: Iterable[str]) -> tuple[str, ...]:
    """Digests of people's names, sorted, for :class:`ModelMetadata`."""
    return tuple(sorted(person_digest(name) for name in people))


def library_versions() -> dict[str, str]:
    """Versions of the libraries that train a model, for its metadata."""
    # Imported here: metadata is also read without Keras, from an exported model.
    from siamlab.system.backend import keras

    return {
        "siamlab": __version__,
        "keras": keras.__version__,
        "backend": keras.backend.backend(),
        "python": platform.python_version(),
    }


@dataclass(frozen=True)
class ModelMetadata:
    """What a model file says about the model.

    Attributes:
        arch: ``koch``, ``compact`` or ``custom``.
        preprocessing: crop, size and detector, shared by training and verification.
        calibration: thresholds and their origin (``Calibration.to_dict``), or ``None``.
        people: digests of the people it was trained on.
        versions: library versions at training.
        notes: a sentence on how it was trained.
    """

    arch: str = "custom"
    preprocessing: Preprocessing = field(default_factory=Preprocessing)
    calibration: dict[str, Any] | None = None
    people: tuple[str, ...] = ()
    versions: dict[str, str] = field(default_factory=library_versions)
    notes: str = ""

    @property
    def threshold(self) -> float | None:
        """The calibrated threshold, or ``None`` when the model was never calibrated."""
        return None if self.calibration is None else float(self.calibration["threshold"])

    def choose_threshold(self, given: float | None = None) -> tuple[float, str]:
        """The threshold of a comparison, and the name of the operating point it belongs to.

        Args:
            given: a threshold in [0, 1] that was asked for; ``None`` takes the calibrated one.

        Returns:
            The threshold, and ``given``, ``default`` (0.5: never calibrated), ``balanced`` (equal
            errors) or for example ``fmr_0.01``.

        Raises:
            InputError: it is outside [0, 1].
        """
        if given is not None:
            if not 0 <= given <= 1:
                raise InputError(f"A threshold is in [0, 1]. Received: {given}.")
            return float(given), "given"
        if self.threshold is None or self.calibration is None:
            return DEFAULT_THRESHOLD, "default"
        target = self.calibration.get("target_fmr")
        return self.threshold, "balanced" if target is None else f"fmr_{target:g}"

    def trained_on(self, person: str) -> bool:
        """Whether this person's images were used in training."""
        return person_digest(person) in self.people

    def to_dict(self) -> dict[str, Any]:
        """Plain values for the model file."""
        return {
            **vars(self),
            "preprocessing": self.preprocessing.to_dict(),
            "people": list(self.people),
            "versions": dict(self.versions),
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> ModelMetadata:
        """The inverse of :meth:`to_dict`."""
        rest = {**values, "people": tuple(values["people"])}
        rest["preprocessing"] = Preprocessing.from_dict(values["preprocessing"])
        return cls(**rest)

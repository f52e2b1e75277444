"""What a model file says about the model, so that verification needs nothing but the file.

Who a model was trained on matters for honest measurements, and is nobody else's business. A model
that you train keeps a mark of each person's name under the key of your workspace
(:mod:`siamlab.system.local_key`): there alone :meth:`ModelMetadata.known_people` can tell, and a
list of names opens nothing elsewhere. The models in the package keep plain digests
(:func:`digests`) of the names of a public collection, which a public rule chose: everybody may ask.
"""

from __future__ import annotations

import math
import os
import platform
from collections.abc import Iterable
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

from siamlab import __version__
from siamlab.config import open_workspace
from siamlab.data.collections import person_digest
from siamlab.errors import InputError, StorageError
from siamlab.faces.crop import Preprocessing
from siamlab.system.local_key import find_local_key, key_name, local_key, mark
from siamlab.system.names import composed

DEFAULT_THRESHOLD = 0.5  # of a model that was never calibrated
NOT_CALIBRATED = (
    "this model was never calibrated: how many strangers match at this threshold is not known "
    "(siamlab calibrate)"
)
# Names of operating points: the fewest errors; a false match rate of 1 in 100 and in 1,000.
POINTS = ("balanced", "fmr_0.01", "fmr_0.001")
VERIFICATION = "verification"  # the rate the user calibrated for, else fmr_0.001
DOMAINS = ("photographs", "drawings")


_MARK_LENGTH = 24  # of 64 digits: two names of a billion share one with a chance of 1e-11


def digests(people: Iterable[str]) -> tuple[str, ...]:
    """Digests of the names of a public collection, sorted: who has a list of names can ask them."""
    return tuple(sorted(person_digest(name) for name in people))


def people_marks(people: Iterable[str], key: bytes | None = None) -> tuple[str, ...]:
    """Marks of people's names for :class:`ModelMetadata`, sorted, that only this key opens.

    Args:
        people: names, as the folders of the collection are called.
        key: 32 bytes; ``None`` takes the workspace's, and where none can be kept (a read-only
            folder) one that is forgotten: then nobody can ask.
    """
    if key is None:
        try:
            key = local_key(open_workspace().root)
        except StorageError:  # a long training must not be lost for it
            key = os.urandom(32)
    owner = key_name(key)
    return tuple(sorted(f"{owner}-{_name_mark(name, key)}" for name in people))


def _name_mark(name: str, key: bytes) -> str:
    encoded = composed(name).encode("utf-8", "surrogateescape")
    return mark(b"trained on " + encoded, key)[:_MARK_LENGTH]


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


def log_odds(score: float) -> float:
    """The logarithm of ``score / (1 - score)``; 0 and 1 count as a ten-millionth less extreme."""
    inside = min(max(score, 1e-7), 1 - 1e-7)
    return math.log(inside / (1 - inside))


def check_domain(domain: str) -> str:
    """Return a domain when it is one of ``DOMAINS``.

    Raises:
        InputError: it is not.
    """
    if domain not in DOMAINS:
        raise InputError(f"A domain is {' or '.join(DOMAINS)}. Received: {domain!r}.")
    return domain


@dataclass(frozen=True)
class ModelMetadata:
    """What a model file says about the model.

    Attributes:
        arch: ``koch``, ``compact``, ``resnet`` or ``custom``.
        preprocessing: crop, size and detector, shared by training and verification.
        calibration: thresholds and their origin (``Calibration.to_dict``), or ``None``.
        people: marks of the people it was trained on (:func:`people_marks`), and :func:`digests` of
            those of a public collection.
        versions: library versions at training.
        notes: a sentence on how it was trained.
        domain: what its thresholds were chosen on, ``photographs`` or ``drawings``.

    Raises:
        InputError: another domain.
    """

    arch: str = "custom"
    preprocessing: Preprocessing = field(default_factory=Preprocessing)
    calibration: dict[str, Any] | None = None
    people: tuple[str, ...] = ()
    versions: dict[str, str] = field(default_factory=library_versions)
    notes: str = ""
    domain: str = "photographs"

    def __post_init__(self) -> None:
        check_domain(self.domain)

    @property
    def threshold(self) -> float | None:
        """The calibrated threshold, or ``None`` when the model was never calibrated."""
        return None if self.calibration is None else float(self.calibration["threshold"])

    def choose_threshold(
        self, given: float | None = None, point: str | None = None
    ) -> tuple[float, str]:
        """The threshold of a comparison, and the name of the operating point it belongs to.

        Args:
            given: a threshold in [0, 1] that was asked for; it goes before everything else.
            point: ``balanced``, ``fmr_0.01``, ``fmr_0.001``, or ``verification``: the false match
                rate that the model was calibrated for, else ``fmr_0.001``. ``None`` takes the
                model's own threshold.

        Returns:
            The threshold, and ``given``, ``default`` (0.5: never calibrated), one of the points,
            or the name of the model's own threshold where its file has no such point:
            ``equal_error`` or for example ``fmr_0.05``.

        Raises:
            InputError: ``given`` is outside [0, 1], or there is no such point.

        Example:
            >>> from siamlab.models.metadata import ModelMetadata
            >>> found = {"threshold": 0.5, "target_fmr": None, "thresholds": {"0.001": 0.9}}
            >>> ModelMetadata(calibration=found).choose_threshold(point="fmr_0.001")
            (0.9, 'fmr_0.001')
            >>> ModelMetadata(calibration=found).choose_threshold(given=0.7)
            (0.7, 'given')
        """
        if point not in (None, VERIFICATION, *POINTS):
            raise InputError(
                f"An operating point is one of {', '.join((*POINTS, VERIFICATION))}. "
                f"Received: {point!r}."
            )
        if given is not None:
            if not 0 <= given <= 1:
                raise InputError(f"A threshold is in [0, 1]. Received: {given}.")
            return float(given), "given"
        if self.calibration is None or self.threshold is None:
            return DEFAULT_THRESHOLD, "default"
        target = self.calibration.get("target_fmr")
        own = "equal_error" if target is None else f"fmr_{target:g}"
        if point == VERIFICATION:
            point = "fmr_0.001" if target is None else None
        named = None if point is None else self._named_threshold(point)
        return (self.threshold, own) if point is None or named is None else (named, point)

    def _named_threshold(self, point: str) -> float | None:
        found = self.calibration or {}
        if point == "balanced":
            value = found.get("balanced")
        else:
            value = found.get("thresholds", {}).get(point.removeprefix("fmr_"))
        return None if value is None else float(value)

    @property
    def least_fmr(self) -> float | None:
        """The least false match rate that the calibration's people can show (rule of 3).

        ``None`` where the file does not say how many were compared.
        """
        found = self.calibration or {}
        independent = found.get("person_pairs") or found.get("impostor")
        return 3 / independent if independent else None

    def threshold_at(self, fmr: float) -> tuple[float, bool] | None:
        """The threshold of any false match rate, from the rates that the model was calibrated for.

        Between two of them, and beyond the last, the log-odds of the threshold is taken as linear
        in the logarithm of the rate: scores of impostors thin out faster than that, if at all
        otherwise.

        Args:
            fmr: false match rate of single comparisons, in (0, 1).

        Returns:
            The threshold, and whether the calibration's pairs carry the rate; ``None`` for a
            model without two such rates.

        Example:
            >>> from siamlab.models.metadata import ModelMetadata
            >>> found = {"threshold": 0.5, "thresholds": {"0.1": 0.5, "0.01": 10 / 11}}
            >>> threshold, carried = ModelMetadata(calibration=found).threshold_at(0.001)
            >>> round(threshold, 4), carried  # odds 1, 10, 100
            (0.9901, False)
        """
        named = (self.calibration or {}).get("thresholds", {})
        rates = sorted((float(rate), float(value)) for rate, value in named.items())
        if len(rates) < 2:
            return None
        lower = next((i for i in range(len(rates) - 1) if fmr < rates[i + 1][0]), len(rates) - 2)
        (small, strict), (large, loose) = rates[lower : lower + 2]
        share = math.log(large / fmr) / math.log(large / small)
        odds = log_odds(loose) + share * (log_odds(strict) - log_odds(loose))
        carried = fmr >= max(rates[0][0], self.least_fmr or 0.0) * (1 - 1e-9)
        return 1 / (1 + math.exp(-odds)), carried

    def known_people(self, names: Iterable[str], key: bytes | None = None) -> tuple[str, ...]:
        """Those of these names whose images were used in training, in their order.

        Args:
            names: of any people.
            key: the key of the workspace that trained the model; ``None`` takes the present
                workspace's. People marked with another key cannot be told: see
                :attr:`hidden_people`.
        """
        key = _workspace_key() if key is None else key
        known, owner = set(self.people), "" if key is None else key_name(key)
        return tuple(
            name
            for name in names
            if person_digest(name) in known
            or (key is not None and f"{owner}-{_name_mark(name, key)}" in known)
        )

    def trained_on(self, person: str) -> bool:
        """Whether this person's images were used in training; see :meth:`known_people`."""
        return bool(self.known_people((person,)))

    @property
    def hidden_people(self) -> int:
        """How many people it was trained on whom only another workspace can name."""
        key = _workspace_key()
        own = "" if key is None else f"{key_name(key)}-"
        return sum("-" in one and not (own and one.startswith(own)) for one in self.people)

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
        """The inverse of :meth:`to_dict`.

        Raises:
            InputError: a value is missing, unknown or of another kind.
        """
        try:
            _check_calibration(values.get("calibration"))
            rest = {**values, "people": tuple(map(str, values["people"]))}
            rest["preprocessing"] = Preprocessing.from_dict(values["preprocessing"])
            return cls(**rest)
        except (KeyError, TypeError, AttributeError) as error:
            raise InputError(f"The metadata of the model is damaged: {error}.") from None


def _check_calibration(found: dict[str, Any] | None) -> None:
    """Raise an InputError unless the thresholds of a file are numbers."""
    if found is None:
        return
    optional = (
        found.get("balanced"),
        found.get("target_fmr"),
        *found.get("thresholds", {}).values(),
    )
    for value in (found["threshold"], *(one for one in optional if one is not None)):
        if not isinstance(value, Real) or not math.isfinite(value):
            raise InputError(
                f"A threshold of the model is no number: {value!r}. Calibrate it again."
            )


def _workspace_key() -> bytes | None:
    try:
        return find_local_key(open_workspace().root)
    except StorageError:  # then nothing can be told, as without it
        return None

"""Two assessments side by side: what changed, and whether it may be chance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from siamlab.assessment.bars import OPEN
from siamlab.assessment.measured import Measured, Values
from siamlab.errors import InputError

OVERLAP, APART, UNKNOWN, NEW, GONE = (
    "intervals overlap",
    "intervals apart",
    "no intervals",
    "not measured before",
    "not measured now",
)
DETAILS = (".accuracy", ".fmr", ".no_face")  # of a whole condition


@dataclass(frozen=True)
class Change:
    """One value then and now.

    Attributes:
        name: of the value.
        before: in the last assessment.
        now: in this one.
    """

    name: str
    before: Measured
    now: Measured

    @property
    def difference(self) -> float | None:
        """Now less before; ``None`` where one of them was not measured."""
        if self.before.value is None or self.now.value is None:
            return None
        return self.now.value - self.before.value

    @property
    def headline(self) -> bool:
        """Whether it is no single level of a condition, and of a whole condition the FNMR."""
        return self.name.startswith(OPEN) or not ("@" in self.name or self.name.endswith(DETAILS))

    @property
    def word(self) -> str:
        """Whether the intervals overlap, in words."""
        if self.difference is None:
            return NEW if self.before.value is None else GONE
        one, other = self.before.interval, self.now.interval
        if one is None or other is None:
            return UNKNOWN
        return OVERLAP if one.low <= other.high and other.low <= one.high else APART

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "name": self.name,
            "before": self.before.to_dict(),
            "now": self.now.to_dict(),
            "difference": self.difference,
            "word": self.word,
        }

    def __str__(self) -> str:
        moved = "" if self.difference is None else f", {self.difference:+.3f}"
        return f"{self.name}: {self.before}, now {self.now}{moved}, {self.word}"


@dataclass(frozen=True)
class Comparison:
    """This assessment against an earlier one.

    Attributes:
        date: of the earlier one.
        changes: the values that either has, in this one's order.
        notes: what else differs, in sentences.
    """

    date: str
    changes: tuple[Change, ...]
    notes: tuple[str, ...]

    @property
    def apart(self) -> tuple[Change, ...]:
        """The changes whose intervals do not overlap."""
        return tuple(one for one in self.changes if one.word == APART)

    def summary(self) -> str:
        """How many values changed beyond their intervals, in a sentence."""
        return (
            f"The intervals of {len(self.apart)} of {len(self.changes)} values do not overlap; "
            "where nothing changed, about 1 in 200 would not."
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        changes = [one.to_dict() for one in self.changes]
        return {"date": self.date, "notes": list(self.notes), "changes": changes}


def compare_assessments(last: Mapping[str, Any], now: Mapping[str, Any]) -> Comparison:
    """Compare two assessments.

    Args:
        last: the earlier one, as :func:`siamlab.assessment.dated_report.read_assessment` gives it.
        now: this one, as :meth:`Assessment.to_dict` gives it.

    Returns:
        Every value then and now; other models, pairs or thresholds are named in the notes.

    Raises:
        InputError: the comparison would mean nothing: photographs against drawings, or a model
            that looks for faces against one that takes cut images.
    """
    check_comparable(last, now["data"]["domain"], now["model"]["alignment"])
    before, after = _values(last), _values(now)
    empty = Measured(None)
    names = [*after, *(name for name in before if name not in after)]
    changes = (Change(name, before.get(name, empty), after.get(name, empty)) for name in names)
    kept = tuple(one for one in changes if (one.before.value, one.now.value) != (None, None))
    return Comparison(str(last["date"]), kept, _notes(last, now))


def check_comparable(last: Mapping[str, Any], domain: str, alignment: str) -> None:
    """Raise an InputError unless an earlier assessment measured the same kind of thing.

    Args:
        last: the earlier one.
        domain: of the images now, ``photographs`` or ``drawings``.
        alignment: of the model now; ``none`` takes images that are cut already.
    """
    before, told = last["data"].get("domain"), f"The assessment of {last['date']} measured"
    if before != domain:
        raise InputError(
            f"{told} {before}, this one measures {domain}: rates on one say nothing about the "
            "other. Leave out --against, or give the same kind of images."
        )
    before = last["model"].get("alignment")
    if (before == "none") != (alignment == "none"):
        raise InputError(
            f"{told} a model with alignment {before}, this one has {alignment}: one of them looks "
            "for faces and the other does not, so their rates mean different things."
        )


def _values(found: Mapping[str, Any]) -> Values:
    return {name: Measured.from_dict(one) for name, one in found["values"].items()}


def _notes(last: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[str, ...]:
    found = []
    one, other = last["model"], now["model"]
    if one.get("id") != other.get("id"):
        found.append(
            f"Two different models are compared: {one.get('name')} ({one.get('arch')}) then, "
            f"{other.get('name')} ({other.get('arch')}) now."
        )
    if last["data"].get("digest") != now["data"].get("digest"):
        found.append("Other pairs were measured then: part of each difference is theirs.")
    else:
        found.append(
            "The same pairs were measured: a difference can be real although intervals overlap."
        )
    if last.get("threshold") != now.get("threshold"):
        found.append(
            f"The threshold was {last.get('threshold'):.4f} ({last.get('operating_point')}), now "
            f"it is {now.get('threshold'):.4f} ({now.get('operating_point')}): FMR and FNMR trade "
            "places when it moves."
        )
    if last["data"].get("detector") != now["data"].get("detector"):
        found.append(
            f"Faces were found by {last['data'].get('detector')} then, by "
            f"{now['data'].get('detector')} now."
        )
    return tuple(found)

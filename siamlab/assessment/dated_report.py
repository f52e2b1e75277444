"""One assessment, with its date: what was measured, on whom, with which model; written and read.

The JSON file holds everything; the page beside it (:mod:`siamlab.assessment.page`) shows it. Both
may name people, so nobody but their owner can read them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from siamlab.assessment.bars import Bar
from siamlab.assessment.comparison import Comparison
from siamlab.assessment.drift import Drift
from siamlab.assessment.measured import Measured, Values
from siamlab.assessment.perturbations import Perturbation
from siamlab.errors import InputError
from siamlab.system.files import read_text, write_text

FORMAT = 1
KIND = "siamlab assessment"


@dataclass(frozen=True)
class Assessment:
    """Everything that one assessment found.

    Attributes:
        date: ISO 8601, with the offset from UTC.
        model: ``name``, ``arch``, ``id``, ``alignment``, ``domain``.
        data: ``domain``, ``pairs``, ``genuine``, ``impostor``, ``people``, ``images``,
            ``digest`` of the pairs, ``side`` that was changed, ``detector``, ``seed``.
        threshold: a pair matches when its score is at least this.
        operating_point: the threshold's name.
        values: every number, by its name.
        conditions: the perturbations, which explain the names.
        groups: name of a group to its number of people.
        attacks: whether attacks were tried.
        drift: of enrolled people; ``None`` where no records were given.
        notes: what a reader must know, in sentences.
        version: of siamlab.
        machine: processor and cores.
        seconds: how long it took.
    """

    date: str
    model: dict[str, Any]
    data: dict[str, Any]
    threshold: float
    operating_point: str
    values: Values
    conditions: tuple[Perturbation, ...] = ()
    groups: dict[str, int] = field(default_factory=dict)
    attacks: dict[str, str] = field(default_factory=dict)
    drift: Drift | None = None
    notes: tuple[str, ...] = ()
    version: str = ""
    machine: str = ""
    seconds: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        conditions = [
            {"name": one.name, "title": one.title, "unit": one.unit, "levels": list(one.levels)}
            for one in self.conditions
        ]
        return {
            "kind": KIND,
            "format": FORMAT,
            "date": self.date,
            "siamlab": self.version,
            "machine": self.machine,
            "seconds": round(self.seconds, 1),
            "model": self.model,
            "data": self.data,
            "threshold": self.threshold,
            "operating_point": self.operating_point,
            "conditions": conditions,
            "groups": self.groups,
            "attacks": self.attacks,
            "drift": None if self.drift is None else self.drift.to_dict(),
            "notes": list(self.notes),
            "values": {name: one.to_dict() for name, one in self.values.items()},
        }


def read_assessment(path: Path | str) -> dict[str, Any]:
    """Read the JSON file of an assessment.

    Returns:
        As :meth:`Assessment.to_dict` made it.

    Raises:
        InputError: it cannot be read, is no assessment, is of another format, or is damaged.
    """
    try:
        found = json.loads(read_text(path))
    except ValueError as error:
        raise InputError(f"{path} is not JSON: {error}.") from None
    if not isinstance(found, dict) or found.get("kind") != KIND:
        raise InputError(f"{path} is no assessment; expected a file that siamlab assess wrote.")
    if found.get("format") != FORMAT:
        raise InputError(
            f"{path} is an assessment of format {found.get('format')}; this siamlab reads format "
            f"{FORMAT}. Assess that model again."
        )
    parts = ("model", "data", "values")
    if not all(isinstance(found.get(part), dict) for part in parts) or "date" not in found:
        raise InputError(f"{path} is damaged: an assessment has a date, {', '.join(parts)}.")
    for one in found["values"].values():
        Measured.from_dict(one)
    return found


def free_name(folder: Path, date: str) -> str:
    """A file name without a suffix that no assessment in the folder has: the day, then a number.

    Example:
        >>> from pathlib import Path
        >>> from siamlab.assessment.dated_report import free_name
        >>> free_name(Path("assessments"), "2026-11-27T09:30:00+00:00")
        '2026-11-27'
    """
    day = date[:10]
    names = (day if number == 1 else f"{day}_{number}" for number in range(1, 10_000))
    return next(
        name
        for name in names
        if not any((folder / f"{name}{suffix}").exists() for suffix in (".json", ".html"))
    )


def write_assessment(
    assessment: Assessment,
    folder: Path | str,
    bars: Sequence[Bar] = (),
    comparison: Comparison | None = None,
) -> tuple[Path, Path]:
    """Write an assessment as JSON and as a page; an earlier one of the same day is kept.

    Args:
        assessment: what was found.
        folder: made if missing.
        bars: what it had to reach.
        comparison: with an earlier one.

    Returns:
        The JSON file and the page.

    Raises:
        StorageError: the files cannot be written.
    """
    from siamlab.assessment.assessment_page import render_page  # it draws: matplotlib is loaded

    folder = Path(folder)
    name = free_name(folder, assessment.date)
    values = assessment.values
    found: Mapping[str, Any] = {
        **assessment.to_dict(),
        "bars": [bar.to_dict(values) for bar in bars],
        "against": None if comparison is None else comparison.to_dict(),
    }
    text = json.dumps(found, indent=1, allow_nan=False) + "\n"
    page = render_page(assessment, bars, comparison)
    return (
        write_text(folder / f"{name}.json", text, private=True),
        write_text(folder / f"{name}.html", page, private=True),
    )

"""Bars: what an assessment must reach, in a small TOML file.

    [bars]
    accuracy = {min = 0.97}
    "dark.fnmr" = {max = 0.3}
    "dark@4.fnmr" = {max = 0.5}

A name without a level means all levels of the condition together. A bar whose value could not be
measured is broken: what nobody looked at is not known to be good.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from siamlab.assessment.by_condition import RATES, level_key
from siamlab.assessment.measured import Values
from siamlab.assessment.perturbations import PERTURBATIONS, Perturbation
from siamlab.errors import InputError
from siamlab.evaluation.rates import FMRS
from siamlab.system.files import read_text

LIMITS = {"min", "max"}
WHOLE = ("auc", "eer", *(f"tar_at_far_{rate}" for rate in FMRS))  # of the pairs as they are
DRIFT = ("drift.slope", "drift.falling")
# Their names are known only when they were measured: a group's label, an attack's name.
OPEN = ("group.", "attack.")


@dataclass(frozen=True)
class Bar:
    """The least and the most that a value may be.

    Attributes:
        name: of the value.
        least: ``None`` for no lower end.
        most: ``None`` for no upper end.
    """

    name: str
    least: float | None = None
    most: float | None = None

    def broken(self, values: Values) -> str:
        """What is wrong, in a line; empty where the value is within its limits."""
        found = values.get(self.name)
        if found is None or found.value is None:
            return f"{self.name} could not be measured, and {self} is asked for"
        if self.least is not None and found.value < self.least:
            return f"{self.name} is {found}, below the least, {self.least:g}"
        if self.most is not None and found.value > self.most:
            return f"{self.name} is {found}, above the most, {self.most:g}"
        return ""

    def __str__(self) -> str:
        ends = (("at least", self.least), ("at most", self.most))
        return " and ".join(f"{word} {end:g}" for word, end in ends if end is not None)

    def to_dict(self, values: Values) -> dict[str, Any]:
        """Plain values."""
        return {
            "name": self.name,
            "min": self.least,
            "max": self.most,
            "broken": self.broken(values) or None,
        }


def read_bars(path: Path | str) -> tuple[Bar, ...]:
    """Read a file of bars.

    Args:
        path: a TOML file with one table, ``[bars]``.

    Raises:
        InputError: the file cannot be read, is no TOML, holds no bars or another table, a bar has
            no limits or nonsensical ones, or its name is unknown; then the names are listed.

    Example:
        >>> from pathlib import Path
        >>> from siamlab.assessment.bars import read_bars
        >>> _ = Path("bars.toml").write_text('[bars]\\naccuracy = {min = 0.97}\\n')
        >>> read_bars("bars.toml")
        (Bar(name='accuracy', least=0.97, most=None),)
    """
    try:
        tables = tomllib.loads(read_text(path))
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path} is not TOML: {error}.") from None
    others = sorted(set(tables) - {"bars"})
    if others or not isinstance(tables.get("bars"), dict) or not tables["bars"]:
        received = f"[{others[0]}]" if others else "none" if "bars" not in tables else "no bar"
        raise InputError(
            f"{path} has one table, [bars], with lines such as accuracy = {{min = 0.97}}. "
            f"Received: {received}."
        )
    bars = tuple(_bar(path, *found) for found in _flat(tables["bars"]))
    known = known_values()
    for bar in bars:
        if bar.name not in known and not bar.name.startswith(OPEN):
            raise InputError(f"{path}: {bar.name!r} is no value of an assessment. {names_line()}")
    return bars


def _flat(table: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Names with their limits; without quotes, TOML reads ``dark.fnmr`` as tables in tables."""
    for key, value in table.items():
        if isinstance(value, dict) and value and not set(value) & LIMITS:
            yield from _flat(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", value


def _bar(path: Path | str, name: str, limits: Any) -> Bar:
    good = isinstance(limits, dict) and limits and set(limits) <= LIMITS
    ends = [limits.get(end) for end in ("min", "max")] if good else []
    numbers = [end for end in ends if end is not None]
    if not good or not all(type(end) in (int, float) and end == end for end in numbers):
        raise InputError(
            f"{path}: {name} needs {{min = NUMBER}}, {{max = NUMBER}} or both. "
            f"Received: {limits!r}."
        )
    if len(numbers) == 2 and numbers[0] > numbers[1]:
        raise InputError(f"{path}: {name} can never be reached: its min is above its max.")
    least, most = (None if end is None else float(end) for end in ends)
    return Bar(name, least, most)


def known_values(perturbations: Sequence[Perturbation] = PERTURBATIONS) -> tuple[str, ...]:
    """The names of all values but those of groups and attacks."""
    prefixes = [""]
    for one in perturbations:
        prefixes += [level_key(one.name), *(level_key(one.name, level) for level in one.levels)]
    rates = tuple(f"{prefix}{rate}" for prefix in prefixes for rate in RATES)
    return (*WHOLE, *rates, *DRIFT)


def names_line() -> str:
    """All names of values, in one sentence."""
    conditions = ", ".join(one.name for one in PERTURBATIONS)
    return (
        f"Known: {', '.join((*RATES, *WHOLE, *DRIFT))}; CONDITION.RATE or CONDITION@LEVEL.RATE "
        f"with {', '.join(RATES)} under {conditions}; group.NAME.fmr, group.NAME.fnmr, attack.NAME."
    )


def broken_bars(bars: Sequence[Bar], values: Values) -> tuple[str, ...]:
    """A line for each bar that is broken."""
    return tuple(filter(None, (bar.broken(values) for bar in bars)))

"""One number of an assessment, with its interval and what it was counted on.

All numbers of an assessment stand under a name in one flat dictionary, such as ``fnmr``,
``dark.fnmr`` (all levels together) and ``dark@4.fnmr`` (one level): bars, the comparison with the
last report and the file all use these names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from siamlab.errors import InputError
from siamlab.evaluation import Interval
from siamlab.evaluation.calibration import RULE_OF_3
from siamlab.evaluation.intervals import wilson_interval
from siamlab.evaluation.rates import format_rate


@dataclass(frozen=True)
class Measured:
    """A number.

    Attributes:
        value: ``None`` where it could not be measured.
        interval: 95 % interval; ``None`` where there is none.
        count: how many comparisons, images or people it was counted on; ``None`` where that says
            nothing.
    """

    value: float | None
    interval: Interval | None = None
    count: int | None = None

    def __str__(self) -> str:
        return "not measured" if self.value is None else format_rate(self.value, self.interval)

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "value": self.value,
            "interval": None if self.interval is None else list(self.interval),
            "count": self.count,
        }

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> Measured:
        """The inverse of :meth:`to_dict`.

        Raises:
            InputError: it is not of this form.
        """
        try:
            value, ends, count = found["value"], found["interval"], found.get("count")
            return cls(
                None if value is None else float(value),
                None if ends is None else Interval(*map(float, ends)),
                None if count is None else int(count),
            )
        except (KeyError, TypeError, ValueError, AttributeError):
            raise InputError(f"A number has a value and an interval. Received: {found}.") from None


Values = dict[str, Measured]


def measured_rate(
    errors: int, count: int, interval: Interval | None, units: int | None = None
) -> Measured:
    """A rate with an interval that has a width, even where nothing or everything was an error.

    Resampling gives no width there. The rule of 3 does: with no error among n independent trials
    the rate is below 3 / n, at 95 % (Hanley and Lippman-Hand 1983).

    Args:
        errors: how often it happened.
        count: how often it could have happened.
        interval: of the resampling.
        units: number of independent trials, which may be smaller: people, not their pairs.

    Example:
        >>> from siamlab.assessment.measured import measured_rate
        >>> print(measured_rate(0, 500, None, units=30))
        0.000 (0.000 to 0.100)
    """
    if count == 0:
        return Measured(None, None, 0)
    rate = errors / count
    room = min(1.0, RULE_OF_3 / max(1, count if units is None else units))
    if errors == 0:
        interval = Interval(0.0, room)
    elif errors == count:
        interval = Interval(1.0 - room, 1.0)
    return Measured(rate, interval, count)


def wilson(hits: int, count: int) -> Measured:
    """A share of independent things with Wilson's interval (1927).

    Args:
        hits: how many have the property.
        count: how many there are.
    """
    if count == 0:
        return Measured(None, None, 0)
    return Measured(hits / count, wilson_interval(hits, count), count)

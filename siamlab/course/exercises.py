"""The chapters' exercises: a reader's answer comes in, a line that says how it stands is printed.

The text of an exercise, its empty answer and its solution stand in the chapter; what an answer
must do stands in ``checks/chapter_NN.py``.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from siamlab.course import checks
from siamlab.errors import InputError

Test = Callable[[Any], str | None]


@dataclass(frozen=True)
class Exercise:
    """What is asked of an answer.

    Attributes:
        test: takes the answer and returns ``None`` if it is right, else a hint that fits what is
            wrong with it; empty for the general one.
        hint: what helps to begin.
        shows: what a right answer shows.
    """

    test: Test
    hint: str
    shows: str


class _NoAnswerError(Exception):
    """The reader's function still returns ``...``."""


def check(number: str, answer: object) -> None:
    """Print whether an answer to an exercise is right, and a hint if it is not.

    Args:
        number: the exercise, as ``"05.2"``.
        answer: a value or a function, as the exercise asks; ``...`` is no answer yet.

    Raises:
        InputError: there is no such exercise.

    Example:
        >>> check("04.2", ...)
        04.2: no answer yet. ...
    """
    exercise = _find(number)
    print(f"{number}: {_judge(exercise, answer)}")


def near(expected: Any, tolerance: float = 1e-3, mistakes: Mapping[Any, str] | None = None) -> Test:
    """A test for numbers: as far as ``tolerance`` from what is expected, one by one.

    Args:
        expected: a number, or an array of them.
        tolerance: the largest difference that is right.
        mistakes: for wrong numbers (or tuples) that one comes to easily, what went wrong.
    """

    def test(answer: Any) -> str | None:
        got = np.asarray(answer, float)
        if got.shape != np.shape(expected):
            return f"It has the shape {got.shape}; {np.shape(expected)} is expected."
        if np.allclose(got, expected, rtol=0, atol=tolerance):
            return None
        known = (
            why
            for wrong, why in (mistakes or {}).items()
            if np.allclose(got, wrong, rtol=0, atol=tolerance)
        )
        return next(known, "")

    return test


def follows(
    reference: Callable[..., Any],
    *cases: tuple[Any, ...],
    tolerance: float = 1e-3,
    mistakes: Mapping[Callable[..., Any], str] | None = None,
) -> Test:
    """A test for a function: on each case it gives what ``reference`` gives.

    Args:
        reference: a right answer.
        cases: arguments; all are tried.
        tolerance: the largest difference that is right.
        mistakes: for wrong functions that one comes to easily, what went wrong.
    """

    def test(answer: Any) -> str | None:
        if not callable(answer):
            return f"A function is expected, not {type(answer).__name__}."
        for case in cases:
            got, expected = answer(*case), reference(*case)
            if near(expected, tolerance)(got) is not None:
                given = ", ".join(map(_short, case))
                said = f"For {given} it gives {_short(got)}; {_short(expected)} is expected."
                known = (
                    f"{said} {why}"
                    for wrong, why in (mistakes or {}).items()
                    if near(wrong(*case), tolerance)(got) is None
                )
                return next(known, said)
        return None

    return test


def _find(number: str) -> Exercise:
    chapters = [name[-2:] for _, name, _ in pkgutil.iter_modules(checks.__path__)]
    chapter = str(number)[:2]
    if chapter not in chapters:
        raise InputError(
            f"There is no exercise {number!r}: the chapters with exercises are "
            f"{', '.join(chapters)}. Give its number as in its text, for example 05.2."
        )
    found = importlib.import_module(f"{checks.__name__}.chapter_{chapter}").CHECKS
    if number not in found:
        raise InputError(
            f"There is no exercise {number!r}: those of chapter {chapter} are {', '.join(found)}."
        )
    exercise: Exercise = found[number]
    return exercise


def _judge(exercise: Exercise, answer: object) -> str:
    if _is_empty(answer):
        return f"no answer yet. {exercise.hint}"
    try:
        wrong = exercise.test(_watched(answer))
    except _NoAnswerError:
        return f"no answer yet. {exercise.hint}"
    except Exception as error:  # the reader's own, or an answer of another kind than asked
        said = " ".join(str(error).split())
        return f"not yet. It raised {type(error).__name__}: {said}. {exercise.hint}"
    if wrong is None:
        return f"right. {exercise.shows}"
    return f"not yet. {wrong or exercise.hint}"


def _is_empty(answer: object) -> bool:
    if isinstance(answer, dict):
        answer = list(answer.values())
    return answer is ... or (isinstance(answer, (tuple, list)) and any(map(_is_empty, answer)))


def _watched(answer: Any) -> Any:
    """The answer; of a function, one that knows that ``...`` is none."""
    if not inspect.isfunction(answer):
        return answer

    def watched(*arguments: Any, **named: Any) -> Any:
        result = answer(*arguments, **named)
        if _is_empty(result):
            raise _NoAnswerError
        return result

    return watched


def _short(value: Any) -> str:
    if isinstance(value, (str, bytes)) or not np.shape(value):
        return f"{value:.4g}" if isinstance(value, float) else repr(value)
    return np.array2string(np.asarray(value), precision=4, separator=", ", threshold=12)

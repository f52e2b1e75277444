"""The exercises: each solution is right, an empty answer is none yet, and one near it is not."""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest

import siamlab.course
from siamlab.course.exercises import Exercise, check, follows, near
from siamlab.course.notebooks import notebook_paths, solutions_path
from siamlab.errors import InputError
from tests.fakes import loaded_script

ROOT = Path(__file__).parents[2]
TEXT = re.compile(r"\*\*Exercise (\d\d\.\d)\.\*\* ")


with loaded_script(ROOT / "scripts" / "make_solutions.py") as script:
    exercises, solutions = script.exercises, script.solutions


def read(path: Path) -> Any:
    return nbformat.read(path, as_version=4)


ALL = {
    TEXT.match(text.source)[1]: (path, text, answer)
    for path in notebook_paths()
    for text, answer in exercises(read(path))
}
numbers = pytest.mark.parametrize("number", ALL)


def run(source: str, monkeypatch) -> list[tuple[str, Any]]:
    """Run an answer cell; return what it had checked."""
    checked: list[tuple[str, Any]] = []

    def record(number: str, answer: object) -> None:
        checked.append((number, answer))
        check(number, answer)

    monkeypatch.setattr(siamlab.course, "check", record)
    exec(source, {"__name__": "__main__"})
    return checked


def spoiled(answer: Any) -> Any:
    """An answer that is near the right one, and wrong."""
    if inspect.isfunction(answer):
        return lambda *arguments, **named: spoiled(answer(*arguments, **named))
    if isinstance(answer, (bool, np.bool_)):
        return not answer
    if isinstance(answer, str):
        return f"not {answer}"
    if isinstance(answer, dict):
        return {key: spoiled(value) for key, value in answer.items()}
    if isinstance(answer, (set, frozenset)):
        return answer ^ set(list(answer)[:1])
    if isinstance(answer, (list, tuple)):
        return type(answer)(map(spoiled, answer))
    return np.asarray(answer) + 1


@numbers
def test_an_exercise_has_its_form(number):
    path, text, answer = ALL[number]
    assert number.startswith(f"{path.stem[:2]}.") and text.cell_type == "markdown"
    assert answer.cell_type == "code" and "answer" in answer.metadata["tags"]
    for source in (answer.source, answer.metadata["solution"]):
        assert re.search(rf'^check\("{number}", \w+\)$', source.splitlines()[-1]), source
        assert "from siamlab.course import check" in source, "it stands alone"
    assert "..." in answer.source


def test_the_numbers_are_those_of_the_checks():
    for path in notebook_paths():
        chapter = path.stem[:2]
        found = [number for number in ALL if number.startswith(chapter)]
        assert found == [f"{chapter}.{k + 1}" for k in range(len(found))]
        if found:
            checks = importlib.import_module(f"siamlab.course.checks.chapter_{chapter}").CHECKS
            assert list(checks) == found and 2 <= len(found) <= 4


@numbers
def test_the_solution_is_right_and_what_is_near_it_is_not(number, monkeypatch, capsys):
    _, _, cell = ALL[number]
    ((checked, answer),) = run(cell.metadata["solution"], monkeypatch)
    assert checked == number
    assert capsys.readouterr().out.splitlines()[-1].startswith(f"{number}: right. ")
    check(number, spoiled(answer))
    assert capsys.readouterr().out.startswith(f"{number}: not yet. ")
    check(number, object())
    assert capsys.readouterr().out.startswith(f"{number}: not yet. ")


@numbers
def test_an_empty_answer_is_none_yet(number, monkeypatch, capsys):
    run(ALL[number][2].source, monkeypatch)
    check(number, ...)
    first, second = capsys.readouterr().out.splitlines()[-2:]
    assert first == second and first.startswith(f"{number}: no answer yet. ")


@pytest.mark.parametrize("path", sorted({p for p, _, _ in ALL.values()}), ids=lambda p: p.stem)
def test_the_solutions_are_what_the_script_makes(path):
    stored, made = read(solutions_path(path)), solutions(read(path), path.stem)
    assert [(cell.id, cell.source) for cell in stored.cells] == [
        (cell.id, cell.source) for cell in made.cells
    ]
    for cell in stored.cells[2::2]:
        assert ": right. " in cell.outputs[-1].text


def test_there_are_no_solutions_of_nothing():
    stored = {path.name for path in (ROOT / "notebooks" / "solutions").glob("*.ipynb")}
    assert stored == {solutions_path(path).name for path, _, _ in ALL.values()}


@pytest.fixture
def half(monkeypatch):
    """An exercise 01.1 that asks for a function that halves."""
    made = Exercise(follows(lambda x: x / 2, (4.0,), (3.0,)), "Divide.", "Halves are smaller.")
    monkeypatch.setattr("siamlab.course.checks.chapter_01.CHECKS", {"01.1": made})


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        (lambda x: 0.5 * x, "01.1: right. Halves are smaller."),
        (lambda x: ..., "01.1: no answer yet. Divide."),
        (..., "01.1: no answer yet. Divide."),
        ([1, ...], "01.1: no answer yet. Divide."),
        (lambda x: x - 2, "01.1: not yet. For 3 it gives 1; 1.5 is expected."),
        (lambda x: [x], "01.1: not yet. For 4 it gives [4.]; 2 is expected."),
        (2.0, "01.1: not yet. A function is expected, not float."),
        (lambda x: [][1], "01.1: not yet. It raised IndexError: list index out of range. Divide."),
    ],
)
def test_what_is_said_of_a_function(half, capsys, answer, line):
    """Of 4 and 3 the halves are 2 and 1.5; x - 2 is right for 4 alone."""
    check("01.1", answer)
    assert capsys.readouterr().out == f"{line}\n"


def test_a_number_is_near_or_its_mistake_is_known():
    test = near(2.0, tolerance=0.1, mistakes={4: "That is its square."})
    assert test(2.05) is None and test(np.float32(1.95)) is None
    assert test(4.05) == "That is its square." and test(3) == ""
    assert test([2.0, 2.0]) == "It has the shape (2,); () is expected."
    several = near([1.0, 2.0], mistakes={4: "?"})
    assert several((1, 2)) is None and several([2, 1]) == ""


def test_of_a_function_a_mistake_is_known():
    """3 is the half of 6; doubling gives 12."""
    test = follows(lambda x: x / 2, (6.0,), mistakes={lambda x: 2 * x: "That is the double."})
    assert test(lambda x: x / 2) is None
    assert test(lambda x: x + x) == "For 6 it gives 12; 3 is expected. That is the double."
    assert test(lambda x: x) == "For 6 it gives 6; 3 is expected."


@pytest.mark.parametrize("number", ["01.9", "00.1", 1.1, "", None])
def test_an_unknown_number_is_answered_by_those_there_are(number):
    expected = r"those of chapter 01 are 01\.1, 01\.2" if number == "01.9" else "exercises are 01"
    with pytest.raises(InputError, match=expected):
        check(number, 3)

"""A user's error is one line, in a notebook too."""

from __future__ import annotations

import pytest
from IPython.core.interactiveshell import InteractiveShell

from siamlab.errors import InputError

CELL = """
from siamlab.errors import InputError
def inner():
    raise InputError("Expected a cat.\\nReceived: a dog.")
inner()
"""


@pytest.fixture
def shell():
    made = InteractiveShell()
    yield made
    made.history_manager.end_session()


def test_a_notebook_shows_the_line_alone(shell, capsys, monkeypatch):
    monkeypatch.delenv("SIAMLAB_DEBUG", raising=False)
    assert isinstance(shell.run_cell(CELL).error_in_exec, InputError)
    assert capsys.readouterr().out == "InputError: Expected a cat. Received: a dog.\n"


def test_and_where_it_happened_for_who_looks_for_a_fault(shell, capsys, monkeypatch):
    monkeypatch.setenv("SIAMLAB_DEBUG", "1")
    shell.run_cell(CELL)
    assert "inner()" in capsys.readouterr().out

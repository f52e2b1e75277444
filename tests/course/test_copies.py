"""Copies to work in: answers stay, new versions are offered."""

from __future__ import annotations

import json

import pytest

from siamlab.course.copies import copy_notebooks


def write(path, *cells, **metadata):
    made = [{"cell_type": "code", "source": cell, "outputs": []} for cell in cells]
    path.write_text(json.dumps({"cells": made, "metadata": metadata}))


def cells(path):
    return [cell["source"] for cell in json.loads(path.read_text())["cells"]]


@pytest.fixture
def places(tmp_path):
    """One notebook of the checkout, and the folder of copies, filled once."""
    source, folder = tmp_path / "01_setup.ipynb", tmp_path / "copies"
    write(source, "a = 1")
    assert copy_notebooks([source], folder) == []
    return source, folder


def test_the_copy_is_opened_and_the_original_stays(places):
    source, folder = places
    before = source.read_bytes()
    write(folder / source.name, "a = 2", kernelspec={"display_name": "another"})
    assert copy_notebooks([source], folder) == []
    assert cells(folder / source.name) == ["a = 2"], "answers stay"
    assert source.read_bytes() == before
    assert sorted(path.name for path in folder.glob("*.ipynb")) == [source.name]


def test_a_copy_that_was_only_run_is_renewed(places):
    source, folder = places
    write(folder / source.name, "a = 1", kernelspec={"display_name": "another"})
    write(source, "a = 1", "b = 2")
    (line,) = copy_notebooks([source], folder)
    assert line == "01_setup: renewed, you had changed nothing in it."
    assert cells(folder / source.name) == ["a = 1", "b = 2"]
    assert copy_notebooks([source], folder) == []


def test_a_newer_version_is_offered_beside_answers_until_it_is_taken(places):
    source, folder = places
    copy, offer = folder / source.name, folder / "01_setup.new.ipynb"
    write(copy, "a = 2")
    write(source, "a = 1", "b = 2")
    for _ in range(2):
        (line,) = copy_notebooks([source], folder)
        assert "newer version: 01_setup.new.ipynb" in line and "rename it to 01_setup" in line
        assert cells(copy) == ["a = 2"] and cells(offer) == ["a = 1", "b = 2"]
    offer.replace(copy)
    assert copy_notebooks([source], folder) == []
    write(copy, "a = 3", "b = 2")
    assert copy_notebooks([source], folder) == [] and cells(copy) == ["a = 3", "b = 2"]


def test_an_offer_goes_when_its_changes_were_brought_over_by_hand(places):
    source, folder = places
    write(folder / source.name, "a = 2")
    write(source, "b = 2")
    copy_notebooks([source], folder)
    write(folder / source.name, "b = 2")
    assert copy_notebooks([source], folder) == []
    assert not (folder / "01_setup.new.ipynb").exists()


@pytest.mark.parametrize("versions", ["{", "[3]", ""])
def test_without_its_notes_no_answer_is_lost(places, versions):
    source, folder = places
    (folder / ".versions.json").write_text(versions)
    write(folder / source.name, "a = 2")
    assert len(copy_notebooks([source], folder)) == 1
    assert cells(folder / source.name) == ["a = 2"]


def test_a_damaged_copy_is_somebodys_work(places):
    source, folder = places
    (folder / source.name).write_text('{"cells": [{"half": ')
    assert copy_notebooks([source], folder) == []
    write(source, "b = 2")
    assert len(copy_notebooks([source], folder)) == 1
    assert (folder / source.name).read_text() == '{"cells": [{"half": '

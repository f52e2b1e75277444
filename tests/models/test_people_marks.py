"""Whom a model was trained on: this workspace can tell, a list of names elsewhere cannot."""

from __future__ import annotations

import hashlib

import pytest

from siamlab.data.collections import person_digest
from siamlab.errors import StorageError
from siamlab.models import metadata as module
from siamlab.models.metadata import ModelMetadata, digests, people_marks

NAMES = tuple(f"Person_{number}" for number in range(200))


@pytest.fixture
def move(tmp_path, monkeypatch):
    """Go to another workspace."""

    def to(name: str) -> None:
        monkeypatch.setenv("SIAMLAB_DATA", str(tmp_path / name))

    to("mine")
    return to


def test_the_workspace_that_trained_can_tell_and_no_other(move):
    metadata = ModelMetadata(people=people_marks(NAMES[:30]), versions={})
    assert metadata.known_people(NAMES) == NAMES[:30] and metadata.hidden_people == 0
    assert metadata.trained_on(NAMES[0]) and not metadata.trained_on(NAMES[30])
    move("another")
    assert metadata.known_people(NAMES) == () and metadata.hidden_people == 30
    people_marks(["Ada"])  # makes a key there
    assert metadata.known_people(NAMES) == () and metadata.hidden_people == 30
    move("mine")
    assert metadata.known_people(reversed(NAMES)) == NAMES[29::-1]


def test_a_list_of_names_opens_nothing_without_the_key(move):
    """What recovered every name from a file of 0.3.0, and what else needs no key."""
    people = people_marks(NAMES)
    text = " ".join(people)
    for name in NAMES:
        for kind in (hashlib.sha256, hashlib.sha1, hashlib.md5):
            assert kind(name.encode()).hexdigest()[:12] not in text
        assert name not in text
    assert len(set(people)) == len(NAMES), "one mark for each, so that the count is right"
    assert ModelMetadata(people=digests(NAMES)).known_people(NAMES, b"0" * 32) == NAMES


def test_files_of_former_versions_and_of_the_package_are_asked_as_before(move):
    old = ModelMetadata(people=digests(["Ada"]), versions={})
    both = ModelMetadata(people=(*old.people, *people_marks(["Bob"])), versions={})
    assert old.people == (person_digest("Ada"),) and old.trained_on("Ada")
    assert both.known_people(["Ada", "Bob", "Eve"]) == ("Ada", "Bob")
    move("another")
    assert both.known_people(["Ada", "Bob", "Eve"]) == ("Ada",) and both.hidden_people == 1


def test_marks_survive_the_file(move):
    metadata = ModelMetadata(people=people_marks(["Ada"]), versions={})
    assert ModelMetadata.from_dict(metadata.to_dict()) == metadata


def test_where_no_key_can_be_kept_nobody_can_ask(move, monkeypatch):
    """A training of hours is not lost because the workspace is read-only."""

    def full(_):
        raise StorageError("Cannot write it: the disk is full.")

    monkeypatch.setattr(module, "local_key", full)
    metadata = ModelMetadata(people=people_marks(["Ada"]), versions={})
    assert not metadata.trained_on("Ada") and metadata.hidden_people == 1


def test_a_damaged_key_is_as_none(move, tmp_path):
    metadata = ModelMetadata(people=people_marks(["Ada"]), versions={})
    (tmp_path / "mine" / "local.key").write_bytes(b"short")
    assert not metadata.trained_on("Ada") and metadata.hidden_people == 1


def test_names_need_not_be_text(move):
    metadata = ModelMetadata(people=people_marks(["\udcff", "人"]), versions={})
    assert metadata.trained_on("\udcff") and metadata.trained_on("人")

"""The other people of the series, their split, and who plays the user."""

from __future__ import annotations

import pytest

from siamlab.capture.cameras.subject import subject_of
from siamlab.config import get_profile, open_workspace
from siamlab.data.negatives import find_negatives, halve_subject, split_negatives
from siamlab.data.synthetic import write_people
from siamlab.errors import InputError


@pytest.fixture
def workspace(tmp_path):
    return open_workspace(tmp_path / "data", "person_0002").make()


def test_negatives_given_by_path_leave_the_user_out(workspace, drawn_lfw, monkeypatch):
    monkeypatch.setenv("SIAMLAB_LFW", str(drawn_lfw))
    found = find_negatives(workspace, get_profile("quick"))
    assert len(found) == 9 and "person_0002" not in found.names


def test_split_shares_nobody_and_has_about_the_shares(crowd):
    parts = [set(part.names) for part in split_negatives(crowd)]
    assert sum(map(len, parts)) == 60 and len(set.union(*parts)) == 60
    assert 30 <= len(parts[0]) <= 54


def test_a_persons_side_does_not_depend_on_the_others(crowd):
    whole = split_negatives(crowd)
    part = split_negatives(crowd.without(["p7", "p8"]))
    for before, after in zip(whole, part, strict=True):
        assert set(before.names) - {"p7", "p8"} == set(after.names)


def test_too_few_people_to_split_are_counted(crowd):
    with pytest.raises(InputError, match="too few people"):
        split_negatives(crowd.select(["p1", "p2", "p3"]))


def test_a_subject_is_halved_without_an_image_on_both_sides(workspace, drawn_lfw):
    capture, probe = halve_subject(drawn_lfw, "person_0002", workspace)
    first = {path.name for path in capture.glob("[!.]*")}
    second = {path.name for path in probe.glob("[!.]*")}
    assert len(first) == 5 and len(second) == 4 and not first & second
    assert (subject_of(capture), subject_of(str(probe))) == ("public", "public")


def test_a_subject_with_few_images_cannot_play_the_user(workspace, tmp_path):
    write_people(tmp_path / "few", people=2, images=3, seed=1)
    with pytest.raises(InputError, match="has 3 images"):
        halve_subject(tmp_path / "few", "person_0001", workspace)

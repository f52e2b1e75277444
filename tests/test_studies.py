"""Studies: measured points, equal use of images, and a file that comes back."""

from __future__ import annotations

import pytest

pytest.importorskip("keras")

from siamlab.errors import InputError
from siamlab.pairs import person_pairs, split_people
from siamlab.people import open_collection
from siamlab.studies import (
    load_points,
    machine_name,
    save_points,
    study_images,
    study_resolution,
    with_images,
)
from siamlab.synthetic import write_people


@pytest.fixture(scope="module")
def split(tmp_path_factory):
    root = tmp_path_factory.mktemp("drawn")
    write_people(root, people=16, images=4, seed=4)
    return split_people(open_collection(root), (0.5, 0.0, 0.5), 0)


def test_points_are_measured_and_come_back(split, tmp_path):
    test = person_pairs(split.test, 32, 0)
    points = study_resolution(split.train, test, (24, 32), steps=2, width=0.125)
    points += study_images(split.train, test, (16, 32), size=24, steps=4, width=0.125)
    assert [point.size for point in points] == [24, 32, 24, 24]
    assert [point.images for point in points] == [32, 32, 16, 32]
    assert [point.steps for point in points] == [2, 2, 2, 4]
    assert all(
        point.seconds > 0 and point.auc_low <= point.auc <= point.auc_high for point in points
    )
    save_points(points, tmp_path / "points.json")
    again, machine = load_points(tmp_path / "points.json")
    assert again == points and machine == machine_name()


def test_a_part_of_the_people_has_about_so_many_images(split):
    assert len(with_images(split.train, 17).images) == 16
    assert len(with_images(split.train, 1).people) == 2, "a pair needs two people"


def test_people_with_one_image_are_no_study(tmp_path):
    write_people(tmp_path, people=3, images=1, seed=0)
    with pytest.raises(InputError, match="fewer than two people"):
        with_images(open_collection(tmp_path), 3)

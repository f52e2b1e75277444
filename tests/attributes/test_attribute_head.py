"""A head: one hidden layer by hand, its file, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from siamlab.attributes.age import YEARS
from siamlab.attributes.attribute_head import AttributeHead, load_attributes, save_attributes
from siamlab.attributes.face_features import FaceFeatures
from siamlab.errors import InputError, ModelError


def features(values: list[list[list[float]]]) -> FaceFeatures:
    array = np.array(values, np.float32)
    return FaceFeatures(array, np.zeros((len(array), 128), np.float32), np.ones(len(array), bool))


@pytest.fixture
def head() -> AttributeHead:
    """The first feature is the gender's logit; the second lets 30 be sure, else all are alike."""
    age = np.zeros((2, len(YEARS)), np.float32)
    age[1, 30] = 1000
    arrays = {
        "mean": np.array([1, 0], np.float32), "scale": np.array([2, 1], np.float32),
        "hidden": np.eye(2, dtype=np.float32), "hidden_bias": np.zeros(2, np.float32),
        "age": age, "age_bias": np.zeros(len(YEARS), np.float32),
        "gender": np.array([[1], [0]], np.float32), "gender_bias": np.array([-1], np.float32),
    }  # fmt: skip
    return AttributeHead(
        arrays, {"level": 0.8, "mass": 0.8, "sure_from": 0.7, "trained_on": ["ab"]}
    )


def test_a_face_and_its_mirror_image_are_averaged(head: AttributeHead) -> None:
    """Logits 2 * (2 - 1) - 1 = 1 and, below zero before the hidden unit, -1: 0.731 and 0.269."""
    found = head.predict(features([[[2, 1], [0, 1]]]))
    assert found.woman_probabilities == pytest.approx([0.5])
    assert found.ages == pytest.approx([30])
    assert found.intervals.tolist() == [[30, 30]] and found.genders == ["unsure"]
    even = head.predict(features([[[2, 0], [2, 0]]]))
    assert even.ages == pytest.approx([50]) and even.genders == ["woman"]


def test_a_file_of_any_name_gives_the_same_answers(head: AttributeHead, tmp_path: Path) -> None:
    path = save_attributes(head, tmp_path / "mine")
    assert path == tmp_path / "mine" and path.is_file()
    again, seen = load_attributes(path), features([[[1, 1], [3, 0]]])
    assert again.about["trained_on"] == ["ab"]
    one, other = head.predict(seen), again.predict(seen)
    assert np.array_equal(one.age_probabilities, other.age_probabilities)
    assert np.array_equal(one.woman_probabilities, other.woman_probabilities)


def test_features_of_another_network_are_refused(head: AttributeHead) -> None:
    with pytest.raises(InputError, match=r"takes 2 features of a face. Received: 3"):
        head.predict(features([[[1, 2, 3], [1, 2, 3]]]))


def test_what_is_no_head_is_refused_in_one_line(head: AttributeHead, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="No head at"):
        load_attributes(tmp_path / "nowhere")
    for content in (b"", b"no zip", b"PK\x03\x04 cut"):
        (tmp_path / "damaged").write_bytes(content)
        with pytest.raises(ModelError, match="is no head for age and gender, or damaged"):
            load_attributes(tmp_path / "damaged")
    for name, wrong in (("hidden", np.eye(3)), ("scale", np.array([np.nan, 1]))):
        broken = AttributeHead({**head.arrays, name: wrong}, head.about)
        with pytest.raises(ModelError, match="finite numbers"):
            load_attributes(save_attributes(broken, tmp_path / "broken"))
    with pytest.raises(ModelError, match="out of range"):
        load_attributes(
            save_attributes(
                AttributeHead(head.arrays, {"level": 2, "mass": 0.8, "sure_from": 0.5}),
                tmp_path / "x",
            )
        )


def test_a_file_with_pickled_objects_is_not_opened(tmp_path: Path) -> None:
    with (tmp_path / "trap").open("wb") as file:
        np.savez(file, about=np.array([{"kind": "x"}], object))
    with pytest.raises(ModelError, match="no head"):
        load_attributes(tmp_path / "trap")

"""Two images compared, and images embedded, with a model whose scores are gray levels."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from fakes import FakeDetector, FakeModel, gray_frame

from siamlab.errors import ImageError, InputError, ModelError
from siamlab.faces.detectors import FaceBox
from siamlab.images.write import write_image
from siamlab.verification.compare import embed, verify

pytestmark = pytest.mark.usefixtures("any_face_is_usable")  # even gray ones, here

DETECTOR = FakeDetector()


def compare(a, b, threshold=None, model=None):
    return verify(a, b, model or FakeModel(threshold=0.7), threshold, DETECTOR)


def test_probability_threshold_and_answer_by_hand() -> None:
    """Levels of 102 and 153 are 0.4 and 0.6: the score is 1 - 0.2 = 0.8, above 0.7."""
    answer = compare(gray_frame(102), gray_frame(153))
    assert answer.verified is True and answer.person is None
    assert answer.probability == pytest.approx(0.8, abs=1e-6)
    assert (answer.threshold, answer.operating_point, answer.model) == (0.7, "equal_error", "fake")
    assert str(answer) == "the same person: probability 0.800, threshold 0.700"
    assert set(answer.seconds) == {"detect", "embed", "score"} and answer.latency > 0


def test_order_does_not_matter_and_a_threshold_can_be_given() -> None:
    one = compare(gray_frame(102), gray_frame(153), threshold=0.9)
    other = compare(gray_frame(153), gray_frame(102), threshold=0.9)
    assert one.verified is False and one.probability == pytest.approx(other.probability)
    assert one.operating_point == "given" and "different people" in str(one)
    assert compare(gray_frame(102), gray_frame(153), threshold=0.0).verified is True
    with pytest.raises(InputError, match=r"in \[0, 1\]. Received: 2"):
        compare(gray_frame(102), gray_frame(153), threshold=2)


def test_a_model_without_calibration_decides_at_one_half() -> None:
    answer = compare(gray_frame(0) + 1, gray_frame(140), model=FakeModel())
    assert (answer.threshold, answer.operating_point) == (0.5, "default")
    assert answer.verified is False  # 1 - |1 - 140| / 255 = 0.455


@pytest.mark.parametrize("place", ["first", "second"])
def test_an_image_without_a_face_is_unknown_and_named(place: str) -> None:
    images = [gray_frame(102), gray_frame(0)]
    answer = compare(*(images if place == "second" else images[::-1]))
    assert answer.verified is None and answer.probability is None and answer.faces == ()
    assert answer.reason.startswith(f"{place} image: No face was found")
    assert str(answer) == f"unknown: {answer.reason}"


def test_several_faces_are_unknown() -> None:
    two = FakeDetector([FaceBox(10, 30, 40), FaceBox(90, 30, 38)])
    answer = verify(gray_frame(102), gray_frame(102), FakeModel(threshold=0.7), detector=two)
    assert answer.verified is None and "2 faces" in answer.reason


def test_files_are_read(tmp_path: Path) -> None:
    path = write_image(tmp_path / "a.png", gray_frame(102))
    assert compare(path, str(path)).probability == pytest.approx(1.0)
    with pytest.raises(ImageError, match=r"nowhere\.jpg does not exist"):
        compare(path, tmp_path / "nowhere.jpg")
    with pytest.raises(InputError, match="uint8 RGB"):
        compare(path, np.zeros((4, 4)))
    with pytest.raises(ModelError, match="No model file"):
        verify(path, path, tmp_path / "no.keras")


def test_a_notebook_shows_both_faces_and_the_answer() -> None:
    page = compare(gray_frame(102), gray_frame(153))._repr_html_()
    assert page.count("<img alt='face'") == 2 and "probability 0.800" in page
    unknown = compare(gray_frame(102), gray_frame(0))._repr_html_()
    assert "<img" not in unknown and "unknown" in unknown


def test_json_holds_what_the_contract_names() -> None:
    values = json.loads(compare(gray_frame(102), gray_frame(153)).to_json())
    assert values["verified"] is True and values["reason"] == ""
    assert values["score"] == pytest.approx(0.8, abs=1e-6) and values["threshold"] == 0.7
    assert values["operating_point"] == "equal_error" and values["model"] == "fake"


def test_embeddings_and_rows_of_nan_for_images_without_a_face() -> None:
    with pytest.warns(UserWarning, match="image 2: No face was found"):
        rows = embed([gray_frame(102), gray_frame(0), gray_frame(153)], FakeModel(), DETECTOR)
    assert rows.dtype == np.float32 and rows.shape == (3, 2)
    np.testing.assert_allclose(rows[[0, 2], 0], [0.4, 0.6], atol=1e-6)
    assert np.isnan(rows[1]).all()


def test_no_images_give_no_rows() -> None:
    assert embed([], FakeModel(), DETECTOR).shape[0] == 0

"""Verdicts worked out by hand, with a model whose scores are gray levels."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fakes import FakeDetector, FakeModel, gray_frame
from hypothesis import given
from hypothesis import strategies as st

from siamlab.data.pipeline import to_float
from siamlab.errors import (
    EmptyFolderError,
    ImageError,
    InputError,
    ModelError,
    NoFaceError,
    NotEnrolledError,
    SeveralFacesError,
)
from siamlab.faces.detectors import FaceBox
from siamlab.gallery import Gallery
from siamlab.images.write import write_image
from siamlab.models.embedding import build_embedding
from siamlab.models.metadata import ModelMetadata
from siamlab.models.siamese import build_siamese
from siamlab.verification.probe import model_inputs
from siamlab.verification.result import Verification
from siamlab.verification.verifier import Verifier

pytestmark = pytest.mark.usefixtures("any_face_is_usable")  # even gray ones, here

LEVELS = (51, 102, 153, 204)  # 0.2, 0.4, 0.6, 0.8 when scaled to [0, 1]


@pytest.fixture
def gallery(tmp_path: Path) -> Gallery:
    return Gallery(tmp_path / "gallery")


def make(gallery: Gallery, model: FakeModel | None = None, **options: object) -> Verifier:
    verifier = Verifier(model or FakeModel(), gallery, FakeDetector(), **options)  # type: ignore[arg-type]
    verifier.enroll("Ada", [gray_frame(level) for level in LEVELS], consent="drawn")
    return verifier


def test_scores_matches_and_verdict_by_hand(gallery: Gallery) -> None:
    """A probe of 0.4 scores 0.8, 1.0, 0.8, 0.6; at 0.75, 3 of 4 match: 0.75 >= 0.75."""
    verifier = make(gallery, detection_threshold=0.75, verification_threshold=0.75)
    result = verifier.verify(gray_frame(102), "Ada")
    np.testing.assert_allclose(result.scores, [0.8, 1.0, 0.8, 0.6], atol=1e-6)
    assert (result.positive, result.share, result.verified) == (3, 0.75, True)
    assert result.probability == pytest.approx(0.8)
    assert str(result) == "Ada verified: 3 of 4 templates match (75%, 75% needed)"


def test_one_match_fewer_is_not_verified(gallery: Gallery) -> None:
    """At 0.85 only the score of 1.0 counts: 1 of 4, and half are needed."""
    result = make(gallery, detection_threshold=0.85).verify(gray_frame(102), "Ada")
    assert (result.positive, result.verified) == (1, False)
    assert str(result) == "Ada not verified: 1 of 4 templates match (25%, 50% needed)"


def test_a_copy_has_thresholds_of_its_own(gallery: Gallery) -> None:
    verifier = make(gallery, detection_threshold=0.75)
    copy = verifier.copy()
    copy.detection_threshold = 0.85
    assert copy.verify(gray_frame(102), "Ada").positive == 1
    assert verifier.verify(gray_frame(102), "Ada").positive == 3
    assert copy.gallery is verifier.gallery


def test_a_score_equal_to_the_threshold_matches(gallery: Gallery) -> None:
    """1 - 0 = 1.0 is reached exactly by the same image."""
    verifier = Verifier(FakeModel(), gallery, FakeDetector(), detection_threshold=1.0)
    verifier.enroll("Ada", [gray_frame(102)], consent="drawn")
    assert verifier.verify(gray_frame(102), "Ada").verified is True


@pytest.mark.parametrize(
    ("asked", "calibrated", "used"),
    [(None, None, 0.5), (None, 0.7, 0.7), (0.9, 0.7, 0.9), (0.0, 0.7, 0.0), (None, 0.0, 0.0)],
)
def test_which_threshold_is_used(
    gallery: Gallery, asked: float | None, calibrated: float | None, used: float
) -> None:
    """A threshold of 0.0 is a threshold, not a missing one."""
    verifier = make(gallery, FakeModel(threshold=calibrated), detection_threshold=asked)
    assert verifier.detection_threshold == used
    assert verifier.verify(gray_frame(102), "Ada").detection_threshold == used


@pytest.mark.parametrize(
    "options",
    [
        {"detection_threshold": -0.1},
        {"detection_threshold": 1.1},
        {"detection_threshold": float("nan")},
        {"verification_threshold": 0.0},
        {"verification_threshold": 1.5},
    ],
)
def test_thresholds_out_of_range_are_refused(gallery: Gallery, options: dict[str, float]) -> None:
    with pytest.raises(InputError):
        Verifier(FakeModel(), gallery, FakeDetector(), **options)  # type: ignore[arg-type]


def test_the_probe_is_embedded_once(gallery: Gallery) -> None:
    model = FakeModel()
    verifier = make(gallery, model)
    model.embedded.clear()
    verifier.verify(gray_frame(102), "Ada")
    assert model.embedded == [(1, 16, 16, 3)]


def test_the_network_gets_what_training_gave_it(gallery: Gallery) -> None:
    """float32 in [0, 1], cut by the metadata's preprocessing; scaled like the training pipeline."""
    model = FakeModel()
    verifier = make(gallery, model)
    verifier.verify(gray_frame(102), "Ada")
    assert model.last.dtype == np.float32
    np.testing.assert_array_equal(model.last, np.float32(102) / np.float32(255))


def test_scaling_is_that_of_the_training_pipeline(gallery: Gallery) -> None:
    ramp = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, axis=2)
    chip = ramp.repeat(2, axis=0).repeat(2, axis=1)
    verifier = Verifier(FakeModel(), gallery, FakeDetector())
    got = model_inputs([chip], verifier.preprocessing)
    from siamlab.faces.crop import preprocess

    want = to_float(preprocess(chip, verifier.preprocessing))[None]
    np.testing.assert_array_equal(got, want)


def test_same_probabilities_as_the_siamese_model(gallery: Gallery) -> None:
    """Stored templates and one embedding give what the model gives pair by pair, to 1e-5."""
    from siamlab.faces.crop import Preprocessing, preprocess

    metadata = ModelMetadata(preprocessing=Preprocessing(size=32, fraction=0.6))
    embedding = build_embedding("compact", (32, 32, 3), width=0.25)
    model = build_siamese(embedding, metadata=metadata)
    rng = np.random.default_rng(0)
    chips = rng.integers(0, 256, (6, 50, 50, 3), dtype=np.uint8)
    verifier = Verifier(model, gallery, FakeDetector())
    verifier.enroll("Ada", list(chips[1:]), aligned=True, consent="drawn")
    result = verifier.verify_aligned(chips[0], "Ada")

    images = np.stack([preprocess(chip, metadata.preprocessing) for chip in chips]) / np.float32(
        255
    )
    probes = np.repeat(images[:1], 5, axis=0)
    pairs = model.predict_on_batch([probes, images[1:]])[:, 0]
    np.testing.assert_allclose(result.scores, pairs, atol=1e-5)
    assert np.ptp(pairs) > 0


def test_frame_and_aligned_face_give_the_same_scores(gallery: Gallery) -> None:
    from siamlab.faces.align import find_chip

    rng = np.random.default_rng(0)
    frame = rng.integers(0, 256, (120, 160, 3), dtype=np.uint8)
    verifier = make(gallery)
    by_frame = verifier.verify(frame, "Ada")
    by_face = verifier.verify_aligned(find_chip(frame, FakeDetector())[0], "Ada")
    np.testing.assert_array_equal(by_frame.scores, by_face.scores)
    assert replace(by_frame.box, landmarks=None) == FakeDetector().boxes[0]
    assert by_face.box is None


def test_no_face_is_unknown_with_a_reason(gallery: Gallery) -> None:
    result = make(gallery).verify(gray_frame(0), "Ada")
    assert result.verified is None
    assert (result.verdict, result.positive, result.share, result.probability) == (
        "unknown",
        0,
        0,
        None,
    )
    assert result.reason
    assert result.reason in str(result)
    assert result.seconds["embed"] == 0


def test_several_faces_are_unknown_and_the_rule_decides(gallery: Gallery) -> None:
    two = FakeDetector([FaceBox(50, 30, 40), FaceBox(5, 5, 30)])
    make(gallery)
    result = Verifier(FakeModel(), gallery, two).verify(gray_frame(102), "Ada")
    assert result.verified is None
    assert result.reason
    largest = Verifier(FakeModel(), gallery, two, rule="largest").verify(gray_frame(102), "Ada")
    assert largest.verified is True


def test_times_of_the_parts_are_in_seconds(gallery: Gallery) -> None:
    model = FakeModel()
    verifier = make(gallery, model)
    model.seconds = 0.05
    seconds = verifier.verify(gray_frame(102), "Ada").seconds
    assert list(seconds) == ["detect", "embed", "score"]
    assert 0.05 <= seconds["embed"] < 0.5
    assert seconds["detect"] < 0.5
    assert seconds["score"] < 0.05


def test_who_is_not_enrolled_cannot_be_verified(gallery: Gallery) -> None:
    with pytest.raises(NotEnrolledError, match="Bob"):
        make(gallery).verify(gray_frame(102), "Bob")


def test_templates_of_another_model_are_refused(gallery: Gallery) -> None:
    make(gallery)
    other = FakeModel()
    other.model_id = "other"
    with pytest.raises(ModelError, match="enroll again"):
        Verifier(other, gallery, FakeDetector()).verify(gray_frame(102), "Ada")


@pytest.mark.parametrize(
    "frame",
    [
        np.zeros((10, 10), np.uint8),
        np.zeros((10, 10, 4), np.uint8),
        np.zeros((10, 10, 3), np.float32),
        np.zeros((0, 10, 3), np.uint8),
        None,
    ],
)
def test_what_is_no_picture_is_refused(gallery: Gallery, frame: np.ndarray) -> None:
    with pytest.raises(InputError):
        make(gallery).verify(frame, "Ada")


def test_enrollment_says_which_image_has_no_face(gallery: Gallery) -> None:
    verifier = Verifier(FakeModel(), gallery, FakeDetector())
    frames = [gray_frame(102), gray_frame(0)]
    with pytest.raises(NoFaceError, match="frame 2"):
        verifier.enroll("Ada", frames, consent="drawn")
    with pytest.raises(NoFaceError, match=r"dark\.jpg"):
        verifier.enroll("Ada", frames, sources=["light.jpg", "dark.jpg"], consent="drawn")
    assert "Ada" not in gallery


def test_enrollment_from_files_and_its_errors(gallery: Gallery, tmp_path: Path) -> None:
    verifier = Verifier(FakeModel(), gallery, FakeDetector())
    good = write_image(tmp_path / "good.png", gray_frame(102))
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"no image")
    assert verifier.enroll("Ada", [good], consent="drawn").sources == ("good.png",)
    assert verifier.verify_aligned(good, "Ada").verified is True
    with pytest.raises(ImageError, match=r"bad\.jpg"):
        verifier.enroll("Ada", [good, bad], consent="drawn")
    with pytest.raises(EmptyFolderError, match="Ada"):
        verifier.enroll("Ada", [], consent="drawn")
    with pytest.raises(InputError, match="1 images have 2 sources"):
        verifier.enroll("Ada", [good], sources=["a", "b"], consent="drawn")


def test_several_faces_stop_an_enrollment_unless_the_rule_says_which(gallery: Gallery) -> None:
    two = FakeDetector([FaceBox(50, 30, 40), FaceBox(5, 5, 30)])
    verifier = Verifier(FakeModel(), gallery, two)
    with pytest.raises(SeveralFacesError, match="frame 1"):
        verifier.enroll("Ada", [gray_frame(102)], consent="drawn")
    assert len(verifier.enroll("Ada", [gray_frame(102)], rule="largest", consent="drawn")) == 1
    with pytest.raises(SeveralFacesError, match=r"2 of 2 .* nothing was\. a: 2 f.* b: 2 f"):
        verifier.enroll("Eve", [gray_frame(102), gray_frame(90)], sources=("a", "b"))
    assert "Eve" not in gallery


def test_the_bystander_is_not_enrolled(gallery: Gallery) -> None:
    """In a frame of 160 x 120, whose middle is (80, 60): who is in front, and who is meant?"""
    large, middle = FaceBox(0, 0, 60), FaceBox(70, 50, 20)
    far = FaceBox(140, 100, 14)
    for boxes, refused in (
        ([large, middle], True),  # a bystander three times as large, the person in the middle
        ([FaceBox(50, 30, 60), FaceBox(130, 0, 16)], True),  # 0.27 of the side
        ([large, FaceBox(75, 55, 10)], True),  # so small, but in the middle
        ([FaceBox(50, 30, 60), far], False),  # 0.23, and far from the middle: the background
    ):
        verifier = Verifier(FakeModel(), gallery, FakeDetector(boxes))
        if refused:
            with pytest.raises(SeveralFacesError, match="frame 1: 2 faces were found"):
                verifier.enroll("Ada", [gray_frame(102)], consent="drawn")
            assert "Ada" not in gallery
        else:
            assert len(verifier.enroll("Ada", [gray_frame(102)], consent="drawn")) == 1


def test_enrolling_on_another_day_adds_and_tells_the_same_image(
    gallery: Gallery, tmp_path: Path
) -> None:
    verifier = make(gallery)  # four levels, 102 among them
    first = write_image(tmp_path / "again.png", gray_frame(102))
    copy = write_image(tmp_path / "copy.png", gray_frame(120))
    now = verifier.enroll("Ada", [first, gray_frame(120), copy])
    assert (now.added, now.repeated, len(now)) == (1, ("again.png", "copy.png"), 5)
    assert now.sources == ("frame 1", "frame 2", "frame 3", "frame 4", "frame 2")
    now = verifier.enroll("Ada", [first, copy], replace=True)
    assert (now.added, now.replaced, now.sources) == (2, 5, ("again.png", "copy.png"))
    assert verifier.verify(gray_frame(102), "Ada").scores.shape == (2,)


def test_enrolling_tells_the_image_of_somebody_else(gallery: Gallery) -> None:
    """0.2 and 0.4 have the score 0.8, 0.8 has 0.6 at most; 0.7 is needed."""
    model = FakeModel()
    model.metadata = replace(
        model.metadata, calibration={"threshold": 0.5, "thresholds": {"0.1": 0.2, "0.01": 0.7}}
    )
    verifier = Verifier(model, gallery, FakeDetector())
    for levels, unlike in (
        ((51, 102, 204), ("frame 3",)),
        ((51, 204), ("frame 1", "frame 2")),
        ((51,), ()),
        ((51, 102), ()),
    ):
        frames = [gray_frame(level) for level in levels]
        now = verifier.enroll("Ada", frames, consent="drawn", replace=True)
        assert (now.unlike, len(now)) == (unlike, len(levels))
    # Later only the new images are told.
    assert verifier.enroll("Ada", [gray_frame(204)]).unlike == ("frame 1",)
    assert verifier.enroll("Ada", [gray_frame(204)]).unlike == ()


def test_json_holds_the_whole_verdict(gallery: Gallery) -> None:
    values = json.loads(make(gallery).verify(gray_frame(102), "Ada").to_json())
    assert values["verified"] is True
    assert values["scores"] == pytest.approx([0.8, 1.0, 0.8, 0.6], abs=1e-6)
    assert len(values["box"]) >= 3
    unknown = json.loads(make(gallery).verify(gray_frame(0), "Ada").to_json())
    assert unknown["verified"] is None
    assert unknown["score"] is None


def test_html_escapes_the_name(gallery: Gallery) -> None:
    verifier = Verifier(FakeModel(), gallery, FakeDetector())
    verifier.enroll("<b>Ada</b>", [gray_frame(102)], consent="drawn")
    html = verifier.verify(gray_frame(102), "<b>Ada</b>")._repr_html_()
    assert "<b>" not in html
    assert "&lt;b&gt;" in html


@given(
    st.lists(st.floats(0, 1, width=32), min_size=1, max_size=50), st.floats(0, 1), st.floats(0, 1)
)
def test_a_higher_detection_threshold_never_verifies_more(
    scores: list[float], one: float, other: float
) -> None:
    def share(threshold: float) -> float:
        values = np.array(scores, np.float32)
        return Verification("Ada", True, values, threshold, 0.5, None, {}).share

    low, high = sorted((one, other))
    assert share(low) >= share(high)


def fused(gallery: Gallery, rule: str, threshold: float = 0.75) -> Verification:
    verifier = make(gallery, detection_threshold=threshold, fusion=rule)
    return verifier.verify(gray_frame(102), "Ada")


@pytest.mark.parametrize(
    ("rule", "value"),
    # Scores are 0.8, 1.0, 0.8, 0.6; the mean template is 0.5, and 1 - |0.4 - 0.5| = 0.9.
    [("vote", 0.75), ("max", 1.0), ("mean", 0.8), ("median", 0.8), ("mean_template", 0.9)],
)
def test_several_templates_are_fused_by_the_rule(gallery: Gallery, rule: str, value: float) -> None:
    result = fused(gallery, rule)
    assert result.fused == pytest.approx(value, abs=1e-6)
    np.testing.assert_allclose(result.scores, [0.8, 1.0, 0.8, 0.6], atol=1e-6)
    assert result.verified is True
    if rule != "vote":
        assert result.probability == result.fused
        above = fused(gallery, rule, min(1.0, value + 0.01))
        assert above.verified is (rule == "max")
    assert json.loads(result.to_json())["fusion"] == rule


def test_words_name_the_rule(gallery: Gallery) -> None:
    assert str(fused(gallery, "max")) == "Ada verified by the highest score of 4 templates"
    with pytest.raises(InputError, match="fusion is one of vote, mean_template"):
        fused(gallery, "best")


@pytest.mark.parametrize("rule", ["vote", "mean_template"])
def test_frames_are_averaged_and_frames_without_a_face_left_out(
    gallery: Gallery, rule: str
) -> None:
    """Levels 0.4 and 0.8 score (0.8, 1.0, 0.8, 0.6) and (0.4, 0.6, 0.8, 1.0); the mean template
    is 0.5 and scores 0.9 and 0.7. A black frame has no face."""
    verifier = make(gallery, detection_threshold=0.75, fusion=rule)
    frames = [gray_frame(102), gray_frame(0), gray_frame(204)]
    result = verifier.verify_frames(frames, "Ada")
    np.testing.assert_allclose(result.scores, [0.6, 0.8, 0.8, 0.8], atol=1e-6)
    assert result.frames == 2
    assert result.fused == pytest.approx({"vote": 0.75, "mean_template": 0.8}[rule], abs=1e-6)
    assert result.verified is True
    assert str(result).endswith(", 2 frames")
    assert replace(result.box, landmarks=None) == FakeDetector().boxes[0]


def test_one_frame_is_as_ever_and_no_face_is_unknown(gallery: Gallery) -> None:
    verifier = make(gallery)
    one, alone = (
        verifier.verify_frames([gray_frame(102)], "Ada"),
        verifier.verify(gray_frame(102), "Ada"),
    )
    np.testing.assert_array_equal(one.scores, alone.scores)
    assert str(one) == str(alone)
    unknown = verifier.verify_frames([gray_frame(0), gray_frame(0)], "Ada")
    assert unknown.verified is None
    assert unknown.fused is None


def test_verdicts_on_different_people_are_not_fused(gallery: Gallery) -> None:
    verifier = make(gallery)
    verifier.enroll("Bob", [gray_frame(102)], consent="drawn")
    both = [verifier.verify(gray_frame(102), name) for name in ("Ada", "Bob")]
    with pytest.raises(InputError, match="2 of 2 kinds"):
        verifier.fuse(both)
    with pytest.raises(InputError, match="0 of 0 kinds"):
        verifier.verify_frames([], "Ada")


def test_the_threshold_is_that_of_verification(gallery: Gallery) -> None:
    """A rate that the user calibrated for goes before the point ``fmr_0.001``."""
    model = FakeModel()
    found = {"threshold": 0.6, "target_fmr": None, "thresholds": {"0.001": 0.9}, "balanced": 0.55}
    for target, used, point in ((None, 0.9, "fmr_0.001"), (0.05, 0.6, "fmr_0.05")):
        model.metadata = replace(model.metadata, calibration={**found, "target_fmr": target})
        verifier = Verifier(model, gallery, FakeDetector())
        assert (verifier.detection_threshold, verifier.operating_point) == (used, point)


def test_a_threshold_of_photographs_is_not_used_for_drawings_without_a_word(
    gallery: Gallery,
) -> None:
    with pytest.warns(UserWarning, match="chosen on photographs; for drawn people calibrate"):
        verifier = make(gallery, FakeModel(threshold=0.7), domain="drawings")
    verdict = verifier.verify(gray_frame(102), "Ada")
    assert str(verdict).startswith("This threshold was chosen on photographs")
    assert json.loads(verdict.to_json())["note"] == verdict.note
    # No threshold of the model's, or the same kind of images: nothing to say.
    assert not make(gallery, FakeModel(), domain="drawings").domain_note()
    assert not make(gallery, FakeModel(threshold=0.7), domain="photographs").domain_note()
    given = make(gallery, FakeModel(threshold=0.7), domain="drawings", detection_threshold=0.5)
    assert not given.verify(gray_frame(102), "Ada").note
    with pytest.raises(InputError, match="photographs or drawings"):
        make(gallery, domain="paintings")


def test_an_identification_says_which_threshold_and_model(gallery: Gallery) -> None:
    verifier = make(gallery, FakeModel(threshold=0.7))
    values = verifier.identify(gray_frame(102)).to_dict()
    assert values["verified"] is True and values["score"] == pytest.approx(1)
    assert (values["operating_point"], values["model"]) == ("equal_error", "fake")
    unknown = verifier.identify(gray_frame(0)).to_dict()
    assert unknown["verified"] is None and unknown["score"] is None and unknown["reason"]
    never = make(gallery, FakeModel()).identify(gray_frame(102))
    assert never.note.startswith("This model was never calibrated")

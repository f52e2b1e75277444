"""Drawn people: the same seed gives the same image; identity is visible in all conditions."""

from __future__ import annotations

import dataclasses
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from siamlab.data.synthetic import (
    FACE_MIDDLE,
    Conditions,
    Identity,
    draw_face,
    draw_frame,
    make_view,
    people_files,
    person_identity,
    person_name,
    rotation,
    write_people,
)
from siamlab.errors import InputError, StorageError


def difference(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.abs(first.astype(float) - second).mean())


def files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.jpg"))


def test_the_same_seed_gives_the_same_person_and_image() -> None:
    rngs = [np.random.default_rng(5) for _ in range(2)]
    first, second = (draw_face(Identity(3), rng) for rng in rngs)
    assert first.shape == (250, 250, 3)
    assert first.dtype == np.uint8
    np.testing.assert_array_equal(first, second)
    assert Identity(3) == Identity(3)
    assert hash(Identity(3)) == hash(Identity(3))
    assert dataclasses.asdict(Identity(3)) != dataclasses.asdict(Identity(4))


def test_an_image_does_not_depend_on_what_was_drawn_before() -> None:
    conditions = Conditions(yaw=10, noise=3, blur=0.5, jpeg=80)
    alone = draw_face(Identity(3), conditions)
    for seed in range(8):  # more people than the caches hold
        draw_face(Identity(seed), Conditions(scene=seed))
    np.testing.assert_array_equal(draw_face(Identity(3), conditions), alone)


@pytest.mark.parametrize(
    "change",
    [
        {"light_level": 1.6},
        {"light_side": 60.0},
        {"light_up": 70.0},
        {"ambient": 0.9},
        {"warmth": 1.0},
        {"yaw": 25.0},
        {"pitch": 12.0},
        {"roll": 10.0},
        {"mouth_open": 1.0},
        {"smile": 1.0},
        {"eye_open": 0.0},
        {"brow_raise": 1.0},
        {"gaze_x": 1.0},
        {"gaze_y": 1.0},
        {"scale": 1.2},
        {"shift_x": 0.1},
        {"shift_y": 0.1},
        {"scene": 9},
        {"blur": 1.5},
        {"noise": 5.0},
        {"contrast": 1.2},
        {"saturation": 0.0},
        {"jpeg": 40},
    ],
    ids=lambda change: next(iter(change)),
)
def test_every_condition_changes_the_image(change: dict[str, float]) -> None:
    who, usual = Identity(1), Conditions()
    other = dataclasses.replace(usual, **change)  # type: ignore[arg-type]
    assert difference(draw_face(who, usual), draw_face(who, other)) > 0.005


def test_light_comes_from_the_given_side() -> None:
    face = slice(100, 150)
    for side, brighter in ((-60.0, slice(85, 115)), (60.0, slice(135, 165))):
        conditions = Conditions(light_side=side, ambient=0.15)
        row = draw_face(Identity(1), conditions)[face].astype(float)
        darker = slice(135, 165) if brighter.start == 85 else slice(85, 115)
        assert row[:, brighter].mean() > 1.2 * row[:, darker].mean()


def test_saturation_and_noise_have_the_given_strength() -> None:
    gray = draw_face(Identity(1), Conditions(saturation=0.0)).astype(int)
    assert np.abs(gray - gray[..., :1]).max() <= 1
    clean = draw_face(Identity(1), Conditions()).astype(float)
    noisy = draw_face(Identity(1), Conditions(noise=4.0)).astype(float)
    assert (noisy - clean)[20:40, 20:40].std() == pytest.approx(4.0, rel=0.15)


def test_the_face_rotates_about_its_center() -> None:
    """In every pose the center of the face is the center of the box."""
    for yaw, pitch, roll in ((0, 0, 0), (30, -10, 8), (-20, 12, -9)):
        view = make_view(Conditions(yaw=yaw, pitch=pitch, roll=roll), (125.0, 120.0), 1.0)
        np.testing.assert_allclose(view.project(np.array([FACE_MIDDLE])), [[125, 120]], atol=1e-3)
        turn = rotation(yaw, pitch, roll)
        np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-6)
    ahead = np.array((0.0, 0.0, 1.0))
    assert (rotation(20, 0, 0) @ ahead)[0] > 0.3  # to the picture's right
    assert (rotation(0, 20, 0) @ ahead)[1] > 0.3  # down


def test_raw_pixels_are_weak_but_better_than_chance() -> None:
    """The cosine of small gray images distinguishes people badly, yet better than chance."""
    people = np.repeat(np.arange(30), 5)
    rng = np.random.default_rng(11)
    small = []
    for person in people:
        chip = draw_face(Identity(1000 + int(person)), rng)
        gray = Image.fromarray(chip).convert("L").crop((45, 45, 205, 205)).resize((32, 32))
        small.append(np.asarray(gray, float).ravel())
    vectors = np.array(small)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    scores = vectors @ vectors.T
    upper = np.triu_indices(len(people), 1)
    same = people[upper[0]] == people[upper[1]]
    genuine, impostor = scores[upper][same], scores[upper][~same]
    auc = float((genuine[:, None] > impostor[None, :]).mean())
    assert 0.52 < auc < 0.75


def test_identity_changes_an_image_more_than_conditions() -> None:
    """Slight changes of pose and light change an image less than another face does."""
    usual = Conditions()
    moved = Conditions(yaw=4.0, light_side=-15.0, smile=0.3)
    faces = [draw_face(Identity(seed), usual) for seed in range(6)]
    for seed, face in enumerate(faces):
        own = difference(draw_face(Identity(seed), moved), face)
        others = [difference(other, face) for k, other in enumerate(faces) if k != seed]
        assert own < float(np.median(others))


def test_chips_of_other_sizes_show_the_same() -> None:
    large = draw_face(Identity(2), Conditions(), size=500)
    usual = np.asarray(Image.fromarray(large).resize((250, 250), Image.Resampling.BOX))
    assert difference(usual, draw_face(Identity(2), Conditions())) < 5.0
    with pytest.raises(InputError, match="received 8"):
        draw_face(Identity(2), Conditions(), size=8)


def test_haar_finds_most_faces_where_lfw_has_them() -> None:
    cv2 = pytest.importorskip("cv2")
    if not hasattr(cv2, "CascadeClassifier"):
        pytest.skip("this OpenCV has no Haar cascades")
    path = Path(cv2.data.haarcascades) / "haarcascade_frontalface_default.xml"
    detector = cv2.CascadeClassifier(str(path))
    rng = np.random.default_rng(2)
    middles, sides = [], []
    for seed in range(60):
        gray = cv2.cvtColor(draw_face(Identity(seed), rng), cv2.COLOR_RGB2GRAY)
        for x, y, side, _ in detector.detectMultiScale(gray, 1.1, 3, minSize=(70, 70))[:1]:
            middles.append((x + side / 2, y + side / 2))
            sides.append(side)
    assert len(middles) >= 0.9 * 60
    np.testing.assert_allclose(np.median(middles, 0), (125, 125), atol=5)
    assert np.median(sides) == pytest.approx(250 / 2.2, rel=0.08)


def test_a_frame_has_the_true_box() -> None:
    conditions = Conditions(scale=1.1, shift_x=0.2, shift_y=-0.1)
    frame, (x, y, side) = draw_frame(Identity(7), conditions, (320, 240))
    assert frame.shape == (240, 320, 3)
    nominal = 0.4 * 240
    assert side == pytest.approx(1.1 * nominal)
    assert x + side / 2 == pytest.approx(160 + 0.2 * nominal)
    assert y + side / 2 == pytest.approx(120 - 0.1 * nominal)
    with pytest.raises(InputError, match="20 x 240"):
        draw_frame(Identity(7), conditions, (20, 240))


def test_a_face_may_leave_the_frame() -> None:
    for shift in ((3.0, 0.0), (-3.0, 0.0), (0.0, 3.0), (0.0, -3.0), (0.8, 0.9)):
        conditions = Conditions(shift_x=shift[0], shift_y=shift[1])
        assert draw_frame(Identity(5), conditions, (160, 120))[0].shape == (120, 160, 3)


@pytest.mark.parametrize("python", [sys.executable, "no-such-python", shutil.which("false")])
def test_a_second_process_draws_half_of_many_and_need_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, python: str
) -> None:
    how = {"people": 4, "images": 2, "seed": 9, "size": 64}
    one = write_people(tmp_path / "one", **how)
    monkeypatch.setattr(people_files, "MANY", 8)
    monkeypatch.setattr(sys, "executable", python)
    calls: list[tuple[int, int]] = []
    two = write_people(tmp_path / "two", **how, progress=lambda *done: calls.append(done))
    assert [path.read_bytes() for path in files(one)] == [path.read_bytes() for path in files(two)]
    assert calls == [(2, 8), (6, 8), (8, 8)]


def test_a_video_changes_smoothly() -> None:
    frames = [
        draw_frame(Identity(7), dataclasses.replace(Conditions.at(7, t), noise=0.0), (160, 120))[0]
        for t in (0.0, 0.04, 4.0)
    ]
    assert 0.0 < difference(frames[0], frames[1]) < 0.5 * difference(frames[0], frames[2])
    assert Conditions.at(7, 1.5) == Conditions.at(7, 1.5)
    assert Conditions.at(7, 0.0).scene == Conditions.at(7, 9.0).scene
    assert Conditions.at(7, 0.0).scene != Conditions.at(8, 0.0).scene
    shut = [Conditions.at(7, t / 25).eye_open for t in range(200)]
    assert min(shut) < 0.3
    assert np.median(shut) == 1.0


def test_a_collection_has_lfws_layout(tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    folder = write_people(tmp_path / "new" / "drawn", people=2, images=3, seed=4,
                          progress=lambda done, total: calls.append((done, total)))  # fmt: skip
    names = [str(path.relative_to(folder)) for path in files(folder)]
    assert names[0] == str(Path("person_0001") / "person_0001_0001.jpg")
    assert names[-1] == str(Path("person_0002") / "person_0002_0003.jpg")
    assert len(names) == 6
    assert calls == [(3, 6), (6, 6)]
    assert person_name(12) == "person_0012"
    with Image.open(files(folder)[0]) as image:
        assert image.size == (250, 250)
        assert image.mode == "RGB"
    assert [path.name for path in folder.rglob(".*")] == [".drawn"]


def test_more_people_and_images_keep_the_earlier_ones(tmp_path: Path) -> None:
    few = write_people(tmp_path / "few", people=2, images=2, seed=9)
    more = write_people(tmp_path / "more", people=3, images=3, seed=9)
    for path in files(few):
        assert path.read_bytes() == (more / path.relative_to(few)).read_bytes()
    other = write_people(tmp_path / "other", people=1, images=1, seed=10)
    assert files(other)[0].read_bytes() != files(few)[0].read_bytes()


def test_people_of_a_collection_have_large_seeds() -> None:
    seeds = {person_identity(seed, n).seed for seed in range(3) for n in range(1, 40)}
    assert len(seeds) == 3 * 39
    assert min(seeds) > 10**6


def test_bad_arguments_and_disks(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="0 and 6"):
        write_people(tmp_path, people=0)
    with pytest.raises(InputError, match="-1"):
        write_people(tmp_path, seed=-1)
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    with pytest.raises(StorageError, match="Cannot write"):
        write_people(blocked, people=1, images=1)

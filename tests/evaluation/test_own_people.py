"""Calibration on own people: gray levels stand for faces, so every rate is known."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from siamlab.config import Workspace
from siamlab.data.collections import Collection, Person, open_collection
from siamlab.data.faces import Faces, face_batches
from siamlab.errors import InputError, NoFaceError
from siamlab.evaluation.evaluate import calibrate
from siamlab.evaluation.own_people import (
    calibrate_people,
    find_strangers,
    open_own_people,
    spread_pairs,
)
from siamlab.evaluation.own_people.messages import one_in
from siamlab.evaluation.own_people.pair_groups import (
    calibration_pairs,
    draw_groups,
    fair_genuine,
)
from siamlab.faces.crop import Preprocessing
from siamlab.images.write import write_image


@dataclass
class Metadata:
    trained: tuple[str, ...] = ()
    preprocessing: Preprocessing = field(
        default_factory=lambda: Preprocessing(size=8, alignment="none")
    )

    hidden_people = 0

    def known_people(self, names: Iterable[str]) -> tuple[str, ...]:
        return tuple(name for name in names if name in self.trained)


class LevelModel:
    """Embeds an image as its mean level; the score is 1 minus the difference of levels."""

    def __init__(self, *trained: str) -> None:
        self.metadata = Metadata(trained)
        self.kept: dict[str, Any] = {}

    def embed(self, images: np.ndarray) -> np.ndarray:
        return np.asarray(images).mean(axis=(1, 2, 3))[:, None].astype(np.float32)

    def score_pairs(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        return (1 - np.abs(first - second)[:, 0]).astype(np.float32)

    def with_metadata(self, **changes: Any) -> LevelModel:
        self.kept.update(changes)
        return self


def write_levels(root: Path, people: dict[str, tuple[int, ...]]) -> Collection:
    for name, levels in people.items():
        for number, level in enumerate(levels, 1):
            path = root / name / f"{name}_{number:04d}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            write_image(path, np.full((10, 10, 3), level, np.uint8))
    return open_collection(root)


@pytest.fixture
def own(tmp_path: Path) -> Collection:
    """Ada and Bea are alike (10 levels apart), Cid is not; images of one person 5 apart."""
    people = {"Ada": (100, 105), "Bea": (110, 115), "Cid": (200, 205)}
    return write_levels(tmp_path / "own", people)


@pytest.fixture
def strangers(tmp_path: Path) -> Collection:
    """40 people from 0 to 78 levels, of one image or two that are 4 levels apart."""
    levels = {f"s{i:02d}": (2 * i, 2 * i + 4)[: 1 + i % 2] for i in range(40)}
    return write_levels(tmp_path / "strangers", levels)


def test_rates_of_the_groups_by_hand(own: Collection, strangers: Collection) -> None:
    """Own pairs: 3 genuine, 5 levels apart, and 12 impostor. Ada's and Bea's four pairs are
    10, 15, 5 and 10 levels apart. At the rate 0.05 the strangers decide."""
    model = LevelModel()
    found = calibrate_people(model, own, strangers, fmr=0.05)
    groups = found.groups
    assert (groups["own_genuine"].pairs, groups["own_impostor"].pairs) == (3, 12)
    assert groups["between"].pairs == 6 * 60
    assert groups["stranger_genuine"].pairs == 20
    impostors = sum(one.pairs for one in groups.values() if not one.genuine)
    errors = sum(one.errors for one in groups.values() if not one.genuine)
    assert found.calibration.impostor == impostors
    assert errors <= 0.05 * impostors
    assert found.calibration.fmr == errors / impostors
    assert found.calibration.genuine == 3
    limit = 255 * (1 - found.calibration.threshold)
    apart = np.abs(np.subtract.outer([100, 105], [110, 115])).ravel()
    assert groups["own_impostor"].errors == np.count_nonzero(apart <= limit)
    assert model.kept["calibration"] == found.calibration.to_dict()


def test_worst_confusion_and_the_strict_threshold(own: Collection, strangers: Collection) -> None:
    """A lax 0.3 lets Ada pass for Bea: 4 of 12 pairs. Held there, 3 of 12 may match, those 5 and
    10 levels apart but not the one at 15. Genuine pairs are 5 apart and lose nothing."""
    found = calibrate_people(LevelModel(), own, strangers, fmr=0.3)
    assert (found.worst.first, found.worst.second, found.worst.matches) == ("Ada", "Bea", 4)
    assert found.groups["own_impostor"].rate == pytest.approx(1 / 3)
    threshold, fnmr = found.strict
    assert 1 - 15 / 255 < threshold < 1 - 10 / 255
    assert fnmr == 0
    assert "Ada is taken for Bea in 4 of 4" in str(found)
    assert "--strict would hold it" in str(found)

    strict = calibrate_people(LevelModel(), own, strangers, fmr=0.3, strict=True)
    assert strict.calibration.threshold == pytest.approx(threshold)
    assert strict.strict is None
    assert strict.groups["own_impostor"].rate == 0.25


def test_names_stay_out_of_the_model_file(own: Collection, strangers: Collection) -> None:
    model = LevelModel()
    found = calibrate_people(model, own, strangers, fmr=0.3)
    kept = json.dumps(model.kept)
    assert not any(name in kept for name in own.names)
    assert "Ada" in json.dumps(found.to_dict())


def test_few_people_cannot_show_a_low_rate(own: Collection, strangers: Collection) -> None:
    """3 people are 3 person pairs; 0.01 asks for 300, which 25 people have."""
    text = str(calibrate_people(LevelModel(), own, strangers))
    assert "(3 person pairs, 12 pairs) are too few to promise an FMR of 0.01" in text
    assert "300 person pairs, or 25 people" in text
    assert "What it costs" in text
    assert "3 people are too few for a promise" in text


def test_missing_strangers_are_noted(own: Collection) -> None:
    found = calibrate_people(LevelModel(), own, None, fmr=0.1)
    assert found.strangers == 0
    assert found.groups["between"].pairs == 0
    assert "No strangers took part" in str(found)


def test_one_person_and_strangers(own: Collection, strangers: Collection) -> None:
    found = calibrate_people(LevelModel(), own.select(["Ada"]), strangers, fmr=0.1)
    assert found.worst is None
    assert found.groups["own_genuine"].unit == "images"
    assert "there is one person" in str(found)
    with pytest.raises(InputError, match="two people at least"):
        calibrate_people(LevelModel(), own.select(["Ada"]), None)


def test_single_images_use_the_genuine_pairs_of_strangers(
    strangers: Collection, tmp_path: Path
) -> None:
    own = write_levels(tmp_path / "single", {"Ada": (100,), "Bea": (200,)})
    found = calibrate_people(LevelModel(), own, strangers, fmr=0.1)
    assert found.calibration.genuine == found.groups["stranger_genuine"].pairs == 20
    assert "cannot be known" in str(found)


def test_people_trained_on_and_namesakes_are_left_out(
    own: Collection, strangers: Collection, tmp_path: Path
) -> None:
    model = LevelModel("Cid", "s01", "s02")
    namesake = write_levels(tmp_path / "strangers", {"ADA": (250, 251)})
    found = calibrate_people(model, own, namesake, fmr=0.1)
    assert (found.own, found.strangers) == (2, 38)
    assert "Left out of your people: 1" in str(found)
    assert "2 whom the model was trained on, 1 with the name" in str(found)


def test_too_few_people_left(own: Collection, strangers: Collection) -> None:
    with pytest.raises(InputError, match=r"was trained on 3 of these people \(3\)"):
        calibrate_people(LevelModel(*own.names), own, strangers)
    with pytest.raises(InputError, match="2 others are too few"):
        calibrate_people(LevelModel("Cid"), own, None)
    with pytest.raises(InputError, match="was trained on 35 of these people"):
        calibrate(LevelModel(*strangers.names[:35]), strangers)
    found = calibrate(LevelModel(*strangers.names[:10]), strangers, 0.1)
    assert found.people <= 30
    assert "10 people were left out" in found.note


@pytest.mark.parametrize("fmr", [0.0, -1.0, 2.0, float("nan")])
def test_invalid_rate(own: Collection, fmr: float) -> None:
    with pytest.raises(InputError, match="fmr is above 0"):
        calibrate_people(LevelModel(), own, None, fmr=fmr)


def test_groups_are_drawn_without_repetition_and_alike(tmp_path: Path) -> None:
    """Too many pairs to take all: of 3,000 each of four own people has about 750."""

    def people(prefix: str, sizes: list[int]) -> Collection:
        made = tuple(
            Person(f"{prefix}{i:03d}", tuple(Path(f"{prefix}{i}_{j}") for j in range(size)))
            for i, size in enumerate(sizes)
        )
        return Collection(tmp_path, made)

    own, strangers = people("o", [50, 20, 20, 20]), people("s", [2] * 300)
    drawn = draw_groups(own, strangers, 0.01, seed=0)
    for name, pairs in drawn.items():
        assert len(set(zip(pairs.first, pairs.second, strict=True))) == len(pairs), name
        assert len(pairs) == (300 if name == "stranger_genuine" else min(len(pairs), 3000))
    between = drawn["between"]
    assert len(between) == 3000
    assert set(between.first_people) == set(own.names)
    assert set(between.second_people) <= set(strangers.names)
    counts = [between.first_people.count(name) for name in own.names]
    assert all(600 < count < 900 for count in counts)
    assert drawn["own_genuine"].genuine == len(drawn["own_genuine"])
    assert drawn["stranger_impostor"].genuine == 0
    again = draw_groups(own, strangers, 0.01, seed=0)["between"]
    assert again.first == between.first


def test_no_single_person_dominates(tmp_path: Path) -> None:
    """20 people with one genuine pair each and one with 45; of 50 wanted, a fair share is
    50 / 21, rounded up to 3, so the one gives 6."""
    sizes = [2] * 20 + [10]
    people = tuple(
        Person(f"p{i:02d}", tuple(Path(f"{i}_{j}") for j in range(size)))
        for i, size in enumerate(sizes)
    )
    everybody = Collection(tmp_path, people)
    assert fair_genuine(everybody, 50) == 26
    pairs = spread_pairs(everybody, 100, seed=0)
    genuine = [name for name, label in zip(pairs.first_people, pairs.labels, strict=True) if label]
    assert (len(genuine), genuine.count("p20")) == (26, 6)
    alone = Collection(tmp_path, people[-1:])
    assert fair_genuine(alone, 50) == 45


def test_a_calibration_compares_all_people(tmp_path: Path) -> None:
    """10 people of 2 images: 10 genuine pairs; all 45 x 4 impostor pairs, or as many as asked."""
    people = tuple(Person(f"p{i}", (Path(f"{i}_0"), Path(f"{i}_1"))) for i in range(10))
    everybody = Collection(tmp_path, people)
    pairs = calibration_pairs(everybody, 30_000, seed=0)
    assert (pairs.genuine, len(set(zip(pairs.first, pairs.second, strict=True)))) == (10, 190)
    few = calibration_pairs(everybody, 50, seed=0)
    assert (few.genuine, len(few)) == (10, 60)
    assert few.first == calibration_pairs(everybody, 50, seed=0).first
    single = Collection(tmp_path, tuple(Person(p.name, p.images[:1]) for p in people))
    with pytest.raises(InputError, match="two images or more"):
        calibration_pairs(single, 50, seed=0)


def test_captured_folders_are_one_person(tmp_path: Path) -> None:
    """anchor, positive and probes of one person must not become three people."""
    root = tmp_path / "people"
    for kind in ("anchor", "positive"):
        write_levels(root / "me", {kind: (10, 20)})
    found = open_own_people(root)
    assert [(person.name, len(person)) for person in found.people] == [("me", 4)]
    assert [person.name for person in open_own_people(root / "me").people] == ["me"]
    write_levels(root, {"Bea": (30,)})
    assert open_own_people(root).names == ("Bea", "me")
    (root / "empty").mkdir()
    assert open_own_people(root).names == ("Bea", "me")


def test_plain_folders_open_too(own: Collection) -> None:
    assert open_own_people(own.root).names == own.names
    with pytest.raises(InputError, match="does not exist"):
        open_own_people(own.root / "nowhere")


def test_find_strangers(
    own: Collection, strangers: Collection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SIAMLAB_LFW", raising=False)
    workspace = Workspace(tmp_path / "data")
    assert find_strangers(None, workspace) is None
    write_levels(workspace.root / "lfw", {"x": (1,)})
    assert find_strangers(None, workspace).names == ("x",)
    monkeypatch.setenv("SIAMLAB_LFW", str(own.root))
    assert find_strangers(None, workspace).names == own.names
    assert find_strangers(strangers.root, workspace).names == strangers.names


@pytest.mark.parametrize(
    ("errors", "pairs", "words"),
    [
        (0, 40, "none of 40"),
        (40, 40, "all"),
        (10, 120, "about 1 in 12"),
        (1, 3, "about 1 in 3"),
        (1, 2, "about 5 in 10"),
        (9, 10, "about 9 in 10"),
        (99, 100, "nearly all"),
    ],
)
def test_rates_in_plain_words(errors: int, pairs: int, words: str) -> None:
    assert one_in(errors, pairs) == words


def test_images_without_a_face_are_left_out_and_counted(
    own: Collection, strangers: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bea's 110 shows no face: of 3 genuine pairs 2 are left, of 12 impostor pairs 8."""
    read = face_batches

    def without_110(
        paths: list[Path], preprocessing: Preprocessing, batch: int, judged: bool
    ) -> Iterator[Faces]:
        for faces in read(paths, preprocessing, batch):
            found = faces.images[:, 0, 0, 0] != 110
            yield Faces(faces.images, found, found)

    monkeypatch.setattr("siamlab.evaluation.scoring.face_batches", without_110)
    found = calibrate_people(LevelModel(), own, None, fmr=0.3)
    assert (found.calibration.genuine, found.calibration.impostor) == (2, 8)
    assert "5 of 15 pairs were left out: 1 image shows no face." in found.notes
    everybody = calibrate(LevelModel(), own, 0.3)
    assert "1 image shows no face" in everybody.note
    monkeypatch.setattr(
        "siamlab.evaluation.scoring.face_batches",
        lambda *how, **_: (
            Faces(one.images, *[np.zeros(len(one), bool)] * 2) for one in read(*how)
        ),
    )
    with pytest.raises(NoFaceError, match="shows two faces"):
        calibrate(LevelModel(), own, 0.3)

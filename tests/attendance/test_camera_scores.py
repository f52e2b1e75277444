"""Scores since enrollment, from the register."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from siamlab.attendance.camera_scores import read_camera_scores
from siamlab.attendance.register import Register
from siamlab.gallery import Gallery
from siamlab.gallery.rights import erase_person
from siamlab.verification.result import Verification

DAYS = timedelta(days=1)


def verified(person: str, score: float, model: str = "m") -> Verification:
    scores = np.float32([score])
    return Verification(person, True, scores, 0.5, 0.5, None, {}, fused=score, model=model)


@pytest.fixture
def register(tmp_path: Path) -> Register:
    gallery = Gallery(tmp_path / "gallery")
    for name in ("Ada", "Bob"):
        gallery.enroll(name, np.ones((1, 4), np.float32), "m", consent="drawn")
    return Register(gallery, keep_scores=True)


def mark(register: Register, day: int, verification: Verification) -> None:
    now = datetime.now(UTC) + day * DAYS
    register.open_session(f"day {day}", now=now)
    register.mark(f"day {day}", verification, now=now)


def test_accepted_tries_of_the_model_since_enrollment(register: Register) -> None:
    mark(register, -3, verified("Ada", 0.99))  # before she was enrolled (again)
    mark(register, 1, verified("Ada", 0.9))
    mark(register, 1, verified("Bob", 0.8))
    mark(register, 2, verified("Ada", 0.7))
    mark(register, 3, verified("Ada", 0.6, model="another"))
    register.correct("day 3", "Bob", "present", "forgot his glasses")
    found = read_camera_scores(register, "m")
    assert found.people == ("Ada", "Bob", "Ada")
    assert found.scores == pytest.approx((0.9, 0.8, 0.7))
    assert found.times[2] - found.times[0] == pytest.approx(86_400, abs=2)
    erase_person(register.gallery, "Ada")
    assert read_camera_scores(register, "m").people == ("Bob",)


def test_a_register_without_scores_gives_none(register: Register) -> None:
    register.keep_scores = False
    mark(register, 1, verified("Ada", 0.9))
    assert len(read_camera_scores(register, "m")) == 0
    assert len(read_camera_scores(Register(Gallery(Path("nowhere"))), "m")) == 0

"""Whose face a camera shows decides whether consent is needed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from fakes import FakeCamera

from siamlab.capture.cameras import DrawnCamera, FolderCamera
from siamlab.capture.cameras.subject import subject_of
from siamlab.capture.stream import FrameReader
from siamlab.data.synthetic import write_people
from siamlab.images.write import write_image


@pytest.mark.parametrize(
    ("source", "subject"),
    [
        ("drawn", "drawn"),
        ("drawn:7:2", "drawn"),
        (0, "real"),
        ("0", "real"),
        ("rtsp://camera.example/1", "real"),
        ("a film.mp4", "real"),
        (Path("drawn"), "real"),
    ],
)
def test_what_is_not_known_to_be_drawn_is_real(source: object, subject: str) -> None:
    assert subject_of(source) == subject


def test_a_camera_says_it_itself_and_so_does_its_reader() -> None:
    assert subject_of(DrawnCamera(7)) == "drawn"
    assert subject_of(FrameReader("drawn:7")) == "drawn"
    camera = FakeCamera()
    camera.subject = "somebody"
    assert subject_of(camera) == "real"
    assert subject_of(object()) == "real"


def test_marked_folders(tmp_path: Path) -> None:
    drawn = write_people(tmp_path / "drawn", people=1, images=1)
    assert subject_of(drawn / "person_0001") == "drawn"
    write_image(tmp_path / "film" / "1.png", np.full((20, 20, 3), 9, np.uint8))
    assert subject_of(str(tmp_path / "film")) == "real"
    assert FolderCamera(tmp_path / "film").subject == "real"
    (tmp_path / "film" / ".public").touch()
    assert FolderCamera(tmp_path / "film").subject == "public"

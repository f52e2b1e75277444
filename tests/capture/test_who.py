"""Who is at which camera: a person and a camera belong together."""

from __future__ import annotations

import json
import stat

import numpy as np
import pytest
from fakes import FakeCamera

from siamlab.capture.cameras import open_camera
from siamlab.capture.session import CaptureController
from siamlab.capture.who import frame_step, open_who
from siamlab.config import open_workspace
from siamlab.data.collections import open_collection
from siamlab.data.synthetic import write_people
from siamlab.errors import InputError, MissingStepError
from siamlab.faces.detectors import GuideDetector
from siamlab.gallery.captures import FolderCaptures
from siamlab.images.write import write_image


@pytest.fixture(autouse=True)
def data(tmp_path, monkeypatch):
    for name in ("PERSON", "CAMERA", "PROBES"):
        monkeypatch.delenv(f"SIAMLAB_{name}", raising=False)
    monkeypatch.setenv("SIAMLAB_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def pair(who):
    return who.person, who.camera


def test_at_first_it_is_a_drawn_person_and_nothing_is_kept(data):
    who = open_who()
    assert pair(who) == ("drawn", "drawn:900001:1")
    assert who.probe_camera == "drawn:900001:2", "the same person on another day"
    assert (who.subject, who.domain) == ("drawn", "drawings")
    assert who.workspace.anchor == data / "people" / "drawn" / "anchor"
    assert str(who) == "drawn at camera drawn:900001:1: a drawn person"
    assert not data.exists()


def test_a_choice_holds_for_all_notebooks_and_only_its_owner_reads_it(data):
    who = open_who("Ada", 0)
    assert pair(who) == ("Ada", "0") and who.probe_camera == "0", "probes follow the camera"
    assert (who.subject, who.domain) == ("real", "photographs")
    assert open_who() == who
    assert open_workspace().person == "Ada", "whatever opens the workspace knows her"
    assert stat.S_IMODE((data / "who.json").stat().st_mode) == 0o600
    assert pair(open_who(camera=1)) == ("Ada", "1")
    assert pair(open_who("Bea")) == ("Bea", "1")
    assert pair(open_who("drawn")) == ("drawn", "drawn:900001:1")
    assert pair(open_who()) == ("drawn", "drawn:900001:1")


def test_a_camera_alone_is_enough_and_never_shares_a_name_with_the_drawn_person():
    assert pair(open_who(camera=0)) == ("me", "0")
    assert pair(open_who(camera="drawn")) == ("drawn", "drawn:900001:1")
    assert pair(open_who(camera="drawn:7")) == ("drawn-7", "drawn:7:1")
    assert open_who().probe_camera == "drawn:7:2"
    assert pair(open_who(camera="browser")) == ("me", "browser")


@pytest.mark.parametrize(
    ("person", "camera", "sentence"),
    [
        ("Ada", None, "'Ada' is not a drawn person, and camera drawn:900001:1 draws one: give CAM"),
        ("Ada", "drawn:7", "'Ada' is not a drawn person"),
        ("drawn", 0, "'drawn' is a drawn person, and camera 0 shows a real one: give the name"),
        ("Drawn", 0, "is a drawn person"),
        ("drawn-7", "rtsp://camera.example/1", "is a drawn person"),
    ],
)
def test_drawn_and_real_are_not_mixed(person, camera, sentence, data):
    with pytest.raises(InputError, match=sentence) as caught:
        open_who(person, camera)
    assert "\n" not in str(caught.value)
    assert not data.exists(), "what is refused is not kept"


def test_a_folder_of_frames_keeps_its_place(tmp_path, monkeypatch):
    (tmp_path / "frames").mkdir()
    monkeypatch.chdir(tmp_path)
    assert open_who("Ada", "frames").camera == str(tmp_path / "frames")
    monkeypatch.chdir("/")
    assert open_who().camera == str(tmp_path / "frames")


def test_a_folder_of_a_drawn_person_is_drawn(tmp_path):
    folder = write_people(tmp_path / "drawn", people=1, images=1) / "person_0001"
    who = open_who(camera=folder)
    assert (who.person, who.subject) == ("drawn-person_0001", "drawn")
    assert who.probe_camera == who.camera == str(folder)


def test_the_environment_goes_before_what_is_kept(tmp_path, monkeypatch, data):
    open_who("Ada", 0)
    halves = [tmp_path / name for name in ("capture", "probe")]
    for half in halves:
        half.mkdir()
        (half / ".public").touch()
    values = {"PERSON": "Serena", "CAMERA": str(halves[0]), "PROBES": str(halves[1])}
    for name, value in values.items():
        monkeypatch.setenv(f"SIAMLAB_{name}", value)
    who = open_who()
    assert (*pair(who), who.probe_camera) == ("Serena", str(halves[0]), str(halves[1]))
    assert who.subject == "public" and who.domain == "photographs"
    assert json.loads((data / "who.json").read_text())["person"] == "Ada"
    with pytest.raises(InputError, match="CAMERA is '0' here and SIAMLAB_CAMERA is"):
        open_who(camera=0)
    monkeypatch.setenv("SIAMLAB_PROBES", "drawn:7:2")
    with pytest.raises(InputError, match=r"shows a drawn person, camera .* a public one"):
        open_who()


def test_a_damaged_choice_is_one_line(data):
    data.mkdir()
    for text in ("{", "[1]", "\xff"):
        (data / "who.json").write_text(text, "latin-1")
        with pytest.raises(InputError, match=r"who\.json does not say who is at the camera"):
            open_who()


def test_captures_of_another_kind_are_refused(data):
    who = open_who()
    with pytest.raises(MissingStepError, match="no anchor images of 'drawn'"):
        who.captures("anchor")
    with CaptureController(who.workspace, open_camera(who.camera), GuideDetector()) as controller:
        controller.capture("anchor")
    assert len(who.captures("anchor").images("anchor")) == 1
    with pytest.raises(MissingStepError, match="no probes images"):
        who.captures("anchor", "probes")
    # What an earlier siamlab left: drawn images under a real person's name.
    old = open_workspace(person="me")
    FolderCaptures(old, "drawn").add("anchor", np.full((250, 250, 3), 90, np.uint8))
    write_image(old.positive / "1.jpg", np.full((250, 250, 3), 90, np.uint8))
    with pytest.raises(InputError, match="holds drawn images, and camera 0 shows a real person"):
        open_who(camera=0).captures("anchor")


def test_other_people_of_another_kind_are_said(tmp_path):
    drawn = open_collection(write_people(tmp_path / "drawn", people=2, images=1))
    assert open_who().compare(drawn) == "other people: drawings, as those of drawn"
    said = open_who("Ada", 0).compare(drawn)
    assert said.startswith("MIXED: the images of Ada are photographs, those of other people draw")
    assert "siamlab fetch lfw" in said and "\n" not in said


def test_a_real_camera_takes_nothing_for_the_drawn_person():
    camera = FakeCamera()
    camera.subject = "real"
    with pytest.raises(InputError, match="'drawn' is the name of a drawn person"):
        CaptureController(open_who().workspace, camera, GuideDetector())


def test_a_folder_is_used_whole_and_a_film_is_not(tmp_path):
    assert frame_step(str(tmp_path)) == 1 and frame_step("drawn") == frame_step(0) == 5

"""The panel at the door, driven without a browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes import FakeCamera, FakeDetector, FakeModel, gray_frame

from siamlab.attendance.register import Register
from siamlab.gallery import Gallery
from siamlab.ui.panels.attendance_panel import AttendancePanel
from siamlab.verification.door import Door
from siamlab.verification.tries import TryLimits
from siamlab.verification.verifier import Verifier

pytestmark = pytest.mark.usefixtures("any_face_is_usable")  # even gray ones, here


@pytest.fixture
def panel(tmp_path: Path) -> Iterator[AttendancePanel]:
    verifier = Verifier(FakeModel(threshold=0.8), Gallery(tmp_path / "gallery"), FakeDetector())
    verifier.enroll("Ada", [gray_frame(110)], consent="drawn")
    verifier.enroll("<Bob>", [gray_frame(250)], consent="drawn")
    register = Register(verifier.gallery)
    register.open_session("Monday")
    door = Door(verifier, limits=TryLimits(free=1))
    with AttendancePanel(register, door, "Monday", FakeCamera()) as made:  # type: ignore[arg-type]
        yield made


def answer(panel: AttendancePanel, name: str) -> str:
    panel.who.value = name
    panel.confirm_button.click()
    return str(panel.answer.value)


def test_the_camera_confirms_who_says_their_name_once(panel: AttendancePanel) -> None:
    assert "Ada: registered" in answer(panel, "Ada")
    assert ", present" in panel.answer.value
    assert "Ada: already registered" in answer(panel, "Ada")
    assert [entry.person for entry in panel.register.entries()] == ["Ada"]


def test_who_is_not_recognized_waits_and_sees_no_score(panel: AttendancePanel) -> None:
    assert answer(panel, "<Bob>") == "<b>not recognized, try again in 5 s</b>"
    assert "try again in 5 s" in answer(panel, "<Bob>")
    assert panel.register.entries() == ()


def test_what_cannot_be_judged_says_why(panel: AttendancePanel) -> None:
    panel.door.verifier.detector = FakeDetector([])
    assert "unknown: No face" in answer(panel, "Ada")
    assert "not enrolled" in answer(panel, "&")
    assert "&#x27;&amp;&#x27;" in panel.answer.value


def test_a_click_on_a_stopped_panel_opens_and_releases_the_camera(panel: AttendancePanel) -> None:
    panel.stop()
    again = AttendancePanel(panel.register, panel.door, "Monday", "drawn:7")
    again.door.verifier.detector = FakeDetector([])
    assert "unknown" in answer(again, "Ada")
    assert not again.running

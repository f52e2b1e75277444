"""Drawing leaves its input as it is; the window follows its keys and releases the camera."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from fakes import FakeCamera, FakeDetector, FakeModel, gray_frame

from siamlab.errors import CameraError, MissingPackageError
from siamlab.gallery import Gallery
from siamlab.ui.overlay import annotate, annotate_live
from siamlab.ui.window import OpenCVWindow, open_window
from siamlab.verification.live import LiveState
from siamlab.verification.result import VERDICT_COLORS, Verification
from siamlab.verification.verifier import Verifier

pytestmark = pytest.mark.usefixtures("any_face_is_usable")  # even gray ones, here


@pytest.fixture
def verifier(tmp_path: Path) -> Verifier:
    made = Verifier(FakeModel(), Gallery(tmp_path / "gallery"), FakeDetector())
    made.enroll("Ada", [gray_frame(100)], consent="drawn")
    return made


class FakeWindow:
    """Returns the given keys one by one, then none; closes itself after some calls."""

    def __init__(self, keys: str, closes_after: int | None = None) -> None:
        self.keys = list(keys)
        self.closes_after = closes_after
        self.frames: list[np.ndarray] = []
        self.calls = 0
        self.was_closed = 0

    def show(self, frame: np.ndarray) -> None:
        self.frames.append(frame)

    def wait_key(self) -> str:
        time.sleep(0.02)
        self.calls += 1
        key = self.keys.pop(0) if self.keys else ""
        return "" if key == "." else key

    def closed(self) -> bool:
        return self.closes_after is not None and self.calls >= self.closes_after

    def close(self) -> None:
        self.was_closed += 1


def result(verified: bool | None, person: str = "Ada") -> Verification:
    scores = np.zeros(0 if verified is None else 4, np.float32) + float(bool(verified))
    box = None if verified is None else FakeDetector().boxes[0]
    reason = "no face" if verified is None else ""
    return Verification(person, verified, scores, 0.5, 0.5, box, {"detect": 0.01}, reason)


@pytest.mark.parametrize("verified", [True, False, None])
def test_annotate_draws_on_a_copy(verified: bool | None) -> None:
    frame = gray_frame(120)
    before = frame.copy()
    drawn = annotate(frame, result(verified))
    np.testing.assert_array_equal(frame, before)
    assert (drawn.shape, drawn.dtype) == (frame.shape, frame.dtype)
    assert tuple(drawn[1, 1]) == VERDICT_COLORS[verified]
    box_drawn = tuple(drawn[70, 50]) == VERDICT_COLORS[verified]
    assert box_drawn == (verified is not None)


def test_annotate_takes_read_only_frames_and_no_verdict() -> None:
    frame = gray_frame(120)
    frame.flags.writeable = False
    np.testing.assert_array_equal(annotate(frame, None), frame)
    assert annotate(frame, result(True)).any()


@pytest.mark.parametrize("person", ["Zoë Ångström", "李小龙", "a\nb", "x" * 400])
def test_any_name_can_be_drawn(person: str) -> None:
    annotate(gray_frame(120), result(True, person))


@pytest.mark.parametrize("shape", [(8, 8, 3), (20, 400, 3), (1080, 1920, 3)])
def test_frames_of_any_size_can_be_drawn_on(shape: tuple[int, int, int]) -> None:
    assert annotate(np.zeros(shape, np.uint8), result(False)).shape == shape


def test_the_live_picture_has_a_line_below() -> None:
    assert annotate_live(LiveState()) is None
    drawn = annotate_live(LiveState(frame=gray_frame(120), verification=result(True), fps=25))
    assert drawn is not None
    assert tuple(drawn[-2, 1]) == (40, 40, 40)
    hangs = annotate_live(LiveState(frame=gray_frame(120), silence="Camera 0 has sent no frame"))
    assert hangs is not None and (hangs != annotate_live(LiveState(frame=gray_frame(120)))).any()


def test_v_verifies_and_q_quits(verifier: Verifier) -> None:
    camera, window = FakeCamera(), FakeWindow("...v.....q")
    last = open_window(camera, verifier, "Ada", window=window)
    assert last is not None
    assert last.verified is True
    assert (camera.closed, window.was_closed) == (1, 1)
    assert window.frames


@pytest.mark.parametrize("key", ["q", "Q", "\x1b"])
def test_the_window_closes_without_a_verdict(verifier: Verifier, key: str) -> None:
    camera = FakeCamera()
    assert open_window(camera, verifier, "Ada", window=FakeWindow(f"..{key}")) is None
    assert camera.closed == 1


def test_c_verifies_all_the_time(verifier: Verifier) -> None:
    last = open_window(FakeCamera(), verifier, "Ada", window=FakeWindow("c.........q"))
    assert last is not None


def test_the_x_of_the_window_quits(verifier: Verifier) -> None:
    camera = FakeCamera()
    open_window(camera, verifier, "Ada", window=FakeWindow("", closes_after=5))
    assert camera.closed == 1


def test_a_failing_camera_is_one_error_and_closes_the_window(verifier: Verifier) -> None:
    camera, window = FakeCamera(fails_at=5), FakeWindow("")
    with pytest.raises(CameraError, match="went away"):
        open_window(camera, verifier, "Ada", window=window)
    assert (camera.closed, window.was_closed) == (1, 1)


def test_the_end_of_a_video_is_no_error(verifier: Verifier) -> None:
    last = open_window(
        FakeCamera(frames=8), verifier, "Ada", continuous=True, window=FakeWindow("")
    )
    assert last is not None


def test_an_interrupt_closes_window_and_camera(verifier: Verifier) -> None:
    class Interrupted(FakeWindow):
        def wait_key(self) -> str:
            raise KeyboardInterrupt

    camera, window = FakeCamera(), Interrupted("")
    with pytest.raises(KeyboardInterrupt):
        open_window(camera, verifier, "Ada", window=window)
    assert (camera.closed, window.was_closed) == (1, 1)


def test_no_screen_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    with pytest.raises(MissingPackageError, match="no screen"):
        OpenCVWindow("siamlab")

"""Cameras that deliver garbage: it is skipped, or one line says so; nothing hangs."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from fakes import (
    FakeCamera,
    FakeDetector,
    FakeModel,
    GarbageCamera,
    gray_frame,
    wait_until,
)
from PIL import Image

from siamlab.capture.cameras.base import GARBAGE, read_frame
from siamlab.capture.session import CaptureController
from siamlab.capture.stream import FrameReader
from siamlab.config import Workspace
from siamlab.errors import CameraError, EndOfFrames, NoFaceError
from siamlab.faces.detectors import open_detector
from siamlab.gallery import Gallery
from siamlab.ui.panels import CapturePanel, VerifyPanel
from siamlab.verification.live import LiveVerification
from siamlab.verification.tracking import TrackingDetector
from siamlab.verification.verifier import Verifier

pytestmark = pytest.mark.usefixtures("any_face_is_usable")  # even gray ones, here

NO_PICTURES = {
    "nothing": None,
    "text": "no frame",
    "bytes": b"\xff\xd8",
    "gray": np.zeros((120, 160), np.uint8),
    "four channels": np.zeros((120, 160, 4), np.uint8),
    "floats": np.full((120, 160, 3), np.nan, np.float32),
    "16 bits": np.zeros((120, 160, 3), np.uint16),
    "no rows": np.zeros((0, 160, 3), np.uint8),
    "empty": np.zeros(0, np.uint8),
    "a batch": np.zeros((1, 120, 160, 3), np.uint8),
    "objects": np.array([[[None] * 3]], object),
}
FAILURES = (RuntimeError("driver\nlost"), OSError(5, "Input/output error"), ZeroDivisionError())


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path, "Ada").make()


@pytest.fixture
def verifier(tmp_path: Path) -> Verifier:
    made = Verifier(FakeModel(), Gallery(tmp_path / "gallery"), FakeDetector())
    made.enroll("Ada", [gray_frame(100)], consent="drawn")
    return made


@pytest.mark.parametrize("kind", NO_PICTURES)
def test_a_camera_that_sends_no_pictures_is_given_up(kind: str) -> None:
    camera = GarbageCamera([NO_PICTURES[kind]])
    with pytest.raises(CameraError, match="fake sends no pictures: uint8") as caught:
        read_frame(camera)
    assert str(caught.value).isprintable() and camera.sent == GARBAGE


def test_garbage_between_pictures_is_skipped() -> None:
    """Every second frame is garbage of all kinds: of 22 frames, 11 are pictures."""
    camera = GarbageCamera(list(NO_PICTURES.values()), every=2, frames=22)
    levels = [int(read_frame(camera)[0, 0, 0]) for _ in range(11)]
    assert levels == list(range(100, 122, 2))
    with pytest.raises(EndOfFrames):
        read_frame(camera)


@pytest.mark.parametrize("error", FAILURES, ids=lambda error: type(error).__name__)
def test_whatever_a_driver_raises_is_one_line(error: Exception) -> None:
    with pytest.raises(CameraError, match="fake failed") as caught:
        read_frame(GarbageCamera([error]))
    assert str(caught.value).isprintable() and "\n" not in str(caught.value)


def test_a_session_skips_garbage_and_ends_in_a_line(workspace: Workspace) -> None:
    camera = GarbageCamera(list(NO_PICTURES.values()), every=3)
    with CaptureController(workspace, camera, FakeDetector()) as controller:  # type: ignore[arg-type]
        assert len(controller.burst("anchor", 4)) == 4
        camera.every, camera.garbage = 1, FAILURES
        with pytest.raises(CameraError, match="fake failed"):
            controller.burst("positive", 4)
        camera.garbage = (None,)
        with pytest.raises(CameraError, match="no pictures"):
            controller.step()
        assert controller.counts == {"anchor": 4, "positive": 0, "probes": 0}


def test_black_and_frozen_frames(workspace: Workspace) -> None:
    """Black shows no face: too few images, in a line. A frozen picture is a picture."""
    black = GarbageCamera([gray_frame(0)])
    with (
        CaptureController(workspace, black, FakeDetector()) as controller,  # type: ignore[arg-type]
        pytest.raises(NoFaceError, match="0 of 2"),
    ):
        controller.burst("anchor", 2)
    frozen = GarbageCamera([gray_frame(90)])
    with CaptureController(workspace, frozen, FakeDetector()) as controller:  # type: ignore[arg-type]
        assert len(controller.burst("anchor", 2)) == 2


def sizes() -> list[np.ndarray]:
    """Frames of any size; the fake box lies partly outside of most."""
    sides = [(120, 160), (60, 90), (61, 300), (480, 80), (240, 320), (73, 75)]
    return [np.full((*side, 3), 100, np.uint8) for side in sides]


def test_a_changing_size(workspace: Workspace, verifier: Verifier) -> None:
    camera = GarbageCamera(sizes())
    with CaptureController(workspace, camera, FakeDetector()) as controller:  # type: ignore[arg-type]
        for _ in range(12):
            assert controller.step().chip.shape == (250, 250, 3)
    with LiveVerification(GarbageCamera(sizes()), verifier, "Ada", continuous=True) as live:
        wait_until(lambda: live.state.verifications >= 12 or not live.state.running)
        assert live.state.error == ""


def test_real_detectors_take_pictures_of_any_size() -> None:
    rng = np.random.default_rng(0)
    for detector in (open_detector(), TrackingDetector(open_detector())):
        for side in ((1, 1), (1, 500), (2, 2), (40, 3), (100, 100), (31, 7)):
            for frame in (
                np.zeros((*side, 3), np.uint8),
                rng.integers(0, 256, (*side, 3), np.uint8),
            ):
                assert detector.detect(frame) == []


@pytest.mark.parametrize("what", [*NO_PICTURES.values(), *FAILURES], ids=lambda what: str(what)[:9])
def test_the_live_loop_ends_in_a_line_and_releases_the_camera(verifier: Verifier, what) -> None:
    camera = GarbageCamera([what], every=1)
    with LiveVerification(camera, verifier, "Ada", continuous=True) as live:
        wait_until(lambda: not live.state.running)
        state = live.state
    assert "fake" in state.error and state.error.isprintable()
    assert camera.closed >= 1


def test_the_live_loop_skips_garbage(verifier: Verifier) -> None:
    camera = GarbageCamera(list(NO_PICTURES.values()), every=2)
    with LiveVerification(camera, verifier, "Ada", continuous=True) as live:
        wait_until(lambda: live.state.verifications >= 10)
        assert live.state.running and live.state.verification.verified is not None


def test_a_frame_that_cannot_be_locked_is_copied() -> None:
    """Read-only frames, views and frames of a driver's own memory."""
    buffer = bytes(30 * 40 * 3)
    views = [
        np.frombuffer(buffer, np.uint8).reshape(30, 40, 3),
        np.zeros((30, 80, 3), np.uint8)[:, ::-2],
    ]
    with FrameReader(GarbageCamera(views)) as reader:
        for _ in range(4):
            frame = reader.read()
            assert frame.shape == (30, 40, 3) and not frame.flags.writeable


@pytest.mark.parametrize("what", [None, np.zeros((5, 5), np.float64), RuntimeError("a\nb")])
@pytest.mark.parametrize("kind", ["capture", "verify"])
def test_a_panel_shows_the_line(
    workspace: Workspace, verifier: Verifier, kind: str, what: object
) -> None:
    camera = GarbageCamera([what])
    if kind == "capture":
        made = CapturePanel(workspace, camera, FakeDetector())  # type: ignore[arg-type]
    else:
        made = VerifyPanel(verifier, camera, "Ada")  # type: ignore[arg-type]
    with made:
        wait_until(lambda: "fake" in made.status.value)
        wait_until(lambda: not made.running)
    assert camera.closed >= 1


def test_a_panel_draws_frames_of_any_size(workspace: Workspace) -> None:
    with CapturePanel(workspace, GarbageCamera(sizes()), FakeDetector()) as made:  # type: ignore[arg-type]
        seen: set[tuple[int, int]] = set()

        def draws() -> bool:
            seen.add(Image.open(io.BytesIO(made.image.value)).size)
            return len(seen) > 4

        wait_until(draws)
        assert made.running


def test_a_good_camera_is_as_before() -> None:
    camera = FakeCamera(seconds=0)
    assert [int(read_frame(camera)[0, 0, 0]) for _ in range(3)] == [100, 101, 102]

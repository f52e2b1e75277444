"""Cameras give RGB frames, report errors in one line, and are always released."""

from __future__ import annotations

import gc
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import siamlab.capture.cameras.device as device
from siamlab.capture.cameras import (
    Camera,
    CameraInfo,
    DrawnCamera,
    FolderCamera,
    OpenCVCamera,
    format_cameras,
    open_camera,
    probe_cameras,
)
from siamlab.capture.cameras.warm_up import STEADY_FRAMES, warm_up
from siamlab.errors import CameraError, EndOfFrames, ImageError, InputError
from siamlab.system.opencv import import_cv2

RED = (200, 30, 10)


class FakeCapture:
    """A webcam that OpenCV would open: red frames, and faults on request."""

    opened: int | float = True
    frames: float = float("inf")
    interrupt_at: int | None = None
    held: int = 0
    gaps: frozenset[int] = frozenset()
    levels: tuple[int, ...] = ()  # of the first frames, instead of red
    asked: tuple[object, ...] = ()

    def __init__(self, *asked: object) -> None:
        type(self).asked = asked
        self.reads = 0
        self.released = not self.opened
        type(self).held += bool(self.opened)

    def isOpened(self) -> bool:
        return bool(self.opened)

    def set(self, *_: object) -> bool:
        return True

    def get(self, _: int) -> float:
        return 30.0

    def read(self) -> tuple[bool, Any]:
        assert not self.released, "read after release"
        self.reads += 1
        if self.reads == self.interrupt_at:
            raise KeyboardInterrupt
        if self.reads > self.frames or self.reads in self.gaps:
            return False, None
        color = RED[::-1] if self.reads > len(self.levels) else self.levels[self.reads - 1]
        return True, np.full((48, 64, 3), color, np.uint8)

    def release(self) -> None:
        if not self.released:
            type(self).held -= 1
        self.released = True


@pytest.fixture
def webcam(monkeypatch: pytest.MonkeyPatch) -> type[FakeCapture]:
    """A webcam at every index; set its class attributes to break it."""
    fake = type("Fake", (FakeCapture,), {"held": 0})
    monkeypatch.setattr(import_cv2(), "VideoCapture", fake)
    return fake


def write_video(path: Path, frames: int = 30, size: tuple[int, int] = (96, 64)) -> Path:
    """A MJPG video whose frame k has red = 8 k, blue = 40."""
    cv2 = import_cv2()
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 25, size)
    if not writer.isOpened():
        pytest.skip("this OpenCV cannot write MJPG films")
    for k in range(frames):
        writer.write(np.full((size[1], size[0], 3), (40, 90, 8 * k), np.uint8))
    writer.release()
    return path


def write_images(folder: Path, count: int = 3) -> Path:
    folder.mkdir()
    for k in range(count):
        Image.new("RGB", (40, 30), (k * 50, 10, 200)).save(folder / f"image_{k}.png")
    return folder


# Drawn people


def test_a_drawn_camera_repeats_by_seed_and_frame() -> None:
    with DrawnCamera(7, (160, 120), frames=3) as camera:
        frames = list(camera)
        assert isinstance(camera, Camera)
        assert (camera.size, camera.fps) == ((160, 120), 25.0)
    again = list(open_camera("drawn:7", size=(160, 120), frames=3))
    assert len(frames) == len(again) == 3
    assert frames[0].dtype == np.uint8
    assert frames[0].shape == (120, 160, 3)
    np.testing.assert_array_equal(frames, again)
    assert not np.array_equal(frames[0], frames[1])
    with pytest.raises(EndOfFrames, match="there were 3"):
        again = open_camera("drawn", size=(64, 64), frames=3)
        for _ in range(4):
            again.read()


def test_another_session_shows_the_same_person_on_another_day() -> None:
    first, second = open_camera("drawn:7:1"), open_camera("drawn:7:2")
    assert first.identity == second.identity  # type: ignore[union-attr]
    assert not np.array_equal(first.read(), second.read())
    assert open_camera("drawn:8").identity != first.identity  # type: ignore[union-attr]


def test_a_drawn_camera_knows_the_true_box() -> None:
    with DrawnCamera(7) as camera:
        assert camera.box is None
        camera.read()
        assert camera.box is not None
        x, y, side = camera.box
        assert 0 < x < x + side < 640
        assert 0 < y < y + side < 480


@pytest.mark.parametrize("name", ["drawn:", "drawn:me", "drawn:-1", "drawn:1:2:3", "drawn:1:x"])
def test_malformed_drawn_people(name: str) -> None:
    with pytest.raises(InputError, match="drawn:7"):
        open_camera(name)


def test_impossible_drawn_cameras() -> None:
    with pytest.raises(InputError, match="-3"):
        DrawnCamera(-3)
    with pytest.raises(InputError, match="32 pixels"):
        DrawnCamera(3, (16, 480))


# Folders


def test_a_folder_gives_its_images_in_order(tmp_path: Path) -> None:
    folder = write_images(tmp_path / "film")
    (folder / "notes.txt").write_text("no image")
    with open_camera(folder) as camera:
        frames = list(camera)
    assert [int(frame[0, 0, 0]) for frame in frames] == [0, 50, 100]
    assert [int(frame[0, 0, 2]) for frame in frames] == [200, 200, 200]
    assert (camera.size, camera.fps) == ((40, 30), 0.0)
    with FolderCamera(folder, loop=True) as camera:
        assert [int(camera.read()[0, 0, 0]) for _ in range(5)] == [0, 50, 100, 0, 50]
    assert len(list(open_camera(str(folder / "image_1.png")))) == 1


def test_folders_without_images(tmp_path: Path) -> None:
    with pytest.raises(CameraError, match="holds no images"):
        open_camera(tmp_path)
    with pytest.raises(CameraError, match="nowhere"):
        open_camera(tmp_path / "nowhere")
    with pytest.raises(CameraError, match="nowhere"):
        FolderCamera(tmp_path / "nowhere")


def test_a_damaged_image_is_named(tmp_path: Path) -> None:
    folder = write_images(tmp_path / "film")
    (folder / "image_1.png").write_bytes((folder / "image_1.png").read_bytes()[:40])
    with FolderCamera(folder) as camera:
        camera.read()
        with pytest.raises(ImageError, match=r"image_1\.png"):
            camera.read()
    assert camera.closed


# Videos


def test_a_video_is_read_in_rgb_to_its_end(tmp_path: Path) -> None:
    with open_camera(write_video(tmp_path / "film.avi")) as camera:
        frames = list(camera)
        assert (camera.size, camera.fps) == ((96, 64), 25.0)
        with pytest.raises(EndOfFrames, match="there were 30"):
            camera.read()
    assert len(frames) == 30
    red, _, blue = frames[20][32, 48].astype(int)
    assert abs(red - 160) < 6
    assert abs(blue - 40) < 6
    assert abs(int(frames[0][0, 0, 0]) - 0) < 6  # the first frame is not lost to the test read


def test_a_truncated_video_is_reported_in_one_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = write_video(tmp_path / "film.avi", 60, (320, 240))
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with (
        pytest.raises(CameraError, match=r"damaged: it stops after \d+ of 60") as caught,
        open_camera(path) as camera,
    ):
        for _ in range(60):
            camera.read()
    assert not isinstance(caught.value, EndOfFrames)
    assert camera.closed
    assert capfd.readouterr().err == ""


def test_files_that_are_no_videos(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    text = tmp_path / "film.mp4"
    text.write_text("not a film")
    with pytest.raises(CameraError, match=r"film\.mp4 cannot be opened"):
        open_camera(text)
    with pytest.raises(CameraError, match=r"no video file .*gone\.mp4"):
        OpenCVCamera(tmp_path / "gone.mp4")
    with pytest.raises(CameraError, match="Use an index"):
        open_camera("webcam")
    assert capfd.readouterr().err == ""


# Webcams


def test_a_webcam_gives_rgb_and_is_released(webcam: type[FakeCapture]) -> None:
    with open_camera("0") as camera:
        assert webcam.held == 1
        frame = camera.read()
        assert tuple(frame[0, 0]) == RED
        assert (camera.size, camera.fps, camera.name) == ((64, 48), 30.0, "Camera 0")
        assert isinstance(camera, Camera)
    assert webcam.held == 0
    camera.close()
    with pytest.raises(CameraError, match="is closed"):
        camera.read()


def test_a_webcam_is_released_by_errors_and_interrupts(webcam: type[FakeCapture]) -> None:
    with pytest.raises(ZeroDivisionError), open_camera(0):
        raise ZeroDivisionError
    assert webcam.held == 0
    webcam.interrupt_at = STEADY_FRAMES + 2
    camera = open_camera(0)  # no block around it: a notebook's cell
    with pytest.raises(KeyboardInterrupt):
        for _ in range(5):
            camera.read()
    assert webcam.held == 0


def test_an_interrupt_while_opening_releases_too(webcam: type[FakeCapture]) -> None:
    webcam.interrupt_at = 1
    with pytest.raises(KeyboardInterrupt):
        open_camera(0)
    assert webcam.held == 0


def test_opening_again_closes_the_former_one(webcam: type[FakeCapture]) -> None:
    first = open_camera(0)
    second = open_camera(0)  # the cell is run again
    assert first.closed
    assert webcam.held == 1
    assert tuple(second.read()[0, 0]) == RED
    other = open_camera(1)
    assert not second.closed
    for camera in (second, other):
        camera.close()
    assert webcam.held == 0


def test_a_webcam_may_drop_frames_but_not_disconnect(webcam: type[FakeCapture]) -> None:
    webcam.gaps = frozenset({2, 3, 4, 8, 9})
    with open_camera(0) as camera:
        for _ in range(4):
            camera.read()
    webcam.gaps = frozenset()
    webcam.frames = 6
    with (
        pytest.raises(CameraError, match="went away after 6 frames") as caught,
        open_camera(0) as camera,
    ):
        for _ in camera:
            pass
    assert not isinstance(caught.value, EndOfFrames)
    assert webcam.held == 0


def test_a_webcam_that_cannot_be_opened(webcam: type[FakeCapture]) -> None:
    webcam.opened = False
    here = r"Camera 2 cannot be opened\. .*a notebook's kernel.*'browser'"
    with pytest.raises(CameraError, match=here):
        open_camera(2)
    webcam.opened = True
    webcam.frames = 0
    with pytest.raises(CameraError, match="opens but gives no frame"):
        open_camera(2)
    assert webcam.held == 0


def test_a_forgotten_camera_is_not_kept_alive(webcam: type[FakeCapture]) -> None:
    open_camera(0)
    gc.collect()
    assert not device._DEVICES


def test_the_first_frame_of_a_webcam_is_no_black_one(webcam: type[FakeCapture]) -> None:
    """Black, then brighter and brighter, as while the exposure settles."""
    webcam.levels = (0, 0, 0, 0, 0, 12, 40, 70, 77, 79)
    with open_camera(0) as camera:
        assert tuple(camera.read()[0, 0]) == RED


@pytest.mark.parametrize(
    ("levels", "taken"),
    [
        ([100] * 9, 4),  # steady at once
        ([0, 0, 0, 0, 0, 0, 100, 100, 100, 100], 10),  # black ones are steady, but show nothing
        ([20, 40, 60, 80, 100, 101, 102, 103], 8),
        ([0] * 99, 16),  # the lens is covered: 2 s are over, at 8 frames a second
        ([10, 90] * 50, 16),  # the light flickers
    ],
)
def test_how_long_a_webcam_is_warmed_up(levels: list[int], taken: int) -> None:
    seen = 0

    def read() -> np.ndarray:
        nonlocal seen
        seen += 1
        return np.full((4, 4, 3), levels[seen - 1], np.uint8)

    frame = warm_up(read, clock=lambda: seen / 8)
    assert seen == taken
    assert frame is not None and frame[0, 0, 0] == levels[taken - 1]
    assert warm_up(lambda: None) is None


# Device files


@pytest.fixture
def device_file(monkeypatch: pytest.MonkeyPatch) -> Path:
    """A character device that is there everywhere; on a machine with a camera, /dev/video0."""
    if not Path("/dev/null").is_char_device():
        pytest.skip("there are no device files here")
    monkeypatch.setattr(device.sys, "platform", "linux")
    return Path("/dev/null")


def test_a_device_file_is_a_webcam(
    webcam: type[FakeCapture], device_file: Path, tmp_path: Path
) -> None:
    """By its path and by a link to it, as in /dev/v4l/by-id; all of them are one camera."""
    link = tmp_path / "usb-a_camera-index0"
    link.symlink_to(device_file)
    with open_camera(str(device_file)) as first:
        assert webcam.asked == (str(device_file), import_cv2().CAP_V4L2)
        assert (first.name, first.live) == (f"Camera {device_file}", True)
        assert tuple(first.read()[0, 0]) == RED
        with open_camera(link) as second:
            assert first.closed and not second.closed
            assert webcam.asked[0] == str(link)
            assert webcam.held == 1
    assert device.device_key(3) == "/dev/video3"
    with pytest.raises(CameraError, match="no camera, file or folder '/dev/video77'"):
        open_camera("/dev/video77")


def test_a_device_that_is_no_webcam_is_one_line(
    device_file: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(CameraError, match=r"Camera /dev/null cannot be opened\. Is it plugged in"):
        open_camera(device_file)
    assert capfd.readouterr().err == ""


def test_a_hung_webcam_is_said_when_it_is_opened_again(
    webcam: type[FakeCapture], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A read in another thread that never returns holds the camera."""
    monkeypatch.setattr(device, "RELEASE_SECONDS", 0.05)
    camera = open_camera(0)
    begun, end = threading.Event(), threading.Event()

    def hang() -> None:
        begun.set()
        end.wait(30)

    def read() -> None:
        with pytest.raises(CameraError, match="went away"):
            camera.read()

    monkeypatch.setattr(camera, "_grab", hang)
    camera.read()  # the frame of the warm-up
    thread = threading.Thread(target=read)
    thread.start()
    begun.wait(30)
    with pytest.raises(CameraError, match=r"Camera 0 hangs: .* Unplug it, or restart"):
        open_camera(0)
    end.set()
    thread.join(30)
    with open_camera(0) as again:  # it answered at last
        assert tuple(again.read()[0, 0]) == RED
    assert webcam.held == 0


def test_the_real_opencv_is_quiet_about_a_missing_camera(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(CameraError, match="Camera 97"):
        open_camera(97)
    assert capfd.readouterr().err == ""


# Probing


def test_probing_finds_what_gives_frames(
    webcam: type[FakeCapture], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device.sys, "platform", "win32")
    assert probe_cameras(1) == [CameraInfo(0, 64, 48, 30.0), CameraInfo(1, 64, 48, 30.0)]
    assert webcam.held == 0
    with open_camera(1) as camera:
        probe_cameras(1)
        assert not camera.closed
    webcam.opened = False
    assert probe_cameras() == []


def test_probing_without_cameras_is_quiet(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device.Path, "exists", lambda _: False)
    monkeypatch.setattr(device.sys, "platform", "linux")
    assert probe_cameras(9) == []
    assert capfd.readouterr().err == ""


def test_cameras_as_text() -> None:
    assert format_cameras([]).startswith("No camera was found")
    lines = format_cameras([CameraInfo(0, 640, 480, 30.0), CameraInfo(2, 1280, 720, 0.0)])
    assert lines == "camera 0: 640 x 480, 30 frames per second\ncamera 2: 1280 x 720"

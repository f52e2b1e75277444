"""The reader keeps the newest frame, says why it ended, and always releases the camera."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import pytest
from fakes import FakeCamera, HangingCamera, gray_frame, wait_until

from siamlab.capture import stream
from siamlab.capture.cameras import open_camera
from siamlab.capture.stream import FrameReader, one_line, stop_all
from siamlab.errors import CameraError, EndOfFrames
from siamlab.images.write import write_image


def test_the_snapshot_holds_the_newest_frame() -> None:
    with FrameReader(FakeCamera()) as reader:
        wait_until(lambda: reader.snapshot.number >= 10)
        snapshot = reader.snapshot
        assert snapshot.frame is not None
        assert snapshot.frame[0, 0, 0] == 100 + snapshot.number - 1
        assert snapshot.fps > 0
        assert snapshot.running


def test_a_slow_consumer_skips_frames_and_never_gets_an_old_one() -> None:
    camera = FakeCamera(seconds=0.002)
    with FrameReader(camera) as reader:
        first = int(reader.read()[0, 0, 0])
        wait_until(lambda: reader.snapshot.number >= first - 100 + 20)
        assert int(reader.read()[0, 0, 0]) >= first + 19


def test_read_never_gives_the_same_frame_twice() -> None:
    with FrameReader(FakeCamera(seconds=0.01)) as reader:
        levels = [int(reader.read()[0, 0, 0]) for _ in range(5)]
    assert levels == sorted(set(levels))


def test_snapshots_cannot_be_changed() -> None:
    with FrameReader(FakeCamera()) as reader:
        frame = reader.read()
    with pytest.raises(ValueError, match="read-only"):
        frame[:] = 0


def test_stop_releases_the_camera_and_ends_the_thread() -> None:
    camera = FakeCamera()
    reader = FrameReader(camera).start()
    reader.read()
    reader.stop()
    reader.stop()
    assert camera.closed == 1
    assert not reader.running
    assert not any("siamlab" in thread.name for thread in threading.enumerate())
    with pytest.raises(CameraError, match="stopped"):
        reader.read()


def test_an_exception_in_the_block_releases_the_camera() -> None:
    camera = FakeCamera()
    with pytest.raises(KeyboardInterrupt), FrameReader(camera):
        raise KeyboardInterrupt
    assert camera.closed == 1


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (CameraError("Camera 0 went away.\nPlug it in."), "Camera 0 went away. Plug it in."),
        (RuntimeError("driver\nbroke"), "fake failed: RuntimeError: driver broke"),
    ],
)
def test_a_disconnected_camera_gives_one_line_and_is_released(error: Exception, line: str) -> None:
    camera = FakeCamera(fails_at=3, error=error)
    reader = FrameReader(camera).start()
    wait_until(lambda: not reader.running)
    assert reader.snapshot.error == line
    assert reader.snapshot.number == 3
    assert camera.closed == 1
    reader.read()
    with pytest.raises(CameraError, match=line):
        reader.read()


def test_the_end_of_a_video_is_distinguished_from_a_failure() -> None:
    with FrameReader(FakeCamera(frames=1)) as reader:
        wait_until(lambda: not reader.running)
        reader.read()
        with pytest.raises(EndOfFrames):
            reader.read()
        assert reader.exhausted


def test_a_camera_without_frames_does_not_block_forever() -> None:
    with (
        FrameReader(FakeCamera(seconds=0.3)) as reader,
        pytest.raises(CameraError, match="no frame"),
    ):
        reader.read(timeout=0.02)


def test_a_camera_that_hangs_is_said() -> None:
    """By the reader's clock: a second is no silence, two are."""
    now = [100.0]
    camera = HangingCamera(after=3, name="Camera 0")
    reader = FrameReader(camera, clock=lambda: now[0])
    assert reader.silence == "Camera 0 is stopped."
    with reader:
        camera.hangs.wait(30)
        wait_until(lambda: reader.snapshot.number == 3)
        assert reader.snapshot.time == 100.0
        now[0] = 101.0
        assert reader.silence == ""
        now[0] = 119.0
        assert reader.silence == "Camera 0 has sent no frame for 19 s."
        assert reader.running and not reader.error
        camera.answer.set()
        wait_until(lambda: reader.snapshot.number > 3)
        assert reader.silence == ""
    assert reader.silence == "Camera 0 is stopped."


def test_a_camera_that_never_sends_a_frame_is_said() -> None:
    now = [0.0]
    camera = HangingCamera(after=0, name="Camera 0")
    with FrameReader(camera, clock=lambda: now[0]) as reader:
        now[0] = 3.0
        assert reader.silence == "Camera 0 has sent no frame for 3 s."
        with pytest.raises(CameraError, match=r"^Camera 0 sent no frame for 0\.01 seconds\.$"):
            reader.read(timeout=0.01)
        camera.answer.set()


def test_the_end_of_a_film_is_no_silence() -> None:
    with FrameReader(FakeCamera(frames=1)) as reader:
        wait_until(lambda: not reader.running)
        assert reader.silence == ""


def test_a_hung_camera_can_be_left_and_another_reading_begun(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What the hung read gives at last does not appear in the new reading."""
    monkeypatch.setattr(stream, "JOIN_SECONDS", 0.05)
    hung = HangingCamera(after=1, name="Camera 0", first=7)
    reader = FrameReader(hung).start()
    hung.hangs.wait(30)
    reader.stop()
    assert not reader.running
    assert reader.error == "Camera 0 hangs; it is released when it answers, or is unplugged."
    reader.source = FakeCamera(name="Camera 0")
    with reader:
        reader.read()
        hung.answer.set()
        wait_until(lambda: hung.closed == 1)
        assert reader.running and reader.error == ""
        assert reader.snapshot.frame[0, 0, 0] >= 100


def test_a_second_reader_takes_the_camera_from_the_first() -> None:
    former, later = FakeCamera(name="0"), FakeCamera(name="0")
    elsewhere = FakeCamera(name="1")
    first, other = FrameReader(former).start(), FrameReader(elsewhere).start()
    second = FrameReader(later).start()
    assert (former.closed, later.closed, elsewhere.closed) == (1, 0, 0)
    assert (first.running, second.running, other.running) == (False, True, True)
    first.stop()  # must not disturb the new one
    assert second.running
    stop_all()
    assert (later.closed, elsewhere.closed) == (1, 1)


def test_files_are_played_at_their_own_speed() -> None:
    """A camera of 50 frames a second that could give a thousand: 10 take about 0.18 s."""
    camera = FakeCamera(seconds=0.0)
    camera.fps, camera.live = 50.0, False
    begin = time.perf_counter()
    with FrameReader(camera) as reader:
        wait_until(lambda: reader.snapshot.number >= 10)
    assert time.perf_counter() - begin >= 0.15


def test_images_of_a_folder_are_shown_one_after_another(tmp_path: Path) -> None:
    """Five a second, so that a panel can show them; then the folder is at its end."""
    for level in (100, 120, 140):
        write_image(tmp_path / f"{level}.png", gray_frame(level))
    begin = time.perf_counter()
    with FrameReader(tmp_path) as reader:
        levels = [int(reader.read()[0, 0, 0]) for _ in range(3)]
        with pytest.raises(EndOfFrames):
            reader.read()
    assert levels == [100, 120, 140]
    assert time.perf_counter() - begin >= 0.4


def test_a_drawn_person_can_be_started_again() -> None:
    reader = FrameReader("drawn:7")
    for _ in range(2):
        with reader:
            assert reader.read().shape == (480, 640, 3)


def test_a_drawn_person_is_slower_in_a_reader_than_in_a_film() -> None:
    assert open_camera("drawn:7").fps == 25.0
    with FrameReader("drawn:7") as reader:
        assert reader._camera is not None and reader._camera.fps == 12.0


def test_a_source_that_cannot_be_opened_is_reported_at_the_start() -> None:
    reader = FrameReader("no such film.mp4")
    with pytest.raises(CameraError, match="no such film"):
        reader.start()
    assert not reader.running


def test_one_webcam_has_one_name() -> None:
    assert FrameReader(0).name == FrameReader("0").name == FrameReader("00").name == "Camera 0"


def test_frames_are_rgb_as_read() -> None:
    with FrameReader(FakeCamera()) as reader:
        assert reader.read().dtype == np.uint8


def test_errors_become_one_line() -> None:
    assert one_line(ValueError()) == "ValueError"
    assert one_line(CameraError("a\n b")) == "a b"

"""The live loop: newest frame, no queue, one-line errors, a camera that is always released."""

from __future__ import annotations

import threading
from dataclasses import FrozenInstanceError, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import (
    FakeCamera,
    FakeDetector,
    FakeModel,
    HangingCamera,
    gray_frame,
    wait_until,
)

from siamlab.capture.stream import FrameReader
from siamlab.errors import CameraError, NotEnrolledError
from siamlab.gallery import Gallery
from siamlab.verification.live import LiveState, LiveVerification
from siamlab.verification.result import Verification
from siamlab.verification.verifier import Verifier

pytestmark = pytest.mark.usefixtures("any_face_is_usable")  # even gray ones, here


@pytest.fixture
def verifier(tmp_path: Path) -> Verifier:
    made = Verifier(FakeModel(), Gallery(tmp_path / "gallery"), FakeDetector())
    made.enroll("Ada", [gray_frame(100)], consent="drawn")
    return made


def slow(verifier: Verifier, seconds: float) -> Verifier:
    verifier.model.seconds = seconds  # type: ignore[attr-defined]
    return verifier


def test_a_verdict_on_request(verifier: Verifier) -> None:
    camera = FakeCamera()
    with LiveVerification(camera, verifier, "Ada") as live:
        verification = live.verify_now()
        assert verification.verified is True
        state = live.state
    assert state.verifications == 1
    assert state.verification is verification
    assert replace(state.verification.box, landmarks=None) == FakeDetector().boxes[0]
    assert camera.closed == 1


def test_nothing_is_verified_without_a_request(verifier: Verifier) -> None:
    with LiveVerification(FakeCamera(), verifier, "Ada") as live:
        wait_until(lambda: live.state.number >= 10)
        assert live.state.verification is None
        assert live.state.verifications == 0
        assert live.state.dropped == 0


def test_a_slow_network_drops_frames_and_never_queues_them(verifier: Verifier) -> None:
    """Each verdict takes 60 ms, each frame 5 ms: about 11 are dropped for each verdict."""
    with LiveVerification(
        FakeCamera(seconds=0.005), slow(verifier, 0.06), "Ada", continuous=True
    ) as live:
        wait_until(lambda: live.state.verifications >= 4)
        state = live.state
    assert state.dropped >= 3 * 4
    # Never queued: what is being verified lags by the frames of one verdict, not of all.
    assert state.number - state.verified_number <= state.dropped
    # Every frame up to the last verdict was either verified, dropped, or came before the first.
    assert state.dropped + state.verifications <= state.verified_number


def test_a_fast_network_drops_few_frames(verifier: Verifier) -> None:
    with LiveVerification(FakeCamera(seconds=0.03), verifier, "Ada", continuous=True) as live:
        wait_until(lambda: live.state.verifications >= 10)
        assert live.state.dropped <= 3


def test_every_request_is_answered_with_a_new_frame(verifier: Verifier) -> None:
    with LiveVerification(FakeCamera(), verifier, "Ada") as live:
        numbers = []
        for _ in range(3):
            live.verify_now()
            numbers.append(live.state.verified_number)
    assert numbers == sorted(set(numbers))


def test_a_camera_error_in_the_middle_is_one_line_and_the_camera_is_released(
    verifier: Verifier,
) -> None:
    camera = FakeCamera(fails_at=5)
    with LiveVerification(camera, verifier, "Ada", continuous=True) as live:
        wait_until(lambda: not live.running)
        state = live.state
        assert state.error == "Camera fake went away."
        assert state.verifications >= 1
        with pytest.raises(CameraError, match="went away"):
            live.verify_now()
            live.verify_now()
    assert camera.closed == 1


def test_an_error_of_the_network_ends_the_loop_in_one_line(verifier: Verifier) -> None:
    camera = FakeCamera()

    def broken(*_: object) -> None:
        raise RuntimeError("out of\nmemory")

    verifier.model.embed = broken  # type: ignore[method-assign,assignment]
    with LiveVerification(camera, verifier, "Ada", continuous=True) as live:
        wait_until(lambda: bool(live.state.error))
        assert live.state.error == "RuntimeError: out of memory"
        wait_until(lambda: camera.closed == 1)
        assert not live.running


def test_erasing_the_person_while_it_runs_is_one_line(verifier: Verifier) -> None:
    camera = FakeCamera()
    with LiveVerification(camera, verifier, "Ada", continuous=True) as live:
        wait_until(lambda: live.state.verifications >= 1)
        verifier.gallery.erase("Ada")
        wait_until(lambda: bool(live.state.error))
        assert "not enrolled" in live.state.error
    assert camera.closed == 1


def live_with_clock(
    camera: FakeCamera, verifier: Verifier, now: list[float], **options: Any
) -> LiveVerification:
    return LiveVerification(FrameReader(camera, lambda: now[0]), verifier, "Ada", **options)


@pytest.mark.parametrize("window", [0.0, 1.0])
def test_a_verdict_expires_a_second_after_the_last_frame(verifier: Verifier, window: float) -> None:
    """The camera hangs after five frames, and answers 19 s later."""
    now = [50.0]
    camera = HangingCamera(after=5)
    with live_with_clock(camera, verifier, now, continuous=True, window=window) as live:
        camera.hangs.wait(30)
        wait_until(lambda: live.state.verified_number == 5)
        now[0] = 51.0
        assert live.state.shown.verified is True
        now[0] = 69.0
        state = live.state
        assert (state.shown.verified, state.shown.box, len(state.shown.scores)) == (None, None, 0)
        assert state.verification.verified is None
        assert state.silence == "fake has sent no frame for 19 s."
        assert str(state.shown).endswith("unknown whether this is Ada: " + state.silence)
        assert state.running and not state.error
        camera.answer.set()
        wait_until(lambda: live.state.verified_number > 5)
        assert (live.state.shown.verified, live.state.silence) == (True, "")


def test_an_old_frame_is_not_verified(verifier: Verifier) -> None:
    """Asked 20 s after the camera's last frame: nobody knows who stands there now."""
    now = [0.0]
    camera = HangingCamera(after=3)
    with live_with_clock(camera, verifier, now) as live:
        camera.hangs.wait(30)
        wait_until(lambda: live.state.number == 3)
        now[0] = 20.0
        with pytest.raises(CameraError, match="fake has sent no frame for 20 s"):
            live.verify_now(timeout=0.1)
        assert live.state.verifications == 0
        camera.answer.set()
        wait_until(lambda: live.state.verifications == 1)  # the request stands
        assert live.state.verified_number > 3


def test_a_network_that_is_late_keeps_no_verdict(verifier: Verifier) -> None:
    now = [0.0]
    with live_with_clock(FakeCamera(), verifier, now, continuous=True) as live:
        wait_until(lambda: live.state.verifications >= 2)
        goes_on = threading.Event()
        embed = verifier.model.embed
        verifier.model.embed = lambda images: (goes_on.wait(30), embed(images))[1]  # type: ignore[method-assign]
        number = live.state.number
        wait_until(lambda: live.state.number > number + 3)
        now[0] = 9.0
        wait_until(lambda: live.state.silence == "")  # frames go on coming
        assert live.state.shown.reason == "The last verdict is 9 s old."
        goes_on.set()
        wait_until(lambda: live.state.shown.verified is True)


@pytest.mark.parametrize("continuous", [True, False])
def test_the_verdict_on_an_erased_person_goes_at_once(verifier: Verifier, continuous: bool) -> None:
    with LiveVerification(FakeCamera(), verifier, "Ada", continuous) as live:
        live.verify_now()
        assert live.state.shown.verified is True
        Gallery(verifier.gallery.folder).erase("Ada")
        wait_until(lambda: bool(live.state.error))
        assert live.state.shown.verified is None
        assert "is not enrolled" in live.state.shown.reason


def test_the_verdict_on_a_film_stays_at_its_end(verifier: Verifier) -> None:
    now = [0.0]
    with live_with_clock(FakeCamera(frames=3), verifier, now, continuous=True) as live:
        wait_until(lambda: not live.running)
        now[0] = 60.0
        assert live.state.shown.verified is True


def test_a_stopped_camera_shows_no_verdict(verifier: Verifier) -> None:
    with LiveVerification(FakeCamera(name="Camera 0"), verifier, "Ada") as live:
        live.verify_now()
    assert live.state.shown.verified is None
    assert live.state.shown.reason == "Camera 0 is stopped."
    assert live.state.error == live.state.silence == ""


def test_a_single_frame_is_verified_after_the_camera_ended(verifier: Verifier) -> None:
    with LiveVerification(FakeCamera(frames=1), verifier, "Ada") as live:
        wait_until(lambda: not live.reader.running)
        assert live.verify_now().verified is True


def test_a_person_not_enrolled_is_an_error_before_the_camera_opens(verifier: Verifier) -> None:
    camera = FakeCamera()
    with pytest.raises(NotEnrolledError):
        LiveVerification(camera, verifier, "Bob").start()
    assert camera.count == 0


def test_an_interrupt_releases_the_camera(verifier: Verifier) -> None:
    camera = FakeCamera()
    with pytest.raises(KeyboardInterrupt), LiveVerification(camera, verifier, "Ada"):
        raise KeyboardInterrupt
    assert camera.closed == 1


def test_stopping_twice_and_before_the_start_is_harmless(verifier: Verifier) -> None:
    live = LiveVerification(FakeCamera(), verifier, "Ada")
    live.stop()
    live.start()
    live.stop()
    live.stop()
    assert not live.running


def test_only_one_thread_reads_the_camera(verifier: Verifier) -> None:
    camera = FakeCamera()
    with LiveVerification(camera, verifier, "Ada", continuous=True) as live:
        wait_until(lambda: live.state.verifications >= 3)
    assert camera.readers == {"siamlab reads fake"}


def test_state_is_frozen(verifier: Verifier) -> None:
    with LiveVerification(FakeCamera(), verifier, "Ada") as live:
        wait_until(lambda: live.state.number > 0)
        state = live.state
    with pytest.raises(FrozenInstanceError):
        state.number = 0  # type: ignore[misc]
    assert state.frame is not None
    assert not state.frame.flags.writeable


def test_streaming_can_be_switched_while_it_runs(verifier: Verifier) -> None:
    with LiveVerification(FakeCamera(), verifier, "Ada") as live:
        wait_until(lambda: live.state.number >= 10)
        live.continuous = True
        wait_until(lambda: live.state.verifications >= 3)
        live.continuous = False
        # Frames before the stream began are not dropped ones.
        assert live.state.dropped < live.state.number - 5


def test_the_frames_of_a_window_give_one_decision(verifier: Verifier) -> None:
    """Levels grow from the enrolled 100 on: the mean over frames scores above the last frame."""
    with LiveVerification(
        FakeCamera(seconds=0.01), verifier, "Ada", continuous=True, window=60.0
    ) as live:
        wait_until(lambda: live.state.verifications >= 5)
        state = live.state
    assert state.decision.frames == state.verifications
    assert state.decision.scores[0] > state.verification.scores[0]


def test_without_a_window_single_frames_are_judged(verifier: Verifier) -> None:
    with LiveVerification(FakeCamera(), verifier, "Ada") as live:
        live.verify_now()
        assert live.state.decision is None


def test_a_frame_without_a_face_empties_the_window(verifier: Verifier) -> None:
    """The next person is not judged on frames of the last one."""
    live = LiveVerification(FakeCamera(), verifier, "Ada", window=60.0)
    here, nobody = (verifier.verify(gray_frame(level), "Ada") for level in (100, 0))
    assert [live._decide(one)[0].frames for one in (here, here)] == [1, 2]
    assert live._decide(nobody)[0].verified is None
    assert live._decide(here)[0].frames == 1
    verifier.enroll("Ada", [gray_frame(100), gray_frame(101)], consent="drawn")
    assert live._decide(verifier.verify(gray_frame(100), "Ada"))[0].frames == 1


def test_the_decision_on_several_frames_is_shown_instead_of_that_on_one() -> None:
    alone = Verification("Ada", False, np.array([0.4], np.float32), 0.5, 0.5, None, {})
    together = replace(alone, verified=True, scores=np.array([0.6], np.float32))
    assert LiveState().shown is None
    assert LiveState(verification=alone).shown is alone
    assert LiveState(verification=alone, decision=together).shown is together


def test_verdicts_about_a_drawn_camera_say_that_the_threshold_is_of_photographs(
    tmp_path: Path,
) -> None:
    verifier = Verifier(FakeModel(threshold=0.7), Gallery(tmp_path / "gallery"), FakeDetector())
    verifier.enroll("Ada", [gray_frame(100)], consent="drawn")
    real = FakeCamera()
    real.subject = "real"
    with LiveVerification(FakeCamera(), verifier, "Ada", window=1.0) as live:
        assert live.verify_now().note.startswith("This threshold was chosen on photographs")
        assert live.state.decision.note == live.state.verification.note
    with LiveVerification(real, verifier, "Ada") as live:
        assert live.verify_now().note == ""
    assert LiveVerification("drawn:7", verifier, "Ada").note


def test_the_state_says_how_many_frames_agree_with_the_decision(tmp_path: Path) -> None:
    """Scores of 1, 1 and 0.6 at a threshold of 0.8: the mean says yes, and two of three do."""
    verifier = Verifier(FakeModel(threshold=0.8), Gallery(tmp_path / "gallery"), FakeDetector())
    verifier.enroll("Ada", [gray_frame(100)], consent="drawn")
    live = LiveVerification(FakeCamera(), verifier, "Ada", window=60.0)
    verdicts = [verifier.verify(gray_frame(level), "Ada") for level in (100, 100, 202)]
    decided = [live._decide(one) for one in verdicts]
    assert [(decision.verified, agreeing) for decision, agreeing in decided] == [
        (True, 1),
        (True, 2),
        (True, 2),
    ]
    verifier.detection_threshold = 0.95  # mean of four: 0.9
    decision, agreeing = live._decide(verdicts[0])
    assert (decision.verified, agreeing) == (False, 1)

"""Capturing by code: what is saved where, what is refused, and what undo removes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fakes import FakeCamera, FakeDetector, gray_frame

from siamlab.capture.cameras import DrawnCamera, open_camera
from siamlab.capture.session import NO_FACE, SEVERAL_FACES, CaptureController
from siamlab.config import Workspace
from siamlab.errors import ConsentError, EndOfFrames, InputError, NoFaceError, StorageError
from siamlab.faces.detectors import FaceBox, haar_file, open_detector
from siamlab.faces.landmarks import find_landmarks
from siamlab.faces.quality import Quality
from siamlab.gallery import Gallery
from siamlab.gallery.captures import open_captures
from siamlab.gallery.consent import Consent, give_consent
from siamlab.images.decode import read_image
from siamlab.images.write import write_image
from siamlab.system.dlib_files import FIVE_POINTS, find_dlib_file


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path, "Ada").make()


class Blinking(FakeCamera):
    """Every second frame is black: the fake detector finds no face there."""

    def read(self) -> np.ndarray:
        frame = super().read()
        return frame if self.count % 2 else np.zeros_like(frame)


def make(
    workspace: Workspace, camera: FakeCamera | None = None, **options: object
) -> CaptureController:
    camera = FakeCamera(seconds=0) if camera is None else camera
    detector = options.get("detector", FakeDetector())
    return CaptureController(workspace, camera, detector)  # type: ignore[arg-type]


def test_a_step_saves_nothing(workspace: Workspace) -> None:
    state = make(workspace).step()
    assert state.box == FakeDetector().boxes[0]
    assert state.chip is not None
    assert state.chip.shape == (250, 250, 3)
    assert state.quality is not None
    assert state.counts == {"anchor": 0, "positive": 0, "probes": 0}


@pytest.mark.parametrize("kind", ["anchor", "positive", "probes"])
def test_a_capture_is_a_chip_in_its_folder(workspace: Workspace, kind: str) -> None:
    controller = make(workspace)
    path = controller.capture(kind)
    assert path.parent == getattr(workspace, kind)
    image = read_image(path)
    assert image.shape == (250, 250, 3)
    assert abs(float(image.mean()) - 100) < 2
    assert controller.counts[kind] == 1
    assert controller.state.message == f"Saved 1 image to {kind}."


def test_a_burst_saves_different_frames_in_different_files(workspace: Workspace) -> None:
    """Ten frames of levels 100 to 109, ten different files."""
    paths = make(workspace).burst("positive", 10)
    assert len(set(paths)) == 10
    assert sorted(paths) == list(paths)
    levels = [round(float(read_image(path).mean())) for path in paths]
    assert levels == list(range(100, 110))


def test_two_runs_never_overwrite_each_other(workspace: Workspace) -> None:
    first, second = make(workspace), make(workspace)
    paths = [controller.capture("anchor") for controller in (first, second, first, second)]
    assert len(set(paths)) == 4
    assert first.counts["anchor"] == 4


def test_every_uses_one_frame_in_so_many(workspace: Workspace) -> None:
    paths = make(workspace).burst("positive", 3, every=4)
    assert [round(float(read_image(path).mean())) for path in paths] == [100, 104, 108]


def test_a_drawn_frame_that_is_not_used_is_not_drawn(workspace: Workspace) -> None:
    """The images are those that reading every frame gives, at a fifth of the work."""
    with DrawnCamera(7, size=(160, 120)) as camera:
        frames = [camera.read() for _ in range(6)][::5]
    camera = DrawnCamera(7, size=(160, 120))
    drawn = []
    draw = camera._next
    camera._next = lambda: drawn.append(draw()) or drawn[-1]  # type: ignore[method-assign]
    make(workspace, camera).burst("positive", 2, every=5)
    np.testing.assert_array_equal(drawn, frames)


def test_a_frame_without_a_face_gives_a_warning_and_is_not_saved(workspace: Workspace) -> None:
    controller = make(workspace, detector=FakeDetector([]))
    assert controller.step().warnings == (NO_FACE,)
    with pytest.raises(NoFaceError):
        controller.capture("anchor")
    assert controller.counts["anchor"] == 0


def test_a_burst_skips_frames_without_a_face(workspace: Workspace) -> None:
    camera = Blinking(seconds=0)
    assert len(make(workspace, camera).burst("positive", 5)) == 5
    assert camera.count == 9


def test_a_burst_that_gives_up_keeps_what_was_saved(workspace: Workspace) -> None:
    class Leaving(FakeCamera):
        def read(self) -> np.ndarray:
            frame = super().read()
            return frame if self.count <= 2 else np.zeros_like(frame)

    controller = make(workspace, Leaving(seconds=0))
    with pytest.raises(NoFaceError, match="2 of 4 images saved"):
        controller.burst("positive", 4)
    assert controller.counts["positive"] == 2
    assert len(controller.undo()) == 2


def test_of_several_faces_the_largest_is_used_with_a_warning(workspace: Workspace) -> None:
    detector = FakeDetector([FaceBox(50, 30, 40), FaceBox(5, 5, 30)])
    state = make(workspace, detector=detector).step()
    assert SEVERAL_FACES in state.warnings
    assert state.box == detector.boxes[0]


def test_bad_light_gives_a_warning(workspace: Workspace) -> None:
    camera = FakeCamera(seconds=0, first=4)
    assert make(workspace, camera).step().warnings


def test_undo_reverts_one_action_after_another(workspace: Workspace) -> None:
    controller = make(workspace)
    controller.capture("anchor")
    burst = controller.burst("positive", 3)
    assert controller.undo() == burst
    assert controller.counts == {"anchor": 1, "positive": 0, "probes": 0}
    assert len(controller.undo()) == 1
    assert controller.undo() == ()
    assert controller.state.message == "There is nothing to undo."
    assert controller.counts == {"anchor": 0, "positive": 0, "probes": 0}


def test_one_image_of_a_burst_is_removed_and_undo_takes_the_rest(workspace: Workspace) -> None:
    controller = make(workspace)
    first, second, third = controller.burst("positive", 3)
    earlier = make(workspace).capture("anchor")  # another session's, meanwhile
    controller.remove(second)
    assert controller.latest() == (earlier, first, third)
    assert controller.state.message == "Removed 1 image."
    assert controller.undo() == (first, third)
    assert controller.latest() == (earlier,)


def judged(
    monkeypatch: pytest.MonkeyPatch, warnings: tuple[str, ...] = (), flaws: tuple[str, ...] = ()
) -> None:
    """All faces from now on have these warnings and flaws."""
    quality = Quality(0.5, 0.2, 0.2, 0.0, warnings, flaws)
    monkeypatch.setattr("siamlab.capture.session.face_quality", lambda chip: quality)


def test_a_guided_session_keeps_the_frame_that_it_judged(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Gray frames of levels 100, 101, 102: the third comes late enough."""
    judged(monkeypatch)
    controller = make(workspace)
    session = controller.guided(wanted=1)
    kept = [controller.follow(session, now).keep for now in (0.0, 1.0, 2.0, 3.0)]
    assert kept == ["", "", "anchor", ""]
    (image,) = controller.latest()
    assert round(float(read_image(image).mean())) == 102
    assert controller.undo() == (image,)


def test_a_guided_session_waits_for_flaws_to_go_and_not_for_warnings(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    controller = make(workspace)
    session = controller.guided(wanted=1)
    judged(monkeypatch, ("too dark",), ("too dark",))
    controller.follow(session, 0.0)
    guidance = controller.follow(session, 5.0)
    assert (guidance.keep, guidance.hint) == ("", "Too dark: turn on a light")
    judged(monkeypatch, ("too dark",))
    assert controller.follow(session, 6.0).keep == "anchor"
    assert controller.state.hint == "Too dark: turn on a light"


def test_undo_ignores_files_that_are_already_gone(workspace: Workspace) -> None:
    controller = make(workspace)
    controller.capture("anchor").unlink()
    assert len(controller.undo()) == 1


def test_undo_keeps_images_of_earlier_sessions(workspace: Workspace) -> None:
    kept = make(workspace).capture("anchor")
    assert make(workspace).undo() == ()
    assert kept.exists()


def test_the_end_of_the_camera_is_passed_on(workspace: Workspace) -> None:
    controller = make(workspace, FakeCamera(frames=2, seconds=0))
    with pytest.raises(EndOfFrames):
        controller.burst("positive", 3)
    assert controller.counts["positive"] == 2
    assert len(controller.undo()) == 2


def test_the_block_releases_the_camera_whatever_happens(workspace: Workspace) -> None:
    camera = FakeCamera(seconds=0)
    with pytest.raises(KeyboardInterrupt), make(workspace, camera):
        raise KeyboardInterrupt
    assert camera.closed == 1


def test_wrong_arguments_are_refused(workspace: Workspace) -> None:
    controller = make(workspace)
    with pytest.raises(InputError, match="negative"):
        controller.capture("negative")
    with pytest.raises(InputError):
        controller.burst("anchor", 0)


def test_hidden_and_other_files_are_not_counted(workspace: Workspace) -> None:
    (workspace.anchor / ".half.jpg").write_bytes(b"")
    (workspace.anchor / "notes.txt").write_text("x")
    assert make(workspace).counts["anchor"] == 0


def test_the_state_holds_the_frame_as_it_was_read(workspace: Workspace) -> None:
    state = make(workspace).step()
    np.testing.assert_array_equal(state.frame, gray_frame(100))


def test_fill_alternates_and_stops_when_full(workspace: Workspace) -> None:
    controller = make(workspace, FakeCamera(seconds=0))
    assert controller.fill({"anchor": 3, "positive": 2}) == controller.counts
    assert controller.counts == {"anchor": 3, "positive": 2, "probes": 0}
    assert controller.fill({"anchor": 3, "positive": 2})["anchor"] == 3, "nothing is missing"


def test_fill_divides_a_short_video_and_raises_nothing(workspace: Workspace) -> None:
    controller = make(workspace, FakeCamera(seconds=0, frames=5))
    controller.fill({"anchor": 10, "positive": 10})
    assert controller.counts == {"anchor": 3, "positive": 2, "probes": 0}


def test_fill_gives_up_without_a_face(workspace: Workspace) -> None:
    class Empty(FakeCamera):
        def read(self) -> np.ndarray:
            return np.zeros_like(super().read())

    with pytest.raises(NoFaceError, match="enough of 10 frames"):
        make(workspace, Empty(seconds=0)).fill({"probes": 2})


class FrameDetector(FakeDetector):
    """Finds the face in frames, and not in the cuts of the first two."""

    def detect(self, image: np.ndarray) -> list[FaceBox]:
        lost = image.shape == (250, 250, 3) and image.mean() < 102
        return [] if lost else super().detect(image)


def test_a_face_that_its_cut_does_not_show_again_is_not_saved(workspace: Workspace) -> None:
    """Frames have the levels 100, 101, 102, ...: the first two cuts would be useless later."""
    paths = make(workspace, detector=FrameDetector()).burst("positive", 2)
    assert [round(float(read_image(path).mean())) for path in paths] == [102, 103]
    controller = make(workspace, detector=FrameDetector())
    assert controller.fill({"anchor": 1})["anchor"] == 1
    (path,) = workspace.anchor.iterdir()
    assert round(float(read_image(path).mean())) == 102


def test_the_face_of_a_drawn_camera_is_aligned_again_from_its_cut(workspace: Workspace) -> None:
    """The five points of the cut, moved back into the frame, are those of the frame."""
    detector = open_detector("haar") if haar_file() else None
    if detector is None or find_dlib_file(FIVE_POINTS) is None:
        pytest.skip("this needs Viola and Jones' cascade and dlib's landmarks")
    with CaptureController(workspace, open_camera("drawn:3"), detector) as controller:
        cut = read_image(controller.capture("anchor"))
        state = controller.state
    in_frame = find_landmarks(state.frame, state.box).landmarks.points
    in_cut = find_landmarks(cut, detector.detect(cut)[0]).landmarks.points
    side = round(2.2 * state.box.size)
    corner = [round(middle - side / 2) for middle in state.box.center]
    moved = (np.array(in_cut) + 0.5) * side / 250 - 0.5 + corner
    np.testing.assert_allclose(moved, in_frame, atol=0.04 * state.box.size)


def real_camera() -> FakeCamera:
    camera = FakeCamera(seconds=0)
    camera.subject = "real"
    return camera


def test_a_real_face_is_kept_only_with_consent_and_only_in_the_vault(workspace: Workspace) -> None:
    controller = make(workspace, real_camera())
    assert controller.needs_consent()
    assert controller.step().chip is not None  # looking keeps nothing
    with pytest.raises(ConsentError, match="no consent of 'Ada'"):
        controller.capture("anchor")
    assert not Gallery(workspace.gallery).vault.exists()

    controller.agree(give_consent("2999-12-31", by="Ada"))
    assert not controller.needs_consent()
    image = controller.burst("anchor", 3)[1]
    assert controller.counts == {"anchor": 3, "positive": 0, "probes": 0}
    assert not any(workspace.anchor.iterdir())
    assert abs(float(read_image(image).mean()) - 103) < 2  # two frames were looked at before
    assert [one.name for one in controller.captures.images("anchor")][1] == image.name


def test_a_consent_is_remembered_and_ends(workspace: Workspace) -> None:
    consent = give_consent("2999-12-31", by="Ada")
    first = CaptureController(workspace, real_camera(), FakeDetector(), consent)
    first.capture("positive")
    again = make(workspace, real_camera())
    assert not again.needs_consent()
    again.capture("positive")
    assert again.counts["positive"] == 2
    with pytest.raises(InputError, match="a real person; drawn ones need another name"):
        make(workspace)
    over = replace(consent, until="2001-01-01")
    with pytest.raises(ConsentError, match="ended on 2001-01-01"):
        CaptureController(workspace, real_camera(), FakeDetector(), over).capture("positive")


def test_undo_removes_images_from_the_vault(workspace: Workspace) -> None:
    consent = give_consent("2999-12-31", by="Ada")
    controller = CaptureController(workspace, real_camera(), FakeDetector(), consent)
    kept, gone = controller.capture("probes"), controller.burst("probes", 2)
    assert controller.undo() == gone
    assert controller.captures.images() == (kept,)
    with pytest.raises(StorageError, match="missing"):
        gone[0].read_bytes()


@pytest.mark.parametrize("consent", [None, give_consent("2999-12-31", by="Ada")])
def test_real_and_drawn_images_are_never_mixed(
    workspace: Workspace, consent: Consent | None
) -> None:
    make(workspace).capture("anchor")
    assert (workspace.person_dir / ".subject").read_text() == "drawn\n"
    with pytest.raises(InputError, match="holds drawn images; a real person's are not mixed"):
        CaptureController(workspace, real_camera(), FakeDetector(), consent)
    with pytest.raises(InputError, match="holds drawn images; public are not mixed"):
        CaptureController(workspace, real_camera(), FakeDetector(), "public")


def test_plain_images_of_an_earlier_siamlab_stay_apart(workspace: Workspace) -> None:
    write_image(workspace.anchor / "anchor_0001.jpg", gray_frame(90))
    assert open_captures(workspace).agreement is None
    with pytest.raises(InputError, match="holds plain images"):
        make(workspace, real_camera())

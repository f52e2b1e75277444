"""The parts of the panels: a guided session, Enroll and Erase, sliders, matches, keys, stills."""

from __future__ import annotations

import io
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import FakeCamera, FakeDetector, FakeModel, gray_frame, loaded_script, wait_until
from PIL import Image

from siamlab.capture import guided
from siamlab.capture.session import CaptureController
from siamlab.config import Workspace
from siamlab.gallery import Gallery
from siamlab.ui.panels import CapturePanel, VerifyPanel
from siamlab.ui.panels.page import PanelPage
from siamlab.ui.still import draw_still, drawn_frame
from siamlab.verification.verifier import Verifier

pytestmark = pytest.mark.usefixtures("any_face_is_usable", "no_thread_is_left")  # even gray ones

CALIBRATION = {
    "threshold": 0.5,
    "target_fmr": None,
    "thresholds": {"0.1": 0.5, "0.01": 0.9},
    "fnmrs": {"0.1": 0.0, "0.01": 0.2},
    "person_pairs": 1000,
}


@pytest.fixture
def verifier(workspace: Workspace) -> Verifier:
    model = FakeModel()
    object.__setattr__(model.metadata, "calibration", CALIBRATION)
    made = Verifier(model, Gallery(workspace.gallery), FakeDetector(), domain="photographs")
    made.enroll("Ada", [gray_frame(level) for level in (100, 110)], consent="drawn")
    return made


def real_camera() -> Any:
    camera = FakeCamera()
    camera.subject = "real"
    return camera


class NoisyCamera(FakeCamera):
    """Frames of random squares: each face is another."""

    def read(self) -> np.ndarray:
        frame = super().read()
        squares = np.random.default_rng(self.count).integers(60, 200, (12, 16), np.uint8)
        return frame * 0 + np.kron(squares, np.ones((10, 10), np.uint8))[..., None]


def test_a_guided_session_takes_its_images_and_counts_them(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("READ_SECONDS", "STEP_SECONDS"):
        monkeypatch.setattr(guided, name, 0.1)
    monkeypatch.setattr(guided.GuidedSession, "_follows", lambda self, look: True)
    with CapturePanel(workspace, NoisyCamera(), FakeDetector(), shots=4) as made:  # type: ignore[arg-type]
        made.guided.value = True
        assert "0 of 4 images" in made.progress.value
        wait_until(lambda: not made.guided.value, 20)
        wait_until(lambda: "Done: 4 images" in made.instruction.value)
        assert "4 of 4 images" in made.progress.value
        assert made.controller.counts == {"anchor": 2, "positive": 2, "probes": 0}
        assert len(made.thumbnails.box.children) == 4
        assert made.running


def test_a_guided_session_ends_with_its_toggle_or_the_camera(workspace: Workspace) -> None:
    with CapturePanel(workspace, "drawn:7", FakeDetector()) as made:
        made.guided.value = True
        wait_until(lambda: "Look straight ahead" in made.instruction.value)
        made.guided.value = False
        wait_until(lambda: "Look" not in made.instruction.value)
        made.guided.value = True
        made.stop()
        assert not made.guided.value


def test_consent_is_asked_before_a_guided_session(workspace: Workspace) -> None:
    with CapturePanel(workspace, real_camera(), FakeDetector()) as made:
        made.guided.value = True
        assert "no consent" in made.status.value
        assert not made.guided.value
        assert made.running


def test_keys_do_what_their_buttons_do(workspace: Workspace, verifier: Verifier) -> None:
    with CapturePanel(workspace, FakeCamera(), FakeDetector()) as made:  # type: ignore[arg-type]
        for key in "ap?p":
            made.page.pressed(key)
        assert made.controller.counts == {"anchor": 1, "positive": 2, "probes": 0}
        made.page.pressed("q")
        assert not made.running
    with VerifyPanel(verifier, FakeCamera(), "Ada", continuous=False) as other:  # type: ignore[arg-type]
        other.page.pressed("v")
        wait_until(lambda: other.live.state.verifications == 1)
        other.page.pressed("c")
        assert other.live.continuous
        other.page.pressed("q")
        assert not other.running


def test_a_key_whose_action_fails_shows_the_error(workspace: Workspace) -> None:
    with CapturePanel(workspace, FakeCamera(), FakeDetector([])) as made:  # type: ignore[arg-type]
        made.page.pressed("a")
        assert "No face" in made.status.value


def test_the_browser_is_told_about_the_panel(workspace: Workspace, verifier: Verifier) -> None:
    capture = CapturePanel(workspace, FakeCamera(), FakeDetector())  # type: ignore[arg-type]
    verify = VerifyPanel(verifier, FakeCamera(), "Ada")  # type: ignore[arg-type]
    for made, live in ((capture, "instruction"), (verify, "verdict")):
        attributes = made.page.attributes
        assert attributes[""]["aria-label"].endswith(f" panel, {made.name}")
        assert attributes["img.siamlab-picture"]["alt"]
        assert attributes[f".siamlab-{live} .widget-html-content"]["aria-live"] == "polite"
        assert "siamlab-panel" in made._page._dom_classes
        assert isinstance(made.box.children[-1], PanelPage)
    assert capture.page.shortcuts == ["a", "p", "q"]


def test_sliders_act_at_once_and_say_what_they_cost(verifier: Verifier) -> None:
    """Levels 100 and 110 against a probe of 120: scores of 0.92 and 0.96."""
    camera: Any = FakeCamera(first=120, frames=1)
    camera.subject = "real"
    made = VerifyPanel(verifier, camera, "Ada")
    assert "10 in 100 strangers let in, none of your own tries refused" in made.sliders.costs.value
    assert "1 of 2 stored images must match" in made.sliders.costs.value
    made.sliders.verification.value = 1.0
    assert "2 of 2 stored images must match" in made.sliders.costs.value
    made.sliders.detection.value = next(
        value for _, value in made.sliders.detection.options if value > 0.92
    )
    assert made.verifier.detection_threshold > 0.92
    with made:
        wait_until(lambda: "1 of 2 templates match" in made.details.value)
        assert "Ada not verified" in made.verdict.value
    assert (verifier.detection_threshold, verifier.verification_threshold) == (0.5, 0.5)


def test_for_drawn_people_a_threshold_of_photographs_costs_nobody_knows_what(
    verifier: Verifier,
) -> None:
    object.__setattr__(verifier, "operating_point", "fmr_0.1")
    made = VerifyPanel(verifier, FakeCamera(), "Ada")  # type: ignore[arg-type]
    assert "What this costs is not known" in made.sliders.costs.value
    assert made.live.note


def test_enroll_adds_a_template_and_erase_asks_twice(verifier: Verifier) -> None:
    with VerifyPanel(verifier, FakeCamera(first=120), "Ada") as made:  # type: ignore[arg-type]
        made.enroll_button.click()
        assert "Ada has 3 templates" in made.status.value
        assert "of 3 stored images must match" in made.sliders.costs.value
        made.erase_button.click()
        assert "Click Erase again" in made.status.value
        assert "Ada" in verifier.gallery
        made.erase_button.click()
        assert "was erased" in made.status.value
        assert "Ada" not in verifier.gallery
        assert "Nobody is enrolled." in made.sliders.costs.value
        assert not made.running


def test_a_panel_for_who_is_enrolled_with_another_model_opens_and_start_says_so(
    verifier: Verifier,
) -> None:
    verifier.model_id = "another"
    made = VerifyPanel(verifier, FakeCamera(), "Ada")  # type: ignore[arg-type]
    made.toggle.click()
    assert "another model" in made.status.value


def test_enroll_asks_a_real_person_for_consent(workspace: Workspace) -> None:
    verifier = Verifier(FakeModel(), Gallery(workspace.gallery), FakeDetector())
    camera = real_camera()
    camera.close = lambda: None  # is opened twice
    made = VerifyPanel(verifier, camera, "Bea")
    made.enroll_button.click()
    assert "no consent" in made.status.value
    assert "Bea" not in verifier.gallery
    (form,) = made.form.children
    _, fields, _ = form.children
    fields.children[1].value = date(2999, 12, 31)
    fields.children[2].click()
    assert "Bea has 1 template." in made.status.value
    assert not made.form.children
    assert not made.running


def test_the_best_stored_images_are_shown_beside_the_frame(workspace: Workspace) -> None:
    verifier = Verifier(FakeModel(), Gallery(workspace.gallery), FakeDetector())
    with CaptureController(workspace, FakeCamera(), FakeDetector()) as controller:  # type: ignore[arg-type]
        images = controller.burst("positive", 4)
    verifier.enroll("Ada", images, consent="drawn")
    made = VerifyPanel(
        verifier,
        FakeCamera(first=103, frames=1),  # type: ignore[arg-type]
        "Ada",
        captures=controller.captures,
    )
    with made:
        wait_until(lambda: "stored image" in made.matches.widget.value)
        shown = made.matches.widget.value
    assert shown.count("<img ") == 3
    assert f"alt='stored image {images[3].stem}, score 1.00'" in shown
    assert images[0].stem not in shown
    made.matches.clear()
    assert made.matches.widget.value == ""


def test_templates_alone_show_no_image(verifier: Verifier, workspace: Workspace) -> None:
    with VerifyPanel(verifier, FakeCamera(), "Ada") as made:  # type: ignore[arg-type]
        wait_until(lambda: "polyline" in made.trace.value)
        assert made.matches.widget.value == ""


def test_the_verdict_says_how_many_frames_say_so(verifier: Verifier) -> None:
    with VerifyPanel(verifier, FakeCamera(), "Ada") as made:  # type: ignore[arg-type]
        wait_until(lambda: "frames of the last second say so" in made.details.value)
        agreeing, _, frames = made.details.value.split("<br>")[1].split()[:3]
        assert int(agreeing) == int(frames)


def test_movements_are_asked_for_and_nothing_else_is_verified_meanwhile(
    verifier: Verifier,
) -> None:
    """A camera without a face: the first instruction, and the camera's stop ends it."""
    with VerifyPanel(verifier, FakeCamera(), "Ada") as made:  # type: ignore[arg-type]
        verifier.detector.boxes.clear()
        made.movement_button.click()
        wait_until(lambda: "look straight ahead" in made.task.value)
        assert not made.live.continuous
        made.stop()
        wait_until(lambda: "look straight ahead" not in made.task.value)
    wait_until(lambda: made.live.continuous)


def test_stored_notebooks_keep_the_picture_of_a_panel_and_not_the_widget(
    workspace: Workspace,
) -> None:
    script = Path(__file__).parents[2] / "scripts" / "store_notebooks.py"
    bundle, _ = CapturePanel(workspace, FakeCamera(), FakeDetector())._repr_mimebundle_()  # type: ignore[arg-type]
    slider = {"application/vnd.jupyter.widget-view+json": {}, "text/plain": "IntSlider()"}
    with loaded_script(script) as module:
        module.leave_picture(bundle)
        module.leave_picture(slider)
    assert set(bundle) == {"image/png", "text/plain"}
    assert len(slider) == 2


def test_a_still_shows_a_drawn_person_and_the_buttons() -> None:
    frame = drawn_frame()
    assert np.array_equal(frame, drawn_frame())
    picture = Image.open(io.BytesIO(draw_still(frame, ["one", "two"], ["Start"] * 12)))
    # Margins of 12, lines of 24, two rows of buttons of 38.
    assert picture.size == (480 + 24, 360 + 24 + 2 * 24 + 12 + 2 * 38 + 12)
    assert np.array_equal(np.asarray(picture)[12 : 12 + 360, 12 : 12 + 480], frame)

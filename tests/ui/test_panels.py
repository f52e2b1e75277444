"""The panels, driven by clicks as on a page."""

from __future__ import annotations

import asyncio
import io
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import FakeCamera, FakeDetector, FakeModel, HangingCamera, gray_frame, wait_until
from PIL import Image

from siamlab.capture.stream import FrameReader
from siamlab.config import Workspace
from siamlab.gallery import Gallery
from siamlab.images.decode import read_image
from siamlab.ui.html import encode_jpeg, score_bar
from siamlab.ui.panels import CapturePanel, VerifyPanel, after_cell
from siamlab.verification.result import VERDICT_COLORS
from siamlab.verification.verifier import Verifier

pytestmark = pytest.mark.usefixtures("any_face_is_usable", "no_thread_is_left")  # even gray ones


@pytest.fixture
def verifier(tmp_path: Path) -> Verifier:
    made = Verifier(FakeModel(), Gallery(tmp_path / "gallery"), FakeDetector())
    made.enroll("Ada", [gray_frame(100)], consent="drawn")
    return made


def panel(workspace: Workspace, camera: FakeCamera | None = None) -> CapturePanel:
    return CapturePanel(workspace, camera or FakeCamera(), FakeDetector(), shots=3)  # type: ignore[arg-type]


def test_the_preview_shows_jpeg_frames_with_boxes(workspace: Workspace) -> None:
    with panel(workspace) as made:
        blank = made.image.value
        wait_until(lambda: made.image.value != blank)
        shown = np.asarray(Image.open(io.BytesIO(made.image.value)))
    assert shown.shape == (120, 160, 3)
    # The box's left edge, 50 of 160 pixels, is its right one in the mirror.
    line = shown[70, 160 - 1 - 50].astype(int)
    assert np.abs(line - VERDICT_COLORS[True]).max() < 90  # JPEG softens it


def test_clicks_save_images_and_count_them(workspace: Workspace) -> None:
    with panel(workspace) as made:
        made.anchor.click()
        made.positive.click()
        made.positive.click()
        made.probe.click()
        counts = made.controller.counts
        assert counts == {"anchor": 1, "positive": 2, "probes": 1}
        assert "positive: <b>2</b>" in made.counters.value
        assert "Saved 1 image to probes." in made.status.value


def test_undo_and_remove(workspace: Workspace) -> None:
    with panel(workspace) as made:
        for _ in range(3):
            made.positive.click()
        made.undo.click()
        assert made.controller.counts["positive"] == 2
        assert "Removed 1 image." in made.status.value
        newest, oldest = made.controller.latest()[::-1]
        cells = made.thumbnails.box.children
        assert [image_name(cell) for cell in cells] == [newest.stem[:13], oldest.stem[:13]]
        cells[0].children[1].click()
        assert made.controller.latest() == (oldest,)
        assert len(made.thumbnails.box.children) == 1
        made.undo.click()
        made.undo.click()
        assert "There is nothing to undo." in made.status.value


def image_name(cell: Any) -> str:
    """The text alternative of a thumbnail, as its file is called."""
    return cell.children[0].value.split("alt='")[1].split("'")[0].replace(" ", "_")


def test_a_click_works_on_a_stopped_panel_and_releases_the_camera(workspace: Workspace) -> None:
    camera = FakeCamera()
    made = panel(workspace, camera)
    made.anchor.click()
    assert made.controller.counts["anchor"] == 1
    assert camera.closed == 1
    made.close()


def test_start_and_stop(workspace: Workspace) -> None:
    camera = FakeCamera()
    made = panel(workspace, camera)
    assert made.toggle.description == "Start"
    made.toggle.click()
    assert (made.running, made.toggle.description) == (True, "Stop")
    made.toggle.click()
    assert (made.running, made.toggle.description) == (False, "Start")
    assert camera.closed == 1
    made.stop()
    made.close()


def test_the_panel_asks_a_real_person_for_consent(workspace: Workspace) -> None:
    camera = FakeCamera()
    camera.subject = "real"
    with panel(workspace, camera) as made:
        made.anchor.click()
        assert "no consent" in made.status.value
        form = made.consent
        form.until.value = date(2001, 1, 1)
        form.button.click()
        assert "lies ahead" in form.problem.value
        form.until.value = date(2999, 12, 31)
        form.by.value = "Ada, & her mother"
        form.button.click()
        assert not made.form.children
        assert "agreed, until 2999-12-31" in made.status.value
        made.anchor.click()
        assert made.controller.counts["anchor"] == 1
    assert not any(workspace.anchor.iterdir())
    again = panel(workspace, camera)
    assert not again.controller.needs_consent()


def test_warnings_are_shown(workspace: Workspace) -> None:
    made = CapturePanel(workspace, FakeCamera(), FakeDetector([]))  # type: ignore[arg-type]
    with made:
        wait_until(lambda: "No face" in made.warning.value)
        made.anchor.click()
        assert "No face" in made.status.value
        assert made.controller.counts["anchor"] == 0


@pytest.mark.parametrize("kind", ["capture", "verify"])
def test_the_panel_shows_the_error_of_a_failing_camera(
    workspace: Workspace, verifier: Verifier, kind: str
) -> None:
    camera: Any = FakeCamera(fails_at=4, seconds=0.02)
    made = panel(workspace, camera) if kind == "capture" else VerifyPanel(verifier, camera, "Ada")
    made.start()
    wait_until(lambda: "went away" in made.status.value)
    assert made.toggle.description == "Start"
    assert camera.closed == 1
    made.close()


def test_a_new_panel_on_the_same_camera_closes_the_earlier_one(workspace: Workspace) -> None:
    """As when a cell is run again: the first panel releases the camera and shows that."""
    earlier, later = FakeCamera(name="0"), FakeCamera(name="0")
    first = panel(workspace, earlier).start()
    second = panel(workspace, later).start()
    assert (earlier.closed, later.closed) == (1, 0)
    wait_until(lambda: first.toggle.description == "Start")
    assert second.running
    wait_until(lambda: later.count > 3)
    first.close()
    assert second.running
    second.close()
    assert later.closed == 1


def test_a_verify_panel_closes_a_capture_panel_on_the_same_camera(
    workspace: Workspace, verifier: Verifier
) -> None:
    earlier, later = FakeCamera(name="0"), FakeCamera(name="0")
    panel(workspace, earlier).start()
    with VerifyPanel(verifier, later, "Ada"):  # type: ignore[arg-type]
        assert earlier.closed == 1


def test_an_exception_in_the_block_releases_the_camera(workspace: Workspace) -> None:
    camera = FakeCamera()
    with pytest.raises(KeyboardInterrupt), panel(workspace, camera):
        raise KeyboardInterrupt
    assert camera.closed == 1


def test_capture_from_a_drawn_camera(workspace: Workspace) -> None:
    """The real camera, detector and files; started twice from the same name."""
    with CapturePanel(workspace, "drawn:7") as made:
        assert repr(made) == "CapturePanel(drawn:7)"
        made.anchor.click()
        made.stop()
        made.start()
        made.positive.click()
        assert made.controller.counts == {"anchor": 1, "positive": 1, "probes": 0}
    (path,) = workspace.anchor.iterdir()
    assert read_image(path).shape == (250, 250, 3)


def test_plain_text_is_the_same_in_every_run(workspace: Workspace, verifier: Verifier) -> None:
    made = panel(workspace)
    assert repr(made) == "CapturePanel(fake)"
    bundle, about = made._repr_mimebundle_()
    assert bundle["text/plain"] == repr(made)
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert "Still picture of CapturePanel(fake)" in about["image/png"]["alt"]
    still = Image.open(io.BytesIO(bundle["image/png"]))
    assert still.size[0] == 480 + 2 * 12
    assert len(bundle["image/png"]) < 200_000
    assert made._repr_mimebundle_()[0]["image/png"] == bundle["image/png"]
    assert made.reader.snapshot.number == 0  # no frame of the camera is in it
    other = VerifyPanel(verifier, FakeCamera(), "Ada")  # type: ignore[arg-type]
    assert other._repr_mimebundle_()[0]["text/plain"] == "VerifyPanel(Ada, fake)"


def test_the_verify_panel_shows_verdict_score_and_times(verifier: Verifier) -> None:
    camera: Any = FakeCamera()
    with VerifyPanel(verifier, camera, "Ada") as made:
        wait_until(lambda: "Ada verified" in made.verdict.value)
        wait_until(lambda: "Ada verified: 1 of 1" in made.details.value)
        wait_until(lambda: "embed" in made.latency.value)
        assert "dropped" in made.latency.value
        assert "threshold 0.50" in made.bar.value
    assert camera.closed == 1


def test_the_panel_says_that_the_camera_hangs_and_shows_no_old_verdict(verifier: Verifier) -> None:
    now = [0.0]
    camera = HangingCamera(after=4, name="Camera 0")
    with VerifyPanel(verifier, FrameReader(camera, lambda: now[0]), "Ada") as made:
        wait_until(lambda: "Ada verified" in made.verdict.value)
        camera.hangs.wait(30)
        now[0] = 12.0
        wait_until(lambda: "Camera 0 has sent no frame for 12 s." in made.status.value)
        wait_until(lambda: "unknown whether this is Ada" in made.details.value)
        assert "no score" in made.bar.value
        camera.answer.set()
        wait_until(lambda: "Ada verified" in made.verdict.value)
        wait_until(lambda: "The camera is on." in made.status.value)
    assert ">unknown<" in made.verdict.value
    assert "unknown whether this is Ada: Camera 0 is stopped." in made.details.value


def test_verify_on_click_only(verifier: Verifier) -> None:
    camera: Any = FakeCamera()
    with VerifyPanel(verifier, camera, "Ada", continuous=False) as made:
        wait_until(lambda: made.live.state.number >= 10)
        assert "no verdict yet" in made.verdict.value
        made.verify.click()
        wait_until(lambda: "Ada verified" in made.verdict.value)
        assert made.live.state.verifications == 1
        made.continuous_button.value = True
        wait_until(lambda: made.live.state.verifications > 3)


def test_verify_starts_a_stopped_panel(verifier: Verifier) -> None:
    camera: Any = FakeCamera()
    made = VerifyPanel(verifier, camera, "Ada", continuous=False)
    made.verify.click()
    wait_until(lambda: "verified" in made.verdict.value)
    made.close()


def test_the_panel_shows_that_the_person_is_not_enrolled(verifier: Verifier) -> None:
    made = VerifyPanel(verifier, FakeCamera(), "Bob")  # type: ignore[arg-type]
    made.toggle.click()
    assert "not enrolled" in made.status.value
    assert made.toggle.description == "Start"


def test_html_in_a_name_is_escaped(verifier: Verifier) -> None:
    name = "<script>alert(1)</script>"
    verifier.enroll(name, [gray_frame(100)], consent="drawn")
    with VerifyPanel(verifier, FakeCamera(), name) as made:  # type: ignore[arg-type]
        wait_until(lambda: "verified" in made.verdict.value)
        assert "<script>" not in made.verdict.value


def test_score_bar_by_hand(verifier: Verifier) -> None:
    """A probe of level 100 + 51: the score is 1 - 51/255 = 0.8."""
    bar = score_bar(verifier.verify(gray_frame(151), "Ada"))
    assert "width:80.0%" in bar
    assert "left:calc(50.0% - 3px)" in bar
    assert "score 0.80, threshold 0.50; 1 of 1 templates match" in bar
    assert "no score" in score_bar(verifier.verify(gray_frame(0), "Ada"))


def test_large_frames_are_made_smaller_and_keep_their_colors() -> None:
    red = np.zeros((720, 1280, 3), np.uint8)
    red[..., 0] = 250
    shown = np.asarray(Image.open(io.BytesIO(encode_jpeg(red))))
    assert shown.shape == (270, 480, 3)
    assert shown[..., 0].mean() > 240
    assert shown[..., 2].mean() < 10


def test_showing_twice_in_one_notebook_registers_one_interrupt_hook(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    import IPython
    from IPython.core.interactiveshell import InteractiveShell

    # IPython warns when the shell was activated in another environment than pytest's.
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    shell = InteractiveShell()
    monkeypatch.setattr(IPython, "get_ipython", lambda: shell)
    camera = FakeCamera()
    made = panel(workspace, camera)
    made.show(start=False)
    made.show()
    assert shell.events.callbacks["post_run_cell"].count(after_cell) == 1
    shell.run_cell("1 + 1")
    assert made.running
    shell.run_cell("raise KeyboardInterrupt")
    assert not made.running
    assert camera.closed == 1
    made.close()


KERNEL_SETUP = """
import sys
sys.path[:0] = {paths!r}
from pathlib import Path
from fakes import FakeCamera, FakeDetector
from siamlab.config import Workspace
from siamlab.ui.panels import CapturePanel
camera = FakeCamera()
panel = CapturePanel(Workspace(Path({root!r})).make(), camera, FakeDetector())
panel.show()
"""


async def _interrupt_a_kernel(setup: str) -> list[str]:
    """Run the panel in a kernel, interrupt a long cell, and return the output of four cells."""
    from jupyter_client.manager import start_new_async_kernel

    manager, client = await start_new_async_kernel(kernel_name="python3")
    outputs: list[str] = [""] * 4

    async def run(cell: int, code: str) -> None:
        def collect(message: dict[str, Any]) -> None:
            content = message["content"]
            outputs[cell] += content.get("text", "") or content.get("data", {}).get(
                "text/plain", ""
            )
            outputs[cell] += "".join(content.get("traceback", []))

        await client.execute_interactive(code, timeout=30, output_hook=collect)

    try:
        await run(0, setup)
        await run(1, "print(panel.running)")
        long_cell = asyncio.create_task(run(2, "import time; time.sleep(20)"))
        await asyncio.sleep(0.5)
        await manager.interrupt_kernel()
        await long_cell
        await run(3, "print(panel.running, camera.closed)")
    finally:
        client.stop_channels()
        await manager.shutdown_kernel(now=True)
    return outputs


def test_an_interrupt_of_a_real_kernel_releases_the_camera(tmp_path: Path) -> None:
    paths = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]
    outputs = asyncio.run(_interrupt_a_kernel(KERNEL_SETUP.format(paths=paths, root=str(tmp_path))))
    assert "CapturePanel(fake)" in outputs[0]
    assert outputs[1] == "True\n"
    assert "KeyboardInterrupt" in outputs[2]
    assert outputs[3] == "False 1\n"

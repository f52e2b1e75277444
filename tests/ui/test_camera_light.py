"""A panel's light, and a panel that stops when its page is seen no more."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from fakes import FakeCamera, FakeDetector, wait_until

from siamlab.capture.cameras import BrowserCamera
from siamlab.capture.cameras.camera_widget import CameraWidget
from siamlab.capture.stream import FrameReader, stop_all
from siamlab.config import Workspace
from siamlab.ui.panels import CapturePanel, camera_light
from siamlab.ui.panels.camera_light import CameraLight


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(camera_light, "SLICE_SECONDS", 0.01)
    yield
    stop_all()
    wait_until(lambda: not any("siamlab" in thread.name for thread in threading.enumerate()))


@pytest.fixture
def panel(tmp_path) -> CapturePanel:
    return CapturePanel(Workspace(tmp_path, "Ada").make(), FakeCamera(), FakeDetector())  # type: ignore[arg-type]


def lamp(panel: CapturePanel) -> Any:
    return panel._light.box.children[0]


def page_says(widget: Any, kind: str) -> None:
    """A message of the page, in the thread of a subshell."""
    message = {"kind": kind}
    thread = threading.Thread(target=widget._handle_custom_msg, args=(message, []))
    thread.start()
    thread.join()


def test_the_light_is_on_while_the_camera_is(panel):
    assert not lamp(panel).on
    with panel:
        assert (lamp(panel).on, lamp(panel).label) == (True, "fake")
        panel.stop()
        wait_until(lambda: not lamp(panel).on)


def test_the_panel_stops_when_the_page_says_that_nobody_sees_it(panel):
    with panel:
        page_says(lamp(panel), "gone")
        wait_until(lambda: "its page was closed or hidden" in panel.status.value)
        assert (panel.running, panel.toggle.description) == (False, "Start")
        wait_until(lambda: not lamp(panel).on)


def test_the_panel_stops_when_a_page_that_was_there_falls_silent(panel):
    with panel:
        page_says(lamp(panel), "alive")
        wait_until(lambda: "its page was closed or hidden" in panel.status.value)


def test_a_run_without_a_page_and_a_page_that_must_wait_for_cells_are_not_watched(panel):
    with panel:
        lamp(panel)._handle_custom_msg({"kind": "alive"}, [])  # in the main thread: no subshells
        threading.Event().wait(3 * camera_light.SILENT_SLICES * camera_light.SLICE_SECONDS)
        assert panel.running


def test_an_interrupt_of_an_idle_kernel_stops_the_camera(panel, monkeypatch):
    import IPython

    kernel = SimpleNamespace(saved_sigint_handler=None)
    events = SimpleNamespace(callbacks={"post_run_cell": []}, register=lambda *_: None)
    shell = SimpleNamespace(kernel=kernel, events=events)
    monkeypatch.setattr(IPython, "get_ipython", lambda: shell)
    monkeypatch.setattr(IPython.display, "display", lambda *_: None)
    panel.show()
    assert panel.running
    kernel.saved_sigint_handler(2, None)
    wait_until(lambda: not panel.running)


def test_the_browser_s_camera_brings_its_own_light_and_waits_for_a_click(tmp_path, monkeypatch):
    camera = BrowserCamera(CameraWidget(gives_frames=True))
    monkeypatch.setattr("siamlab.capture.stream.open_camera", lambda _: camera)
    begun: list[str] = []
    monkeypatch.setattr(camera, "begin", lambda: begun.append(threading.current_thread().name))
    panel = CapturePanel(Workspace(tmp_path, "Ada").make(), "browser", FakeDetector())  # type: ignore[arg-type]
    panel.show()
    assert not panel.running
    panel.toggle.click()  # acts in a thread of its own: that of clicks brings the frames
    wait_until(lambda: begun == ["siamlab acts"])
    assert lamp(panel) is camera.widget
    page_says(camera.widget, "off")
    wait_until(lambda: not panel.running)
    panel.close()


def test_the_light_of_a_reader_that_code_uses_says_its_camera():
    reader = FrameReader(FakeCamera())  # type: ignore[arg-type]
    light = CameraLight(reader, lambda _: None)
    with reader:
        assert light.box.children[0].label == "fake"
    light.close()

"""The kernel's side of the browser's camera, fed with the page's messages."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from fakes import wait_until

from siamlab.capture.cameras import BrowserCamera, Camera, browser, open_camera
from siamlab.capture.stream import FrameReader, stop_all
from siamlab.errors import CameraError
from siamlab.ui.html import encode_jpeg


class FakePage:
    """A page that was asked to show the widget: keeps what is sent, and sends what it is told."""

    def __init__(self) -> None:
        self.closed = False
        self.sent: list[dict[str, Any]] = []

    def on_msg(self, callback: Any) -> None:
        self.callback = callback

    def send(self, content: dict[str, Any]) -> None:
        self.sent.append(content)

    def says(self, kind: str, buffers: tuple[bytes, ...] = (), **rest: Any) -> None:
        self.callback(self, {"kind": kind, **rest}, [memoryview(one) for one in buffers])

    def shows(self, level: int, number: int = 1) -> None:
        """Send a gray frame."""
        jpeg = encode_jpeg(np.full((48, 64, 3), level, np.uint8))
        self.says("frame", (jpeg,), number=number)


@pytest.fixture
def page() -> FakePage:
    return FakePage()


@pytest.fixture
def camera(page: FakePage, monkeypatch: pytest.MonkeyPatch) -> Iterator[BrowserCamera]:
    monkeypatch.setattr(browser, "SLICE_SECONDS", 0.005)
    made = BrowserCamera(page)
    made.shown = True
    with made:
        yield made


def test_the_newest_frame_is_given_once_and_each_is_acknowledged(page, camera, monkeypatch):
    monkeypatch.setattr(browser, "SILENT_SLICES", 10_000)  # on a machine as busy as may be
    monkeypatch.setattr(browser, "FRAME_SLICES", 10_000)
    assert isinstance(camera, Camera)
    page.says("on")
    page.shows(60, number=1)
    page.shows(200, number=2)
    frame = camera.read()
    assert (frame.shape, frame.dtype, camera.size) == ((48, 64, 3), np.uint8, (64, 48))
    assert abs(int(frame.mean()) - 200) < 3
    assert page.sent == [{"kind": "ack", "number": 1}, {"kind": "ack", "number": 2}]
    threading.Timer(0.02, page.shows, (90, 3)).start()
    assert abs(int(camera.read().mean()) - 90) < 3


def test_the_page_gives_the_reason_in_one_line(page, camera):
    page.says("off", reason="the browser\nrefused the camera.")
    with pytest.raises(CameraError, match=r"^Browser camera: the browser refused the camera\.$"):
        camera.read()
    assert page.closed, "it does not start again behind the reader's back"


def test_an_old_frame_is_not_what_is_before_the_camera_now(page, monkeypatch):
    monkeypatch.setattr(browser, "SLICE_SECONDS", 0.005)
    now = [100.0]
    with BrowserCamera(page, clock=lambda: now[0]) as camera:
        camera.shown = True
        page.says("on")
        page.shows(60)
        now[0] += 2.0
        with pytest.raises(CameraError, match="its page is silent"):
            camera.read()


def test_a_frame_is_not_given_after_the_camera_went_off(page, camera):
    page.says("on")
    page.shows(60)
    page.says("off", reason="its page was hidden.")
    with pytest.raises(CameraError, match="its page was hidden"):
        camera.read()


def test_a_person_who_does_not_press_start_is_not_waited_for_forever(page, camera):
    assert camera.starting
    with pytest.raises(CameraError, match="Press its Start"):
        camera.read()
    assert not camera.starting


def test_a_page_that_was_closed_is_noticed_by_its_silence(page, camera):
    page.says("on")
    with pytest.raises(CameraError, match="its page is silent"):
        camera.read()


def test_a_camera_that_hangs_is_said_though_its_page_is_alive(page, camera, monkeypatch):
    monkeypatch.setattr(browser, "SILENT_SLICES", 10_000)
    page.says("on")
    stop = threading.Event()

    def live() -> None:
        while not stop.wait(0.008):
            page.says("alive")

    thread = threading.Thread(target=live)
    thread.start()
    with pytest.raises(CameraError, match="it hangs"):
        camera.read()
    stop.set()
    thread.join()


def test_time_before_start_does_not_count_as_silence(page, camera, monkeypatch):
    monkeypatch.setattr(browser, "FRAME_SLICES", 20)
    monkeypatch.setattr(browser, "SILENT_SLICES", 20)
    jpeg = encode_jpeg(np.full((48, 64, 3), 70, np.uint8))

    def start() -> None:
        page.says("on")
        page.says("frame", (jpeg,), number=1)

    threading.Timer(0.3, start).start()
    assert camera.read().shape == (48, 64, 3)


def test_a_damaged_frame_is_an_error(page, camera):
    page.says("frame", (b"no jpeg",), number=1)
    with pytest.raises(CameraError, match="a frame of the browser's camera cannot be read"):
        camera.read()


def test_a_closed_camera_takes_no_frames_and_wakes_its_reader(page, camera):
    problems: list[str] = []

    def read() -> None:
        try:
            camera.read()
        except CameraError as error:
            problems.append(str(error))

    thread = threading.Thread(target=read)
    thread.start()
    camera.close()
    thread.join(5)
    assert len(problems) == 1
    assert "closed" in problems[0]
    page.shows(60)
    assert page.sent == []
    with pytest.raises(CameraError, match="is closed; open it again"):
        camera.read()


@pytest.mark.parametrize("greeted", [True, False])
def test_begin_reaches_the_page_once_whether_it_is_there_or_still_to_come(page, camera, greeted):
    if greeted:
        page.says("hello")
    camera.begin()
    if not greeted:
        assert page.sent == []
        page.says("hello")
    page.says("hello")  # another view: it was started by the first
    assert page.sent == [{"kind": "begin"}]


def test_a_reader_waits_for_a_person_and_stops_at_once(page, monkeypatch):
    camera = BrowserCamera(page)
    shown: list[Camera] = []
    reader = FrameReader(camera)
    reader.place = shown.append
    reader.start()
    assert shown == [camera]
    threading.Timer(0.1, page.shows, (80,)).start()
    assert reader.read(timeout=0.01).shape == (48, 64, 3), "waited beyond its patience"
    assert reader.silence == ""
    page.says("on")
    reader.stop()
    assert (page.closed, reader.error) == (True, "")
    with pytest.raises(CameraError, match="stopped"):
        reader.read()


def test_a_reader_tells_the_page_s_reason(page):
    with FrameReader(BrowserCamera(page)) as reader:
        page.says("off", reason="its page was hidden.")
        wait_until(lambda: not reader.running)
        assert reader.error == "Browser camera: its page was hidden."


def fake_notebook(monkeypatch: pytest.MonkeyPatch, version: tuple[int, ...], **names: str) -> None:
    import IPython

    shell = SimpleNamespace(kernel=object(), user_ns=names)
    monkeypatch.setattr(IPython, "get_ipython", lambda: shell)
    module = ModuleType("ipykernel")
    module.version_info, module.__version__ = version, ".".join(map(str, version))
    monkeypatch.setitem(sys.modules, "ipykernel", module)


def test_it_needs_a_notebook_in_a_browser_and_a_kernel_with_subshells(monkeypatch):
    with pytest.raises(CameraError, match="it needs a notebook in JupyterLab"):
        open_camera("browser")
    fake_notebook(monkeypatch, (6, 29, 5))
    with pytest.raises(CameraError, match=r"needs ipykernel 7 or newer.*found 6\.29\.5"):
        open_camera("browser")
    fake_notebook(monkeypatch, (7, 0, 0), __vsc_ipynb_file__="a.ipynb")
    with pytest.raises(CameraError, match="VS Code's notebooks cannot use it"):
        open_camera("browser")


def test_open_camera_asks_the_page_for_a_size_and_closes_the_widget(monkeypatch):
    fake_notebook(monkeypatch, (7, 4, 0))
    with open_camera("browser", size=(320, 240)) as camera:
        assert isinstance(camera, BrowserCamera)
        widget: Any = camera.widget
        assert (widget.resolution, widget.gives_frames, camera.size) == (
            "320 x 240",
            True,
            (320, 240),
        )
        assert "getUserMedia" in str(widget._esm)
    assert widget.closed


def test_auto_takes_the_machine_s_camera_else_the_browser_s_and_says_which(monkeypatch, capsys):
    from siamlab.capture import cameras

    fake_notebook(monkeypatch, (7, 4, 0))
    machine = SimpleNamespace(name="Camera 0")
    monkeypatch.setattr(cameras, "may_exist", lambda _: True)
    monkeypatch.setattr(cameras, "OpenCVCamera", lambda *_: machine)
    assert open_camera("auto") is machine
    assert "Camera 0, of the machine" in capsys.readouterr().out

    def fails(*_: Any) -> None:
        raise CameraError("Camera 0 cannot be opened.")

    monkeypatch.setattr(cameras, "OpenCVCamera", fails)
    with FrameReader("browser") as former, FrameReader("auto") as reader:
        assert reader.name == "Browser camera"
        assert not former.running
    assert "Browser camera: used because" in capsys.readouterr().out
    stop_all()

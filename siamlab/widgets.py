"""The notebooks' panels: capturing face images, and verifying a person live.

Comes in: clicks, and the snapshots of a controller. Goes out: pictures, words and numbers on
the page. The panels hold no logic: everything they do can be done in code with
:class:`~siamlab.capture.CaptureController` and :class:`~siamlab.live.LiveVerification`.

A preview runs in a thread of its own. The camera is free again after Stop, ``close()``, an
interrupt of the kernel, an exception, and when a new panel opens the same camera.
"""

from __future__ import annotations

import html
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import ipywidgets
import numpy as np

from siamlab.capture import CaptureController, CaptureState
from siamlab.faces import guide_box
from siamlab.live import LiveState, LiveVerification
from siamlab.opencv import import_cv2
from siamlab.profiles import Workspace
from siamlab.reader import FrameReader, one_line, stop_all
from siamlab.verification import Verification, Verifier
from siamlab.window import COLOURS, annotate, draw_box

if TYPE_CHECKING:
    from siamlab.cameras import Camera
    from siamlab.faces import Finder

WIDTH = 480
RATE = 12.0  # pictures a second on the page; more only makes the browser slow
GUIDE, FACE = (150, 150, 150), (26, 127, 55)


def encode_jpeg(frame: np.ndarray, width: int = WIDTH) -> bytes:
    """Encode a frame for the page, no wider than ``width`` pixels.

    Args:
        frame: uint8 RGB ``(H, W, 3)``.
        width: larger frames are made smaller.
    """
    cv2 = import_cv2()
    if frame.shape[1] > width:
        height = max(1, round(frame.shape[0] * width / frame.shape[1]))
        frame = cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA)
    bgr = cv2.cvtColor(frame, cv2.COLOR_RGB2BGR)
    return bytes(cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, 80])[1])


def score_bar(verification: Verification | None) -> str:
    """HTML of a bar from 0 to 1 with the score and a mark at the detection threshold."""
    score = None if verification is None else verification.score
    if verification is None or score is None:
        return _bar(0.0, None, COLOURS[None], "no score")
    words = (
        f"score {score:.2f}, threshold {verification.detection_threshold:.2f}; "
        f"{verification.positive} of {len(verification.scores)} templates match"
    )
    return _bar(score, verification.detection_threshold, COLOURS[verification.verified], words)


def _bar(score: float, threshold: float | None, colour: tuple[int, int, int], words: str) -> str:
    mark = (
        ""
        if threshold is None
        else f"<div style='position:absolute;left:{threshold:.1%};top:0;width:2px;height:100%;"
        "background:#000'></div>"
    )
    return (
        f"<div style='position:relative;width:{WIDTH}px;height:14px;background:#ddd'>"
        f"<div style='width:{score:.1%};height:100%;background:rgb{colour}'></div>{mark}</div>"
        f"<div>{html.escape(words)}</div>"
    )


def verdict_html(verification: Verification | None) -> str:
    """HTML of the verdict, in words and colour."""
    if verification is None:
        return "<b>no verdict yet</b>"
    text = html.escape(str(verification))
    return f"<b style='color:rgb{COLOURS[verification.verified]}'>{text}</b>"


class _Ticker:
    """Calls a function in a thread until it returns False or is stopped."""

    def __init__(self, tick: Callable[[], bool], rate: float = RATE) -> None:
        self._tick = tick
        self._period = 1.0 / rate
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self.stop()
        self._stop = threading.Event()
        self._thread = threading.Thread(
            target=self._run, args=(self._stop,), name="siamlab draws", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(5.0)

    def _run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            begin = time.perf_counter()
            if not self._tick():
                return
            stop.wait(max(0.0, self._period - (time.perf_counter() - begin)))


class _Panel:
    """What both panels share: a picture, lines of text, Start/Stop, and a sure end."""

    def __init__(self, name: str) -> None:
        self.name = name
        layout = ipywidgets.Layout(width=f"{WIDTH}px")
        self.image = ipywidgets.Image(format="jpeg", value=_blank(), layout=layout)
        self.status = ipywidgets.HTML("Press Start.")
        self.toggle = _button("Start", self._toggled, "Start or stop the camera")
        self._ticker = _Ticker(self._safe_tick)
        self.box = ipywidgets.VBox([])

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        # Plain text without ids and picture bytes, so that it is the same in every run.
        bundle = dict(self.box._repr_mimebundle_() or {})
        return {**bundle, "text/plain": repr(self)}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name})"

    def show(self, start: bool = True) -> None:
        """Display the panel in a notebook.

        Args:
            start: start the camera too; otherwise the Start button does. A camera that cannot
                be opened is said in the panel.
        """
        from IPython.display import display

        _free_cameras_on_interrupt()
        display(self)
        if start:
            self._guarded(self.start)

    def start(self) -> Self:
        """Open the camera and run the preview.

        Raises:
            CameraError: the camera cannot be opened.
        """
        if not self.running:
            self._open()
        self.toggle.description = "Stop"
        self._ticker.start()
        return self

    def stop(self) -> None:
        """Stop the preview and release the camera; harmless when done before."""
        self._release()
        self._ticker.stop()
        self._stopped("Stopped; the camera is free.")

    def close(self) -> None:
        """Stop, and remove the panel from the page."""
        self.stop()
        self.box.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def running(self) -> bool:
        """Whether the camera is held."""
        raise NotImplementedError

    def _open(self) -> None:
        raise NotImplementedError

    def _release(self) -> None:
        raise NotImplementedError

    def _tick(self) -> bool:
        """Draw once; False ends the preview."""
        raise NotImplementedError

    def _safe_tick(self) -> bool:
        try:
            if self._tick():
                return True
        except Exception as error:  # a thread's exception would be lost; it becomes one line
            self._release()
            self._stopped(one_line(error))
        return False

    def _toggled(self) -> None:
        self._guarded(self.stop if self.running else self.start)

    def _guarded(self, action: Callable[[], Any]) -> None:
        """Run what a click asks for; what goes wrong is said in the panel."""
        try:
            action()
        except Exception as error:  # ipywidgets would send it to a log that nobody reads
            self._say(one_line(error), bad=True)

    def _stopped(self, message: str) -> None:
        self.toggle.description = "Start"
        self._say(message)

    def _say(self, text: str, bad: bool = False) -> None:
        colour = "#b42318" if bad else "inherit"
        self.status.value = f"<span style='color:{colour}'>{html.escape(text)}</span>"


class CapturePanel(_Panel):
    """Live preview with buttons that save anchors, positives and probes.

    Args:
        workspace: where images go.
        camera: what ``open_camera`` takes (index, file, folder, "drawn"), or a camera. A number
            or a name can be started again after Stop; a camera object cannot.
        finder: finds faces; ``None`` opens the best one at hand.
        burst: how many images a click saves while Burst is pressed.

    Attributes:
        controller: does the work, and can be driven in code.

    Example:
        ```python
        panel = CapturePanel(open_workspace(), camera=0)
        panel.show()
        ```
    """

    def __init__(
        self,
        workspace: Workspace,
        camera: Camera | int | str | Path = 0,
        finder: Finder | None = None,
        burst: int = 10,
    ) -> None:
        self.reader = FrameReader(camera)
        super().__init__(self.reader.name)
        self.controller = CaptureController(workspace, self.reader, finder)
        self.burst = burst
        self.counters = ipywidgets.HTML()
        self.warning = ipywidgets.HTML("&nbsp;")
        self.anchor = self._saver("Anchor", "anchor")
        self.positive = self._saver("Positive", "positive")
        self.probe = self._saver("Probe", "probes")
        self.burst_button = ipywidgets.ToggleButton(
            description=f"Burst of {burst}",
            tooltip=f"While pressed, a click saves {burst} images",
            layout=ipywidgets.Layout(width="auto"),
        )
        self.undo = _button("Undo", self._clicked(self._undo), "Delete what was saved last")
        buttons = [self.anchor, self.positive, self.probe, self.burst_button, self.undo]
        self.box.children = [
            self.image,
            self.warning,
            ipywidgets.HBox([*buttons, self.toggle]),
            self.counters,
            self.status,
        ]
        self._count()

    @property
    def running(self) -> bool:
        """Whether the camera is held."""
        return self.reader.running

    def save(self, kind: str) -> None:
        """What the buttons do: save one image, or a burst while Burst is pressed.

        Args:
            kind: ``anchor``, ``positive`` or ``probes``.
        """
        was_running = self.running
        self.reader.start()  # a click on a stopped panel takes a picture all the same
        try:
            self.controller.burst(kind, self.burst if self.burst_button.value else 1)
        finally:
            self._draw(self.controller.state)
            if not was_running:
                self.reader.stop()
        self._say(self.controller.state.message)

    def _saver(self, label: str, kind: str) -> Any:
        action = self._clicked(lambda: self.save(kind))
        return _button(label, action, f"Save this face to {kind}")

    def _clicked(self, action: Callable[[], None]) -> Callable[[], None]:
        return lambda: self._guarded(action)

    def _undo(self) -> None:
        self.controller.undo()
        self._count()
        self._say(self.controller.state.message)

    def _open(self) -> None:
        self.reader.start()
        self._say("Look into the camera, face inside the grey frame.")

    def _release(self) -> None:
        self.reader.stop()

    def _tick(self) -> bool:
        self._draw(self.controller.step())
        return True

    def _draw(self, state: CaptureState) -> None:
        self._count()
        if state.frame is None:
            return
        picture = draw_box(state.frame, guide_box(state.frame.shape), GUIDE, 1)
        if state.box is not None:
            picture = draw_box(picture, state.box, FACE)
        self.image.value = encode_jpeg(picture)
        text = "; ".join(state.warnings)
        self.warning.value = (
            f"<b style='color:#b54708'>{html.escape(text)}</b>" if text else "&nbsp;"
        )

    def _count(self) -> None:
        counts = self.controller.counts
        self.counters.value = ", ".join(f"{kind}: <b>{n}</b>" for kind, n in counts.items())


class VerifyPanel(_Panel):
    """Live picture with the face's box, a score bar, the verdict and the latency.

    Args:
        verifier: with the person enrolled.
        camera: what ``open_camera`` takes (index, file, folder, "drawn"), or a camera.
        person: who should be before the camera.
        continuous: verify all the time; otherwise the Verify button does.

    Attributes:
        live: does the work, and can be driven in code.

    Example:
        ```python
        panel = VerifyPanel(verifier, 0, "Ada")
        panel.show()
        ```
    """

    def __init__(
        self,
        verifier: Verifier,
        camera: Camera | int | str | Path,
        person: str,
        continuous: bool = True,
    ) -> None:
        self.live = LiveVerification(camera, verifier, person, continuous)
        super().__init__(f"{person}, {self.live.reader.name}")
        self.verdict = ipywidgets.HTML(verdict_html(None))
        self.bar = ipywidgets.HTML(score_bar(None))
        self.latency = ipywidgets.HTML("&nbsp;")
        self.verify = _button("Verify", self._verify, "Verify the next frame")
        self.always = ipywidgets.ToggleButton(
            value=continuous,
            description="All the time",
            tooltip="Verify without a click",
            layout=ipywidgets.Layout(width="auto"),
        )
        self.always.observe(self._set_continuous, "value")
        self.box.children = [
            self.image,
            self.verdict,
            self.bar,
            self.latency,
            ipywidgets.HBox([self.verify, self.always, self.toggle]),
            self.status,
        ]

    @property
    def running(self) -> bool:
        """Whether the camera is held."""
        return self.live.running

    def _open(self) -> None:
        self.live.start()
        self._say("The camera is on.")

    def _release(self) -> None:
        self.live.stop()

    def _tick(self) -> bool:
        state = self.live.state
        self._draw(state)
        if not state.running:
            self._release()
            self._stopped(state.error or "Stopped; the camera is free.")
        return state.running

    def _draw(self, state: LiveState) -> None:
        if state.frame is not None:
            self.image.value = encode_jpeg(annotate(state.frame, state.verification))
        self.verdict.value = verdict_html(state.verification)
        self.bar.value = score_bar(state.verification)
        if state.verification is not None:
            parts = state.verification.seconds.items()
            times = ", ".join(f"{name} {seconds * 1000:.0f} ms" for name, seconds in parts)
            self.latency.value = f"{times}; {state.fps:.0f} frames/s, {state.dropped} dropped"

    def _verify(self) -> None:
        def act() -> None:
            if not self.running:
                self.start()
            self.live.request()

        self._guarded(act)

    def _set_continuous(self, change: dict[str, Any]) -> None:
        self.live.continuous = bool(change["new"])


def _button(label: str, action: Callable[[], None], tooltip: str) -> Any:
    button = ipywidgets.Button(
        description=label, tooltip=tooltip, layout=ipywidgets.Layout(width="auto")
    )
    button.on_click(lambda _: action())
    return button


def _blank() -> bytes:
    return encode_jpeg(np.full((WIDTH * 3 // 4, WIDTH, 3), 235, np.uint8))


def _free_cameras_on_interrupt() -> None:
    """Let an interrupt of the kernel stop previews too, which run in threads of their own."""
    from IPython import get_ipython

    shell = get_ipython()
    if shell is not None and _after_cell not in shell.events.callbacks["post_run_cell"]:
        shell.events.register("post_run_cell", _after_cell)


def _after_cell(result: Any) -> None:
    if isinstance(result.error_in_exec, KeyboardInterrupt):
        stop_all()

"""What both panels share: a preview in its own thread, Start and Stop, a camera always released."""

from __future__ import annotations

import html
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Self

import ipywidgets
import numpy as np

from siamlab.capture.stream import FrameReader, one_line, stop_all
from siamlab.system.closing import Closing
from siamlab.ui.html import WIDTH, encode_jpeg
from siamlab.ui.overlay import mirrored
from siamlab.ui.panels.camera_light import CameraLight
from siamlab.ui.panels.page import LIVE, PANEL, PanelPage
from siamlab.ui.still import draw_still, drawn_frame
from siamlab.verification.live import LiveVerification
from siamlab.verification.result import VERDICT_COLORS, badge

RATE = 12.0  # frames a second on the page; more only slow the browser down


class Ticker:
    """Calls a function in a thread until it returns False or is stopped."""

    def __init__(self, tick: Callable[[], bool]) -> None:
        self._tick = tick
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start calling; an earlier thread ends first."""
        self.stop()
        self._stop = threading.Event()
        self._thread = threading.Thread(
            target=self._run, args=(self._stop,), name="siamlab draws", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Stop calling; harmless when already stopped."""
        self._stop.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(5.0)

    def _run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            begin = time.perf_counter()
            if not self._tick():
                return
            stop.wait(max(0.0, 1 / RATE - (time.perf_counter() - begin)))


class Panel(Closing):
    """A camera preview with Start and Stop; the camera is released however the panel ends.

    Args:
        name: of the panel, for a notebook's text.
        source: reads the camera, and says whether it is ``running``.
        hint: shown when the camera was opened.
    """

    def __init__(self, name: str, source: FrameReader | LiveVerification, hint: str) -> None:
        self.name, self._source, self._hint = name, source, hint
        layout = ipywidgets.Layout(width=f"{WIDTH}px", max_width="100%")
        blank = encode_jpeg(np.full((WIDTH * 3 // 4, WIDTH, 3), 235, np.uint8))
        self.image = ipywidgets.Image(format="jpeg", value=blank, layout=layout)
        self.status = ipywidgets.HTML("Press Start.")
        self.toggle = self._button("Start", self._start_or_stop, "Start or stop the camera")
        self._ticker = Ticker(self._tick_or_stop)
        self._silent = False
        self.image.add_class("siamlab-picture")
        self.status.add_class("siamlab-status")
        self.box = ipywidgets.VBox([])
        reader = source if isinstance(source, FrameReader) else source.reader
        self._light = CameraLight(reader, self._unseen)
        self._page = ipywidgets.VBox([self._light.box, self.box])
        self._page.add_class(PANEL)

    def _arrange(
        self,
        children: Sequence[Any],
        live: Sequence[str] = (),
        keys: Mapping[str, Callable[[], Any]] | None = None,
    ) -> None:
        """Put widgets into the panel, and tell the browser about them.

        Args:
            children: from top to bottom, the status among them or in one of them.
            live: classes of widgets whose words screen readers say when they change.
            keys: what a key does, while the panel has the focus.
        """
        attributes = {"img.siamlab-picture": {"alt": "The camera's picture"}}
        for name in (*live, "siamlab-status"):
            attributes[f".{name} .widget-html-content"] = LIVE
        actions = {key: partial(self._click, action) for key, action in (keys or {}).items()}
        kind = type(self).__name__.removesuffix("Panel")
        self.page = PanelPage(f"{kind} panel, {self.name}", attributes, actions)
        self.box.children = [*children, self.page]

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        # Plain text without ids and image bytes, so that it is the same in every run. The picture
        # is for pages that have no widget: of a stored notebook, on GitHub and nbviewer.
        bundle = dict(self._page._repr_mimebundle_() or {})
        text = f"Still picture of {self!r} with a drawn person; run the cell for the panel"
        bundle |= {"image/png": self.still(), "text/plain": repr(self)}
        return bundle, {"image/png": {"alt": text}}

    def still(self) -> bytes:
        """A PNG picture of the panel with a drawn person, never with a frame of the camera."""
        lines = [repr(self), "A still picture, of a drawn person: run the cell for the panel."]
        return draw_still(self._decorate(drawn_frame()), lines, list(_labels(self.box)))

    def _decorate(self, frame: np.ndarray) -> np.ndarray:
        """A frame as the panel shows it before there is a face."""
        return mirrored(frame)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name})"

    def show(self, start: bool = True) -> None:
        """Display the panel in a notebook.

        Args:
            start: start the camera too; otherwise the Start button does, and always for the
                browser's camera. The panel shows the error of a camera that cannot be opened.
        """
        from IPython import get_ipython
        from IPython.display import display

        # An interrupt of the kernel stops previews too, although they run in other threads.
        shell = get_ipython()
        if shell is not None and after_cell not in shell.events.callbacks["post_run_cell"]:
            shell.events.register("post_run_cell", after_cell)
        if hasattr(shell, "kernel"):  # an idle one ignores interrupts: this is its handler then
            shell.kernel.saved_sigint_handler = when_idle
        display(self)
        if start and self._light.starts_at_once:
            self._run_action(self.start)

    def start(self) -> Self:
        """Open the camera and run the preview.

        Raises:
            CameraError: the camera cannot be opened.
        """
        if not self.running:
            self._source.start()
            self._show_status(self._hint)
        self.toggle.description = "Stop"
        self._ticker.start()
        return self

    def stop(self) -> None:
        """Stop the preview and release the camera; harmless when already stopped."""
        self._source.stop()
        self._ticker.stop()
        self._stopped(self._source.error or "Stopped; the camera is released.")

    def close(self) -> None:
        """Stop, and remove the panel from the page."""
        self.stop()
        self._light.close()
        self.box.close()
        self._page.close()

    def __enter__(self) -> Self:
        return self.start()

    @property
    def running(self) -> bool:
        """Whether the camera is open."""
        return self._source.running

    def _tick(self) -> bool:
        """Draw once; False ends the preview."""
        raise NotImplementedError

    def _tick_or_stop(self) -> bool:
        try:
            if self._tick():
                self._show_silence()
                return True
        except Exception as error:  # a thread's exception would be lost
            self._source.stop()
            self._stopped(one_line(error))
        return False

    def _show_silence(self) -> None:
        """Say that the camera hangs, for as long as it does."""
        silence = self._source.silence if self.running else ""
        if silence or self._silent:
            self._show_status(silence or self._hint, error=bool(silence))
        self._silent = bool(silence)

    def _unseen(self, reason: str) -> None:
        self.stop()
        self._show_status(reason)

    def _start_or_stop(self) -> None:
        (self.stop if self.running else self.start)()

    def _button(self, label: str, action: Callable[[], Any], tooltip: str) -> Any:
        """A button as wide as its label; the panel shows the error of its action."""
        layout = ipywidgets.Layout(width="auto")
        button = ipywidgets.Button(description=label, tooltip=tooltip, layout=layout)
        button.on_click(lambda _: self._click(action))
        return button

    def _click(self, action: Callable[[], Any]) -> None:
        """Run a click's action; the panel shows its error.

        It may wait for frames of the browser's camera, which the thread that brings clicks brings
        too: it then runs in a thread of its own.
        """
        if self._light.starts_at_once:
            self._run_action(action)
        else:
            threading.Thread(
                target=self._run_action, args=(action,), name="siamlab acts", daemon=True
            ).start()

    def _run_action(self, action: Callable[[], Any]) -> None:
        """Run an action; the panel shows its error."""
        try:
            action()
        except Exception as error:  # ipywidgets would write it to a log
            self._show_status(one_line(error), error=True)

    def _stopped(self, message: str) -> None:
        self.toggle.description = "Start"
        self._show_status(message)

    def _show_status(self, text: str, error: bool = False) -> None:
        self.status.value = badge(text, VERDICT_COLORS[False]) if error else html.escape(text)


def _labels(widget: Any) -> Iterator[str]:
    """The labels of all buttons in a widget."""
    if isinstance(widget, ipywidgets.Button | ipywidgets.ToggleButton):
        yield widget.description
    for child in getattr(widget, "children", ()):
        yield from _labels(child)


def row(*widgets: Any) -> Any:
    """Widgets side by side, in several lines where the page is narrow."""
    return ipywidgets.HBox(widgets, layout=ipywidgets.Layout(flex_flow="row wrap"))


def after_cell(result: Any) -> None:
    """Release all cameras when the cell that just ran was interrupted."""
    if isinstance(result.error_in_exec, KeyboardInterrupt):
        stop_all()


def when_idle(*_: Any) -> None:
    """Release all cameras when the kernel is interrupted while no cell runs."""
    threading.Thread(target=stop_all, name="siamlab stops", daemon=True).start()

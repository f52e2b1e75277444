"""What both panels share: a picture, Start and Stop, and a sure end.

Input: clicks, and a function that draws once. Output: a preview in a thread of its own.
"""

from __future__ import annotations

import html
import threading
import time
from collections.abc import Callable
from typing import Any, Self

import ipywidgets
import numpy as np

from siamlab.capture.stream import one_line, stop_all
from siamlab.system.closing import Closing
from siamlab.ui.html import WIDTH, encode_jpeg

RATE = 12.0  # pictures a second on the page; more only makes the browser slow


class Ticker:
    """Calls a function in a thread until it returns False or is stopped."""

    def __init__(self, tick: Callable[[], bool], rate: float = RATE) -> None:
        self._tick = tick
        self._period = 1.0 / rate
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to call; a former thread ends first."""
        self.stop()
        self._stop = threading.Event()
        self._thread = threading.Thread(
            target=self._run, args=(self._stop,), name="siamlab draws", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Stop calling; harmless when it is stopped."""
        self._stop.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(5.0)

    def _run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            begin = time.perf_counter()
            if not self._tick():
                return
            stop.wait(max(0.0, self._period - (time.perf_counter() - begin)))


class Panel(Closing):
    """What both panels share: a picture, lines of text, Start/Stop, and a sure end."""

    def __init__(self, name: str) -> None:
        self.name = name
        layout = ipywidgets.Layout(width=f"{WIDTH}px")
        self.image = ipywidgets.Image(format="jpeg", value=_blank(), layout=layout)
        self.status = ipywidgets.HTML("Press Start.")
        self.toggle = make_button("Start", self._toggled, "Start or stop the camera")
        self._ticker = Ticker(self._safe_tick)
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

        free_cameras_on_interrupt()
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
        color = "#b42318" if bad else "inherit"
        self.status.value = f"<span style='color:{color}'>{html.escape(text)}</span>"


def make_button(label: str, action: Callable[[], None], tooltip: str) -> Any:
    """A button as wide as its label."""
    button = ipywidgets.Button(
        description=label, tooltip=tooltip, layout=ipywidgets.Layout(width="auto")
    )
    button.on_click(lambda _: action())
    return button


def _blank() -> bytes:
    return encode_jpeg(np.full((WIDTH * 3 // 4, WIDTH, 3), 235, np.uint8))


def free_cameras_on_interrupt() -> None:
    """Let an interrupt of the kernel stop previews too, which run in threads of their own."""
    from IPython import get_ipython

    shell = get_ipython()
    if shell is not None and after_cell not in shell.events.callbacks["post_run_cell"]:
        shell.events.register("post_run_cell", after_cell)


def after_cell(result: Any) -> None:
    """Free all cameras when the cell that just ran was interrupted."""
    if isinstance(result.error_in_exec, KeyboardInterrupt):
        stop_all()

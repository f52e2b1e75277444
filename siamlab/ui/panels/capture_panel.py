"""The panel that saves anchors, positives and probes of the person before the camera.

Input: clicks and frames. Output: what :class:`~siamlab.capture.session.CaptureController` saves.
"""

from __future__ import annotations

import html
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets

from siamlab.capture.session import CaptureController, CaptureState
from siamlab.capture.stream import FrameReader
from siamlab.config import Workspace
from siamlab.faces.detectors import guide_box
from siamlab.ui.html import encode_jpeg
from siamlab.ui.overlay import draw_box
from siamlab.ui.panels.base import Panel, make_button

if TYPE_CHECKING:
    from siamlab.capture.cameras import Camera
    from siamlab.faces.detectors import FaceDetector

GUIDE = (150, 150, 150)


class CapturePanel(Panel):
    """Live preview with buttons that save anchors, positives and probes.

    Args:
        workspace: where images go.
        camera: what ``open_camera`` takes (index, file, folder, "drawn"), or a camera. A number
            or a name can be started again after Stop; a camera object cannot.
        detector: finds faces; ``None`` opens the best one at hand.
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
        detector: FaceDetector | None = None,
        burst: int = 10,
    ) -> None:
        self.reader = FrameReader(camera)
        super().__init__(self.reader.name)
        self.controller = CaptureController(workspace, self.reader, detector)
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
        self.undo = make_button("Undo", self._clicked(self._undo), "Delete what was saved last")
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
        return make_button(label, action, f"Save this face to {kind}")

    def _clicked(self, action: Callable[[], None]) -> Callable[[], None]:
        return lambda: self._guarded(action)

    def _undo(self) -> None:
        self.controller.undo()
        self._count()
        self._say(self.controller.state.message)

    def _open(self) -> None:
        self.reader.start()
        self._say("Look into the camera, face inside the gray frame.")

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
            picture = draw_box(picture, state.box)
        self.image.value = encode_jpeg(picture)
        text = "; ".join(state.warnings)
        self.warning.value = (
            f"<b style='color:#b54708'>{html.escape(text)}</b>" if text else "&nbsp;"
        )

    def _count(self) -> None:
        counts = self.controller.counts
        self.counters.value = ", ".join(f"{kind}: <b>{n}</b>" for kind, n in counts.items())

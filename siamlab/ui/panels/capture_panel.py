"""The panel that saves anchors, positives and probes of the person at the camera."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

import ipywidgets

from siamlab.capture.cameras import Camera
from siamlab.capture.session import CaptureController, CaptureState
from siamlab.capture.stream import FrameReader
from siamlab.config import Workspace
from siamlab.faces.detectors import FaceDetector, guide_box
from siamlab.gallery.consent import Consent
from siamlab.gallery.store import Agreement
from siamlab.ui.html import encode_jpeg
from siamlab.ui.overlay import draw_box
from siamlab.ui.panels.base import Panel
from siamlab.ui.panels.consent_form import ConsentForm

GUIDE_COLOR = (150, 150, 150)


class CapturePanel(Panel):
    """Live preview with buttons that save anchors, positives and probes.

    Args:
        workspace: where images go.
        camera: what ``open_camera`` takes (index, file, folder, "drawn"), or a camera. A number
            or a name can be started again after Stop; a camera object cannot.
        detector: finds faces; ``None`` opens the best one available.
        burst: how many images a click saves while Burst is pressed.
        consent: what the person agreed to; where it is needed and missing, the panel asks.

    Attributes:
        controller: does the work; can be used from code.

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
        consent: Agreement = None,
    ) -> None:
        self.reader = FrameReader(camera)
        hint = "Look into the camera, face inside the gray frame."
        super().__init__(self.reader.name, self.reader, hint)
        self.controller = CaptureController(workspace, self.reader, detector, consent)
        self.burst = burst
        self.counters = ipywidgets.HTML()
        self.warning = ipywidgets.HTML("&nbsp;")
        self.anchor = self._save_button("Anchor", "anchor")
        self.positive = self._save_button("Positive", "positive")
        self.probe = self._save_button("Probe", "probes")
        self.burst_button = ipywidgets.ToggleButton(
            description=f"Burst of {burst}",
            tooltip=f"While pressed, a click saves {burst} images",
            layout=ipywidgets.Layout(width="auto"),
        )
        self.undo = self._button("Undo", self._undo, "Delete the last images saved")
        buttons = [self.anchor, self.positive, self.probe, self.burst_button, self.undo]
        self.box.children = [
            self.image,
            self.warning,
            ipywidgets.HBox([*buttons, self.toggle]),
            self.counters,
            self.status,
        ]
        if self.controller.needs_consent():
            self.consent = ConsentForm(workspace.person, self._agree)
            self.box.children = [self.consent.box, *self.box.children]
        self._show_counts()

    def save(self, kind: str) -> None:
        """What the buttons do: save one image, or a burst while Burst is pressed.

        Args:
            kind: ``anchor``, ``positive`` or ``probes``.
        """
        was_running = self.running
        self.reader.start()  # a click on a stopped panel takes an image too
        try:
            self.controller.burst(kind, self.burst if self.burst_button.value else 1)
        finally:
            self._draw(self.controller.state)
            if not was_running:
                self.reader.stop()
        self._show_status(self.controller.state.message)

    def _save_button(self, label: str, kind: str) -> Any:
        return self._button(label, lambda: self.save(kind), f"Save this face to {kind}")

    def _undo(self) -> None:
        self.controller.undo()
        self._show_counts()
        self._show_status(self.controller.state.message)

    def _agree(self, consent: Consent) -> None:
        self.controller.agree(consent)
        self.box.children = self.box.children[1:]
        self._show_status(f"{consent.by} agreed, until {consent.until}.")

    def _tick(self) -> bool:
        self._draw(self.controller.step())
        return True

    def _draw(self, state: CaptureState) -> None:
        self._show_counts()
        if state.frame is None:
            return
        picture = draw_box(state.frame, guide_box(state.frame.shape), GUIDE_COLOR, 1)
        if state.box is not None:
            picture = draw_box(picture, state.box)
        self.image.value = encode_jpeg(picture)
        text = "; ".join(state.warnings)
        self.warning.value = (
            f"<b style='color:#b54708'>{html.escape(text)}</b>" if text else "&nbsp;"
        )

    def _show_counts(self) -> None:
        counts = self.controller.counts
        self.counters.value = ", ".join(f"{kind}: <b>{n}</b>" for kind, n in counts.items())

"""The panel that saves anchors, positives and probes of the person at the camera."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import ipywidgets
import numpy as np

from siamlab.capture.cameras import Camera
from siamlab.capture.guided import Guidance, GuidedSession
from siamlab.capture.hints import SteadyHint
from siamlab.capture.session import CaptureController, CaptureState
from siamlab.capture.stream import FrameReader
from siamlab.config import Workspace
from siamlab.faces.detectors import FaceDetector
from siamlab.gallery.consent import Consent
from siamlab.gallery.store import Agreement
from siamlab.images.decode import ImageFile
from siamlab.ui.html import HINT_COLOR, encode_jpeg, large_text, progress_bar
from siamlab.ui.overlay import draw_box, draw_guide, mirrored
from siamlab.ui.panels.base import Panel, row
from siamlab.ui.panels.consent_form import ConsentForm
from siamlab.ui.panels.thumbnails import Thumbnails


class CapturePanel(Panel):
    """Live preview with buttons that save anchors, positives and probes.

    Args:
        workspace: where images go.
        camera: what ``open_camera`` takes (index, file, folder, "drawn"), or a camera. A number
            or a name can be started again after Stop; a camera object cannot.
        detector: finds faces; ``None`` opens the best one available.
        shots: how many images a guided session takes.
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
        shots: int = 20,
        consent: Agreement = None,
    ) -> None:
        self.reader = FrameReader(camera)
        super().__init__(self.reader.name, self.reader, "Look into the camera, inside the oval.")
        self.controller = CaptureController(workspace, self.reader, detector, consent)
        self.shots = shots
        self._session: GuidedSession | None = None
        self._steady = SteadyHint()
        self.instruction, self.warning = (ipywidgets.HTML(large_text("")) for _ in range(2))
        self.instruction.add_class("siamlab-instruction")
        self.warning.add_class("siamlab-hint")
        self.progress, self.counters = ipywidgets.HTML(""), ipywidgets.HTML("")
        self.thumbnails = Thumbnails(lambda image: self._run_action(lambda: self._remove(image)))
        self.guided = ipywidgets.ToggleButton(
            description=f"Guided: {shots} images",
            tooltip="Asks for one pose after another and takes the images by itself",
            layout=ipywidgets.Layout(width="auto"),
        )
        self.guided.observe(lambda _: self._click(self._guide), "value")
        self.anchor = self._save_button("Anchor", "anchor", " (key a)")
        self.positive = self._save_button("Positive", "positive", " (key p)")
        self.probe = self._save_button("Probe", "probes")
        self.undo = self._button("Undo", self._undo, "Delete the last images saved")
        self.form = ipywidgets.VBox([])
        if self.controller.needs_consent():
            self.consent = ConsentForm(workspace.person, self._agree)
            self.form.children = [self.consent.box]
        self._place_widgets()
        self._show_saved()

    def _place_widgets(self) -> None:
        buttons = row(
            *(self.toggle, self.guided, self.anchor, self.positive, self.probe, self.undo)
        )
        middle = [self.instruction, self.image, self.warning, self.progress]
        keys = {
            "a": lambda: self.save("anchor"),
            "p": lambda: self.save("positive"),
            "q": self.stop,
        }
        rest = [buttons, self.status, self.counters, self.thumbnails.box]
        live = ("siamlab-instruction", "siamlab-hint")
        self._arrange([self.form, *middle, *rest], live, keys)

    def save(self, kind: str) -> None:
        """What the buttons do: save one image.

        Args:
            kind: ``anchor``, ``positive`` or ``probes``.
        """
        was_running = self.running
        self.reader.start()  # a click on a stopped panel takes an image too
        try:
            self.controller.capture(kind)
        finally:
            self._draw(self.controller.state)
            self._show_saved()
            if not was_running:
                self.reader.stop()
        self._show_status(self.controller.state.message)

    def _stopped(self, message: str) -> None:
        self.guided.value = False
        super()._stopped(message)

    def _save_button(self, label: str, kind: str, key: str = "") -> Any:
        return self._button(label, lambda: self.save(kind), f"Save this face to {kind}{key}")

    def _guide(self) -> None:
        """Begin or end a guided session, as the toggle says."""
        self._session = None
        self.instruction.value = large_text("")
        if not self.guided.value:
            return
        try:
            session = self.controller.guided(self.shots)
            if not self.running:
                self.start()
        except Exception:
            self.guided.value = False
            raise
        self.progress.value = progress_bar(0, self.shots)
        self._session = session

    def _undo(self) -> None:
        self.controller.undo()
        self._show_saved()
        self._show_status(self.controller.state.message)

    def _remove(self, image: ImageFile) -> None:
        self.controller.remove(image)
        self._show_saved()
        self._show_status(self.controller.state.message)

    def _agree(self, consent: Consent) -> None:
        self.controller.agree(consent)
        self.form.children = []
        self._show_status(f"{consent.by} agreed, until {consent.until}.")

    def _tick(self) -> bool:
        session = self._session
        if session is None:
            self._draw(self.controller.step())
        else:
            guidance = self.controller.follow(session, time.monotonic())
            self._draw(self.controller.state, guidance)
        return True

    def _draw(self, state: CaptureState, guidance: Guidance | None = None) -> None:
        hint = state.hint
        if guidance is not None:
            self._show_guidance(guidance)
            hint = guidance.hint[:1].upper() + guidance.hint[1:]
        self.warning.value = large_text(self._steady.see(hint), HINT_COLOR)
        if state.frame is not None:
            picture = draw_guide(state.frame)
            if state.box is not None:
                picture = draw_box(picture, state.box)
            self.image.value = encode_jpeg(mirrored(picture))

    def _show_guidance(self, guidance: Guidance) -> None:
        self.instruction.value = large_text(guidance.instruction or "Done")
        self.progress.value = progress_bar(guidance.done, guidance.wanted)
        if guidance.keep:
            self._show_saved()
        if guidance.over:
            self._session = None
            self.guided.value = False
            self.instruction.value = large_text(f"Done: {guidance.done} images")

    def _show_saved(self) -> None:
        """Show how many images there are, and the last ones."""
        counts = self.controller.counts
        self.counters.value = ", ".join(f"{kind}: <b>{n}</b>" for kind, n in counts.items())
        self.thumbnails.show(self.controller.latest())

    def _decorate(self, frame: np.ndarray) -> np.ndarray:
        return mirrored(draw_guide(frame))

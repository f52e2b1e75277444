"""The panel that verifies the person at the camera."""

from __future__ import annotations

import html
import time
from pathlib import Path
from typing import Any

import ipywidgets

from siamlab.capture.cameras import Camera
from siamlab.capture.cameras.subject import subject_of
from siamlab.errors import ConsentError, SiamlabError
from siamlab.gallery.captures import Captures
from siamlab.gallery.consent import EXEMPT, Consent
from siamlab.gallery.store import Agreement
from siamlab.ui.html import WIDTH, encode_jpeg, large_text, score_bar, verdict_html
from siamlab.ui.overlay import draw_box, mirrored
from siamlab.ui.panels.base import Panel, row
from siamlab.ui.panels.best_matches import BestMatches
from siamlab.ui.panels.consent_form import ConsentForm
from siamlab.ui.panels.movement_check import MovementCheck
from siamlab.ui.panels.threshold_sliders import ThresholdSliders
from siamlab.ui.score_trace import ScoreTrace
from siamlab.verification.door import Door
from siamlab.verification.live import LiveState, LiveVerification
from siamlab.verification.result import VERDICT_COLORS
from siamlab.verification.verifier import Verifier

ERASE_SECONDS = 5.0  # within these the second click on Erase erases


class VerifyPanel(Panel):
    """Live picture with the face's box, the verdict, the scores and what the thresholds cost.

    Args:
        verifier, camera, person: see :class:`~siamlab.verification.live.LiveVerification`. The
            panel's sliders change a copy of the verifier, :attr:`verifier`.
        continuous: verify all the time; otherwise the Verify button does.
        window: the verdict is on the frames of this many seconds together, which is steadier
            than on each frame; 0 judges each frame alone.
        captures: the person's stored images, to show those that match best; ``None`` shows none.

    Attributes:
        live: does the work; can be used from code.
        verifier: with the thresholds of the sliders.

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
        window: float = 1.0,
        captures: Captures | None = None,
    ) -> None:
        self.verifier = verifier.copy()  # the notebook's own keeps its thresholds
        self.live = LiveVerification(camera, self.verifier, person, continuous, window)
        super().__init__(f"{person}, {self.live.reader.name}", self.live, "The camera is on.")
        self.person = person
        self.verdict = ipywidgets.HTML(verdict_html(None))
        self.verdict.add_class("siamlab-verdict")
        self.details, self.latency = ipywidgets.HTML("&nbsp;"), ipywidgets.HTML("&nbsp;")
        self.bar, self.trace = ipywidgets.HTML(score_bar(None)), ipywidgets.HTML("")
        self.task = ipywidgets.HTML("")
        self.task.add_class("siamlab-task")
        self.sliders = ThresholdSliders(
            self.verifier, self._count_templates, bool(self.live.note), self._threshold_changed
        )
        self.matches = BestMatches(verifier.gallery, verifier.model_id, captures)
        self.movement = MovementCheck(Door(self.verifier), self.live.reader, person, self._tell)
        self._scores, self._drawn = ScoreTrace(), 0
        self._erase_asked = -ERASE_SECONDS
        self._place_widgets(continuous)

    def _place_widgets(self, continuous: bool) -> None:
        self.verify = self._button("Verify", self._verify, "Verify the next frame (key v)")
        self.continuous_button = ipywidgets.ToggleButton(
            value=continuous,
            description="All the time",
            tooltip="Verify without a click (key c)",
            layout=ipywidgets.Layout(width="auto"),
        )
        self.continuous_button.observe(self._set_continuous, "value")
        self.movement_button = self._button(
            "Ask for movement", self._ask, "Against photographs: move your head as asked"
        )
        self.enroll_button = self._button(
            "Enroll",
            self._enroll,
            f"Store a template of this face as {self.person}",
        )
        self.erase_button = self._button(
            "Erase",
            self._erase,
            f"Erase {self.person}: templates, stored images, consent",
        )
        buttons = row(
            *(self.toggle, self.verify, self.continuous_button),
            *(self.movement_button, self.enroll_button, self.erase_button),
        )
        self.form = ipywidgets.VBox([])
        left = [self.image, self.task, self.verdict, buttons, self.status]
        left += [self.details, self.latency]
        right = [self.bar, self.trace, self.sliders.box, self.matches.widget]
        # Wider than the picture: every widget has margins.
        layout = ipywidgets.Layout(width=f"{WIDTH + 24}px", max_width="100%")
        columns = [ipywidgets.VBox(part, layout=layout) for part in (left, right)]
        keys = {"v": self._verify, "c": self._switch_continuous, "q": self.stop}
        live = ("siamlab-verdict", "siamlab-task")
        self._arrange([self.form, row(*columns)], live, keys)

    def _tick(self) -> bool:
        state = self.live.state
        if state.frame is not None:
            shown, frame = state.shown, state.frame
            if shown is not None and shown.box is not None:
                frame = draw_box(frame, shown.box, VERDICT_COLORS[shown.verified])
            self.image.value = encode_jpeg(mirrored(frame))
        self._show_verdict(state)
        if not state.running:
            self.live.stop()
            self._stopped(state.error or "Stopped; the camera is released.")
        return state.running

    def _show_verdict(self, state: LiveState) -> None:
        verification = state.shown
        self.verdict.value = verdict_html(verification)
        self.details.value = _details(state)
        self.bar.value = score_bar(verification)
        self.latency.value = _speed(state)
        self.matches.show(verification)
        if state.verification is not None and state.verifications != self._drawn:
            self._drawn = state.verifications
            self._scores.add(time.monotonic(), state.verification.probability)
            self.trace.value = self._scores.svg(self.verifier.detection_threshold)

    def _stopped(self, message: str) -> None:
        super()._stopped(message)
        self._show_verdict(self.live.state)  # of a camera it holds no more

    def _verify(self) -> None:
        if not self.running:
            self.start()
        self.live.request()

    def _set_continuous(self, change: dict[str, Any]) -> None:
        self.live.continuous = bool(change["new"])

    def _switch_continuous(self) -> None:
        self.continuous_button.value = not self.continuous_button.value

    def _threshold_changed(self) -> None:
        if self.running:  # else the verdict of the old thresholds would stand
            self.live.request()

    def _count_templates(self) -> int:
        try:
            return len(self.verifier.gallery.get(self.person, self.verifier.model_id))
        except SiamlabError:  # Start says what is wrong
            return 0

    def _ask(self) -> None:
        """Ask for movements; nothing else is verified meanwhile."""
        if not self.running:
            self.start()
        self.live.continuous = False
        self.movement.start(self._asked)

    def _asked(self) -> None:
        self.live.continuous = self.continuous_button.value

    def _tell(self, text: str) -> None:
        self.task.value = large_text(text)

    def _enroll(self, consent: Agreement = None) -> None:
        """Store a template of the face before the camera; ask for consent where it is needed."""
        subject = subject_of(self.live.reader)
        if consent is None and subject in EXEMPT:
            consent = subject
        reader, was_running = self.live.reader, self.live.reader.running
        frame = reader.start().read()
        try:
            enrollment = self.verifier.enroll(self.person, [frame], consent=consent)
        except ConsentError:
            if consent is None:
                self.form.children = [ConsentForm(self.person, self._agree).box]
            raise
        finally:
            if not was_running:
                reader.stop()
        self.sliders.describe()
        count = f"{len(enrollment)} template{'s' * (len(enrollment) != 1)}"
        self._show_status(f"Enrolled: {self.person} has {count}. Move, and enroll again for more.")

    def _agree(self, consent: Consent) -> None:
        self.form.children = []
        self._click(lambda: self._enroll(consent))

    def _erase(self) -> None:
        """The first click asks, the second erases."""
        if time.monotonic() - self._erase_asked > ERASE_SECONDS:
            self._erase_asked = time.monotonic()
            self._show_status(f"Click Erase again to erase {self.person} from the gallery.", True)
            return
        self._erase_asked = -ERASE_SECONDS
        self.stop()
        self.verifier.gallery.erase(self.person)
        self.matches.clear()
        self._scores.clear()
        self.trace.value = ""
        self.sliders.describe()
        self._show_status(f"{self.person} was erased from the gallery.")


def _details(state: LiveState) -> str:
    """The verdict in full, and how many of its frames say the same."""
    shown = state.shown
    if shown is None:
        return "&nbsp;"
    text = html.escape(str(shown))
    if state.decision is not None and shown.verified is not None:
        text += f"<br>{state.agreeing} of {shown.frames} frames of the last second say so"
    return text


def _speed(state: LiveState) -> str:
    if state.verification is None:
        return "&nbsp;"
    parts = state.verification.seconds.items()
    times = ", ".join(f"{name} {seconds * 1000:.0f} ms" for name, seconds in parts)
    latency = f"{state.verification.latency * 1000:.0f} ms a verdict ({times})"
    return f"{latency}; {state.fps:.0f} frames/s, {state.dropped} dropped"

"""The panel that verifies the person at the camera."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ipywidgets

from siamlab.capture.cameras import Camera
from siamlab.ui.html import encode_jpeg, score_bar, verdict_html
from siamlab.ui.overlay import annotate
from siamlab.ui.panels.base import Panel
from siamlab.verification.live import LiveVerification
from siamlab.verification.result import Verification
from siamlab.verification.verifier import Verifier


class VerifyPanel(Panel):
    """Live picture with the face's box, a score bar, the verdict and the latency.

    Args:
        verifier, camera, person: see :class:`~siamlab.verification.live.LiveVerification`.
        continuous: verify all the time; otherwise the Verify button does.
        window: the verdict is on the frames of this many seconds together, which is steadier
            than on each frame; 0 judges each frame alone.

    Attributes:
        live: does the work; can be used from code.

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
    ) -> None:
        self.live = LiveVerification(camera, verifier, person, continuous, window)
        super().__init__(f"{person}, {self.live.reader.name}", self.live, "The camera is on.")
        self.verdict = ipywidgets.HTML(verdict_html(None))
        self.bar = ipywidgets.HTML(score_bar(None))
        self.latency = ipywidgets.HTML("&nbsp;")
        self.verify = self._button("Verify", self._verify, "Verify the next frame")
        self.continuous_button = ipywidgets.ToggleButton(
            value=continuous,
            description="All the time",
            tooltip="Verify without a click",
            layout=ipywidgets.Layout(width="auto"),
        )
        self.continuous_button.observe(self._set_continuous, "value")
        self.box.children = [
            self.image,
            self.verdict,
            self.bar,
            self.latency,
            ipywidgets.HBox([self.verify, self.continuous_button, self.toggle]),
            self.status,
        ]

    def _tick(self) -> bool:
        state = self.live.state
        if state.frame is not None:
            self.image.value = encode_jpeg(annotate(state.frame, state.shown))
        self._show_verdict(state.shown)
        if state.verification is not None:
            parts = state.verification.seconds.items()
            times = ", ".join(f"{name} {seconds * 1000:.0f} ms" for name, seconds in parts)
            self.latency.value = f"{times}; {state.fps:.0f} frames/s, {state.dropped} dropped"
        if not state.running:
            self.live.stop()
            self._stopped(state.error or "Stopped; the camera is released.")
        return state.running

    def _show_verdict(self, verification: Verification | None) -> None:
        self.verdict.value = verdict_html(verification)
        self.bar.value = score_bar(verification)

    def _stopped(self, message: str) -> None:
        super()._stopped(message)
        self._show_verdict(self.live.state.shown)  # of a camera it holds no more

    def _verify(self) -> None:
        if not self.running:
            self.start()
        self.live.request()

    def _set_continuous(self, change: dict[str, Any]) -> None:
        self.live.continuous = bool(change["new"])

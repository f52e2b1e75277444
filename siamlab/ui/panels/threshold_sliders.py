"""Two sliders for the two thresholds, and what each of them costs in words."""

from __future__ import annotations

import html
import math
from collections.abc import Callable
from typing import Any

import ipywidgets
import numpy as np

from siamlab.ui.html import score_text
from siamlab.verification.threshold_cost import (
    describe_detection,
    describe_verification,
    threshold_cost,
)
from siamlab.verification.verifier import Verifier

STEPS = [round(1 / (1 + math.exp(-odds)), 7) for odds in np.arange(-12, 12.01, 0.25)]


class ThresholdSliders:
    """Changes a verifier's thresholds while it verifies.

    Args:
        verifier: whose thresholds they are.
        templates: number of stored images that a face is compared with.
        other_images: the thresholds were chosen on another kind of images than the camera's.
        changed: called after a change.

    Attributes:
        detection: steps even in the log-odds of the score, as calibrated thresholds lie.
        verification: the share of stored images that must match.
        box: both, with their sentences.
    """

    def __init__(
        self,
        verifier: Verifier,
        templates: Callable[[], int],
        other_images: bool,
        changed: Callable[[], None],
    ) -> None:
        self._verifier, self._templates = verifier, templates
        self._other_images, self._changed = other_images, changed
        now = verifier.detection_threshold
        layout = ipywidgets.Layout(width="100%", max_width="440px")
        options = [(score_text(value), value) for value in sorted({*STEPS, now})]
        shared: dict[str, Any] = {"layout": layout, "style": {"description_width": "80px"}}
        self.detection = ipywidgets.SelectionSlider(
            options=options, value=now, description="Detection", **shared
        )
        self.verification = ipywidgets.FloatSlider(
            value=verifier.verification_threshold,
            min=0.05,
            max=1.0,
            step=0.05,
            description="Verification",
            disabled=verifier.fusion != "vote",  # other rules decide by one score
            **shared,
        )
        self.costs = ipywidgets.HTML("")
        self.detection.observe(self._set, "value")
        self.verification.observe(self._set, "value")
        self.box = ipywidgets.VBox([self.detection, self.verification, self.costs])
        self.describe()

    def describe(self) -> None:
        """Say what the present thresholds cost; again after an enrollment."""
        verifier = self._verifier
        cost = None
        if not self._other_images:
            cost = threshold_cost(verifier.model.metadata, verifier.detection_threshold)
        words = [describe_detection(cost)]
        if verifier.fusion == "vote":
            share = verifier.verification_threshold
            words.append(describe_verification(cost, share, self._templates()))
        self.costs.value = "".join(f"<div>{html.escape(text)}</div>" for text in words)

    def _set(self, change: dict[str, Any]) -> None:
        if change["owner"] is self.detection:
            self._verifier.detection_threshold = float(change["new"])
            self._verifier.operating_point = "given"
        else:
            self._verifier.verification_threshold = float(change["new"])
        self.describe()
        self._changed()

"""The notebooks' panels: capturing face images, and verifying a person live.

Input: clicks, and the snapshots of a controller. Output: pictures, words and numbers on
the page. The panels hold no logic: everything they do can be done in code with
:class:`~siamlab.capture.session.CaptureController` and :class:`~siamlab.verification.live.LiveVerification`.

A preview runs in a thread of its own. The camera is free again after Stop, ``close()``, an
interrupt of the kernel, an exception, and when a new panel opens the same camera.
"""

from siamlab.ui.panels.base import after_cell
from siamlab.ui.panels.capture_panel import CapturePanel
from siamlab.ui.panels.verify_panel import VerifyPanel

__all__ = ["CapturePanel", "VerifyPanel", "after_cell"]

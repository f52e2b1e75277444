"""The notebooks' panels: capturing face images, and verifying a person live.

The panels hold no logic: everything they do can be done in code with
:class:`~siamlab.capture.session.CaptureController` and
:class:`~siamlab.verification.live.LiveVerification`. A preview runs in its own thread. The camera
is released after Stop, ``close()``, an interrupt of the kernel, idle or not, and an exception; when
the page is closed or hidden or the cell runs again; and when a new panel opens the same camera.
"""

from siamlab.ui.panels.base import after_cell
from siamlab.ui.panels.capture_panel import CapturePanel
from siamlab.ui.panels.verify_panel import VerifyPanel

__all__ = ["CapturePanel", "VerifyPanel", "after_cell"]

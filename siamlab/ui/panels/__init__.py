"""The notebooks' panels: capturing face images, verifying a person live, exploring test pairs.

The panels hold no logic: everything they do can be done in code with
:class:`~siamlab.capture.session.CaptureController`,
:class:`~siamlab.verification.live.LiveVerification` and
:class:`~siamlab.ui.pair_explorer.PairExplorer`. A preview runs in its own thread. The camera is
released after Stop, ``close()``, an interrupt of the kernel, idle or not, and an exception; when
the page is closed or hidden or the cell runs again; and when a new panel opens the same camera.
"""

from siamlab.ui.panels.base import after_cell
from siamlab.ui.panels.capture_panel import CapturePanel
from siamlab.ui.panels.explorer_panel import ExplorerPanel
from siamlab.ui.panels.verify_panel import VerifyPanel

__all__ = ["CapturePanel", "ExplorerPanel", "VerifyPanel", "after_cell"]

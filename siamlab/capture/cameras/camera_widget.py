"""The page's side of a camera, as a widget: a light, and the browser's own camera.

The JavaScript is in ``browser.js`` beside this file, and says which messages go to and fro. Only
what is shown on a page imports this module: anywidget takes half a second.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anywidget
import traitlets


class CameraWidget(anywidget.AnyWidget):
    """A light that shows whether a camera is on, and the browser's camera where asked for.

    Attributes:
        label: the camera's name.
        gives_frames: the browser's own camera is meant; otherwise the light alone is shown.
        on: the light, of a camera that is not the browser's.
        closed: the kernel has closed the camera; it does not start again.
        device: the browser's name for the camera chosen; empty for its favorite.
        resolution: ``width x height`` to ask for.
    """

    _esm = Path(__file__).with_name("browser.js")
    label = traitlets.Unicode().tag(sync=True)
    gives_frames = traitlets.Bool(False).tag(sync=True)
    on = traitlets.Bool(False).tag(sync=True)
    closed = traitlets.Bool(False).tag(sync=True)
    device = traitlets.Unicode().tag(sync=True)
    resolution = traitlets.Unicode("640 x 480").tag(sync=True)

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        # JupyterLab has a widget's messages handled in a subshell, which is free while a cell runs.
        # ipykernel 7.4 moves them to where the kernel last wrote to the widget: into the cell's own
        # thread, which may be waiting for them. Without this method it leaves them where they are.
        self.comm._reply_subshell_for = None

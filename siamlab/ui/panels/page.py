"""What a panel tells the browser beside its widgets: text alternatives, live regions, keys.

ipywidgets sets no attributes of a page's elements. This widget is invisible; it stands in a panel
and dresses the panel's elements in the browser (``page.js``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import anywidget
import traitlets

PANEL = "siamlab-panel"  # the class of a panel's outermost box
# Screen readers say what changes here, in their next pause.
LIVE = {"role": "status", "aria-live": "polite", "aria-atomic": "true"}


class PanelPage(anywidget.AnyWidget):
    """Attributes and keys of the panel that it stands in.

    With a button focused, JupyterLab would take letters for its own commands (``b`` inserts a
    cell): ``data-lm-suppress-shortcuts``, on all that can have the focus, keeps them in the panel.

    Args:
        name: of the panel, for screen readers.
        attributes: CSS selector, inside the panel, to attribute names and values.
        keys: what a key does while something of the panel has the focus.

    Attributes:
        pressed: called with a key and runs its action.
    """

    _esm = Path(__file__).with_name("page.js")
    _css = Path(__file__).with_name("page.css")
    attributes = traitlets.Dict().tag(sync=True)
    shortcuts = traitlets.List().tag(sync=True)

    def __init__(
        self,
        name: str,
        attributes: Mapping[str, Mapping[str, str]],
        keys: Mapping[str, Callable[[], Any]],
    ) -> None:
        group = {"role": "group", "aria-label": name, "tabindex": "0"}
        super().__init__(attributes={"": group, **attributes}, shortcuts=list(keys))
        self._actions = dict(keys)
        self.on_msg(lambda _, content, __: self.pressed(str(content.get("key", ""))))

    def pressed(self, key: str) -> None:
        """Do what a key does; nothing for an unknown one."""
        action = self._actions.get(key)
        if action is not None:
            action()

"""What a notebook's pictures show, in words, for who cannot see them.

JupyterLab reads the words from the output's metadata; myst-nb from the cell's.
"""

from __future__ import annotations

import json
from typing import Any

from sphinx.application import Sphinx


def carry_words(notebook: dict[str, Any]) -> dict[str, Any]:
    """The notebook with the alternative texts of each cell's pictures in the cell's metadata."""
    for cell in notebook["cells"]:
        kinds = [output.get("metadata", {}).values() for output in cell.get("outputs", ())]
        words = [kind["alt"] for values in kinds for kind in values if "alt" in kind]
        if words:
            cell["metadata"].setdefault("mystnb", {})["image"] = {"alt": " ".join(words)}
    return notebook


def _read(app: Sphinx, name: str, source: list[str]) -> None:
    if app.env.doc2path(name).suffix == ".ipynb":
        source[0] = json.dumps(carry_words(json.loads(source[0])))


def setup(app: Sphinx) -> dict[str, bool]:
    """Change notebooks when they are read."""
    app.connect("source-read", _read)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

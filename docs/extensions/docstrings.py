"""Examples of docstrings between fences of three backticks; Sphinx expects a directive."""

from __future__ import annotations

import re
from typing import Any

from sphinx.application import Sphinx

_FENCE = re.compile(r"^(\s*)```(\w*)$")


def replace_fences(lines: list[str]) -> list[str]:
    """The lines with each fenced block as ``code-block``."""
    done: list[str] = []
    inside = False
    for line in lines:
        fence = _FENCE.match(line)
        if fence:
            inside = not inside
            done += [f"{fence[1]}.. code-block:: {fence[2] or 'text'}", ""] if inside else [""]
        else:
            done.append(f"    {line}" if inside and line.strip() else line)
    return done


def _process(app: Sphinx, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    lines[:] = replace_fences(lines)


def setup(app: Sphinx) -> dict[str, bool]:
    """Have autodoc call us before napoleon reads the sections."""
    app.connect("autodoc-process-docstring", _process, priority=400)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

"""Formulas as MathML, which browsers draw by themselves: no script, no network.

A ``\\tag{4.1}`` becomes the equation's number at the right edge. A command that is not known is a
warning, and so an error of the build.
"""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.util import logging

_LOGGER = logging.getLogger(__name__)
_TAG = re.compile(r"\\tag\{([^}]*)\}")
_UNKNOWN = re.compile(r"<m\w+[^>]*>\\([^<]+)")
# What latex2mathml does not know, in words that it knows.
_OTHER_WORDS = (
    (re.compile(r"(\\[bB]igg?[lmr]?)\s*\\([lr]?Vert(?![A-Za-z])|\|)"), r"\1‖"),
    (re.compile(r"(\\[bB]igg?[lmr]?)\s*\\[lr]?vert(?![A-Za-z])"), r"\1|"),
    (re.compile(r"\\arg(?![A-Za-z])"), r"\\operatorname{arg}"),
)
# Browsers know double-struck letters, and no attribute that makes one of a digit.
_DOUBLE_STRUCK = re.compile(r'<mn mathvariant="double-struck">(\d)</mn>')


def to_mathml(latex: str, display: str) -> str:
    """Convert one formula; ``display`` is ``inline`` or ``block``."""
    for known, other in _OTHER_WORDS:
        latex = known.sub(other, latex)
    mathml = convert(latex, display=display)
    unknown = _UNKNOWN.findall(mathml)
    if unknown:
        raise ValueError(f"unknown commands: {', '.join(sorted(set(unknown)))}")
    return _DOUBLE_STRUCK.sub(lambda digit: f"<mn>{chr(0x1D7D8 + int(digit[1]))}</mn>", mathml)


def _write(self: Any, node: nodes.Element, latex: str, display: str) -> None:
    try:
        self.body.append(to_mathml(latex, display))
    except Exception as error:  # latex2mathml has many kinds of errors
        _LOGGER.warning("no MathML for %s: %s", latex, error, location=node, type="mathml")


def visit_inline(self: Any, node: nodes.Element) -> None:
    """Write a formula within a line."""
    _write(self, node, node.astext(), "inline")
    raise nodes.SkipNode


def visit_block(self: Any, node: nodes.Element) -> None:
    """Write a formula on a line of its own, with its number."""
    tags = _TAG.findall(node.astext())
    anchor = f' id="{node["ids"][0]}"' if node["ids"] else ""
    self.body.append(f'<div class="math-block"{anchor}><div class="formula">')
    _write(self, node, _TAG.sub("", node.astext()).strip(), "block")
    number = "".join(f'<span class="number">({tag})</span>' for tag in tags)
    self.body.append(f"</div>{number}</div>\n")
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the renderer as ``html_math_renderer = "mathml"``."""
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}

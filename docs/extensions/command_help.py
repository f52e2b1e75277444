"""The directive ``command-help``: what ``siamlab COMMAND --help`` prints, of every command."""

from __future__ import annotations

import argparse
import os
from unittest.mock import patch

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from siamlab.cli import build_parser

COLUMNS = "72"  # a line fits on a tablet; on a phone the block scrolls, not the page


def help_texts() -> dict[str, str]:
    """The help of every command by its name, those with actions (``gallery list``) included."""
    with patch.dict(os.environ, COLUMNS=COLUMNS, NO_COLOR="1"):
        return {parser.prog: parser.format_help() for parser in _parsers(build_parser())}


def _parsers(parser: argparse.ArgumentParser) -> list[argparse.ArgumentParser]:
    found = [parser]
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in dict.fromkeys(action.choices.values()):
                found += _parsers(command)
    return found


class CommandHelp(SphinxDirective):
    """A section for each command, with its help as it is printed."""

    def run(self) -> list[nodes.Node]:
        """Make the sections."""
        return [self._section(name, text) for name, text in help_texts().items()]

    def _section(self, name: str, text: str) -> nodes.section:
        section = nodes.section(names=[name], ids=[nodes.make_id(name)])
        section += nodes.title(name, name)
        block = nodes.literal_block(text, text)
        block["language"] = "text"
        section += block
        return section


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("command-help", CommandHelp)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

"""The command for data sets: ``fetch``."""

from __future__ import annotations

import argparse

from siamlab.cli.arguments import Commands, add_command
from siamlab.cli.output import DONE, say


def add_commands(commands: Commands) -> None:
    """Add the command of this group."""
    command = add_command(commands, fetch)
    command.add_argument("dataset", choices=("lfw", "omniglot"))
    command.add_argument("--from", dest="source", metavar="PATH", help="a local archive or folder")


def fetch(options: argparse.Namespace) -> int:
    """Download a data set into the workspace, or take a local copy of it."""
    from siamlab.config import open_workspace

    folder = open_workspace().root / options.dataset
    if options.dataset == "omniglot":
        from siamlab.data.omniglot import alphabets, fetch_omniglot, find_omniglot

        folder = fetch_omniglot(folder, source=options.source)
        for characters in find_omniglot(folder):
            say(f"{len(characters)} characters of {', '.join(alphabets(characters))}")
    else:
        from siamlab.data.collections import open_collection
        from siamlab.data.inspection import describe
        from siamlab.data.lfw_download import fetch_lfw

        folder = fetch_lfw(folder, source=options.source)
        say(str(describe(open_collection(folder))))
    say(str(folder))
    return DONE

"""The command line: ``siamlab run``, ``lab``, ``fetch``, ``train``, ``evaluate`` and the rest.

One file for each group of commands: it adds their arguments and runs them, and imports what is
heavy only when a command runs.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from siamlab import __version__
from siamlab.cli import (
    assess_commands,
    attend_commands,
    attributes_commands,
    course_commands,
    data_commands,
    gallery_commands,
    measure_commands,
    model_commands,
    people_commands,
)
from siamlab.cli.arguments import Parser
from siamlab.cli.output import BAD_INPUT, DONE, UNKNOWN, finish_output, note, print_any_text
from siamlab.errors import SiamlabError, TooManyTriesError
from siamlab.system.quiet import quiet_tensorflow

__all__ = ["build_parser", "main"]

GROUPS = (
    course_commands,
    data_commands,
    model_commands,
    measure_commands,
    people_commands,
    gallery_commands,
    attend_commands,
    assess_commands,
    attributes_commands,
)


def build_parser() -> argparse.ArgumentParser:
    """Build the whole command line; ``options.run`` is the function of the parsed command."""
    parser = Parser(
        prog="siamlab",
        description="One-shot face verification with a Siamese network, in a series of notebooks.",
        epilog="Begin with: siamlab lab (notebook 01 in JupyterLab), or siamlab run (all of them, "
        "without a browser or a camera).",
    )
    parser.add_argument("--version", action="version", version=f"siamlab {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    for group in GROUPS:
        group.add_commands(commands)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: those after the program's name; ``None`` takes the process' own.

    Returns:
        The exit status: 0 done, 1 not verified, 2 bad usage or bad input, 3 unknown. Whatever
        else happens is 2 as well, with one line; ``SIAMLAB_DEBUG=1`` lets it through instead.
    """
    quiet_tensorflow()
    print_any_text()
    try:
        return _run_command(arguments)
    except TooManyTriesError as error:  # neither yes nor no: nothing was looked at
        note(str(error))
        return UNKNOWN
    except SiamlabError as error:
        note(str(error))
        return BAD_INPUT
    except KeyboardInterrupt:
        note("interrupted; nothing half-written was kept.")
        return 130
    except Exception as error:  # a traceback ends with status 1, which means no
        if os.environ.get("SIAMLAB_DEBUG"):
            raise
        note(_describe(error))
        return BAD_INPUT


def _run_command(arguments: Sequence[str] | None) -> int:
    try:
        parser = build_parser()
        options, others = parser.parse_known_args(arguments)
        if options.command is None and not others:
            parser.print_help()
            return DONE
        if others and options.command != "lab":
            parser.error(f"unrecognized arguments: {' '.join(others)}")
        options.others = others
        options.words = sys.argv[1:] if arguments is None else list(arguments)
        return int(options.run(options))
    finally:
        finish_output()


def _describe(error: Exception) -> str:
    """What nobody foresaw, in one line."""
    if isinstance(error, OSError) and error.strerror:
        where = "" if error.filename is None else f"{error.filename}: "
        return str(SiamlabError(f"{where}{error.strerror}."))
    text = f"unexpected {type(error).__name__}: {error}"
    return str(SiamlabError(f"{text} (SIAMLAB_DEBUG=1 shows where it happened)"))

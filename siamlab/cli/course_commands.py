"""The commands of the series of notebooks: ``run`` and ``lab``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from siamlab.cli.arguments import Commands, add_command
from siamlab.cli.output import DONE, say
from siamlab.errors import InputError


def add_commands(commands: Commands) -> None:
    """Add the commands of this group."""
    run = add_command(commands, "run", "run the notebooks headless, print the results", run_series)
    run.add_argument("--profile", choices=("quick", "full"), help="sizes (default: quick)")
    run.add_argument("--lfw", type=Path, metavar="PATH", help="LFW as an archive or a folder")
    run.add_argument(
        "--subject", metavar="PERSON", help="a person of --lfw who plays the user at the camera"
    )
    run.add_argument(
        "--model", type=Path, metavar="MODEL", help="skip training compact: take this model"
    )
    run.add_argument("--out", type=Path, default=Path("out"), help="results go here (default: out)")

    text = "open JupyterLab on notebook 01; further options go to JupyterLab"
    add_command(commands, "lab", text, open_lab)


def run_series(options: argparse.Namespace) -> int:
    """Run the series of notebooks headless."""
    from siamlab.course import runner

    if options.subject and not options.lfw:
        raise InputError("--subject is a person of LFW: give --lfw too.")
    table = runner.run_series(
        out=options.out,
        profile=options.profile,
        lfw=options.lfw,
        subject=options.subject,
        model=options.model,
        say=say,
    )
    say(table)
    return DONE


def open_lab(options: argparse.Namespace) -> int:
    """Open JupyterLab on notebook 01."""
    import subprocess

    from siamlab.course.notebooks import notebook_paths

    first = str(notebook_paths()[0])
    return subprocess.call([sys.executable, "-m", "jupyter", "lab", first, *options.others])

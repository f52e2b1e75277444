"""The commands of the series of notebooks: ``run`` and ``lab``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from siamlab.cli.arguments import Commands, add_command, new_folder
from siamlab.cli.output import DONE, say
from siamlab.errors import InputError, MissingStepError


def add_commands(commands: Commands) -> None:
    """Add the commands of this group."""
    command = add_command(commands, run)
    command.add_argument(
        "--all", action="store_true", help="also the notebooks beyond the series, from 09 on"
    )
    command.add_argument("--profile", choices=("quick", "full"), help="sizes (default: quick)")
    command.add_argument("--lfw", type=Path, metavar="PATH", help="LFW as an archive or a folder")
    command.add_argument(
        "--subject", metavar="PERSON", help="a person of --lfw who plays the user at the camera"
    )
    command.add_argument(
        "--model", type=Path, metavar="MODEL", help="skip training compact: take this model"
    )
    command.add_argument(
        "--out", type=new_folder, default="out", help="results go here (default: out)"
    )

    add_command(commands, lab)


def run(options: argparse.Namespace) -> int:
    """Run the notebooks headless and print their results."""
    from siamlab.course.runner import run_series

    if options.subject and not options.lfw:
        raise InputError("--subject is a person of LFW: give --lfw too.")
    table = run_series(
        out=options.out,
        profile=options.profile,
        lfw=options.lfw,
        subject=options.subject,
        model=options.model,
        beyond=options.all,
        say=say,
    )
    say(table)
    return DONE


def lab(options: argparse.Namespace) -> int:
    """Open JupyterLab on notebook 01; further options are passed on to it."""
    import subprocess

    from siamlab.course.notebooks import notebook_paths

    first = str(notebook_paths()[0])
    status = subprocess.call([sys.executable, "-m", "jupyter", "lab", first, *options.others])
    if status:
        raise MissingStepError(f"JupyterLab ended with status {status}; its own lines say why.")
    return DONE

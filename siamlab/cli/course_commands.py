"""The commands of the series of notebooks: ``run`` and ``lab``."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from pathlib import Path

from siamlab.cli.arguments import Commands, add_command, new_folder
from siamlab.cli.output import DONE, say
from siamlab.config import open_workspace
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
    """Open JupyterLab on copies of the notebooks; further options are passed on to it."""
    from siamlab.course.copies import copy_notebooks, notebook_copies
    from siamlab.course.notebooks import SOLUTIONS, notebook_paths, solutions_path

    workspace = open_workspace()
    folder = notebook_copies(workspace)
    sources = notebook_paths()
    solutions = [path for path in map(solutions_path, sources) if path.is_file()]
    changed = copy_notebooks(sources, folder) + copy_notebooks(solutions, folder / SOLUTIONS)
    for line in changed:
        say(line)
    say(f"your copies of the notebooks: {folder}")
    first = str(folder / sources[0].name)
    status = _run_lab([first, *options.others], {"SIAMLAB_DATA": str(workspace.root)})
    if status:
        raise MissingStepError(f"JupyterLab ended with status {status}; its own lines say why.")
    return DONE


def _run_lab(arguments: list[str], environment: dict[str, str]) -> int:
    """Run JupyterLab until it ends; Ctrl-C is its own, which asks before it stops."""
    command = [sys.executable, "-m", "jupyter", "lab", *arguments]
    process = subprocess.Popen(command, env={**os.environ, **environment})
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        return process.wait()
    finally:
        signal.signal(signal.SIGINT, before)

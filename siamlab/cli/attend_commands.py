"""The attendance register from the shell: ``siamlab attend open``, ``mark``, ``correct``, …"""

from __future__ import annotations

import argparse
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from siamlab.cli.arguments import Commands, add_command, add_model_option, new_file
from siamlab.cli.gallery_commands import open_gallery
from siamlab.cli.output import DONE, say, verdict_status
from siamlab.cli.people_commands import open_model

if TYPE_CHECKING:
    from siamlab.attendance.register import Register

MOST_LISTED = 200  # people of a gallery in a summary


def add_commands(commands: Commands) -> None:
    """Add the commands of this group."""
    text = "Keep an attendance register: who said they are here, confirmed by the camera."
    group = commands.add_parser("attend", help=text, description=text)
    inner = group.add_subparsers(dest="action", required=True, metavar="ACTION")

    command = add_command(inner, open_, name="open")
    command.add_argument("session", metavar="SESSION")
    command.add_argument("--starts", default="", metavar="TIME", help="09:00; later is late")
    command.add_argument(
        "--grace", type=float, default=5.0, metavar="MINUTES", help="not late yet (default: 5)"
    )
    command = add_command(inner, close)
    command.add_argument("session", metavar="SESSION")

    command = add_command(inner, mark)
    command.add_argument("session", metavar="SESSION")
    command.add_argument("person", metavar="PERSON", help="the name that the person states")
    command.add_argument(
        "images", nargs="+", type=Path, metavar="IMAGE", help="frames of one try; most must match"
    )
    command.add_argument("--keep-score", action="store_true", help="note the score, and show it")
    add_model_option(command)

    command = add_command(inner, correct)
    command.add_argument("session", metavar="SESSION")
    command.add_argument("person", metavar="PERSON")
    command.add_argument("--status", required=True, choices=("present", "late", "absent"))
    command.add_argument("--reason", required=True, metavar="TEXT")
    command.add_argument("--time", default="", metavar="TIME", help="when the person came")

    command = add_command(inner, export)
    command.add_argument("session", nargs="?", metavar="SESSION", help="default: all")
    command.add_argument("--out", type=new_file, required=True, metavar="FILE.csv")

    command = add_command(inner, summary)
    command.add_argument("session", nargs="?", metavar="SESSION", help="default: all")
    command.add_argument(
        "--out", type=new_file, metavar="FILE.svg", help="also draw it there, and as PNG"
    )


def open_(options: argparse.Namespace) -> int:
    """Open a session."""
    session = _register().open_session(options.session, options.starts, options.grace)
    starts = f"; starts {session.starts}" if session.starts else ""
    say(f"session {session.name}, open since {session.opened}{starts}")
    return DONE


def close(options: argparse.Namespace) -> int:
    """Close a session: nobody is confirmed any more."""
    session = _register().close_session(options.session)
    say(f"session {session.name}, closed at {session.closed}")
    return DONE


def mark(options: argparse.Namespace) -> int:
    """Register a person who states a name, if the images confirm it."""
    from siamlab.images.decode import read_image
    from siamlab.verification.door import Door
    from siamlab.verification.verifier import Verifier

    register = _register(options.keep_score)
    register.require_open(options.session)
    images = [read_image(path) for path in options.images]
    verifier = Verifier(open_model(options), register.gallery)
    verification = Door(verifier, show_scores=options.keep_score).verify(images, options.person)
    if not verification.verified:
        say(str(verification))
        return verdict_status(verification.verified)
    entry = register.mark(options.session, verification)
    word = "already registered" if entry.again else "registered"
    say(f"{entry.person}: {word}, {entry.status}, {entry.time}")
    return DONE


def correct(options: argparse.Namespace) -> int:
    """Put an entry right, with a reason; the former one stays visible."""
    entry = _register().correct(
        options.session, options.person, options.status, options.reason, options.time
    )
    say(f"{entry.person}: {entry.status}, {entry.time} ({entry.reason})")
    return DONE


def export(options: argparse.Namespace) -> int:
    """Write the register as CSV, former entries included."""
    from siamlab.attendance.summary import write_csv

    register = _register()
    entries = register.entries(options.session)
    _note_exports(register, {entry.person for entry in entries}, [options.out])
    write_csv(options.out, entries)
    say(f"{options.out}: {len(entries)} entr{'y' if len(entries) == 1 else 'ies'}")
    return DONE


def summary(options: argparse.Namespace) -> int:
    """Say who attended how often, or who came to one session."""
    from siamlab.attendance.summary import summarize
    from siamlab.errors import InputError
    from siamlab.system.names import normal_name

    if options.out is not None and options.out.suffix != ".svg":
        raise InputError(f"--out is a file whose name ends in .svg. Received: {options.out}.")
    register = _register()
    entries, people = register.entries(options.session), register.gallery.people()
    if options.session is None:
        sessions = [session.name for session in register.sessions()]
    else:
        sessions = [normal_name(options.session)]
    # Of a large gallery, those who came at least once.
    found = summarize(entries, people if len(people) <= MOST_LISTED else (), sessions)
    say(str(found) or "Nobody is enrolled.")
    if len(people) > MOST_LISTED:
        say(f"{len(people)} are enrolled; who never came is not listed")
    if options.out is not None:
        from siamlab.plotting.attendance_plots import plot_attendance
        from siamlab.plotting.style import save_figure

        _note_exports(register, found.people, [options.out, options.out.with_suffix(".png")])
        figure = plot_attendance(found.people, found.sessions, found.status)
        for path in save_figure(figure, options.out.stem, options.out.parent):
            say(str(path))
    return DONE


def _note_exports(register: Register, people: Collection[str], files: list[Path]) -> None:
    """Before the files are written; a gallery that does not exist yet is not made for this."""
    from siamlab.gallery.rights import note_exports

    if people:
        note_exports(register.gallery, people, files)


def _register(keep_scores: bool = False) -> Register:
    from siamlab.attendance.register import Register

    return Register(open_gallery(), keep_scores)

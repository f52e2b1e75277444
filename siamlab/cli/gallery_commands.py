"""The commands about the gallery itself: ``siamlab gallery list``, ``show``, ``export``, …"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from siamlab.cli.arguments import (
    Commands,
    Parser,
    add_command,
    add_database_option,
    add_model_option,
)
from siamlab.cli.output import DONE, NOT_VERIFIED, say

if TYPE_CHECKING:
    from siamlab.gallery import Gallery

OPEN = "This gallery is not encrypted; siamlab gallery rekey encrypts it."


def add_commands(commands: Commands) -> None:
    """Add the commands of this group."""
    text = "See and change who is enrolled, and with what right."
    group = commands.add_parser("gallery", help=text, description=text)
    inner = group.add_subparsers(
        dest="action", required=True, metavar="ACTION", parser_class=Parser
    )

    add_command(inner, list_, name="list")
    _add_person(add_command(inner, show))
    command = add_command(inner, export)
    _add_person(command)
    command.add_argument("folder", type=Path, metavar="DIR", help="a new or empty folder")
    command = add_command(inner, erase)
    _add_person(command)
    add_database_option(command)
    add_database_option(add_command(inner, purge))
    command = add_command(inner, publish)
    add_database_option(command)
    command.add_argument(
        "--groups", type=Path, metavar="FILE.csv", help="person,group on each line, to search in"
    )
    command.add_argument(
        "--withdraw", action="store_true", help="remove everything of this gallery from there"
    )
    add_model_option(command)
    command = add_command(inner, rekey)
    command.add_argument(
        "--keyring", action="store_true", help="leave a random passphrase with the system's keyring"
    )
    command.add_argument(
        "--recovery-key", action="store_true", help="print a key that also opens the gallery, once"
    )
    command.add_argument(
        "--open", action="store_true", help="take the passphrase away: the gallery is not encrypted"
    )
    command = add_command(inner, audit)
    command.add_argument("--log", action="store_true", help="print the log's entries")


def _add_person(command: Parser) -> None:
    command.add_argument("person", metavar="PERSON")


def list_(options: argparse.Namespace) -> int:
    """List everybody, what is held of them, and until when."""
    from siamlab.gallery.rights import list_people

    gallery = open_gallery()
    people = list_people(gallery)
    for one in people:
        say(f"{one.name}: {one.templates} templates, {one.images} images; until {one.until}")
    for name in gallery.damaged():
        say(f"{name} cannot be read: run siamlab gallery audit")
    if not people:
        say("Nobody is enrolled.")
    if not gallery.encrypted:
        say(OPEN)
    return DONE


def show(options: argparse.Namespace) -> int:
    """Show what is held of a person, and what they agreed to."""
    from siamlab.gallery.rights import show_person

    one = show_person(open_gallery(), options.person)
    say(f"{one.name} ({one.subject}): {one.templates} templates, {one.images} images")
    if one.consent is not None:
        agreed = one.consent
        say(f"agreed on {agreed.agreed} by {agreed.by}, for {agreed.purpose}, until {agreed.until}")
        say(f"to this text (SHA-256 {agreed.text_sha256}):\n{agreed.text}")
    else:
        say(f"consent: {one.until}")
    for folder in one.exports:
        say(f"exported to {folder}")
    for model in one.models:
        say(f"fine-tuned: {model}")
    return DONE


def export(options: argparse.Namespace) -> int:
    """Write all that is held of a person into a folder, readable: images, JSON, the register."""
    from siamlab.attendance.register import Register
    from siamlab.attendance.summary import write_csv
    from siamlab.gallery.rights import export_person

    gallery = open_gallery()
    one = export_person(gallery, options.person, options.folder)
    entries = [entry for entry in Register(gallery).entries() if entry.person == one.name]
    if entries:
        write_csv(options.folder / "register.csv", entries)
    say(f"{options.folder}: {one.images} images, {one.templates} templates. It is not encrypted.")
    return DONE


def erase(options: argparse.Namespace) -> int:
    """Erase a person everywhere, and say what is left elsewhere."""
    from siamlab.config import open_workspace
    from siamlab.gallery.postgres import given_database
    from siamlab.gallery.rights import erase_person

    database = given_database(options.database)
    left = erase_person(open_gallery(), options.person, open_workspace(), database)
    say(f"erased {options.person}")
    for sentence in left:
        say(sentence)
    return DONE


def purge(options: argparse.Namespace) -> int:
    """Erase everybody whose consent is over, and say what is left elsewhere."""
    from siamlab.config import open_workspace
    from siamlab.gallery.postgres import given_database
    from siamlab.gallery.rights import purge as purge_people

    database = given_database(options.database)
    done = purge_people(open_gallery(), None, open_workspace(), database)
    over = f": {', '.join(done.people)}" if done.people else ""
    say(f"erased {len(done.people)} people whose consent was over{over}")
    if done.returned:
        say(
            f"erased {done.returned} people again who had come back with an old copy of the gallery"
        )
    for sentence in done.left:
        say(sentence)
    return DONE


def publish(options: argparse.Namespace) -> int:
    """Bring a database to the gallery's state: templates that only the vault's key can compare."""
    from siamlab.assessment.by_group import read_groups
    from siamlab.cli.people_commands import open_model
    from siamlab.errors import InputError
    from siamlab.gallery.postgres import given_database
    from siamlab.gallery.publishing import publish as publish_gallery
    from siamlab.gallery.publishing import withdraw

    url = given_database(options.database)
    if url is None:
        raise InputError("Which database? Give --database URL, or set SIAMLAB_DATABASE.")
    gallery = open_gallery()
    if options.withdraw:
        say(f"{withdraw(gallery, url)} templates were removed.")
        return DONE
    groups = None if options.groups is None else read_groups(options.groups)
    say(str(publish_gallery(gallery, open_model(options).model_id, url, groups)))
    if not gallery.encrypted:
        say(f"{OPEN} Its key, which turns published templates back, lies open in its file.")
    return DONE


def rekey(options: argparse.Namespace) -> int:
    """Encrypt the gallery anew with a new passphrase."""
    from siamlab.errors import InputError
    from siamlab.gallery.passphrase import keep_in_keyring, new_passphrase, put_into_keyring

    if options.open and (options.keyring or options.recovery_key):
        raise InputError("--open takes the passphrase away; it goes with no other option.")
    gallery = open_gallery()
    gallery.vault.may_be_open = True  # the passphrase that is set may be the new one
    with gallery.writing() as change:  # the present passphrase is asked for first
        vault = change.keys.vault.hex()
    passphrase = None
    if not options.open:
        passphrase = put_into_keyring(vault) if options.keyring else new_passphrase()
    words = gallery.vault.rekey(passphrase, options.recovery_key)
    keep_in_keyring(vault, passphrase if options.keyring else None)
    say(f"{gallery}: everything has new keys.")
    if words is not None:
        say(f"Recovery key, shown this once; write it down and keep it elsewhere:\n{words}")
    elif passphrase is not None:
        say("There is no way back without the passphrase: --recovery-key would make one.")
    return DONE


def audit(options: argparse.Namespace) -> int:
    """Check the log and every record; status 1 if something does not hold."""
    from siamlab.gallery.rights import audit_gallery

    gallery = open_gallery()
    found = audit_gallery(gallery)
    for entry in found.entries if options.log else ():
        say(f"{entry.number} {entry.time} {entry.event} {entry.person[:8]} {entry.detail}".strip())
    for problem in found.problems:
        say(problem)
    if not found.problems:
        say(f"{len(found.entries)} entries of the log and all records hold.")
    if not gallery.encrypted:
        say(f"{OPEN} Who can write its files can also sign a log of their own.")
    return NOT_VERIFIED if found.problems else DONE


def open_gallery() -> Gallery:
    """The workspace's gallery."""
    from siamlab.config import open_workspace
    from siamlab.gallery import Gallery

    return Gallery(open_workspace().gallery)

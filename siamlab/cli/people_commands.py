"""The commands about people: ``compare``, ``enroll``, ``verify`` and ``identify``.

They run on an exported copy of the model, which the first of them makes, so that they start
without Keras.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from siamlab.cli.arguments import (
    MODELS,
    Commands,
    Parser,
    add_command,
    add_database_option,
    add_json,
    add_model_option,
    positive,
    share,
)
from siamlab.cli.gallery_commands import OPEN, open_gallery
from siamlab.cli.output import DONE, UNKNOWN, note, say, verdict_status, write_json

if TYPE_CHECKING:
    from siamlab.gallery import Enrollment, Gallery
    from siamlab.gallery.database_search import DatabaseSearch
    from siamlab.gallery.store import Agreement
    from siamlab.models.embedder import FaceEmbedder
    from siamlab.verification.verifier import Verifier


def add_commands(commands: Commands) -> None:
    """Add the commands of this group."""
    command = add_command(commands, compare)
    command.add_argument("first", type=Path, metavar="IMAGE")
    command.add_argument("second", type=Path, metavar="IMAGE")
    command.add_argument(
        "--model", default="pretrained", metavar="MODEL", help=f"{MODELS} (default: pretrained)"
    )
    _add_threshold(command)
    add_json(command, "write the verdict here")

    command = add_command(commands, enroll)
    command.add_argument("person", metavar="PERSON")
    command.add_argument("images", nargs="+", type=Path, metavar="IMAGE")
    command.add_argument(
        "--consent",
        metavar="TEXT_OR_FILE",
        help="what the person agreed to; drawn people need none",
    )
    command.add_argument("--until", metavar="DATE", help="the last day of the consent, 2027-07-31")
    command.add_argument(
        "--by", metavar="NAME", help="who agreed, for a child (default: the person)"
    )
    command.add_argument(
        "--replace",
        action="store_true",
        help="in place of the person's templates, which else are added to",
    )
    add_model_option(command)

    command = add_command(commands, verify)
    command.add_argument("person", metavar="PERSON")
    command.add_argument("image", type=Path, metavar="IMAGE")
    add_model_option(command)
    _add_threshold(command)
    add_json(command, "write the verdict here")

    command = add_command(commands, identify)
    command.add_argument("image", type=Path, metavar="IMAGE")
    command.add_argument(
        "--top", type=positive(int), default=5, metavar="N", help="candidates (default: 5)"
    )
    add_model_option(command)
    _add_threshold(command)
    add_database_option(command)
    command.add_argument(
        "--group", metavar="NAME", help="only people of this group of the database"
    )
    add_json(command, "write candidates and scores here")


def _add_threshold(command: Parser) -> None:
    text = "a template matches from this score on (default: the model's)"
    command.add_argument("--threshold", type=share, metavar="T", help=text)


def compare(options: argparse.Namespace) -> int:
    """Say whether two images show the same person."""
    from siamlab.verification.compare import verify as verify_images

    model = open_model(options)
    verification = verify_images(options.first, options.second, model, options.threshold)
    write_json(options.json, verification.to_dict())
    say("; ".join(filter(None, (str(verification), verification.strangers))))
    return verdict_status(verification.verified)


def enroll(options: argparse.Namespace) -> int:
    """Add templates of a person's images."""
    from siamlab.errors import FaceError
    from siamlab.images.decode import read_image

    _check_person(options)
    verifier = _open_verifier(options)
    images = [read_image(path) for path in options.images]
    consent = _consent(options, verifier.gallery)
    names = [path.name for path in options.images]
    try:
        enrollment = verifier.enroll(
            options.person, images, sources=names, consent=consent, replace=options.replace
        )
    except FaceError as error:  # whose face it is, or whether it is one, is unknown
        note(str(error))
        return UNKNOWN
    say(f"enrolled {enrollment.person}: {_stored(enrollment)}")
    for name in enrollment.repeated:
        say(f"{name}: the same image is stored already, and was not added")
    for name in enrollment.unlike:
        say(
            f"{name}: matches no other image of {enrollment.person}. If it shows somebody else, "
            "enroll the right images with --replace"
        )
    if not verifier.gallery.encrypted:
        say(OPEN)
    return DONE


def _check_person(options: argparse.Namespace) -> None:
    """Refuse an image's file in place of the name, which is easily forgotten."""
    from siamlab.errors import InputError
    from siamlab.images.decode import is_image_name

    if is_image_name(options.person) or Path(options.person).is_file():
        raise InputError(
            f"PERSON comes first, a name. Received: {options.person}, an image's file. Such as: "
            f"siamlab enroll Ada {options.person}"
        )


def _stored(enrollment: Enrollment) -> str:
    added = f"{_templates(enrollment.added)} added, {len(enrollment)} now"
    if not enrollment.replaced:
        return added
    return f"replaced {_templates(enrollment.replaced)}; {added}"


def _templates(count: int) -> str:
    return f"{count} template{'s' * (count != 1)}"


def _consent(options: argparse.Namespace, gallery: Gallery) -> Agreement:
    """What the person agrees to: given by options, asked at the terminal, or not needed."""
    from siamlab.capture.cameras.subject import subject_of
    from siamlab.errors import InputError
    from siamlab.gallery.consent import DRAWN, give_consent, read_consent_text

    if (options.consent is None) != (options.until is None):
        raise InputError("--consent and --until go together: what was agreed to, and until when.")
    by = options.person if options.by is None else options.by
    if options.consent is not None:
        return give_consent(options.until, by, read_consent_text(options.consent))
    if all(subject_of(path.parent) == DRAWN for path in options.images):
        return DRAWN
    if options.person in gallery or not sys.stdin.isatty():
        return None  # an earlier consent, or refused in a line
    return _ask_consent(by)


def _ask_consent(by: str) -> Agreement:
    from datetime import date, timedelta

    from siamlab.errors import ConsentError
    from siamlab.gallery.consent import STANDARD_TEXT, give_consent

    say(STANDARD_TEXT)
    year = (date.today() + timedelta(days=365)).isoformat()
    until = input(f"Until when? [{year}] ").strip() or year
    if input(f"{by}, do you agree? [yes/no] ").strip().lower() not in ("y", "yes"):
        raise ConsentError(f"{by!r} does not agree; nothing was kept.")
    return give_consent(until, by)


def verify(options: argparse.Namespace) -> int:
    """Compare an image with a person's templates."""
    from siamlab.images.decode import read_image

    verifier = _open_verifier(options)
    verification = verifier.verify(read_image(options.image), options.person)
    write_json(options.json, verification.to_dict())
    say("; ".join(filter(None, (str(verification), verification.numbers, verification.strangers))))
    return verdict_status(verification.verified)


def identify(options: argparse.Namespace) -> int:
    """Find the person in an image among all enrolled people."""
    from siamlab.images.decode import read_image

    verifier = _open_verifier(options)
    verifier.database = _open_database(options, verifier)
    identification = verifier.identify(read_image(options.image), options.top)
    write_json(options.json, identification.to_dict())
    say(str(identification))
    return verdict_status(identification.verified)


def _open_verifier(options: argparse.Namespace) -> Verifier:
    from siamlab.verification.verifier import Verifier

    return Verifier(
        open_model(options),
        open_gallery(),
        detection_threshold=getattr(options, "threshold", None),
    )


def _open_database(options: argparse.Namespace, verifier: Verifier) -> DatabaseSearch | None:
    from siamlab.errors import InputError
    from siamlab.gallery.database_search import DatabaseSearch
    from siamlab.gallery.postgres import given_database

    url = given_database(options.database)
    if url is not None:
        return DatabaseSearch(verifier.gallery, verifier.model_id, url, options.group)
    if options.group is not None:
        raise InputError("--group is of a database: give --database URL, or SIAMLAB_DATABASE.")
    return None


def open_model(options: argparse.Namespace) -> FaceEmbedder:
    """Open the model without Keras where that is possible: TensorFlow alone takes seconds."""
    from siamlab.models.opening import open_embedder

    return open_embedder(
        os.environ.get("SIAMLAB_MODEL") if options.model is None else options.model
    )

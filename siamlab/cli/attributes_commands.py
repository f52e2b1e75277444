"""Age and gender from the shell: ``siamlab attributes train``, ``siamlab attributes evaluate``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from siamlab.cli.arguments import Commands, Parser, add_command, add_json, new_file
from siamlab.cli.output import DONE, note, say, write_json

if TYPE_CHECKING:
    from siamlab.data.utkface import LabeledFaces

CARD = (
    "Estimates from a face, for research and teaching; what they must not decide stands in "
    "docs/attributes.md."
)
READY_MADE = "ready-made"


def add_commands(commands: Commands) -> None:
    """Add the commands of this group."""
    text = "Estimate age and gender from faces; off unless asked for, and not for decisions."
    group = commands.add_parser("attributes", help=text, description=text)
    inner = group.add_subparsers(dest="action", required=True, metavar="ACTION")

    command = add_command(inner, train)
    _add_images(command)
    command.add_argument("--seed", type=int, default=0, metavar="S")
    command.add_argument("--out", type=new_file, required=True, metavar="FILE")

    command = add_command(inner, evaluate)
    command.add_argument(
        "file", metavar="FILE", help="what attributes train wrote, or ready-made (dlib's networks)"
    )
    _add_images(command)
    add_json(command)


def _add_images(command: Parser) -> None:
    text = "a folder or an archive of faces named age_gender_race_date.jpg.chip.jpg (UTKFace)"
    command.add_argument("--images", type=Path, required=True, metavar="DIR", help=text)


def train(options: argparse.Namespace) -> int:
    """Train a head for age and gender on labeled faces."""
    from siamlab.attributes.attribute_head import save_attributes
    from siamlab.attributes.attribute_training import train_attributes

    labels = _open(options.images)
    head, summary = train_attributes(labels, seed=options.seed, say=say)
    path = save_attributes(head, options.out)
    say(f"{summary}\nsaved {path}. {CARD}")
    return DONE


def evaluate(options: argparse.Namespace) -> int:
    """Measure a head for age and gender on labeled faces."""
    from siamlab.attributes.attribute_head import load_attributes
    from siamlab.attributes.attribute_training import evaluate_attributes
    from siamlab.attributes.ready_made import open_ready_made

    head = open_ready_made() if options.file == READY_MADE else load_attributes(options.file)
    evaluation = evaluate_attributes(head, _open(options.images), say=say)
    write_json(options.json, evaluation.to_dict())
    say(f"{evaluation}\n{CARD}")
    if evaluation.trained_on:
        note(
            f"the head was trained on {evaluation.trained_on} of these {evaluation.overall.n} "
            "images; on others it will do worse."
        )
    return DONE


def _open(path: Path) -> LabeledFaces:
    from siamlab.data.utkface import open_utkface

    labels = open_utkface(path)
    if labels.left_out:
        note(f"{labels.left_out} images of {path} have other names and are left out.")
    return labels

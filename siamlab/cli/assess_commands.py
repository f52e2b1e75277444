"""The command that assesses a system regularly: ``assess``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from siamlab.cli.arguments import Commands, add_command, add_model, new_folder
from siamlab.cli.output import DONE, NOT_VERIFIED, note, say
from siamlab.errors import InputError

if TYPE_CHECKING:
    from siamlab.assessment.dated_report import Assessment
    from siamlab.assessment.drift import Drift
    from siamlab.data.collections import Collection
    from siamlab.data.pairs import PairSet
    from siamlab.models.siamese import Siamese

HEADLINES = ("accuracy", "fmr", "fnmr", "auc")


def add_commands(commands: Commands) -> None:
    """Add the command of this group."""
    command = add_command(commands, assess)
    add_model(command)
    command.add_argument(
        "--images", type=Path, metavar="DIR",
        help="one folder per person, or an archive of such a folder (default: drawn people)",
    )  # fmt: skip
    command.add_argument(
        "--pairs", type=Path, metavar="FILE",
        help="LFW's format, or a CSV of two paths and a label; together with --images",
    )  # fmt: skip
    command.add_argument(
        "--groups", type=Path, metavar="FILE.csv", help="person,group on each line: rates by group"
    )
    command.add_argument(
        "--attacks", action="store_true",
        help="try FGSM and PGD on some of the pairs (extra attacks)",
    )  # fmt: skip
    command.add_argument(
        "--gallery", action="store_true",
        help="how the scores of enrolled people changed since enrollment, from the register",
    )  # fmt: skip
    command.add_argument(
        "--bars", type=Path, metavar="FILE.toml",
        help="[bars] with lines such as accuracy = {min = 0.97}; a broken one is exit status 1",
    )  # fmt: skip
    command.add_argument(
        "--against", type=Path, metavar="LAST.json", help="compare with this earlier assessment"
    )
    command.add_argument(
        "--out", type=new_folder, metavar="DIR",
        help="folder of the reports (default: assessments in the data folder)",
    )  # fmt: skip


def assess(options: argparse.Namespace) -> int:
    """Measure a model under hard conditions and write a dated report."""
    from siamlab.assessment.assessing import assess
    from siamlab.assessment.attack_rates import try_attacks
    from siamlab.assessment.attacks import check_attacks
    from siamlab.assessment.bars import broken_bars, read_bars
    from siamlab.assessment.by_group import read_groups
    from siamlab.assessment.comparison import check_comparable, compare_assessments
    from siamlab.assessment.dated_report import read_assessment, write_assessment
    from siamlab.config import open_workspace
    from siamlab.models.saving import load_model
    from siamlab.system.files import check_writable

    # Whatever can be wrong is looked at before anything is measured.
    folder = open_workspace().root / "assessments" if options.out is None else options.out
    check_writable(folder, folder=True)
    bars = () if options.bars is None else read_bars(options.bars)
    groups = None if options.groups is None else read_groups(options.groups)
    last = None if options.against is None else read_assessment(options.against)
    if options.attacks:
        check_attacks()
    collection, pairs = _people(options)
    model = load_model(options.model)
    drift = _drift(model) if options.gallery else None
    if last is not None:
        check_comparable(last, collection.domain, model.metadata.preprocessing.alignment)
    found = assess(
        model, collection, pairs, _name(options.model), groups,
        attacks=try_attacks if options.attacks else None, drift=drift, progress=_say_progress,
    )  # fmt: skip
    comparison = None if last is None else compare_assessments(last, found.to_dict())
    paths = write_assessment(found, folder, bars, comparison)
    say(_summary(found))
    if comparison is not None:
        changed = (str(one) for one in comparison.apart if one.headline)
        for line in (*comparison.notes, comparison.summary(), *changed):
            say(line)
    for path in paths:
        say(f"saved {path}")
    broken = broken_bars(bars, found.values)
    for line in broken:
        say(f"bar broken: {line}")
    return NOT_VERIFIED if broken else DONE


def _people(options: argparse.Namespace) -> tuple[Collection, PairSet]:
    """The pairs that were given, or drawn people."""
    from siamlab.assessment.assessing import drawn_pairs
    from siamlab.data.collections import open_collection
    from siamlab.evaluation.evaluate import open_pairs

    if (options.images is None) != (options.pairs is None):
        raise InputError("--images and --pairs are given together, or neither (drawn people).")
    if options.images is None:
        return drawn_pairs()
    collection = open_collection(options.images)
    found = open_pairs(options.pairs, collection)
    note(collection.left_out_note())
    return collection, found


def _drift(model: Siamese) -> Drift:
    """The trends of the scores that the register of the workspace's gallery kept."""
    from siamlab.assessment.drift import measure_drift
    from siamlab.attendance.camera_scores import read_camera_scores
    from siamlab.attendance.register import Register
    from siamlab.cli.gallery_commands import open_gallery
    from siamlab.models.metadata import VERIFICATION

    kept = read_camera_scores(Register(open_gallery()), model.model_id)
    if not len(kept):
        note(
            "The register holds no scores of enrolled people with this model: siamlab attend mark "
            "--keep-score notes them."
        )
    threshold, _ = model.metadata.choose_threshold(None, VERIFICATION)
    return measure_drift(kept.people, kept.times, kept.scores, threshold)


def _name(model: str) -> str:
    """A model's name without its folder: a report is handed on."""
    return Path(model).name


def _say_progress(done: int, whole: int) -> None:
    say(f"{done} of {whole} photographs")


def _summary(found: Assessment) -> str:
    """The headlines as they are, and the FNMR of each condition."""
    from siamlab.system.table import Table

    rows = [(name, str(found.values[name]), "") for name in HEADLINES]
    for one in found.conditions:
        rows += [
            (
                f"{one.name}@{level:g}",
                str(found.values[f"{one.name}@{level:g}.fnmr"]),
                str(found.values[f"{one.name}@{level:g}.fmr"]),
            )
            for level in one.levels
        ]
    rows += [
        (name, str(one), "")
        for name, one in found.values.items()
        if name.startswith(("attack.", "drift."))
    ]
    head = f"threshold {found.threshold:.4f} ({found.operating_point})"
    notes = (f"Note: {note}" for note in found.notes)
    return "\n".join([head, str(Table(rows, ("", "value or FNMR", "FMR"))), *notes])

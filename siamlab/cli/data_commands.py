"""The commands for data: ``fetch`` (data sets, files of borrowed networks) and ``pairs``."""

from __future__ import annotations

import argparse
import shutil

from siamlab.cli.arguments import Commands, add_command, add_images, new_file, positive
from siamlab.cli.output import DONE, note, say
from siamlab.errors import InputError

PAIRS = 1000


def add_commands(commands: Commands) -> None:
    """Add the commands of this group."""
    command = add_command(commands, fetch)
    command.add_argument("dataset", choices=tuple(_FETCHERS), metavar="NAME", help=_NAMES)
    command.add_argument(
        "--from", dest="source", metavar="PATH", help="a local archive, folder or file"
    )

    command = add_command(commands, pairs)
    add_images(command)
    command.add_argument(
        "--count",
        type=positive(int),
        metavar="N",
        help=f"pairs in all, even (default: {PAIRS}, or as many as are possible)",
    )
    command.add_argument("--seed", type=int, default=0, metavar="S")
    command.add_argument(
        "--out", type=new_file, required=True, metavar="FILE", help="a CSV of two paths and a label"
    )


def pairs(options: argparse.Namespace) -> int:
    """Draw pairs of images, half of them of the same person, for evaluate."""
    from siamlab.data.collections import open_collection
    from siamlab.data.pairs import draw_pairs, most_pairs
    from siamlab.data.pairs_csv import write_pairs_csv

    collection = open_collection(options.images)
    wanted, most = options.count or PAIRS, most_pairs(collection)
    drawn = draw_pairs(collection, min(wanted, max(most, 2)), options.seed)
    path = write_pairs_csv(options.out, drawn, collection.root)
    say(
        f"saved {path}: {drawn.genuine} genuine and {drawn.impostor} impostor pairs of "
        f"{len(drawn.people)} people"
    )
    if options.count is not None and most < wanted:
        note(f"{wanted} pairs are wanted, but only {most} balanced ones are possible: these.")
    note(collection.left_out_note())
    return DONE


def fetch(options: argparse.Namespace) -> int:
    """Download a data set or a network's file into the workspace, or take a local copy of it."""
    for line in _FETCHERS[options.dataset](options.source):
        say(line)
    return DONE


def _fetch_lfw(source: str | None) -> list[str]:
    from siamlab.config import open_workspace
    from siamlab.data.collections import open_collection
    from siamlab.data.inspection import describe
    from siamlab.data.lfw_download import fetch_lfw

    folder = fetch_lfw(open_workspace().root / "lfw", source=source)
    return [str(describe(open_collection(folder))), str(folder)]


def _fetch_omniglot(source: str | None) -> list[str]:
    from siamlab.config import open_workspace
    from siamlab.data.omniglot import alphabets, fetch_omniglot, find_omniglot

    folder = fetch_omniglot(open_workspace().root / "omniglot", source=source)
    sets = find_omniglot(folder)
    return [*(f"{len(one)} characters of {', '.join(alphabets(one))}" for one in sets), str(folder)]


def _fetch_resnet(source: str | None) -> list[str]:
    from siamlab.config import open_workspace
    from siamlab.system.dlib_fetching import fetch_dlib_files

    return [f"saved {path}" for path in fetch_dlib_files(open_workspace().models, source)]


def _fetch_utkface(source: str | None) -> list[str]:
    from siamlab.config import open_workspace
    from siamlab.data.utkface import fetch_utkface, open_utkface

    folder = fetch_utkface(open_workspace().root / "utkface", source)
    labels = open_utkface(folder)
    ages = f"{labels.ages.min()} to {labels.ages.max()} years"
    return [f"{len(labels)} labeled faces, {ages}", str(folder)]


def _fetch_yunet(source: str | None) -> list[str]:
    from siamlab.config import open_workspace, user_path
    from siamlab.faces.detectors import YuNetDetector
    from siamlab.system.files import write_whole

    if source is None:
        raise InputError(
            "fetch yunet takes a local file: --from face_detection_yunet_2023mar.onnx or newer "
            "(OpenCV's model zoo has it)."
        )
    given = user_path(source)
    YuNetDetector(given)  # raises if OpenCV cannot open it
    named = given.name.startswith("face_detection_yunet") and given.suffix == ".onnx"
    target = open_workspace().models / (given.name if named else "face_detection_yunet.onnx")
    write_whole(target, lambda part: shutil.copyfile(given, part))
    return [f"saved {target}"]


_FETCHERS = {
    "lfw": _fetch_lfw,
    "omniglot": _fetch_omniglot,
    "resnet": _fetch_resnet,
    "utkface": _fetch_utkface,
    "yunet": _fetch_yunet,
}
_NAMES = (
    "lfw, omniglot, resnet (dlib's face ResNet), utkface (ages and genders) or yunet (the face "
    "detector)"
)

"""The command for data sets and the files of borrowed networks: ``fetch``."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from siamlab.cli.arguments import Commands, add_command
from siamlab.cli.output import DONE, say
from siamlab.errors import InputError


def add_commands(commands: Commands) -> None:
    """Add the command of this group."""
    command = add_command(commands, fetch)
    command.add_argument("dataset", choices=tuple(_FETCHERS), metavar="NAME", help=_NAMES)
    command.add_argument(
        "--from", dest="source", metavar="PATH", help="a local archive, folder or file"
    )


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


def _fetch_yunet(source: str | None) -> list[str]:
    from siamlab.config import open_workspace
    from siamlab.faces.detectors import YuNetDetector
    from siamlab.system.files import write_whole

    if source is None:
        raise InputError(
            "fetch yunet takes a local file: --from face_detection_yunet_2023mar.onnx or newer "
            "(OpenCV's model zoo has it)."
        )
    given = Path(source).expanduser()
    YuNetDetector(given)  # raises if OpenCV cannot open it
    named = given.name.startswith("face_detection_yunet") and given.suffix == ".onnx"
    target = open_workspace().models / (given.name if named else "face_detection_yunet.onnx")
    write_whole(target, lambda part: shutil.copyfile(given, part))
    return [f"saved {target}"]


_FETCHERS = {
    "lfw": _fetch_lfw,
    "omniglot": _fetch_omniglot,
    "resnet": _fetch_resnet,
    "yunet": _fetch_yunet,
}
_NAMES = "lfw, omniglot, resnet (dlib's face ResNet) or yunet (the face detector)"

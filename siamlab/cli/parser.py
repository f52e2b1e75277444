"""The grammar of the command line.

Output: a parser whose every command knows the function that runs it.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from siamlab import __version__
from siamlab.cli import commands
from siamlab.cli import people_commands as people
from siamlab.cli.output import BAD_INPUT

_IMAGES = "one folder per person, or an archive of such a folder"
_MODEL = "a .keras file, or pretrained"
_MODEL_CHOICE = (
    "a .keras, .tflite or .onnx file, or pretrained (default: SIAMLAB_MODEL, else the model that "
    "notebook 05 trained, else pretrained)"
)


class _Parser(argparse.ArgumentParser):
    """A parser whose usage errors are one line, as all other errors are."""

    def error(self, message: str) -> NoReturn:
        self.exit(BAD_INPUT, f"{self.prog}: {message} (see {self.prog} --help)\n")


def _positive(kind: Callable[[str], Any]) -> Callable[[str], Any]:
    def parse(text: str) -> Any:
        try:
            value = kind(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None
        if not value > 0:
            raise argparse.ArgumentTypeError(f"{text} is not positive")
        return value

    return parse


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1")
    return value


def _model_name(text: str) -> str:
    if not text.endswith(".keras"):
        raise argparse.ArgumentTypeError(f"a model's file name ends in .keras, not {text}")
    return text


def build_parser() -> argparse.ArgumentParser:
    """The whole command line; every command has its function in ``run``."""
    parser = _Parser(
        prog="siamlab",
        description="One-shot face verification with a Siamese network, in eight notebooks.",
        epilog="Begin with: siamlab lab (notebook 01 in JupyterLab), or siamlab run (all of it, "
        "without a browser or a camera).",
    )
    parser.add_argument("--version", action="version", version=f"siamlab {__version__}")
    chosen = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, text: str, run: Callable[[argparse.Namespace], int]) -> Any:
        sub = chosen.add_parser(name, help=text, description=text)
        sub.set_defaults(run=run)
        return sub

    sub = command(
        "run", "run the eight notebooks without a browser, print the results", commands.run
    )
    sub.add_argument("--profile", choices=("quick", "full"), help="sizes (default: quick)")
    sub.add_argument("--lfw", type=Path, metavar="PATH", help="LFW as an archive or a folder")
    sub.add_argument(
        "--subject", metavar="PERSON", help="a person of --lfw who plays the user at the camera"
    )
    sub.add_argument(
        "--model", type=Path, metavar="MODEL", help="skip training compact: take this model"
    )
    sub.add_argument("--out", type=Path, default=Path("out"), help="results go here (default: out)")

    command("lab", "open JupyterLab on notebook 01", commands.lab)

    sub = command("fetch", "download a data set, or take a local copy of it", commands.fetch)
    sub.add_argument("dataset", choices=("lfw", "omniglot"))
    sub.add_argument("--from", dest="source", metavar="PATH", help="a local archive or folder")

    sub = command("train", "train a model on a folder of people", commands.train)
    sub.add_argument("--images", type=Path, required=True, metavar="DIR", help=_IMAGES)
    sub.add_argument("--arch", choices=("koch", "compact"), default="compact")
    sub.add_argument(
        "--recipe",
        choices=("people", "report"),
        default="people",
        help="all pairs of a batch (default), or the report's pairs and cross-entropy (koch)",
    )
    length = sub.add_mutually_exclusive_group()
    length.add_argument("--minutes", type=_positive(float), metavar="M", help="time for all of it")
    length.add_argument("--epochs", type=_positive(int), metavar="N", help="passes over the images")
    sub.add_argument("--seed", type=int, default=0, metavar="S")
    sub.add_argument("--size", type=_positive(int), metavar="PIXELS", help="side of the input")
    sub.add_argument("--width", type=_positive(float), default=1.0, help="multiple of channels")
    sub.add_argument(
        "--models",
        type=int,
        choices=(1, 2),
        help="compact: 2 trains a second network that sees more around the face, and joins both "
        "(default: 2 where there are 56 minutes)",
    )
    sub.add_argument("--out", type=_model_name, required=True, metavar="MODEL.keras")

    sub = command("evaluate", "measure a model on a file of pairs", commands.evaluate)
    sub.add_argument("model", metavar="MODEL", help=_MODEL)
    sub.add_argument("--images", type=Path, required=True, metavar="DIR", help=_IMAGES)
    sub.add_argument("--pairs", type=Path, required=True, metavar="FILE", help="LFW's format")
    choice = sub.add_mutually_exclusive_group()
    choice.add_argument(
        "--calibrate", type=Path, metavar="FILE", help="pairs of other people choose the threshold"
    )
    choice.add_argument("--threshold", type=_share, metavar="T", help="between 0 and 1")
    sub.add_argument("--json", type=Path, metavar="OUT", help="write all numbers here")

    sub = command("calibrate", "set a model's threshold on people of your own", commands.calibrate)
    sub.add_argument("model", metavar="MODEL", help=_MODEL)
    sub.add_argument("--images", type=Path, required=True, metavar="DIR", help=_IMAGES)
    sub.add_argument(
        "--fmr", type=_share, default=0.01, help="share of impostors let in (default: 0.01)"
    )
    sub.add_argument(
        "--lfw",
        type=Path,
        metavar="PATH",
        help="strangers: LFW as an archive or a folder (default: SIAMLAB_LFW, else what "
        "fetch brought)",
    )
    sub.add_argument(
        "--strict", action="store_true", help="hold the rate among your own people alone too"
    )
    sub.add_argument("--json", type=Path, metavar="OUT", help="write all numbers here")
    sub.add_argument("--seed", type=int, default=0, metavar="S")
    sub.add_argument("--out", type=_model_name, required=True, metavar="MODEL.keras")

    sub = command("embed", "write the templates of images to a file", commands.embed)
    sub.add_argument("model", metavar="MODEL", help=_MODEL)
    sub.add_argument("images", nargs="+", type=Path, metavar="IMAGE")
    sub.add_argument("--out", type=Path, required=True, metavar="FILE.npz")

    sub = command("export", "write a model for ONNX Runtime or LiteRT", commands.export)
    sub.add_argument("model", metavar="MODEL", help=_MODEL)
    sub.add_argument("--format", choices=("onnx", "litert"), help="default: by the file's name")
    sub.add_argument("--out", type=Path, required=True, metavar="FILE", help=".onnx or .tflite")

    sub = command("enroll", "store templates of a person", people.enroll)
    sub.add_argument("person", metavar="PERSON")
    sub.add_argument("images", nargs="+", type=Path, metavar="IMAGE")
    sub.add_argument("--model", metavar="MODEL", help=_MODEL_CHOICE)

    sub = command("verify", "compare an image with a person's templates", people.verify)
    sub.add_argument("person", metavar="PERSON")
    sub.add_argument("image", type=Path, metavar="IMAGE")
    sub.add_argument("--model", metavar="MODEL", help=_MODEL_CHOICE)
    sub.add_argument("--threshold", type=_share, metavar="T", help="detection threshold per pair")
    sub.add_argument("--json", type=Path, metavar="OUT", help="write the verdict here")

    sub = command("identify", "say who in the gallery is in an image", people.identify)
    sub.add_argument("image", type=Path, metavar="IMAGE")
    sub.add_argument(
        "--top", type=_positive(int), default=5, metavar="N", help="candidates (default: 5)"
    )
    sub.add_argument("--model", metavar="MODEL", help=_MODEL_CHOICE)
    sub.add_argument("--threshold", type=_share, metavar="T", help="accept a person from here on")
    sub.add_argument("--json", type=Path, metavar="OUT", help="write candidates and scores here")

    sub = command(
        "bench", "measure this machine: verification, training, live loop", commands.bench
    )
    sub.add_argument("--json", type=Path, metavar="OUT", help="write all numbers here")
    return parser

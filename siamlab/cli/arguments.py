"""What the commands share: adding one, types of arguments, and usage errors of one line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from siamlab.cli.output import BAD_INPUT, write_out
from siamlab.errors import SiamlabError
from siamlab.system.files import check_writable

MODELS = "a .keras, .tflite or .onnx file, pretrained, or compact"
Commands = Any  # what argparse's add_subparsers returns; its class is private


class Parser(argparse.ArgumentParser):
    """A parser whose usage errors are one line, like all other errors."""

    def error(self, message: str) -> NoReturn:
        """Print the message on one line and exit."""
        line = SiamlabError(f"{self.prog}: {message} (see {self.prog} --help)")
        self.exit(BAD_INPUT, f"{line}\n")

    def _print_message(self, message: str, file: Any = None) -> None:
        # argparse's own keeps silent about a full device.
        write_out(message, sys.stderr if file is None else file)


def add_command(
    commands: Commands, run: Callable[[argparse.Namespace], int], name: str | None = None
) -> Parser:
    """Add a command with the name and the docstring of the function that runs it."""
    command: Parser = commands.add_parser(
        name or run.__name__, help=run.__doc__, description=run.__doc__
    )
    command.set_defaults(run=run)
    return command


def add_model(command: Parser) -> None:
    """The positional argument ``MODEL``."""
    command.add_argument("model", metavar="MODEL", help="a .keras file, pretrained, or compact")


def add_model_option(command: Parser) -> None:
    """The option ``--model MODEL`` of commands that use the gallery."""
    command.add_argument(
        "--model",
        metavar="MODEL",
        help=f"{MODELS} (default: SIAMLAB_MODEL, else the model that notebook 05 trained, else "
        "pretrained)",
    )


def add_database_option(command: Parser) -> None:
    """The option ``--database URL``."""
    text = "postgresql://user@host/name (default: SIAMLAB_DATABASE)"
    command.add_argument("--database", metavar="URL", help=text)


def add_images(command: Parser) -> None:
    """The required option ``--images DIR``."""
    text = "one folder per person, or an archive of such a folder"
    command.add_argument("--images", type=Path, required=True, metavar="DIR", help=text)


def add_json(command: Parser, text: str = "write all numbers here") -> None:
    """The option ``--json OUT``."""
    command.add_argument("--json", type=new_file, metavar="OUT", help=text)


def _number(
    kind: Callable[[str], Any], allowed: Callable[[Any], bool], what: str
) -> Callable[[str], Any]:

    def parse(text: str) -> Any:
        try:
            value = kind(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None
        if not allowed(value):
            raise argparse.ArgumentTypeError(f"{text} is not {what}")
        return value

    return parse


def positive(kind: Callable[[str], Any]) -> Callable[[str], Any]:
    """The type of an argument above zero, ``int`` or ``float``."""
    return _number(kind, lambda value: value > 0, "positive")


share = _number(float, lambda value: 0 <= value <= 1, "between 0 and 1")


def new_file(text: str, folder: bool = False) -> Path:
    """The type of a file to write: whether it can be is found out before any work."""
    try:
        check_writable(Path(text), folder)
    except SiamlabError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return Path(text)


def new_folder(text: str) -> Path:
    """The type of a folder to write files to; see :func:`new_file`."""
    return new_file(text, folder=True)


def new_model(text: str) -> Path:
    """The type of a model file to write; see :func:`new_file`."""
    if not text.endswith(".keras"):
        raise argparse.ArgumentTypeError(f"a model's file name ends in .keras, not {text}")
    return new_file(text)

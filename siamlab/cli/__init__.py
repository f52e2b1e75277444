"""The command line: ``siamlab run``, ``lab``, ``fetch``, ``train``, ``evaluate`` and the rest.

Input: arguments. Output: files and printed tables. Exit status 0 when done, 1 for a
verification that says no, 2 for bad usage or bad input with one line on standard error.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from siamlab.cli.output import BAD_INPUT, DONE, NOT_VERIFIED
from siamlab.cli.parser import build_parser
from siamlab.errors import SiamlabError

__all__ = ["BAD_INPUT", "DONE", "NOT_VERIFIED", "build_parser", "main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: those after the program's name; ``None`` takes the process' own.

    Returns:
        The exit status: 0 done, 1 not verified, 2 bad usage or bad input.
    """
    # TensorFlow prints a page of notices at start; an error must stay visible.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    options = build_parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except SiamlabError as error:
        print(f"siamlab: {error}", file=sys.stderr)
        return BAD_INPUT
    except BrokenPipeError:
        return DONE
    except KeyboardInterrupt:
        print("siamlab: interrupted; nothing half-written was kept.", file=sys.stderr)
        return 130

"""``python -m siamlab.cli.worker``: the command line in a process that ends with its starter.

:func:`siamlab.system.together.run_together` holds the other end of standard input.
"""

import os
import sys
import threading

from siamlab.cli import main
from siamlab.cli.output import BAD_INPUT


def end_with_starter() -> None:
    """Wait for the end of standard input: nothing is ever written to it."""
    os.read(0, 1)
    os._exit(BAD_INPUT)


if __name__ == "__main__":
    threading.Thread(target=end_with_starter, daemon=True).start()
    sys.exit(main())

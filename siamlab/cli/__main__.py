"""``python -m siamlab.cli``: the command line without its entry script."""

import sys

from siamlab.cli import main

sys.exit(main())

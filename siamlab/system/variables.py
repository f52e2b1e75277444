"""The environment variables that siamlab reads: one table, which notebook 01 shows."""

from __future__ import annotations

import os

from siamlab.system.table import Table

# Name, and what it sets. tests/system/test_variables.py compares it with the code.
VARIABLES = {
    "SIAMLAB_DATA": "the workspace folder; else data/workspace of the checkout",
    "SIAMLAB_PROFILE": "quick or full: all sizes in the notebooks",
    "SIAMLAB_PERSON": "the user's name; else as chosen in notebook 02",
    "SIAMLAB_CAMERA": "the user's camera; else as chosen in notebook 02",
    "SIAMLAB_PROBES": "the camera for probes; else the user's",
    "SIAMLAB_LFW": "an archive or folder of LFW: the other people",
    "SIAMLAB_OMNIGLOT": "a folder with Omniglot's two small background sets",
    "SIAMLAB_COMPACT": "a model that notebook 05 takes instead of training one",
    "SIAMLAB_MODEL": "the model of enroll, verify and identify",
    "SIAMLAB_YUNET": "the file of the detector YuNet; else found in the workspace's models/",
    "SIAMLAB_PASSPHRASE": "the gallery's passphrase",
    "SIAMLAB_PASSPHRASE_FILE": "a file that holds it",
    "SIAMLAB_NEW_PASSPHRASE": "the next passphrase, for gallery rekey",
    "SIAMLAB_DEBUG": "1 shows where an error happened",
}


def show_variables() -> Table:
    """All of them, which are set now, and what they set; no values.

    Example:
        >>> from siamlab.system.variables import show_variables
        >>> str(show_variables()).splitlines()[0].split()
        ['variable', 'now', 'what', 'it', 'sets']
    """
    rows = [[name, "set" if name in os.environ else "-", what] for name, what in VARIABLES.items()]
    return Table(rows, ["variable", "now", "what it sets"])

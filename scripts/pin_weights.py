"""Pin the packaged files' digests in siamlab/models/pins.py: python scripts/pin_weights.py

scripts/pretrain.py does so itself; without it the package refuses its own files. Look at what
changed before you commit it: from then on everybody's siamlab trusts these files.
"""

from __future__ import annotations

import re
from pathlib import Path

from siamlab.models import pins
from siamlab.models.locations import NAMES
from siamlab.system.files import sha256, write_text

MODULE = Path(pins.__file__)


def main() -> None:
    """Replace the list of digests."""
    lines = "".join(f'    "{path.name}": "{sha256(path)}",\n' for path in NAMES.values())
    text = re.sub(r"PINS = {.*?}", f"PINS = {{\n{lines}}}", MODULE.read_text(), flags=re.DOTALL)
    write_text(MODULE, text)


if __name__ == "__main__":
    main()

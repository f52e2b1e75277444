"""Build the site: python scripts/build_site.py [FOLDER]

Chapters from the notebooks with the outputs that are stored in them (none is run), the pages of
``docs/``, and the reference from docstrings and from the command line's own help. A warning is an
error. The result, in ``out/site`` unless told otherwise, needs no server and no network: open its
``index.html``.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FIRST = """\
<!DOCTYPE html>
<meta charset="utf-8">
<meta http-equiv="refresh" content="0; url=docs/index.html">
<title>siamlab</title>
<a href="docs/index.html">siamlab</a>
"""


def build(folder: Path) -> int:
    """Build into a folder; returns Sphinx' exit status."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # losses import Keras
    from sphinx.cmd.build import build_main

    with tempfile.TemporaryDirectory() as trees:
        options = ["-q", "-W", "--keep-going", "-c", str(ROOT / "docs"), "-d", trees]
        status = build_main([*options, str(ROOT), str(folder)])
    (folder / "index.html").write_text(FIRST)
    (folder / ".nojekyll").touch()  # GitHub's pages leave out _static without it
    return status


def main() -> int:
    """Build, and say where it is."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "out" / "site"
    status = build(folder)
    print("there were warnings, see above" if status else f"open {folder / 'index.html'}")
    return status


if __name__ == "__main__":
    sys.exit(main())

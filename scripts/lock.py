"""Pin what the project installs: make constraints.txt from a fresh virtual environment.

Run it with the oldest supported Python (3.11), so that every version it pins exists there.
The file holds versions only, no index addresses.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HEADER = """\
# Versions that the project is tested with; made by scripts/lock.py, not by hand.
# Use: pip install -c constraints.txt -e ".[test]"
"""


def main() -> None:
    """Install into a fresh environment and write the versions down."""
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = Path(folder) / ("Scripts" if sys.platform == "win32" else "bin") / "python"
        subprocess.run([python, "-m", "pip", "install", "-q", "-e", f"{ROOT}[test]"], check=True)
        frozen = subprocess.run(
            [python, "-m", "pip", "freeze", "--exclude-editable", "--exclude", "siamlab"],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
    pins = sorted(line for line in frozen.splitlines() if "==" in line)
    (ROOT / "constraints.txt").write_text(HEADER + "\n".join(pins) + "\n")
    print(f"constraints.txt: {len(pins)} packages")


if __name__ == "__main__":
    main()

"""Write, or take away, what opens the notebooks in Colab and Binder: python scripts/badges.py

One setting decides: ``repository`` of ``[tool.siamlab]`` in ``pyproject.toml``, the address of a
public GitHub repository. With one, the README and every notebook get badges, and every notebook a
cell that installs siamlab in Colab and does nothing elsewhere. Without one they have neither.
"""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

from siamlab.course.notebooks import notebook_paths

ROOT = Path(__file__).resolve().parents[1]
BRANCH = "main"
BADGES, INSTALL = "open-elsewhere", "install-in-colab"  # the ids of the cells
_CELL = """\
import sys

if "google.colab" in sys.modules:  # elsewhere siamlab is installed already
    %pip install -q "siamlab @ git+{address}@{branch}"
    from google.colab import output

    output.enable_custom_widget_manager()  # the panels need it"""


def repository(project: Path = ROOT / "pyproject.toml") -> str:
    """The setting; empty where no repository is public."""
    address = tomllib.loads(project.read_text())["tool"]["siamlab"]["repository"]
    if address and not re.fullmatch(r"https://github\.com/[\w.-]+/[\w.-]+", address):
        raise SystemExit(
            "repository in pyproject.toml: expected https://github.com/OWNER/NAME, or nothing. "
            f"Received: {address!r}."
        )
    return str(address)


def badges(address: str, notebook: str, figures: str) -> str:
    """Both badges of one notebook, as Markdown; ``figures`` is the way to that folder."""
    name = address.removeprefix("https://github.com/")
    file = f"notebooks/{notebook}.ipynb"
    colab = f"https://colab.research.google.com/github/{name}/blob/{BRANCH}/{file}"
    binder = f"https://mybinder.org/v2/gh/{name}/{BRANCH}?urlpath=lab/tree/{file}"
    return (
        f"[![Open in Colab]({figures}/badges/colab.svg)]({colab}) "
        f"[![Open in Binder]({figures}/badges/binder.svg)]({binder})"
    )


def mark_notebook(path: Path, address: str) -> None:
    """Put the two cells below the title, anew; without an address take them away."""
    notebook = json.loads(path.read_text("utf-8"))
    cells = [cell for cell in notebook["cells"] if cell["id"] not in (BADGES, INSTALL)]
    if address:
        cells[1:1] = [
            _cell(BADGES, "markdown", badges(address, path.stem, "../figures")),
            _cell(INSTALL, "code", _CELL.format(address=address, branch=BRANCH)),
        ]
    if cells != notebook["cells"]:
        notebook["cells"] = cells
        path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", "utf-8")


def _cell(name: str, kind: str, text: str) -> dict[str, Any]:
    cell = {"cell_type": kind, "id": name, "metadata": {}, "source": text.splitlines(True)}
    # As if it had been run: it has no output, and nbval compares it.
    return cell if kind == "markdown" else {**cell, "execution_count": 1, "outputs": []}


def mark_readme(text: str, address: str) -> str:
    """The README with the badges of the first notebook below its title, or without any."""
    text = re.sub(r"^\[!\[Open in Colab\].*\n\n", "", text, flags=re.M)
    if not address:
        return text
    title, rest = text.split("\n\n", 1)
    return f"{title}\n\n{badges(address, notebook_paths()[0].stem, 'figures')}\n\n{rest}"


def main() -> None:
    """Bring the README and all notebooks in line with the setting."""
    address = repository()
    for path in notebook_paths():
        mark_notebook(path, address)
    readme = ROOT / "README.md"
    readme.write_text(mark_readme(readme.read_text("utf-8"), address), "utf-8")
    print(f"badges of {address}" if address else "no badges: no repository is public")


if __name__ == "__main__":
    main()

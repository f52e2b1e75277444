"""Copies of the notebooks to work in, outside git: one's answers stay, new versions are offered.

A copy follows the checkout while only outputs and metadata differ from it. Once a cell was
changed, the copy is its owner's: a newer version is then put beside it, never over it.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from siamlab.config import Workspace
from siamlab.system.files import whole_file, write_text

VERSIONS = ".versions.json"  # name to digest: which version each copy was made from
NEW = ".new.ipynb"


def notebook_copies(workspace: Workspace) -> Path:
    """The folder of the copies, beside the data that they work with."""
    return workspace.root / "notebooks"


def copy_notebooks(sources: Sequence[Path], folder: Path) -> list[str]:
    """Copy what is missing, renew what was only run, offer what would replace somebody's answers.

    Args:
        sources: the notebooks of the checkout.
        folder: the copies'; made if missing.

    Returns:
        A line for each copy that was renewed or has a newer version beside it.

    Raises:
        StorageError: the folder cannot be written.
    """
    made_from = _read_versions(folder)
    said = []
    for source in sources:
        copy, offer = folder / source.name, folder / f"{source.stem}{NEW}"
        newest, present = _digest(source), _digest(copy) if copy.is_file() else ""
        if present and present != newest and made_from.get(source.name) == newest:
            continue  # answers in the newest version
        if present and present not in (newest, made_from.get(source.name)):
            _copy(source, offer)
            said.append(
                f"{source.stem} has a newer version: {offer.name}, beside yours. To take it, "
                f"rename it to {copy.name}."
            )
            continue
        if present != newest:
            _copy(source, copy)
            if present:
                said.append(f"{source.stem}: renewed, you had changed nothing in it.")
        offer.unlink(missing_ok=True)
        made_from[source.name] = newest
    write_text(folder / VERSIONS, json.dumps(made_from, indent=1) + "\n")
    return said


def _copy(source: Path, target: Path) -> None:
    with whole_file(target) as part:
        shutil.copyfile(source, part)


def _digest(notebook: Path) -> str:
    """A digest of what the cells say: neither outputs nor what JupyterLab writes beside them."""
    try:
        cells = json.loads(notebook.read_bytes())["cells"]
        said = [[cell["cell_type"], "".join(cell["source"])] for cell in cells]
    except (ValueError, KeyError, TypeError):  # somebody's unfinished work: no version of ours
        return "damaged"
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def _read_versions(folder: Path) -> dict[str, str]:
    try:
        return dict(json.loads((folder / VERSIONS).read_text("utf-8")))
    except (OSError, ValueError, TypeError):  # then every copy that differs counts as changed
        return {}

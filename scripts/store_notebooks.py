"""Run all notebooks in the quick profile; store their outputs and their figures.

nbval compares a notebook with its stored outputs, so store them again whenever a result changes on
purpose. Outputs of cells tagged ``nbval-ignore-output`` are stored for the reader; only the
comparison leaves them out. Give names to store only some:

    python scripts/store_notebooks.py 03_preprocessing 06_evaluation
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

from siamlab.course.notebooks import notebook_paths

FIGURES = Path(__file__).resolve().parents[1] / "figures" / "quick"
WIDGET = "application/vnd.jupyter.widget-view+json"
KEPT_METADATA = {"kernelspec", "language_info"}


def store(path: Path) -> None:
    """Run one notebook and store it without metadata that differs between machines."""
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(
        notebook,
        timeout=1200,
        kernel_name="python3",
        store_widget_state=False,
        extra_arguments=["--log-level=ERROR"],
        coalesce_streams=True,  # a progress bar is one line, not hundreds
        resources={"metadata": {"path": str(path.parent)}},
    ).execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", ()):
            leave_picture(output.get("data", {}))
    kept = KEPT_METADATA & notebook.metadata.keys()
    notebook.metadata = {key: notebook.metadata[key] for key in sorted(kept)}
    notebook.metadata.get("language_info", {}).pop("version", None)
    nbformat.write(notebook, path)
    print(f"{path.name}: {path.stat().st_size / 1e6:.2f} MB")


def leave_picture(data: dict[str, Any]) -> None:
    """Of a panel keep the picture alone: GitHub and nbviewer show an error for a widget."""
    if "image/png" in data:
        data.pop(WIDGET, None)


def main() -> None:
    """Store all notebooks, in order, in one temporary workspace."""
    chosen = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault("SIAMLAB_DATA", folder)
        os.environ["SIAMLAB_PROFILE"] = "quick"
        os.environ.pop("SIAMLAB_LFW", None)
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        for path in notebook_paths():
            if not chosen or path.stem in chosen:
                store(path)
        # Only drawn people are in these figures: the quick profile without LFW.
        drawn = Path(os.environ["SIAMLAB_DATA"]) / "figures"
        if drawn.is_dir():
            shutil.copytree(drawn, FIGURES, dirs_exist_ok=True)


if __name__ == "__main__":
    main()

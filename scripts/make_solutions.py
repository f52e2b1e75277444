"""Make the notebooks of solutions from the chapters, and store their outputs.

In a chapter an exercise is a Markdown cell tagged ``exercise`` and, right after it, a code cell
tagged ``answer``, whose metadata hold the source of the ``solution``. Give names to make only some:

    python scripts/make_solutions.py 03_preprocessing 06_evaluation
"""

from __future__ import annotations

import os
import sys
import tempfile
from itertools import pairwise
from typing import Any

import nbformat

from siamlab.course.notebooks import notebook_paths, solutions_path


def exercises(chapter: Any) -> list[tuple[Any, Any]]:
    """Each exercise's text and answer cell."""
    return [
        (text, answer)
        for text, answer in pairwise(chapter.cells)
        if "exercise" in text.metadata.get("tags", ())
    ]


def solutions(chapter: Any, name: str) -> Any:
    """The notebook of a chapter's solutions, without outputs.

    Args:
        chapter: the chapter's notebook.
        name: its file's name without suffix.
    """
    title = chapter.cells[0].source.splitlines()[0].removeprefix("# ")
    opening = (
        f"# {title}: solutions\n\nOne way to solve each exercise of [{title}](../{name}.ipynb); "
        "yours may be as good. Try first: `check` gives hints."
    )
    cells = [nbformat.v4.new_markdown_cell(opening, id="title")]
    for text, answer in exercises(chapter):
        cells += [
            nbformat.v4.new_markdown_cell(text.source, id=text.id),
            nbformat.v4.new_code_cell(answer.metadata["solution"], id=answer.id),
        ]
    return nbformat.v4.new_notebook(
        cells=cells, metadata={"kernelspec": chapter.metadata["kernelspec"]}
    )


def main() -> None:
    """Write and run the solutions of the chapters that have exercises."""
    from store_notebooks import store

    chosen = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SIAMLAB_DATA"] = folder
        os.environ["SIAMLAB_PROFILE"] = "quick"
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        for path in notebook_paths():
            chapter = nbformat.read(path, as_version=4)
            if exercises(chapter) and (not chosen or path.stem in chosen):
                target = solutions_path(path)
                target.parent.mkdir(exist_ok=True)
                nbformat.write(solutions(chapter, path.stem), target)
                store(target)


if __name__ == "__main__":
    main()

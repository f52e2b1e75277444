"""Who is at which camera is chosen in notebook 02 alone, and shown at the head of the others."""

from __future__ import annotations

import json
import re

import pytest

from siamlab.course.notebooks import notebook_paths

CHOICE = re.compile(r"^(PERSON|CAMERA|PROBE_CAMERA) =", re.M)
MEANT = re.compile(r"\bcaptures\b|\.person\b|open_camera")  # somebody in particular


def code(path) -> list[str]:
    cells = json.loads(path.read_text())["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


@pytest.mark.parametrize("path", notebook_paths(), ids=lambda path: path.stem)
def test_one_cell_chooses_and_the_others_show(path):
    cells = code(path)
    chosen = [name for cell in cells for name in CHOICE.findall(cell)]
    assert chosen == (["PERSON", "CAMERA"] if path.stem == "02_webcam_collection" else [])
    source = "\n".join(cells)
    if "open_who" not in source:
        assert not MEANT.search(source)
        return
    head = next(number for number, cell in enumerate(cells) if "who = open_who(" in cell)
    assert "print(who" in cells[head]
    assert head <= 4 and not MEANT.search("\n".join(cells[:head])), "first who, then their images"
    assert "open_workspace" not in source, "its person would be found another way"

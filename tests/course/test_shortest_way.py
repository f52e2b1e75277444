"""The README's shortest way: positives by buttons, then notebook 07, and no training."""

from __future__ import annotations

import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

import siamlab
from siamlab.capture.session import CaptureController
from siamlab.capture.who import open_who

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    monkeypatch.setenv("SIAMLAB_DATA", str(tmp_path))
    who = open_who()
    with CaptureController(who.workspace, siamlab.open_camera(who.camera)) as controller:
        controller.burst("positive", 2)
    return who.workspace.make()


def test_notebook_07_begins_live_and_says_what_later_cells_lack(workspace):
    book = nbformat.read(NOTEBOOKS / "07_realtime_verification.ipynb", as_version=4)
    client = NotebookClient(book, timeout=600, kernel_name="python3", allow_errors=True)
    client.execute(env={**os.environ})
    code = [cell for cell in book.cells if cell.cell_type == "code"]
    failed = next(
        number for number, cell in enumerate(code)
        if any(out.output_type == "error" for out in cell.outputs)
    )  # fmt: skip
    live = next(number for number, cell in enumerate(code) if "VerifyPanel(" in cell.source)
    assert live < failed, "the panel is there, and ten frames were verified"
    (frames,) = (out.data["text/plain"] for out in code[live + 1].outputs if "data" in out)
    assert frames.count("verified") >= 5, "of ten frames; unknown is no verdict"
    (error,) = code[failed].outputs
    assert error.traceback == [
        "MissingStepError: There are no probes images of 'drawn'. Run notebook "
        "02_webcam_collection first (same SIAMLAB_DATA)."
    ]
    assert not any(workspace.negative.iterdir()), "nobody waited for drawn strangers"
    chosen = "".join(out.text for out in code[1].outputs if out.output_type == "stream")
    assert "pretrained: notebook 05 has trained no model here" in chosen

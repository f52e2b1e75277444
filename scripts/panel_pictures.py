"""Take the pictures of the panels in figures/panels: python scripts/panel_pictures.py

Shows the panels of notebooks 02 and 07 in JupyterLab and headless Chromium, as the browser tests
do. Only drawn people are in the pictures.
"""

from __future__ import annotations

import io
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image, ImageOps

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "tests" / "ui" / "browser"))

from jupyter_in_browser import Page, chromium, jupyter_lab, wait_for, write_notebook  # noqa: E402

FIGURES = ROOT / "figures" / "panels"
WINDOW = "--window-size=1700,1500"  # both columns of the verification panel fit side by side
MARGIN = 8  # pixels around a panel
SECONDS = 300

CAPTURE = """
import siamlab
from siamlab.capture.who import open_who
from siamlab.ui.panels import CapturePanel

who = open_who()
CapturePanel(who.workspace.make(), who.camera, siamlab.open_detector()).show()
"""
# A model of photographs promises nothing about drawn people before it is calibrated on some.
VERIFY = """
import siamlab
from siamlab.capture.session import CaptureController
from siamlab.capture.who import open_who
from siamlab.data.synthetic import write_people
from siamlab.ui.panels import VerifyPanel

who, detector = open_who(), siamlab.open_detector()
with CaptureController(who.workspace, siamlab.open_camera(who.camera), detector) as controller:
    controller.fill({"positive": 12}, every=5)
model = siamlab.load_model("pretrained")
siamlab.calibrate(model, write_people("others", people=60, images=4, seed=5), fmr=0.01)
verifier = siamlab.Verifier(model, siamlab.Gallery(who.workspace.gallery), domain=who.domain)
captures = who.captures("positive")
verifier.enroll(who.person, captures.images("positive"), consent=captures.agreement)
VerifyPanel(verifier, who.probe_camera, who.person, captures=captures).show()
"""


def take(page: Page, words: str, path: Path) -> None:
    """Wait until the panel says some words, and store its picture."""
    wait_for(lambda: words in " ".join(page.texts(".siamlab-panel")), SECONDS, words)
    edges = page.driver.execute_script(
        "const panel = document.querySelector('.siamlab-panel');"
        "panel.scrollIntoView({block: 'center'});"
        "const {left, top, right, bottom} = panel.getBoundingClientRect();"
        "return [left, top, right, bottom]"
    )
    window = Image.open(io.BytesIO(page.driver.get_screenshot_as_png())).convert("RGB")
    panel = window.crop(tuple(map(round, edges)))
    panel = panel.crop(ImageOps.invert(panel.convert("L")).getbbox())  # white at its right
    ImageOps.expand(panel, MARGIN, "white").quantize(256).save(path)


def main() -> None:
    """Take both pictures."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / ".jupyter").mkdir()
        environment = {"SIAMLAB_DATA": str(folder / "data"), "PYTHONPATH": str(ROOT)}
        browser = chromium(folder / ".profile", [WINDOW])
        with jupyter_lab(folder, environment) as address, browser as driver:
            for name, cell, words in (
                ("capture", CAPTURE, "5 of 20 images"),
                ("verify", VERIFY, "drawn verified"),
            ):
                write_notebook(folder / f"{name}.ipynb", [cell])
                page = Page(driver, address, f"{name}.ipynb")
                page.run_all(SECONDS)
                if name == "capture":
                    page.click("Guided")
                else:
                    time.sleep(10)  # of scores
                take(page, words, FIGURES / f"{name}.png")


if __name__ == "__main__":
    main()

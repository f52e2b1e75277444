"""The panels in JupyterLab: a real browser opens them, clicks, and files appear.

Screenshots go to the folder that ``SIAMLAB_SCREENSHOTS`` names, else to pytest's own.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jupyter_in_browser import (
    Page,
    chromium,
    jupyter_lab,
    missing_part,
    wait_for,
    write_notebook,
)

from siamlab.config import DRAWN_PERSON, Workspace
from siamlab.data.synthetic import write_people

pytestmark = pytest.mark.skipif(bool(missing_part()), reason=missing_part() or "all is here")
PERSON = DRAWN_PERSON
REPOSITORY = Path(__file__).resolve().parents[3]

PANELS = [
    """
from pathlib import Path
from fakes import FakeModel
from siamlab.capture.cameras import open_camera
from siamlab.faces.detectors import GuideDetector
from siamlab.gallery import Gallery
from siamlab.config import open_workspace
from siamlab.verification.verifier import Verifier
from siamlab.ui.panels import CapturePanel, VerifyPanel
workspace = open_workspace().make()
""",
    """
capture = CapturePanel(workspace, "drawn:7", shots=3)
capture.show()
""",
    """
verifier = Verifier(FakeModel(), Gallery(workspace.gallery), GuideDetector())
verifier.enroll("Ada", [open_camera("drawn:8").read()], consent="drawn")
verify = VerifyPanel(verifier, "drawn:8", "Ada")
verify.show()
""",
]

PAIRS = """
from pathlib import Path
import numpy as np
from fakes import FakeModel
from siamlab.data.collections import open_collection
from siamlab.data.pairs import PairSet
from siamlab.data.synthetic import write_people
from siamlab.faces.crop import Preprocessing
from siamlab.ui.panels import ExplorerPanel


class LevelModel(FakeModel):
    def embed(self, images, batch=64):
        return super().embed(images)

    def score_pairs(self, first, second):
        return 1 - np.abs(first[:, 0] - second[:, 0])


model = LevelModel()
model.metadata = model.metadata.__class__(
    preprocessing=Preprocessing(size=32, alignment="none"), versions={}
)
one, two = open_collection(write_people(Path("drawn"), people=2, images=4, seed=3)).people
a, b = one.images, two.images
names = (one.name, one.name, one.name, one.name), (one.name, two.name, one.name, two.name)
pairs = PairSet((a[0], a[0], a[2], a[3]), (a[1], b[0], a[3], b[1]), np.array([1, 0, 1, 0]), *names)
"""
EXPLORER = """
explorer = ExplorerPanel(model, pairs, [0.9, 0.8, 0.3, 0.1], threshold=0.5)
explorer
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, str, Path]]:
    """A browser, the server's address, and the folder that it serves."""
    folder = tmp_path_factory.mktemp("lab")
    (folder / ".jupyter").mkdir()
    search = [str(REPOSITORY), str(REPOSITORY / "tests"), os.environ.get("PYTHONPATH", "")]
    environment = {
        "SIAMLAB_DATA": str(folder / "data"),
        "SIAMLAB_LFW": str(write_people(folder / "others", people=40, images=2, seed=8)),
        "PYTHONPATH": os.pathsep.join(filter(None, search)),
    }
    with jupyter_lab(folder, environment) as address, chromium(folder / ".profile") as driver:
        yield driver, address, folder


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    return Path(os.environ.get("SIAMLAB_SCREENSHOTS") or tmp_path)


def copied(name: str, folder: Path) -> str:
    source = REPOSITORY / "notebooks" / f"{name}.ipynb"
    if not source.is_file():
        pytest.skip(f"there is no notebooks/{source.name} yet")
    shutil.copy(source, folder)
    return source.name


def make_trained_workspace(data: Path, others: Path) -> None:
    """Small results of notebooks 02 and 05: captures of a drawn person, and two models."""
    from siamlab.capture.who import DRAWN_USER
    from siamlab.data.collections import open_collection
    from siamlab.data.negatives import split_negatives
    from siamlab.data.synthetic import Conditions, Identity, draw_face
    from siamlab.gallery.captures import KINDS, FolderCaptures
    from siamlab.models.saving import save_model
    from siamlab.training.recipes import new_koch, train_compact
    from siamlab.training.settings import TrainingSettings

    workspace = Workspace(data, PERSON).make()
    rng = np.random.default_rng(0)
    captures = FolderCaptures(workspace, "drawn")
    for kind in KINDS:
        for _ in range(4):
            captures.add(kind, draw_face(Identity(DRAWN_USER), Conditions.sample(rng)))
    split = split_negatives(open_collection(others))
    model, _ = train_compact(
        split.train,
        split.validation,
        TrainingSettings(steps=20, people=16, verbose=0),
        size=32,
        width=0.25,
    )
    save_model(model, workspace.models / "siamese.keras", optimizer=False)
    koch = new_koch(64, 0.05, split.train.names, seed=0)
    save_model(koch, workspace.models / "koch.keras", optimizer=False)


def count(folder: Path) -> int:
    return len(list(folder.glob("[!.]*.jpg")))


def test_both_panels(served: tuple[Any, str, Path], pictures: Path) -> None:
    driver, address, folder = served
    write_notebook(folder / "panels.ipynb", PANELS)
    page = Page(driver, address, "panels.ipynb")
    page.run_all(60)

    before = page.picture_sources()
    wait_for(lambda: page.picture_sources() != before, 20, "the preview moves")

    anchors = Workspace(folder / "data", PERSON).anchor
    page.click("Anchor")
    wait_for(lambda: count(anchors) == 1, 20, "a file appears")
    # With a button focused, letters are the panel's: b inserts no cell.
    cells = len(page.texts(".jp-Cell"))
    page.press("Anchor", "b")
    page.press("Anchor", "a")
    wait_for(lambda: count(anchors) == 2, 20, "the key a captures")
    assert len(page.texts(".jp-Cell")) == cells
    page.screenshot(pictures / "capture_panel.png")
    page.click("Remove")
    wait_for(lambda: count(anchors) == 1, 20, "a file goes")

    page.click("Guided")
    saved = Workspace(folder / "data", PERSON)
    wait_for(lambda: count(saved.anchor) + count(saved.positive) == 4, 120, "three shots")
    wait_for(lambda: "Done: 3 images" in " ".join(page.texts(".widget-html")), 20, "it is done")

    told = page.attributes(".siamlab-panel img", "alt")
    assert told and all(told)
    assert page.attributes(".siamlab-panel .siamlab-verdict .widget-html-content", "aria-live")
    assert page.attributes(".siamlab-panel", "data-lm-suppress-shortcuts") == ["true", "true"]
    assert set(page.attributes("button.widget-toggle-button", "aria-pressed")) == {"false", "true"}
    wait_for(lambda: "Ada verified" in " ".join(page.texts(".widget-html")), 20, "a verdict")
    page.button("Verify")
    page.click("Verify")
    page.screenshot(pictures / "verify_panel.png")


def test_the_explorer_of_pairs(served: tuple[Any, str, Path], pictures: Path) -> None:
    """By click and by keyboard; every part has a name, and the focus is seen."""
    driver, address, folder = served
    write_notebook(folder / "explorer.ipynb", [PAIRS, EXPLORER])
    page = Page(driver, address, "explorer.ipynb")
    page.run_all(60)
    alt = "Two faces side by side, person_0001 and person_0002. pair 1: FALSE MATCH, score 0.800"
    wait_for(lambda: shown(page).startswith(alt), 20, "the worst mistake, large")
    assert "drives them apart" in shown(page) or "makes them alike" in shown(page)
    named = page.attributes(".siamlab-panel [role=slider], .siamlab-pairs select", "aria-label")
    assert named == ["Lowest score", "Highest score", "Pairs"]

    show, _, listed = driver.find_elements("css selector", ".siamlab-panel select")
    show.send_keys("m")  # mistakes
    wait_for(lambda: "2 of 4 pairs" in page.texts(".siamlab-status .widget-html-content"), 20, "2")
    outline = "return getComputedStyle(document.activeElement).outlineWidth"
    assert driver.execute_script(outline) == "3px"
    listed.send_keys("\ue015")  # arrow down
    wait_for(lambda: "pair 2: FALSE NON-MATCH" in shown(page), 20, "the next pair")
    page.click("Heat map")
    wait_for(lambda: "makes" not in shown(page) and "drives" not in shown(page), 20, "no map")
    page.screenshot(pictures / "explorer_panel.png")


def shown(page: Page) -> str:
    return " ".join(filter(None, page.attributes(".siamlab-panel .widget-html img", "alt")))


def test_notebook_02_captures(served: tuple[Any, str, Path], pictures: Path) -> None:
    driver, address, folder = served
    page = Page(driver, address, copied("02_webcam_collection", folder))
    page.run_all(180)
    anchors = Workspace(folder / "data", PERSON).anchor
    before = count(anchors)
    page.click("Anchor")
    wait_for(lambda: count(anchors) == before + 1, 20, "a file appears")
    page.screenshot(pictures / "notebook_02.png")


def test_notebook_07_verifies(served: tuple[Any, str, Path], pictures: Path) -> None:
    driver, address, folder = served
    name = copied("07_realtime_verification", folder)
    make_trained_workspace(folder / "data", folder / "others")
    page = Page(driver, address, name)
    page.run_all(180)
    page.click("Verify")
    answers = [f"{PERSON} verified", f"{PERSON} not verified", f"this is {PERSON}"]

    def answered() -> bool:
        said = " ".join(page.texts(".widget-html"))
        return any(answer in said for answer in answers)

    wait_for(answered, 30, "a verdict")
    page.screenshot(pictures / "notebook_07.png")

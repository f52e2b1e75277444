"""The browser's camera in JupyterLab: Chromium films a drawn person, the kernel gets the frames."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

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
from test_notebooks_in_browser import PERSON, REPOSITORY, count

from siamlab.capture.cameras import open_camera
from siamlab.config import Workspace
from siamlab.data.collections import Collection
from siamlab.images.decode import read_image
from siamlab.ui.html import encode_jpeg

pytestmark = pytest.mark.skipif(bool(missing_part()), reason=missing_part() or "all is here")

ADA, OTHER = 8, 12  # drawn people
FRAMES = 30  # of a film, which the browser repeats
PATIENCE = 40  # seconds, on a busy machine
ALLOWED, REFUSED = "--use-fake-ui-for-media-stream", "--deny-permission-prompts"

SET_UP = """
import json, threading, time
from pathlib import Path
from siamlab.capture import stream
from siamlab.capture.cameras import open_camera
from siamlab.config import open_workspace
from siamlab.faces.detectors import GuideDetector
from siamlab.ui.panels import CapturePanel, VerifyPanel
workspace = open_workspace().make()

def tell():  # the test reads which cameras are read, and how many frames came
    while True:
        text = json.dumps({r.name: r.snapshot.number for r in list(stream._ACTIVE.values())})
        Path("{name}.new").write_text(text)
        Path("{name}.new").replace("{name}.json")
        time.sleep(0.1)

threading.Thread(target=tell, daemon=True).start()
"""
CAPTURE = """
panel = CapturePanel(workspace, "browser", GuideDetector(), shots=3, consent="drawn")
panel.show()
"""
READ = """
with open_camera("browser") as camera:
    print(camera.read().shape)
"""
DRAWN = """
CapturePanel(workspace, "drawn:7", GuideDetector()).show()
"""
VERIFY = f"""
from siamlab.gallery import Gallery
from siamlab.models.saving import load_model
from siamlab.verification.verifier import Verifier
verifier = Verifier(load_model("compact"), Gallery(workspace.gallery), GuideDetector())
verifier.enroll("Ada", [open_camera("drawn:{ADA}").read()], consent="drawn", replace=True)
VerifyPanel(verifier, "browser", "Ada").show()
"""

VERIFY_PHOTOGRAPHS = """
from siamlab.faces.detectors import open_detector
from siamlab.gallery import Gallery
from siamlab.gallery.consent import give_consent
from siamlab.models.saving import load_model
from siamlab.verification.verifier import Verifier
verifier = Verifier(load_model("pretrained"), Gallery(workspace.gallery), open_detector())
agreed = give_consent("2999-12-31", by="Serena")
verifier.enroll("Serena", sorted(Path("enrolled").iterdir()), consent=agreed, replace=True)
VerifyPanel(verifier, "browser", "Serena").show()
"""


class Lab:
    """A server on a folder, with films."""

    def __init__(self, address: str, folder: Path) -> None:
        self.address, self.folder, self.name = address, folder, ""

    @contextmanager
    def page(self, cells: list[str], *arguments: str) -> Iterator[Page]:
        """A new notebook in a new browser; its set-up has run."""
        self.name = f"notebook{len(list(self.folder.glob('*.ipynb')))}"
        set_up = SET_UP.replace("{name}", self.name)
        write_notebook(self.folder / f"{self.name}.ipynb", [set_up, *cells])
        with chromium(self.folder / f".{self.name}", arguments) as driver:
            yield Page(driver, self.address, f"{self.name}.ipynb")

    def film(self, person: int) -> tuple[str, str, str]:
        """Chromium's arguments for a camera that shows a drawn person."""
        return self.film_of(str(person), open_camera(f"drawn:{person}", frames=FRAMES))

    def film_of(self, name: str, frames: Iterable[np.ndarray]) -> tuple[str, str, str]:
        """Chromium's arguments for a camera that shows these frames."""
        path = self.folder / f"{name}.mjpeg"
        if not path.is_file():
            path.write_bytes(b"".join(encode_jpeg(frame, 640) for frame in frames))
        fake = "--use-fake-device-for-media-stream"
        return ALLOWED, fake, f"--use-file-for-fake-video-capture={path}"

    def readers(self) -> dict[str, int]:
        """The cameras that the newest kernel reads, and how many frames came."""
        return dict(json.loads((self.folder / f"{self.name}.json").read_text()))

    def wait_for_frames(self, camera: str = "Browser camera", more_than: int = 3) -> None:
        wait_for(lambda: self.readers().get(camera, 0) > more_than, PATIENCE, "frames come")

    def wait_for_silence(self) -> None:
        wait_for(lambda: not self.readers(), PATIENCE, "the reader stops")


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    folder = tmp_path_factory.mktemp("lab")
    (folder / ".jupyter").mkdir()
    search = [str(REPOSITORY), str(REPOSITORY / "tests"), os.environ.get("PYTHONPATH", "")]
    environment = {
        "SIAMLAB_DATA": str(folder / "data"),
        "PYTHONPATH": os.pathsep.join(filter(None, search)),
    }
    with jupyter_lab(folder, environment) as address:
        yield Lab(address, folder)


def light(page: Page) -> str:
    return " ".join(page.texts(".siamlab-state"))


def said(page: Page) -> str:
    return " ".join(page.texts(".widget-html"))


def test_captures_by_click_and_by_key_until_nobody_sees_it(lab: Lab, tmp_path: Path) -> None:
    anchors = Workspace(lab.folder / "data", PERSON).anchor
    with lab.page([CAPTURE], *lab.film(ADA)) as page:
        page.run_all(PATIENCE)
        assert light(page) == "Browser camera is off"
        assert lab.readers() == {}, "nothing is sent before Start"

        page.click("Start")
        lab.wait_for_frames()
        assert light(page) == "Browser camera is on"
        page.click("Anchor")
        wait_for(lambda: count(anchors) == 1, PATIENCE, "a click saves")
        page.press("Anchor", " ")
        wait_for(lambda: count(anchors) == 2, PATIENCE, "a key saves")
        page.click("Undo")
        wait_for(lambda: count(anchors) == 1, PATIENCE, "one is removed")
        wait_for(lambda: page.texts(".siamlab-speed")[0], PATIENCE, "the speed is shown")
        page.screenshot(Path(os.environ.get("SIAMLAB_SCREENSHOTS") or tmp_path) / "camera.png")

        page.run_cell(1)  # again: the first panel leaves the page
        lab.wait_for_silence()
        wait_for(lambda: light(page) == "Browser camera is off", PATIENCE, "the light goes out")

        page.click("Start")
        lab.wait_for_frames()
        page.kernel("interrupt")  # an idle one
        lab.wait_for_silence()

        page.click("Start")
        lab.wait_for_frames()
        page.kernel("restart")
        wait_for(lambda: "is on" not in light(page), PATIENCE, "the light goes out")


def test_stops_when_the_tab_is_hidden_or_closed(lab: Lab) -> None:
    with lab.page([CAPTURE], *lab.film(ADA)) as page:
        page.run_all(PATIENCE)
        page.click("Start")
        lab.wait_for_frames()
        page.driver.execute_script(
            "Object.defineProperty(document, 'hidden', {configurable: true, get: () => true});"
            "document.dispatchEvent(new Event('visibilitychange'));"
            "delete document.hidden"
        )
        lab.wait_for_silence()
        wait_for(lambda: "its page was hidden" in said(page), PATIENCE, "the reason is shown")

        page.click("Start")
        lab.wait_for_frames()
        page.driver.switch_to.new_window("tab")
        tab, other = page.driver.window_handles
        page.driver.switch_to.window(tab)
        page.driver.close()
        lab.wait_for_silence()
        page.driver.switch_to.window(other)


def test_a_drawn_camera_stops_too_when_its_panel_is_not_seen(lab: Lab) -> None:
    with lab.page([DRAWN], *lab.film(ADA)) as page:
        page.run_all(PATIENCE)
        lab.wait_for_frames("drawn:7")
        wait_for(lambda: light(page) == "drawn:7 is on", PATIENCE, "the light is on")
        page.kernel("interrupt")
        lab.wait_for_silence()
        wait_for(lambda: light(page) == "drawn:7 is off", PATIENCE, "the light goes out")
        page.click("Start")
        lab.wait_for_frames("drawn:7")
        wait_for(lambda: light(page) == "drawn:7 is on", PATIENCE, "the light is on")
        page.driver.get("about:blank")
        lab.wait_for_silence()


@pytest.mark.parametrize(("person", "verdict"), [(ADA, "Ada verified"), (OTHER, "not verified")])
def test_verifies_the_right_person_and_no_other(lab: Lab, person: int, verdict: str) -> None:
    with lab.page([VERIFY], *lab.film(person)) as page:
        page.run_all(3 * PATIENCE)
        page.click("Start")
        wait_for(lambda: verdict in said(page), 3 * PATIENCE, "a verdict")


@pytest.mark.parametrize(
    ("person", "verdict"),
    [("Serena_Williams", "Serena verified"), ("Lindsay_Davenport", "not verified")],
)
def test_verifies_a_real_person_and_no_other(
    lab: Lab, lfw_people: Collection, person: str, verdict: str
) -> None:
    """Three photographs are enrolled; the film shows others, ten frames of each."""
    enrolled, filmed = lab.folder / "enrolled", []
    enrolled.mkdir(exist_ok=True)
    for path in lfw_people.person("Serena_Williams").images[:3]:
        shutil.copy(path, enrolled)
    for path in lfw_people.person(person).images[3:]:
        filmed += 10 * [np.pad(read_image(path), ((115,) * 2, (195,) * 2, (0, 0)))]
    with lab.page([VERIFY_PHOTOGRAPHS], *lab.film_of(person, filmed)) as page:
        page.run_all(3 * PATIENCE)
        page.click("Start")
        wait_for(lambda: verdict in said(page), 3 * PATIENCE, "a verdict")


def test_a_cell_reads_while_it_runs(lab: Lab) -> None:
    with lab.page([READ], *lab.film(ADA)) as page:
        page.run_cell(0)
        page.run_cell(1)
        page.click("Start")
        wait_for(lambda: "(480, 640, 3)" in " ".join(page.texts("pre")), PATIENCE, "a frame")
        assert light(page) == "Browser camera is off"


def test_says_why_there_is_no_camera(lab: Lab) -> None:
    fails = "navigator.mediaDevices.getUserMedia = async () => {throw new DOMException('', '%s')}"
    reasons = {
        fails % "NotReadableError": "in use by another program",
        fails % "NotFoundError": "no camera that the browser can see",
        "delete Navigator.prototype.mediaDevices": "VS Code",
        "Object.defineProperty(window, 'isSecureContext', {value: false})": "https",
    }
    with lab.page([CAPTURE], REFUSED, "--use-fake-device-for-media-stream") as page:
        page.run_all(PATIENCE)
        page.click("Start")
        wait_for(lambda: "the browser refused" in said(page), PATIENCE, "it says refused")
        for script, reason in reasons.items():
            page.driver.execute_script(script)
            page.click("Start")
            wait_for(lambda reason=reason: reason in said(page), PATIENCE, f"it says {reason}")
        lab.wait_for_silence()


def test_no_camera(lab: Lab) -> None:
    none = "--use-fake-device-for-media-stream=device-count=0"
    with lab.page([READ], ALLOWED, none) as page:
        page.run_cell(0)
        page.run_cell(1)
        page.click("Start")
        error = "CameraError: Browser camera: this computer has no camera that the browser can see"
        wait_for(lambda: error in " ".join(page.texts("pre")), PATIENCE, "the cell's error")

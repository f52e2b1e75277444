"""JupyterLab on a folder, and headless Chromium: what the browser tests need."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

TOKEN = "siamlab-test"
CHROMIUM = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1200,1500",
)
# Cells outside the window are not drawn by default, and a dialog asks about news.
SETTINGS: dict[str, dict[str, Any]] = {
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},
    "@jupyterlab/apputils-extension/notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
    },
}


def missing_part() -> str:
    """What is missing to run the tests, or an empty string."""
    if find_chromium() is None:
        return "no Chromium or Chrome is installed"
    if shutil.which("chromedriver") is None:
        return "no chromedriver is installed"
    for package in ("selenium", "jupyterlab"):
        try:
            __import__(package)
        except ImportError:
            return f"{package} is not installed"
    return ""


def find_chromium() -> str | None:
    """The path of the browser."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next((found for found in map(shutil.which, names) if found), None)


def wait_for(what: Callable[[], Any], seconds: float, reason: str) -> Any:
    """Call a function until its answer is true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        answer = what()
        if answer:
            return answer
        time.sleep(0.2)
    raise AssertionError(f"{reason}: not within {seconds:g} seconds")


def write_notebook(path: Path, cells: list[str]) -> None:
    """A notebook of code cells, for this Python."""
    import nbformat

    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(cell.strip()) for cell in cells],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    )
    nbformat.write(notebook, path)


@contextmanager
def jupyter_lab(folder: Path, environment: dict[str, str]) -> Iterator[str]:
    """Serve a folder; yields the address, and ends the server and its kernels."""
    private = folder / ".jupyter"
    for name, values in SETTINGS.items():
        path = private / "settings" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    command = [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
        *("--expose-app-in-browser", "--ip=127.0.0.1", f"--port={port}"),
        *(f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={folder}"),
    ]
    places = {
        "JUPYTER_CONFIG_DIR": str(private / "config"),
        "JUPYTER_RUNTIME_DIR": str(private / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(private / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(private / "workspaces"),
        "IPYTHONDIR": str(private / "ipython"),
    }
    with (private / "log.txt").open("w") as log:
        server = subprocess.Popen(
            command, env={**os.environ, **places, **environment}, stdout=log, stderr=log
        )
        try:
            wait_for(lambda: _answers(f"{address}/api/status?token={TOKEN}"), 60, "JupyterLab")
            yield address
        finally:
            server.terminate()
            try:
                server.wait(15)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=2) as reply:
            return bool(reply.status == 200)
    except OSError:
        return False


@contextmanager
def chromium(
    profile: Path, arguments: Iterable[str] = (), prefs: dict[str, Any] | None = None
) -> Iterator[Any]:
    """A headless browser with a fresh profile."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = find_chromium() or ""
    for argument in (*CHROMIUM, *arguments, f"--user-data-dir={profile}"):
        options.add_argument(argument)
    options.add_experimental_option("prefs", prefs or {})
    service = webdriver.ChromeService(executable_path=shutil.which("chromedriver"))
    driver = webdriver.Chrome(options=options, service=service)
    # A page without focus has no current notebook, and a headless browser gives it none.
    driver.execute_cdp_cmd("Emulation.setFocusEmulationEnabled", {"enabled": True})
    try:
        yield driver
    finally:
        driver.quit()


class Page:
    """One notebook in the browser.

    Args:
        driver: of Selenium.
        address: of the server.
        notebook: file name in the served folder.
    """

    def __init__(self, driver: Any, address: str, notebook: str) -> None:
        self.driver = driver
        driver.get(f"{address}/lab/tree/{notebook}?token={TOKEN}&reset")
        ready = "return !!(window.jupyterapp && document.querySelector('.jp-Notebook .jp-Cell'))"
        wait_for(lambda: driver.execute_script(ready), 60, f"{notebook} opens")
        # The kernel must be there before cells can run.
        idle = (
            "const session = window.jupyterapp.shell.currentWidget?.sessionContext?.session;"
            "return session?.kernel?.status === 'idle'"
        )
        wait_for(lambda: driver.execute_script(idle), 60, "the kernel starts")

    def run_all(self, seconds: float) -> None:
        """Run all cells and wait for the last one; fails when a cell fails."""
        self.driver.execute_script("window.jupyterapp.commands.execute('notebook:run-all-cells')")
        wait_for(self._all_ran, seconds, "all cells run")
        errors = self.texts(".jp-RenderedText[data-mime-type='application/vnd.jupyter.stderr']")
        failed = [text for text in errors if "Traceback" in text]
        failed += self.texts(
            ".jp-OutputArea-output[data-mime-type='application/vnd.jupyter.error']"
        )
        assert not failed, failed

    def _all_ran(self) -> bool:
        prompts = self.texts(".jp-CodeCell .jp-InputPrompt")
        return bool(prompts) and all(text.strip("[]: ").isdigit() for text in prompts)

    def run_cell(self, index: int) -> None:
        """Run one cell; does not wait."""
        self.driver.execute_script(
            "window.jupyterapp.shell.currentWidget.content.activeCellIndex = arguments[0];"
            "window.jupyterapp.commands.execute('notebook:run-cell')",
            index,
        )

    def kernel(self, action: str) -> None:
        """Interrupt or restart the kernel."""
        kernel = "window.jupyterapp.shell.currentWidget.sessionContext.session.kernel"
        self.driver.execute_async_script(f"{kernel}.{action}().then(arguments[0], arguments[0])")

    def texts(self, selector: str) -> list[str]:
        """The texts of all elements that a CSS selector finds."""
        script = "return [...document.querySelectorAll(arguments[0])].map(e => e.textContent)"
        return list(self.driver.execute_script(script, selector))

    def button(self, label: str) -> Any:
        """The widget button whose label starts with this text."""
        path = f"//button[contains(@class, 'jupyter-button')][starts-with(., '{label}')]"

        def shown() -> list[Any]:
            found = self.driver.find_elements("xpath", path)
            return [button for button in found if button.is_displayed()]

        return wait_for(shown, 20, f"button {label}")[0]

    def click(self, label: str) -> None:
        """Click a widget's button."""
        button = self.button(label)
        self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", button)
        button.click()

    def press(self, label: str, key: str) -> None:
        """Press a key while a widget's button has the focus."""
        button = self.button(label)
        self.driver.execute_script("arguments[0].focus()", button)
        button.send_keys(key)

    def attributes(self, selector: str, name: str) -> list[str | None]:
        """An attribute of all elements that a CSS selector finds."""
        script = (
            "return [...document.querySelectorAll(arguments[0])]"
            ".map(e => e.getAttribute(arguments[1]))"
        )
        return list(self.driver.execute_script(script, selector, name))

    def picture_sources(self) -> list[str]:
        """The sources of all image widgets."""
        script = "return [...document.querySelectorAll('img.widget-image')].map(e => e.src)"
        return list(self.driver.execute_script(script))

    def screenshot(self, path: Path) -> Path:
        """Save a screenshot of the page."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self.driver.save_screenshot(str(path))
        return path

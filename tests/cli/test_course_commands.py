"""The commands of the series: no command, ``lab``, and an interrupted ``run``."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest

from siamlab.cli import course_commands, main
from siamlab.course.notebooks import notebook_paths

ROOT = Path(__file__).parents[2]


def test_no_command_is_a_short_help_and_no_error(capsys):
    assert main([]) == 0
    shown = capsys.readouterr()
    assert shown.err == "" and shown.out.startswith("usage: siamlab")
    assert "Begin with: siamlab lab" in shown.out and len(shown.out.splitlines()) < 60


def test_an_option_without_a_command_is_still_wrong(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--all"])
    assert ended.value.code == 2 and "unrecognized arguments: --all" in capsys.readouterr().err


@pytest.fixture
def started(monkeypatch, tmp_path):
    """What JupyterLab would be started with."""
    calls = []

    class Ended:
        def __init__(self, command, env):
            calls.append((command, env))

        def wait(self):
            return 0

    monkeypatch.setattr(course_commands.subprocess, "Popen", Ended)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SIAMLAB_DATA", "my data")
    return calls


def test_lab_opens_copies_and_passes_options_on(started, tmp_path, capsys):
    options = ["--port", "9999", "--ip=0.0.0.0", "--allow-root", "--no-browser"]
    assert main(["lab", *options]) == 0
    (command, environment), folder = started[0], tmp_path / "my data" / "notebooks"
    assert command[1:] == ["-m", "jupyter", "lab", str(folder / "01_setup.ipynb"), *options]
    assert environment["SIAMLAB_DATA"] == str(tmp_path / "my data"), "whatever the kernel's folder"
    names = [path.name for path in notebook_paths()]
    assert sorted(path.name for path in folder.glob("*.ipynb")) == names
    assert (folder / "solutions" / "01_setup_solutions.ipynb").is_file(), "chapters link to it"
    assert capsys.readouterr().out == f"your copies of the notebooks: {folder}\n"
    before = signal.getsignal(signal.SIGINT)
    assert main(["lab"]) == 0 and signal.getsignal(signal.SIGINT) is before


RUN = """
import signal
import sys
from pathlib import Path
from nbclient import NotebookClient
import siamlab.course.runner as runner
from siamlab.cli import main

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
notebook, out, starting = map(Path, sys.argv[1:])
begin = NotebookClient.async_start_new_kernel

async def start(self, **options):
    starting.touch()
    await begin(self, **options)

NotebookClient.async_start_new_kernel = start
runner.notebook_paths = lambda beyond: (notebook,)
sys.exit(main(["run", "--out", str(out)]))
"""


@pytest.mark.skipif(os.name != "posix", reason="another way to press Ctrl-C")
@pytest.mark.parametrize("moment", ["running", "starting"])
def test_ctrl_c_ends_a_run_in_one_line(tmp_path, moment):
    """Both while a cell runs and while its kernel starts."""
    source = f"import time\nopen({str(tmp_path / 'running')!r}, 'w').close()\ntime.sleep(300)"
    path, out = tmp_path / "01_setup.ipynb", tmp_path / "out"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)]), path)
    words = [str(path), str(out), str(tmp_path / "starting")]
    with subprocess.Popen(
        [sys.executable, "-c", RUN, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, start_new_session=True, cwd=ROOT,
    ) as process:  # fmt: skip
        try:
            deadline = time.monotonic() + 120
            while not (tmp_path / moment).exists():
                assert process.poll() is None and time.monotonic() < deadline
                time.sleep(0.02)
            os.killpg(process.pid, signal.SIGINT)
            said = process.communicate(timeout=120)
        finally:
            process.kill()
    assert said == ("", "siamlab: interrupted; nothing half-written was kept.\n")
    assert process.returncode == 130
    assert (out / "notebooks" / path.name).is_file(), "written as far as it came"

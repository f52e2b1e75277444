"""The series of notebooks, run headless: executed notebooks, figures, models and a table."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

from siamlab.capture.who import open_who
from siamlab.config import Profile, Workspace, get_profile, open_workspace, user_path
from siamlab.course.notebooks import notebook_paths
from siamlab.course.results import record_results, results_table
from siamlab.data.negatives import halve_subject
from siamlab.errors import InputError, SiamlabError

_COLOR_CODES = re.compile(r"\x1b\[[0-9;]*m")


def _execute(source: Path, target: Path, environment: dict[str, str], note: Callable) -> None:
    """Run one notebook in a fresh kernel; it is written even when a cell fails."""
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    notebook = nbformat.read(source, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=None,
        kernel_name="python3",
        coalesce_streams=True,
        extra_arguments=["--log-level=ERROR"],  # hides the kernel's own notices
        resources={"metadata": {"path": str(source.parent)}},
        on_cell_executed=note,
    )
    try:
        _run_in_thread(client, {**os.environ, **environment})
    except CellExecutionError as error:
        reason = _COLOR_CODES.sub("", str(error).strip().splitlines()[-1])
        raise SiamlabError(f"{source.name} stopped: {reason} (see {target})") from None
    finally:
        nbformat.write(notebook, target)


def _run_in_thread(client: Any, environment: dict[str, str]) -> None:
    """Run a notebook so that Ctrl-C ends it.

    In the main thread nbclient handles the interrupt itself: it cleans up twice, and says so in
    four tracebacks.
    """
    started = threading.Event()  # nbclient can end a kernel only when it is there
    client.on_notebook_start = lambda **_: started.set()
    with ThreadPoolExecutor(1) as pool:
        # The thread is there first: an interrupt while it starts would leave it, and a kernel.
        pool.submit(started.is_set).result()
        running = pool.submit(lambda: asyncio.run(client.async_execute(env=environment)))
        try:
            while wait([running], timeout=0.5).not_done:
                pass  # an interrupt that comes just before a wait is seen after it
            running.result()
        except KeyboardInterrupt:
            while not running.done():
                if started.is_set():
                    client.km.provisioner.process.kill()
                wait([running], timeout=0.1)
            raise


def run_series(
    out: Path,
    profile: str | None = None,
    lfw: Path | None = None,
    subject: str | None = None,
    model: Path | None = None,
    beyond: bool = False,
    say: Callable[[str], None] = print,
) -> str:
    """Run the notebooks of the series headless.

    Args:
        out: executed notebooks, figures, models and the results go here.
        profile: ``quick`` or ``full``.
        lfw: an archive or folder of LFW; drawn people when ``None``.
        subject: a person of LFW who plays the user; a drawn person when ``None``.
        model: a trained model that notebook 05 takes instead of training one.
        beyond: also run the notebooks that go beyond the series, from 09 on.
        say: receives lines of progress.

    Returns:
        The table of results.

    Raises:
        SiamlabError: a notebook failed, or the input cannot be used.
    """
    out = user_path(out).resolve()
    chosen = get_profile(profile)
    workspace = open_workspace(out / "data", subject or open_who(root=out / "data").person)
    environment = _environment(workspace, chosen, lfw, subject, model)
    # Captures, templates and checkpoints of an earlier run would mix with this one's.
    for folder in (workspace.person_dir, workspace.gallery, workspace.models):
        shutil.rmtree(folder, ignore_errors=True)
    (workspace.root / "results.json").unlink(missing_ok=True)
    workspace.make()
    times = _run_notebooks(notebook_paths(beyond), out / "notebooks", environment, say)
    record_results(workspace, "times", **times)
    shutil.copytree(workspace.figures, out / "figures", dirs_exist_ok=True)
    say(f"\nexecuted notebooks and figures: {out}\n")
    return results_table(workspace)


def _environment(
    workspace: Workspace,
    profile: Profile,
    lfw: Path | None,
    subject: str | None,
    model: Path | None,
) -> dict[str, str]:
    """The environment variables that the notebooks read."""
    environment = {
        "SIAMLAB_PROFILE": profile.name,
        "SIAMLAB_DATA": str(workspace.root),
        "SIAMLAB_PERSON": workspace.person,
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    for name, path in (("SIAMLAB_LFW", lfw), ("SIAMLAB_COMPACT", model)):
        if path is not None:
            if not path.exists():
                raise InputError(f"There is nothing at {path}; check the name.")
            environment[name] = str(path.resolve())
    if lfw is not None and subject is not None:
        capture, probe = halve_subject(lfw, subject, workspace)
        environment |= {"SIAMLAB_CAMERA": str(capture), "SIAMLAB_PROBES": str(probe)}
    return environment


def _run_notebooks(
    paths: Sequence[Path], folder: Path, environment: dict[str, str], say: Callable[[str], None]
) -> dict[str, float]:
    """Run notebooks, with a bar each at a terminal, and return the seconds of each."""
    import nbformat
    from tqdm import tqdm

    folder.mkdir(parents=True, exist_ok=True)
    times = {}
    for path in paths:
        cells = [cell.cell_type for cell in nbformat.read(path, as_version=4).cells]
        began = time.perf_counter()
        with tqdm(total=cells.count("code"), desc=path.stem, unit="cell", disable=None) as bar:
            _execute(path, folder / path.name, environment, lambda **_: bar.update())
        times[path.stem] = round(time.perf_counter() - began, 1)
        if bar.disable:
            say(f"{path.stem}: {times[path.stem]} s")
    return times

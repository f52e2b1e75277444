"""What the notebooks share, and the series run headless.

Comes in: a workspace, a profile, and where people come from (LFW, or nobody: then they are
drawn). Goes out: collections, the split by person, a results file, executed notebooks and the
table that ``siamlab run`` prints.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from siamlab.errors import InputError, SiamlabError
from siamlab.pairs import Split, split_by_name
from siamlab.people import Collection, open_collection
from siamlab.profiles import Profile, Workspace, get_profile, open_workspace
from siamlab.storage import write_whole
from siamlab.synthetic import write_people

if TYPE_CHECKING:
    from siamlab.models import Siamese

NOTEBOOKS = (
    "01_setup",
    "02_webcam_collection",
    "03_preprocessing",
    "04_model",
    "05_training",
    "06_evaluation",
    "07_realtime_verification",
    "08_what_makes_it_work",
)
SPLIT = (0.7, 0.1, 0.2)
# The weights in the package were trained with this one (scripts/pretrain.py).
PRETRAINED_SPLIT = (0.8, 0.1, 0.1)
HALVES_SEED = 2015
DRAWN_SEED = 1
_COLOUR_CODES = re.compile(r"\x1b\[[0-9;]*m")
# The drawn user's seed is far from those of the drawn strangers.
DRAWN_USER = 900_001


def notebook_paths() -> tuple[Path, ...]:
    """The eight notebooks of the checkout.

    Raises:
        InputError: siamlab was installed without them.
    """
    folder = Path(__file__).resolve().parents[1] / "notebooks"
    paths = tuple(folder / f"{name}.ipynb" for name in NOTEBOOKS)
    if not all(path.is_file() for path in paths):
        raise InputError(
            "The notebooks are not here: siamlab was installed without its checkout. Clone the "
            "project and install it with pip install -e ."
        )
    return paths


def find_negatives(workspace: Workspace, profile: Profile) -> Collection:
    """The other people: LFW where it is, drawn people where it is not.

    ``SIAMLAB_LFW`` names an archive or folder; else LFW is taken from the workspace when
    ``siamlab fetch lfw`` put it there; else people are drawn into ``workspace.negative``, once.
    A person of the collection who plays the user is left out.
    """
    given = os.environ.get("SIAMLAB_LFW")
    fetched = workspace.root / "lfw"
    if given:
        found = open_collection(Path(given), cache=workspace.root / "cache")
    elif fetched.is_dir() and any(fetched.iterdir()):
        found = open_collection(fetched)
    else:
        if len(list(workspace.negative.glob("*"))) < profile.drawn_people:
            write_people(
                workspace.negative,
                people=profile.drawn_people,
                images=profile.drawn_images,
                seed=DRAWN_SEED,
            )
        found = open_collection(workspace.negative)
    return found.without([workspace.person]) if workspace.person in found.names else found


def split_negatives(negatives: Collection) -> Split:
    """The split that notebooks 03, 05 and 06 share: by person, from a digest of the name.

    A person's side does not depend on who else is there, so a model trained for one user can
    be judged with another who was not in its training.

    Raises:
        InputError: a part would have fewer than two people.
    """
    return split_by_name(negatives, SPLIT)


def split_unseen(model: Siamese, negatives: Collection) -> Split:
    """A split whose validation and test people the model was not trained on.

    It is that of :func:`split_negatives`, unless its validation people were trained on, as LFW's
    were for the weights in the package: their own split, by the same digests, then chose head and
    thresholds on its validation people, and nothing on its test people.

    Raises:
        InputError: a part would have fewer than two people.
    """
    split = split_negatives(negatives)
    if any(map(model.record.trained_on, split.validation.names)):
        return split_by_name(negatives, PRETRAINED_SPLIT)
    return split


def find_model(workspace: Workspace) -> Path | str:
    """The model to verify with: that of notebook 05 where it is, else ``pretrained``.

    Returns:
        What :func:`siamlab.load_model` takes.
    """
    own = workspace.models / "siamese.keras"
    return own if own.is_file() else "pretrained"


def read_benchmark(name: str, say: Callable[[str], None] = print) -> dict[str, Any] | None:
    """What was measured on LFW and kept in ``benchmarks/NAME.json`` of the checkout.

    Args:
        name: of the script that measures it.
        say: receives the command that measures it, where nothing was kept.

    Returns:
        Plain values, or ``None``.
    """
    path = Path(__file__).resolve().parents[1] / "benchmarks" / f"{name}.json"
    if not path.is_file():
        say(f"Nothing is kept here yet; python benchmarks/{name}.py --lfw PATH measures it.")
        return None
    return dict(json.loads(path.read_text()))


def user_camera(session: int = 1) -> str:
    """What stands before the camera: ``SIAMLAB_CAMERA``, else the drawn user.

    Args:
        session: 1 for the captures, 2 for the probes of another day (``SIAMLAB_PROBES``).

    Returns:
        A source for :func:`siamlab.cameras.open_camera`.
    """
    variable = "SIAMLAB_CAMERA" if session == 1 else "SIAMLAB_PROBES"
    return os.environ.get(variable) or f"drawn:{DRAWN_USER}:{session}"


def frame_step(source: str | int) -> int:
    """How many frames to go on between two captures: neighbouring frames of a film are copies."""
    return 1 if Path(str(source)).is_dir() else 5


def record_results(workspace: Workspace, notebook: str, **values: Any) -> None:
    """Add a notebook's results to ``results.json`` of the workspace."""
    path = workspace.root / "results.json"
    results = read_results(workspace)
    results[notebook] = {**results.get(notebook, {}), **values}
    write_whole(path, lambda temporary: temporary.write_text(json.dumps(results, indent=1)))


def read_results(workspace: Workspace) -> dict[str, Any]:
    """All results so far; empty before the first."""
    path = workspace.root / "results.json"
    return dict(json.loads(path.read_text())) if path.exists() else {}


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3f}"
    return "-" if value is None else str(value)


def format_table(rows: list[dict[str, Any]]) -> str:
    """Rows with equal keys as aligned text."""
    names = list(rows[0])
    cells = [names, *[[_cell(row.get(name)) for name in names] for row in rows]]
    widths = [max(len(line[column]) for line in cells) for column in range(len(names))]
    lines = [
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    ]
    return "\n".join([lines[0], "-" * (sum(widths) + 2 * len(widths) - 2), *lines[1:]])


def results_table(workspace: Workspace) -> str:
    """The table at the end of ``siamlab run``."""
    results = read_results(workspace)
    strangers = results.get("06_evaluation", {}).get("strangers", [])
    user = results.get("07_realtime_verification", {}).get("verdicts", [])
    losses = results.get("08_what_makes_it_work", {}).get("losses", [])
    times = results.get("times", {})
    parts = []
    if strangers:
        parts += ["Pairs of people never seen in training", format_table(strangers), ""]
    if user:
        title = f"Verdicts on probes of {workspace.person} and of impostors"
        parts += [title, format_table(user), ""]
    if losses:
        title = "One small network, equally many steps with each loss, on the same strangers"
        parts += [title, format_table(losses), ""]
    if times:
        total = sum(times.values())
        rows = [{"notebook": name, "seconds": round(value)} for name, value in times.items()]
        parts += [format_table([*rows, {"notebook": "all", "seconds": round(total)}])]
    return "\n".join(parts)


def halve_subject(lfw: Path, subject: str, workspace: Workspace) -> tuple[Path, Path]:
    """Let a person of LFW play the user: half the images before the camera, half as probes.

    Returns:
        Two folders of frames: for the captures, and for the probes.

    Raises:
        InputError: there is no such person, or there are fewer than eight images.
    """
    collection = open_collection(lfw, cache=workspace.root / "cache")
    images = collection.person(subject).images
    if len(images) < 8:
        raise InputError(
            f"{subject} has {len(images)} images; to play the user a person needs at least 8."
        )
    # Mixed before they are halved: neighbouring numbers are often one event.
    order = np.random.default_rng(HALVES_SEED).permutation(len(images))
    folders = (workspace.root / "camera" / "capture", workspace.root / "camera" / "probe")
    for folder, part in zip(folders, np.array_split(order, 2), strict=True):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for number in sorted(part):
            shutil.copy(images[number], folder)
    return folders


def _execute(source: Path, target: Path, environment: dict[str, str], note: Callable) -> None:
    """Run one notebook in a fresh kernel; what ran is written even when a cell fails."""
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    notebook = nbformat.read(source, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=None,
        kernel_name="python3",
        coalesce_streams=True,
        extra_arguments=["--log-level=ERROR"],  # the kernel's own notices are no news here
        resources={"metadata": {"path": str(source.parent)}},
        on_cell_executed=note,
    )
    try:
        client.execute(env={**os.environ, **environment})
    except CellExecutionError as error:
        reason = _COLOUR_CODES.sub("", str(error).strip().splitlines()[-1])
        raise SiamlabError(f"{source.name} stopped: {reason} (see {target})") from None
    finally:
        nbformat.write(notebook, target)


def run_series(
    out: Path,
    profile: str | None = None,
    lfw: Path | None = None,
    subject: str | None = None,
    model: Path | None = None,
    say: Callable[[str], None] = print,
) -> str:
    """Run the eight notebooks headless.

    Args:
        out: executed notebooks, figures, models and the results go here.
        profile: ``quick`` or ``full``.
        lfw: an archive or folder of LFW; drawn people when ``None``.
        subject: a person of LFW who plays the user; a drawn person when ``None``.
        model: a trained model that notebook 05 takes instead of training one.
        say: receives lines of progress.

    Returns:
        The table of results.

    Raises:
        SiamlabError: a notebook failed, or the input cannot be used.
    """
    out = out.expanduser().resolve()
    chosen = get_profile(profile)
    workspace = open_workspace(out / "data", subject or "me")
    environment = _environment(workspace, chosen, lfw, subject, model)
    # A former run's captures, templates and checkpoints would mix with this one's.
    for folder in (workspace.person_dir, workspace.gallery, workspace.models):
        shutil.rmtree(folder, ignore_errors=True)
    (workspace.root / "results.json").unlink(missing_ok=True)
    workspace.make()
    times = _run_notebooks(out / "notebooks", environment)
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
    """What the notebooks read from outside."""
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


def _run_notebooks(folder: Path, environment: dict[str, str]) -> dict[str, float]:
    """Run all notebooks with a progress bar each; seconds by notebook."""
    import nbformat
    from tqdm import tqdm

    folder.mkdir(parents=True, exist_ok=True)
    times = {}
    for path in notebook_paths():
        cells = [cell.cell_type for cell in nbformat.read(path, as_version=4).cells]
        began = time.perf_counter()
        with tqdm(total=cells.count("code"), desc=path.stem, unit="cell") as bar:
            _execute(path, folder / path.name, environment, lambda **_: bar.update())
        times[path.stem] = round(time.perf_counter() - began, 1)
    return times

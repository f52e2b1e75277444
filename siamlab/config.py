"""All sizes (:class:`Profile`) and all folders (:class:`Workspace`) in one place.

They are chosen by arguments, or by the environment variables ``SIAMLAB_PROFILE``,
``SIAMLAB_DATA`` and ``SIAMLAB_PERSON``; who is at the camera is also kept in the workspace.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from siamlab.errors import InputError, MissingStepError

DRAWN_PERSON = "drawn"  # the name of the drawn person who stands in for the user


@dataclass(frozen=True)
class Profile:
    """The sizes of data, networks, training and charts.

    Attributes:
        name: ``quick`` or ``full``.
        drawn_people: number of drawn people, used where LFW is absent.
        drawn_images: images of each drawn person.
        captures: images taken of the user for anchor and for positive, each.
        probes: further images of the user, for evaluation and verification only.
        koch_size: side of the square input of Koch's network, in pixels.
        koch_width: multiple of Koch's channel counts (1.0 is the paper's).
        koch_pairs: training pairs of Koch's network.
        koch_minutes: time limit for the training of Koch's network.
        koch_epochs: upper limit of its epochs.
        compact_size: side of the square input of the compact network, in pixels.
        compact_width: multiple of the compact network's channel counts.
        compact_steps: training steps of the compact network.
        compact_people: people in one of its batches (two images each).
        validation_pairs: pairs for choosing thresholds.
        test_pairs: pairs for reporting.
        chart_sizes: input sides, in pixels, of the charts of input size.
        chart_counts: numbers of training images of the charts of data size.
        chart_steps: training steps behind each point of the charts.
        batch: pairs in a batch of Koch's network.
    """

    name: str
    drawn_people: int
    drawn_images: int
    captures: int
    probes: int
    koch_size: int
    koch_width: float
    koch_pairs: int
    koch_minutes: float
    koch_epochs: int
    compact_size: int
    compact_width: float
    compact_steps: int
    compact_people: int
    validation_pairs: int
    test_pairs: int
    chart_sizes: tuple[int, ...]
    chart_counts: tuple[int, ...]
    chart_steps: int
    batch: int = 16


PROFILES: dict[str, Profile] = {
    "quick": Profile(
        name="quick",
        drawn_people=240,
        drawn_images=8,
        captures=20,
        probes=20,
        koch_size=105,
        koch_width=0.125,
        koch_pairs=640,
        koch_minutes=10.0,  # never reached: a busy machine trains the same network
        koch_epochs=4,
        compact_size=48,
        compact_width=0.5,
        compact_steps=150,
        compact_people=32,
        validation_pairs=400,
        test_pairs=400,
        chart_sizes=(32, 64),
        chart_counts=(128, 512),
        chart_steps=40,
    ),
    "full": Profile(
        name="full",
        drawn_people=1000,
        drawn_images=6,
        captures=26,
        probes=26,
        koch_size=105,
        koch_width=1.0,
        koch_pairs=1600,
        koch_minutes=5.0,
        koch_epochs=4,
        compact_size=72,
        compact_width=1.0,
        compact_steps=3500,
        compact_people=64,
        validation_pairs=1000,
        test_pairs=1000,
        chart_sizes=(32, 48, 72, 105),
        chart_counts=(500, 1000, 2000, 4000),
        chart_steps=160,
    ),
}


def get_profile(name: str | None = None) -> Profile:
    """Look up a profile by name.

    Args:
        name: ``quick`` or ``full``; ``None`` reads ``SIAMLAB_PROFILE`` and defaults to ``quick``.

    Raises:
        InputError: there is no such profile.

    Example:
        >>> import siamlab
        >>> siamlab.get_profile("full").koch_size
        105
    """
    chosen = name or os.environ.get("SIAMLAB_PROFILE") or "quick"
    if chosen not in PROFILES:
        raise InputError(f"No profile is named {chosen!r}; choose one of {', '.join(PROFILES)}.")
    return PROFILES[chosen]


@dataclass(frozen=True)
class Workspace:
    """The folders of one user; nothing is created until :meth:`make`.

    Attributes:
        root: the data folder.
        person: the user in front of the camera.
    """

    root: Path
    person: str = DRAWN_PERSON

    @property
    def drawn(self) -> bool:
        """Whether the person's name is a drawn one's: ``drawn``, ``drawn-7``."""
        return self.person.casefold().split("-")[0] == DRAWN_PERSON

    @property
    def person_dir(self) -> Path:
        """The person's own folder."""
        return self.root / "people" / self.person

    @property
    def anchor(self) -> Path:
        """Anchor images of the person."""
        return self.person_dir / "anchor"

    @property
    def positive(self) -> Path:
        """Positive images of the person."""
        return self.person_dir / "positive"

    @property
    def probes(self) -> Path:
        """Images of the person that are not trained on, for evaluation and verification."""
        return self.person_dir / "probes"

    @property
    def kept_who(self) -> Path:
        """The file that keeps who is at which camera, see :mod:`siamlab.capture.who`."""
        return self.root / "who.json"

    @property
    def negative(self) -> Path:
        """Other people: a collection with one folder per person."""
        return self.root / "negative"

    @property
    def models(self) -> Path:
        """Model files and checkpoints."""
        return self.root / "models"

    @property
    def gallery(self) -> Path:
        """Templates of enrolled people."""
        return self.root / "gallery"

    @property
    def figures(self) -> Path:
        """Figures of the notebooks."""
        return self.root / "figures"

    @property
    def logs(self) -> Path:
        """TensorBoard logs."""
        return self.root / "logs"

    @property
    def folders(self) -> tuple[Path, ...]:
        """The folders that :meth:`make` creates."""
        person = (self.anchor, self.positive, self.probes)
        return (*person, self.negative, self.models, self.gallery, self.figures, self.logs)

    def make(self) -> Workspace:
        """Create the folders that are missing and return the workspace."""
        for folder in self.folders:
            folder.mkdir(parents=True, exist_ok=True)
        return self

    def require(self, path: Path, made_by: str) -> Path:
        """Return ``path`` if it exists and is not empty.

        Raises:
            MissingStepError: it is missing; the message names the notebook that makes it.
        """
        if not path.exists() or (path.is_dir() and not any(path.iterdir())):
            raise MissingStepError(
                f"{path} is missing. Run notebook {made_by} first (same SIAMLAB_DATA)."
            )
        return path


def default_root() -> Path:
    """The default data folder: ``data/workspace`` of the checkout.

    Outside a checkout it is ``siamlab-data`` in the current folder.
    """
    for folder in (Path.cwd(), *Path.cwd().parents):
        if (folder / "notebooks").is_dir() and (folder / "siamlab").is_dir():
            return folder / "data" / "workspace"
    return Path.cwd() / "siamlab-data"


def open_workspace(root: Path | str | None = None, person: str | None = None) -> Workspace:
    """Choose the workspace; nothing is created.

    Args:
        root: the data folder; ``None`` reads ``SIAMLAB_DATA``, then :func:`default_root`.
        person: the user's folder name; ``None`` reads ``SIAMLAB_PERSON``, then what notebook 02
            kept in the workspace, then takes ``drawn``.

    Raises:
        InputError: ``person`` cannot be a folder name, or the data folder is no folder.

    Example:
        >>> import siamlab
        >>> workspace = siamlab.open_workspace("work", person="Ada")
        >>> workspace.anchor.relative_to(workspace.root).as_posix()
        'people/Ada/anchor'
    """
    chosen = Path(os.path.realpath(user_path(root) if root else _data_folder()))
    name = person or os.environ.get("SIAMLAB_PERSON") or read_who(chosen).get("person")
    name = name or DRAWN_PERSON
    if name in {".", ".."} or "/" in name or "\\" in name:
        raise InputError(f"{name!r} cannot be a person's folder name; leave out slashes.")
    # Not pathlib, which raises where a folder cannot be entered; another place says so.
    if os.path.lexists(chosen) and not os.path.isdir(chosen):  # noqa: PTH112
        raise InputError(f"The data folder {chosen} is no folder; set SIAMLAB_DATA to one.")
    return Workspace(chosen, name)


def read_who(root: Path) -> dict[str, str]:
    """Person and camera as kept in the workspace; empty where nobody was chosen.

    Raises:
        InputError: the file is damaged.
    """
    path = Workspace(root).kept_who
    try:
        kept = dict(json.loads(path.read_text("utf-8")))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError, TypeError) as error:
        raise InputError(
            f"{path} does not say who is at the camera: {error}. Remove it and choose again in "
            "notebook 02."
        ) from None
    return {str(name): str(value) for name, value in kept.items()}


def default_cache() -> Path:
    """The folder for unpacked archives and downloads: ``cache`` in the data folder."""
    return _data_folder() / "cache"


def _data_folder() -> Path:
    return user_path(os.environ.get("SIAMLAB_DATA") or default_root())


def user_path(path: Path | str) -> Path:
    """A path that may begin with ``~``, the user's home folder.

    Raises:
        InputError: there is no such user, or no home folder.

    Example:
        >>> from siamlab.config import user_path
        >>> user_path("a/b").as_posix()
        'a/b'
    """
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise InputError(f"{path} begins with the home folder of a user who has none.") from None

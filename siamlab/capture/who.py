"""Who is at which camera, chosen once for the whole series of notebooks.

A person and a camera belong together: drawn people are kept in ``people/drawn``, a real person
under their own name. The choice is kept in the workspace (``who.json``, which only its owner can
read), so that all notebooks look at the same person through the same camera.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from siamlab.capture.cameras.subject import subject_of
from siamlab.config import DRAWN_PERSON, Workspace, open_workspace, read_who, user_path
from siamlab.data.collections import Collection
from siamlab.errors import InputError
from siamlab.gallery.captures import Captures, FolderCaptures, require_captures
from siamlab.gallery.consent import DRAWN, PUBLIC
from siamlab.system.files import write_text

# Far from the seeds of the drawn strangers.
DRAWN_USER = 900_001
REAL_PERSON = "me"  # whoever is at a real camera and gives no name


@dataclass(frozen=True)
class Who:
    """A person and a camera.

    Attributes:
        workspace: of this person.
        camera: for captures and for the live panel: what ``open_camera`` takes.
        probe_camera: the same person on another day.
        subject: ``drawn``, ``public`` or ``real``.
    """

    workspace: Workspace
    camera: str
    probe_camera: str
    subject: str

    @property
    def person(self) -> str:
        """The person's name in the workspace."""
        return self.workspace.person

    @property
    def domain(self) -> str:
        """What the person's images are to a model: ``photographs`` or ``drawings``."""
        return "drawings" if self.subject == DRAWN else "photographs"

    def __str__(self) -> str:
        kind = "a published person" if self.subject == PUBLIC else f"a {self.subject} person"
        return f"{self.person} at camera {self.camera}: {kind}"

    def compare(self, people: Collection) -> str:
        """A sentence on other people: whether they are of the same kind as this person."""
        if people.domain == self.domain:
            return f"other people: {people.domain}, as those of {self.person}"
        return (
            f"MIXED: the images of {self.person} are {self.domain}, those of other people "
            f"{people.domain}. A network learns that difference first, and rates promise too much: "
            "siamlab fetch lfw brings photographs, PERSON = 'drawn' in notebook 02 a drawn person."
        )

    def captures(self, *kinds: str) -> Captures:
        """The person's captured images.

        Args:
            kinds: there must be some of each of these.

        Raises:
            MissingStepError: there are none of a kind.
            InputError: they are images of another kind of person than the camera shows.
        """
        found = require_captures(self.workspace, "02_webcam_collection", *kinds)
        if isinstance(found, FolderCaptures) and any(found.counts().values()):
            kind = found.agreement or "plain"
            if kind != self.subject:
                raise InputError(
                    f"{self.workspace.person_dir} holds {kind} images, and camera {self.camera} "
                    f"shows a {self.subject} person: they are not mixed. Choose another PERSON in "
                    "notebook 02, or remove the folder."
                )
        return found


def open_who(
    person: str | None = None,
    camera: int | str | Path | None = None,
    root: Path | str | None = None,
) -> Who:
    """Choose who is at which camera, or go on with who was chosen before.

    Args:
        person: a name, ``drawn`` for the drawn person; ``None`` goes on with the person kept in
            the workspace, where that fits the camera. A real person without a name is ``me``.
        camera: what ``open_camera`` takes; ``drawn`` is the drawn person. ``None`` goes on with
            the camera kept, at first the drawn one.
        root: the data folder, see :func:`siamlab.config.open_workspace`.

    Returns:
        Both; kept in the workspace if a person or a camera was given. ``SIAMLAB_PERSON``,
        ``SIAMLAB_CAMERA`` and ``SIAMLAB_PROBES`` go before what is kept.

    Raises:
        InputError: the camera shows another kind of person than the name is for, or an environment
            variable says something else.

    Example:
        >>> from siamlab.capture.who import open_who
        >>> print(open_who())
        drawn at camera drawn:900001:1: a drawn person
    """
    folder = open_workspace(root, DRAWN_PERSON).root
    kept = read_who(folder)
    told = _told(person, "SIAMLAB_PERSON", "PERSON"), _told(camera, "SIAMLAB_CAMERA", "CAMERA")
    source = _camera_name(told[1] or _kept_camera(told[0], kept))
    name = told[0] or kept.get("person", "")
    if not told[0] and not _fits(name, source):
        name = _usual_name(source)
    who = _together(open_workspace(folder, name), source)
    if person is not None or camera is not None:
        _keep(who)
    return who


def frame_step(source: str | int) -> int:
    """Use one frame in so many for captures: neighboring frames of a film are nearly equal."""
    return 1 if Path(str(source)).is_dir() else 5


def _told(given: int | str | Path | None, variable: str, name: str) -> str:
    """What a cell or an environment variable says; the next notebook knows only the variable."""
    outside = os.environ.get(variable, "")
    if given is None:
        return outside
    if outside and str(given) != outside:
        raise InputError(
            f"{name} is {str(given)!r} here and {variable} is {outside!r}, which all notebooks "
            f"follow: leave {name} out, or start JupyterLab without the variable."
        )
    return str(given)


def _kept_camera(person: str, kept: dict[str, str]) -> str:
    """The camera kept, unless this person cannot be before it."""
    camera = kept.get("camera", DRAWN)
    return camera if not person or _fits(person, camera) else DRAWN


def _camera_name(source: str) -> str:
    """One name for one camera, wherever a notebook is run from."""
    if source == DRAWN:
        return f"{DRAWN}:{DRAWN_USER}:1"
    if source.startswith(f"{DRAWN}:") and source.count(":") == 1:
        return f"{source}:1"
    path = user_path(source)
    # Not pathlib, which raises where a folder cannot be entered; the camera says so.
    there = not source.isdecimal() and os.path.exists(path)  # noqa: PTH110
    return os.path.realpath(path) if there else source


def _usual_name(source: str) -> str:
    """The name of who is before this camera, where none was given."""
    if subject_of(source) != DRAWN:
        return REAL_PERSON
    drawn = source.split(":")[1] if source.startswith(f"{DRAWN}:") else Path(source).name
    return DRAWN_PERSON if drawn == str(DRAWN_USER) else f"{DRAWN_PERSON}-{drawn}"


def _fits(person: str, source: str) -> bool:
    """Whether this name is for the kind of person that the camera shows."""
    source = _camera_name(source)
    if subject_of(source) == DRAWN:
        return person == _usual_name(source)
    return bool(person) and not Workspace(Path(), person).drawn


def _together(workspace: Workspace, source: str) -> Who:
    subject = subject_of(source)
    if not _fits(workspace.person, source):
        if subject == DRAWN:
            raise InputError(
                f"{workspace.person!r} is not a drawn person, and camera {source} draws one: give "
                "CAMERA too (0 is the first webcam), or leave PERSON out."
            )
        raise InputError(
            f"{workspace.person!r} is a drawn person, and camera {source} shows a real one: give "
            "the name of who is before it as PERSON, or leave CAMERA out."
        )
    probes = os.environ.get("SIAMLAB_PROBES") or _another_day(source)
    if subject_of(probes) != subject:
        raise InputError(
            f"SIAMLAB_PROBES is {probes!r} and shows a {subject_of(probes)} person, camera "
            f"{source} a {subject} one: probes show the same person."
        )
    return Who(workspace, source, probes, subject)


def _another_day(source: str) -> str:
    """A drawn person looks different on another day; a real one by themselves."""
    return f"{source.rpartition(':')[0]}:2" if source.startswith(f"{DRAWN}:") else source


def _keep(who: Who) -> None:
    text = json.dumps({"person": who.person, "camera": who.camera})
    write_text(who.workspace.kept_who, text + "\n", private=True)  # it names a person

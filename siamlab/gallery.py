"""Enrolled people and their templates: one file each, kept safe.

Comes in: a person's name and the embeddings of their images. Goes out: the same, read back and
checked. Templates are biometric data: files are readable by their owner only, and erasing a
person leaves nothing of them in the folder.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from siamlab.errors import InputError, ModelError, NotEnrolledError, StorageError
from siamlab.storage import storage_errors


@dataclass(frozen=True, eq=False)
class Enrolment:
    """One enrolled person.

    Attributes:
        person: name, any characters.
        templates: float32 ``(N, dimensions)``, one embedding for each image.
        sources: where each template came from (file names, or "frame 3").
        model_id: the model that made the templates; no other can read them.
        enrolled: time of enrolment, ISO 8601 in UTC.
    """

    person: str
    templates: np.ndarray
    sources: tuple[str, ...]
    model_id: str
    enrolled: str

    def __len__(self) -> int:
        return len(self.templates)

    def __repr__(self) -> str:
        # Without the time, so that notebooks show the same in every run.
        count, dimensions = self.templates.shape
        return f"Enrolment({self.person!r}, {count} templates of {dimensions} numbers)"


def person_key(person: str) -> str:
    """A file name for a person: readable where it can be, different for every name.

    Args:
        person: any name. Letters typed as one code point or as letter and accent are one name.

    Returns:
        ASCII letters, digits, ``_`` and ``-``, at most 57 characters; no name gives a path.

    Raises:
        InputError: the name is empty.
    """
    name = unicodedata.normalize("NFC", person)
    if not name.strip():
        raise InputError("A person needs a name; received an empty one.")
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"{re.sub(r'[^A-Za-z0-9]+', '_', name)[:40]}-{digest}"


class Gallery:
    """A folder with one ``.npz`` file for each enrolled person.

    Files are written beside their place and moved there, so a process killed in the middle
    leaves the former templates or the new ones, never half of them.

    Args:
        folder: created at the first enrolment.

    Example:
        ```python
        gallery = Gallery("data/workspace/gallery")
        gallery.enrol("Ada", templates, model.model_id)
        gallery.get("Ada", model.model_id).templates
        ```
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)

    def __repr__(self) -> str:
        return f"Gallery({len(self.people())} people)"

    def __contains__(self, person: str) -> bool:
        return self.path(person).is_file()

    def path(self, person: str) -> Path:
        """The file that holds, or would hold, a person's templates."""
        return self.folder / f"{person_key(person)}.npz"

    def enrol(
        self, person: str, templates: np.ndarray, model_id: str, sources: Sequence[str] = ()
    ) -> Enrolment:
        """Store a person's templates in place of any former ones.

        Args:
            person: name, any characters.
            templates: float ``(N, dimensions)``, N at least 1, all finite.
            model_id: ``model.model_id`` of the model that made them.
            sources: a word on each template's origin; numbers are used when left out.

        Returns:
            What was stored.

        Raises:
            InputError: the templates have another form, or there are more or fewer sources.
            StorageError: the file cannot be written; the former one is untouched.
        """
        checked = _checked_templates(templates)
        names = tuple(sources) or tuple(f"image {i + 1}" for i in range(len(checked)))
        if len(names) != len(checked):
            raise InputError(f"{len(checked)} templates have {len(names)} sources; give one each.")
        enrolled = datetime.now(UTC).isoformat(timespec="seconds")
        enrolment = Enrolment(person, checked, names, model_id, enrolled)
        self._write(enrolment)
        return enrolment

    def get(self, person: str, model_id: str | None = None) -> Enrolment:
        """Read a person's templates.

        Args:
            person: name as enrolled.
            model_id: the model that will use them; ``None`` does not check.

        Raises:
            NotEnrolledError: there is no such person.
            ModelError: another model made the templates.
            StorageError: the file is damaged; the message names it.
        """
        path = self.path(person)
        if not path.is_file():
            raise NotEnrolledError(f"{person!r} is not enrolled. {self._who_is()}")
        enrolment = _read(path)
        if model_id is not None and enrolment.model_id != model_id:
            raise ModelError(
                f"{person!r} was enrolled with another model ({enrolment.model_id}, now "
                f"{model_id}); enrol again with this one."
            )
        return enrolment

    def people(self) -> tuple[str, ...]:
        """Names of everyone who can be read, sorted; :meth:`damaged` lists the other files."""
        return tuple(sorted(e.person for e in map(_read_or_none, self._files()) if e is not None))

    def damaged(self) -> tuple[Path, ...]:
        """Files that cannot be read: truncated, overwritten, or not templates at all."""
        return tuple(path for path in self._files() if _read_or_none(path) is None)

    def erase(self, person: str) -> None:
        """Remove everything about a person, left-overs of killed processes included.

        Raises:
            NotEnrolledError: there was nothing.
            StorageError: the files cannot be removed.
        """
        found = [*self._leftovers(person), *([self.path(person)] if person in self else [])]
        if not found:
            raise NotEnrolledError(f"{person!r} is not enrolled. {self._who_is()}")
        try:
            for path in found:
                path.unlink(missing_ok=True)
        except OSError as error:
            raise StorageError(f"Cannot erase {person!r}: {error}") from error

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob("[!.]*.npz")) if self.folder.is_dir() else []

    def _leftovers(self, person: str) -> list[Path]:
        if not self.folder.is_dir():
            return []
        return sorted(self.folder.glob(f".{person_key(person)}.*.tmp"))

    def _who_is(self) -> str:
        people = self.people()
        if not people:
            return "Nobody is yet; enrol first."
        shown = ", ".join(people[:5]) + (", …" if len(people) > 5 else "")
        return f"Enrolled: {shown}."

    def _write(self, enrolment: Enrolment) -> None:
        path = self.path(enrolment.person)
        with storage_errors(path):
            self.folder.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(prefix=f".{path.stem}.", suffix=".tmp", dir=self.folder)
            temporary = Path(name)
            try:
                with os.fdopen(handle, "wb") as file:
                    np.savez(file, templates=enrolment.templates, about=_about(enrolment))
                    file.flush()
                    os.fsync(file.fileno())
                temporary.replace(path)
            finally:
                temporary.unlink(missing_ok=True)


def _about(enrolment: Enrolment) -> np.ndarray:
    # JSON as bytes: needs no pickle, and keeps characters that numpy's strings would lose.
    fields: dict[str, Any] = {
        "person": enrolment.person,
        "sources": enrolment.sources,
        "model_id": enrolment.model_id,
        "enrolled": enrolment.enrolled,
    }
    return np.frombuffer(json.dumps(fields).encode("ascii"), np.uint8)


def _checked_templates(templates: np.ndarray) -> np.ndarray:
    array = np.asarray(templates)
    if array.ndim != 2 or 0 in array.shape or array.dtype.kind != "f":
        raise InputError(
            "Templates are floats of shape (N, dimensions) with N at least 1. "
            f"Received: {array.dtype} {array.shape}."
        )
    if not np.isfinite(array).all():
        raise InputError("Templates hold numbers that are not finite; check the model.")
    copy = np.array(array, np.float32)
    copy.flags.writeable = False
    return copy


def _read(path: Path) -> Enrolment:
    try:
        # Opened here: numpy leaves a file open when it turns out to be damaged.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            about = json.loads(archive["about"].tobytes())
            return Enrolment(
                str(about["person"]),
                _checked_templates(archive["templates"]),
                tuple(map(str, about["sources"])),
                str(about["model_id"]),
                str(about["enrolled"]),
            )
    except Exception as error:  # zipfile and numpy raise a dozen kinds for damaged files
        raise StorageError(
            f"{path} cannot be read as templates (truncated, or not written by siamlab). "
            "Enrol this person again, or remove the file."
        ) from error


def _read_or_none(path: Path) -> Enrolment | None:
    try:
        return _read(path)
    except StorageError:
        return None

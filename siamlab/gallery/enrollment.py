"""One enrolled person, and the ``.npz`` file of their templates."""

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

from siamlab.errors import InputError, StorageError

_ABOUT = ("person", "sources", "model_id", "enrolled")  # of an enrollment, beside the templates


@dataclass(frozen=True, eq=False)
class Enrollment:
    """One enrolled person.

    Attributes:
        person: name, any characters.
        templates: float32 ``(N, dimensions)``, one embedding for each image.
        sources: where each template came from (file names, or "frame 3").
        model_id: the model that made the templates; no other can compare them.
        enrolled: time of enrollment, ISO 8601 in UTC.
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
        return f"Enrollment({self.person!r}, {count} templates of {dimensions} numbers)"


def person_key(person: str) -> str:
    """A file name for a person: the readable part of the name, and a digest of all of it.

    Args:
        person: any name, in any Unicode normalization.

    Returns:
        ASCII letters, digits, ``_`` and ``-``, at most 57 characters, different for every name.

    Raises:
        InputError: the name is empty.
    """
    name = unicodedata.normalize("NFC", person)
    if not name.strip():
        raise InputError("A person needs a name; received an empty one.")
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"{re.sub(r'[^A-Za-z0-9]+', '_', name)[:40]}-{digest}"


def new_enrollment(
    person: str, templates: np.ndarray, model_id: str, sources: Sequence[str] = ()
) -> Enrollment:
    """Check and date what :meth:`Gallery.enroll <siamlab.gallery.store.Gallery.enroll>` stores."""
    checked = _checked_templates(templates)
    names = tuple(sources) or tuple(f"image {i + 1}" for i in range(len(checked)))
    if len(names) != len(checked):
        raise InputError(f"{len(checked)} templates have {len(names)} sources; give one each.")
    enrolled = datetime.now(UTC).isoformat(timespec="seconds")
    return Enrollment(person, checked, names, model_id, enrolled)


def write_temporary(enrollment: Enrollment, path: Path, durable: bool = True) -> Path:
    """Write an enrollment to a hidden file beside ``path``, readable by its owner only.

    Args:
        enrollment: what to write.
        path: where the caller will move the file.
        durable: wait until it is on the disk.

    Returns:
        The hidden file.

    Raises:
        OSError: it cannot be written; no file is left.
    """
    handle, name = tempfile.mkstemp(prefix=f".{path.stem}.", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            about = {name: getattr(enrollment, name) for name in _ABOUT}
            np.savez(file, templates=enrollment.templates, about=json_bytes(about))
            if durable:
                file.flush()
                os.fsync(file.fileno())
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return Path(name)


def read_enrollment(path: Path) -> Enrollment:
    """Read a person's file.

    Raises:
        StorageError: it is damaged, or not written by siamlab; the message names it.
    """
    try:
        # Opened here, because numpy does not close a damaged file.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            about = json.loads(archive["about"].tobytes())
            return Enrollment(
                str(about["person"]),
                _checked_templates(archive["templates"]),
                tuple(map(str, about["sources"])),
                str(about["model_id"]),
                str(about["enrolled"]),
            )
    except Exception as error:  # zipfile and numpy raise many kinds for damaged files
        raise StorageError(
            f"{path} cannot be read as templates (truncated, or not written by siamlab). "
            "Enroll this person again, or remove the file."
        ) from error


def json_bytes(fields: dict[str, Any]) -> np.ndarray:
    """JSON as bytes: no pickle, and characters stay that numpy's strings would lose."""
    return np.frombuffer(json.dumps(fields).encode("ascii"), np.uint8)


def _checked_templates(templates: np.ndarray) -> np.ndarray:
    array = np.asarray(templates)
    if array.ndim != 2 or 0 in array.shape or array.dtype.kind != "f":
        raise InputError(
            "Templates are floats of shape (N, dimensions) with N at least 1. "
            f"Received: {array.dtype} {array.shape}."
        )
    if not np.isfinite(array).all():
        raise InputError("Templates have values that are not finite; check the model.")
    copy = np.array(array, np.float32)
    copy.flags.writeable = False
    return copy

"""One person's templates of one model, and the record that holds them."""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from siamlab.errors import InputError, StorageError

_HEAD = struct.Struct("<II")  # where the numbers begin, and how many a template has


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


def new_enrollment(
    person: str, templates: np.ndarray, model_id: str, sources: Sequence[str] = ()
) -> Enrollment:
    """Check and date what :meth:`Gallery.enroll <siamlab.gallery.store.Gallery.enroll>` stores."""
    checked = check_templates(templates)
    names = tuple(sources) or tuple(f"image {i + 1}" for i in range(len(checked)))
    if len(names) != len(checked):
        raise InputError(f"{len(checked)} templates have {len(names)} sources; give one each.")
    enrolled = datetime.now(UTC).isoformat(timespec="seconds")
    return Enrollment(person, checked, names, model_id, enrolled)


def to_record(enrollment: Enrollment) -> bytes:
    """The bytes that a vault seals: a header in JSON, then the templates."""
    header = json.dumps(
        {
            "shape": enrollment.templates.shape,
            "sources": enrollment.sources,
            "enrolled": enrollment.enrolled,
        }
    ).encode()
    numbers = np.ascontiguousarray(enrollment.templates, "<f4").tobytes()
    head = _HEAD.pack(_HEAD.size + len(header), enrollment.templates.shape[1])
    return head + header + numbers


def from_record(person: str, model_id: str, content: bytes) -> Enrollment:
    """What :func:`to_record` wrote.

    Raises:
        StorageError: it is no such record.
    """
    try:
        start, _ = _HEAD.unpack_from(content)
        header = json.loads(content[_HEAD.size : start])
        templates = np.frombuffer(content, "<f4", offset=start).reshape(header["shape"])
        sources = tuple(map(str, header["sources"]))
        enrolled = str(header["enrolled"])
    except (ValueError, KeyError, TypeError, struct.error) as error:
        raise StorageError(f"The templates of {person!r} cannot be read: {error}.") from None
    return Enrollment(person, check_templates(templates), sources, model_id, enrolled)


def record_layout(content: bytes) -> tuple[int, int]:
    """Where the numbers begin in a record, and how many each template has."""
    start, size = _HEAD.unpack_from(content)
    return start, size


def check_templates(templates: np.ndarray) -> np.ndarray:
    """A read-only float32 copy.

    Raises:
        InputError: not ``(N, dimensions)`` floats with N at least 1, or not all finite.
    """
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

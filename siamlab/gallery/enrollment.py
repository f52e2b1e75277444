"""One person's templates of one model, and the record that holds them."""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

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
        enrolled: time of the last enrollment, ISO 8601 in UTC.
        digests: of each template's image (:func:`siamlab.images.digest.pixel_digest`), or empty
            where none is known.
        added: how many of the templates are new, where :meth:`Gallery.enroll
            <siamlab.gallery.store.Gallery.enroll>` gave this; as the next two.
        replaced: how many templates went for them.
        repeated: sources of images that had a template already and got no second one.
        unlike: sources of new images that match no other image of the person, where
            :meth:`Verifier.enroll <siamlab.verification.verifier.Verifier.enroll>` gave this.
    """

    person: str
    templates: np.ndarray
    sources: tuple[str, ...]
    model_id: str
    enrolled: str
    digests: tuple[str, ...]
    added: int = 0
    replaced: int = 0
    repeated: tuple[str, ...] = ()
    unlike: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.templates)

    def __repr__(self) -> str:
        # Without the time, so that notebooks show the same in every run.
        count, dimensions = self.templates.shape
        again = f"; not stored twice: {', '.join(self.repeated)}" if self.repeated else ""
        return f"Enrollment({self.person!r}, {count} templates of {dimensions} numbers{again})"


def new_enrollment(
    person: str,
    templates: np.ndarray,
    model_id: str,
    sources: Sequence[str] = (),
    digests: Sequence[str] = (),
) -> Enrollment:
    """Check and date what :meth:`Gallery.enroll <siamlab.gallery.store.Gallery.enroll>` gets."""
    checked = check_templates(templates)
    count = len(checked)
    names = tuple(sources) or tuple(f"image {i + 1}" for i in range(count))
    known = tuple(digests) or ("",) * count
    for given, what in ((names, "sources"), (known, "digests")):
        if len(given) != count:
            raise InputError(f"{count} templates have {len(given)} {what}; give one each.")
    enrolled = datetime.now(UTC).isoformat(timespec="seconds")
    return Enrollment(person, checked, names, model_id, enrolled, known)


def add_templates(former: Enrollment | None, new: Enrollment) -> Enrollment:
    """The templates of an earlier enrollment and those of new images behind them.

    Args:
        former: of the same person and model; ``None`` where there is none.
        new: an image that has a template already, here or in ``former``, is left out.

    Raises:
        InputError: the templates have other sizes.
    """
    size = new.templates.shape[1]
    if former is not None and former.templates.shape[1] != size:
        raise InputError(
            f"The templates of {new.person!r} have {former.templates.shape[1]} numbers, the new "
            f"ones {size}: another model made them, or replace=True is meant."
        )
    seen = set() if former is None else set(former.digests)
    fresh, repeated = [], []
    for place, (digest, source) in enumerate(zip(new.digests, new.sources, strict=True)):
        if digest and digest in seen:
            repeated.append(source)
        else:
            fresh.append(place)
        seen.add(digest)
    kept = () if former is None else (former,)
    return Enrollment(
        new.person,
        check_templates(np.vstack([*(one.templates for one in kept), new.templates[fresh]])),
        (*(name for one in kept for name in one.sources), *(new.sources[i] for i in fresh)),
        new.model_id,
        new.enrolled,
        (*(digest for one in kept for digest in one.digests), *(new.digests[i] for i in fresh)),
        added=len(fresh),
        repeated=tuple(repeated),
    )


def to_record(enrollment: Enrollment) -> bytes:
    """The bytes that a vault seals: a header in JSON, then the templates."""
    about: dict[str, Any] = {
        "shape": enrollment.templates.shape,
        "sources": enrollment.sources,
        "enrolled": enrollment.enrolled,
    }
    if any(enrollment.digests):
        about["digests"] = enrollment.digests
    header = json.dumps(about).encode()
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
        digests = tuple(map(str, header.get("digests", ("",) * len(templates))))
    except (ValueError, KeyError, TypeError, struct.error) as error:
        raise StorageError(f"The templates of {person!r} cannot be read: {error}.") from None
    return Enrollment(person, check_templates(templates), sources, model_id, enrolled, digests)


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

"""Who is in front of a camera: a drawn person, one of a published collection, or a real one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from siamlab.data.collections import DRAWN_MARK, PUBLIC_MARK
from siamlab.gallery.consent import DRAWN, EXEMPT, PUBLIC, REAL


def subject_of(source: Any) -> str:
    """Whose face a camera shows, which decides whether consent is needed.

    Args:
        source: a camera, a reader of one, or what
            :func:`~siamlab.capture.cameras.open_camera` takes.

    Returns:
        ``drawn``, ``public``, or ``real``: whatever is not known to be one of the others.

    Example:
        >>> subject_of("drawn:7"), subject_of(0)
        ('drawn', 'real')
    """
    source = getattr(source, "source", source)  # of a reader
    told = getattr(source, "subject", None)
    if told is not None:
        return str(told) if told in EXEMPT else REAL
    if isinstance(source, str) and (source == "drawn" or source.startswith("drawn:")):
        return DRAWN
    if not isinstance(source, str | Path) or str(source).isdecimal():
        return REAL
    folder = Path(source)
    if any((one / DRAWN_MARK).is_file() for one in (folder, *folder.parents[:2])):
        return DRAWN
    return PUBLIC if (folder / PUBLIC_MARK).is_file() else REAL

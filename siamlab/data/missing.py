"""What to say of images that a file of pairs names and that do not exist."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from siamlab.errors import InputError

SHOWN = 5


def nearest(wanted: str, there: Iterable[str]) -> str:
    """The name that is most like the one wanted; empty if there is none at all.

    Example:
        >>> from siamlab.data.missing import nearest
        >>> nearest("Ada/1.jpg", ["Ada/1.jpeg", "Bo/1.jpg"])
        'Ada/1.jpeg'
    """
    return next(iter(difflib.get_close_matches(wanted, list(there), n=1, cutoff=0.0)), "")


def missing_images(
    path: Path | str, root: Path | str, missing: Sequence[str], hint: Callable[[str], str]
) -> InputError:
    """The error that names missing images and what exists instead, in one line.

    Args:
        path: the file of pairs.
        root: where the images were looked for.
        missing: their names, as they were looked for; repeated ones count once.
        hint: a name to what is nearest to it, such as ``nearest: Ada/1.jpeg``, or nothing.
    """
    names = list(dict.fromkeys(missing))
    hints = {name: hint(name) for name in names[:SHOWN]}
    shown = (f"{name} ({text})" if text else name for name, text in hints.items())
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    what = f"{len(names)} images of {path} are" if len(names) > 1 else f"An image of {path} is"
    return InputError(f"{what} missing in {root}: {', '.join(shown)}{more}.")
